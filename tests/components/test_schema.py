"""Every input that the program sends is a property that the provider knows: others it drops without a word."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias, get_args

import pulumi_libvirt
import pytest
from pulumi import _types

from tests.components import machines
from tests.components.engine import CLOUD_INIT, DOMAIN, NETWORK, POOL, VOLUME
from tests.program.main import run_main

Kind: TypeAlias = Any
"""A type annotation of the SDK's."""
ARGUMENTS = {
    NETWORK: pulumi_libvirt.NetworkArgs,
    POOL: pulumi_libvirt.PoolArgs,
    VOLUME: pulumi_libvirt.VolumeArgs,
    CLOUD_INIT: pulumi_libvirt.CloudInitDiskArgs,
    DOMAIN: pulumi_libvirt.DomainArgs,
}


def unknown(value: object, kind: Kind, where: str) -> Iterator[str]:
    """Paths of all keys that the SDK's argument class does not have."""
    if isinstance(value, list):
        inner = next((a for a in (get_args(get_args(kind)[0]) or get_args(kind)) if _types.is_input_type(a)), None)
        for index, item in enumerate(value):
            yield from unknown(item, inner, f"{where}[{index}]")
    elif isinstance(value, Mapping):
        known = _types.input_type_types(kind)
        for key, item in value.items():
            if key in known:
                yield from unknown(item, known[key], f"{where}.{key}")
            else:
                yield f"{where}.{key}"


@pytest.mark.parametrize("token", ARGUMENTS)
def test_every_input_is_known_to_the_sdk(token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run_main("dell", machines.config(machines.furnish(tmp_path, monkeypatch))).of(token)
    assert made
    assert [path for name, one in made.items() for path in unknown(one.inputs, ARGUMENTS[token], name)] == []


@pytest.mark.parametrize(
    ("inputs", "found"),
    [
        ({"nam": "web"}, ["net.nam"]),
        ({"dns": {"local_only": True}}, ["net.dns.local_only"]),
        ({"dns": {"hosts": [{"hostname": "a"}, {"name": "b"}]}}, ["net.dns.hosts[1].name"]),
        ({"dnsmasqOptions": {"options": [{"name": "no-resolv"}]}}, ["net.dnsmasqOptions.options[0].name"]),
    ],
)
def test_a_misspelt_key_is_found_at_any_depth(inputs: dict[str, Any], found: list[str]) -> None:
    assert list(unknown(inputs, pulumi_libvirt.NetworkArgs, "net")) == found
