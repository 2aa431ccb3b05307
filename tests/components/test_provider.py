from urllib.parse import parse_qs, urlsplit

import pytest

from components.libvirt.provider import provider, uri
from tests.components.engine import run
from tests.components.site import stack


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/owner")


def test_the_uri_names_key_and_known_hosts_in_full() -> None:
    assert uri(stack().host) == (
        "qemu+ssh://root@192.168.1.10:2200/system"
        "?keyfile=/home/owner/.ssh/id&sshauth=privkey&knownhosts=/home/owner/.ssh/known"
    )


def test_nothing_in_a_path_can_add_a_parameter() -> None:
    odd = stack().host.model_copy(update={"known_hosts": "/etc/known&no_verify=1 #?"})
    found = parse_qs(urlsplit(uri(odd)).query, strict_parsing=True)
    assert found == {
        "keyfile": ["/home/owner/.ssh/id"], "sshauth": ["privkey"], "knownhosts": ["/etc/known&no_verify=1 #?"],
    }  # fmt: skip


def test_on_the_host_itself_the_local_socket_is_used() -> None:
    assert uri(stack().host.model_copy(update={"address": "local"})) == "qemu:///system"


def test_the_provider_is_registered_with_that_uri() -> None:
    engine = run(lambda: provider("libvirt", stack().host) and None)
    (made,) = engine.of("pulumi:providers:libvirt").values()
    assert made.inputs["uri"] == uri(stack().host)
