"""When Docker has made its rules again: what is waited for before and after a reload of firewalld."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.host.remote import iptables
from tests.providers.saved_tables import BEFORE, EMPTY, without


@pytest.mark.parametrize(
    ("text", "half"),
    [
        pytest.param(BEFORE, False, id="all of it"),
        pytest.param(without("-A PREROUTING -m addrtype"), True, id="nothing leads to its ports"),
        pytest.param(without("-j DNAT"), True, id="a port is not led inwards"),
        pytest.param(without(":DOCKER-USER"), False, id="no rules of Docker's"),
        pytest.param("", False, id="no iptables"),
    ],
)
def test_docker_in_the_middle_of_its_rules_is_seen(text: str, *, half: bool) -> None:
    assert iptables.half_made(text) is half


def test_a_port_that_only_a_process_of_dockers_tells_of_is_missed_too() -> None:
    """Docker 28 makes no second rule for it."""
    assert not iptables.half_made(without("-j MASQUERADE"), {"172.17.0.2:80"})
    assert iptables.half_made(without("-j MASQUERADE"), {"172.17.0.2:80", "172.17.0.3:80"})


def looks(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    told: Iterator[str] = iter(texts)
    monkeypatch.setattr(iptables, "PAUSE", 0)
    monkeypatch.setattr(iptables, "proxies", tuple)
    monkeypatch.setattr(iptables, "look", lambda: held(next(told)))


def held(text: str, six: str = "six") -> dict[str, str]:
    return {"iptables": text, "ip6tables": six} if text else {}


def test_one_look_is_enough_where_nothing_has_changed_since_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, BEFORE)
    assert iptables.at_rest(held(BEFORE), 1) == (held(BEFORE), True)
    looks(monkeypatch, "")
    assert iptables.at_rest({}, 1) == ({}, True), "no iptables: nothing to wait for"


def test_docker_is_waited_for_until_it_is_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has not made yet when the rules are written down could be lost when they are put back."""
    quick = without("-j MASQUERADE")  # looks whole, and is not
    looks(monkeypatch, quick, quick, *[BEFORE] * 5)
    assert iptables.at_rest(held(EMPTY), 9) == (held(BEFORE), True)
    looks(monkeypatch, BEFORE, *[BEFORE] * 4)
    assert iptables.at_rest(held(BEFORE, "other"), 4) == (held(BEFORE), False), "of ip6tables too"


@pytest.mark.parametrize("never", [[without("-j DNAT")] * 9, [BEFORE, EMPTY] * 5], ids=["half made", "changing"])
def test_docker_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch, never: list[str]) -> None:
    looks(monkeypatch, *never)
    assert iptables.at_rest(None, 9) == (held(never[8]), False)


def test_who_is_at_work_is_told_by_the_names_of_processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for number, (name, words) in enumerate(
        {
            "dockerd": "dockerd",
            "docker-proxy": "docker-proxy -host-port 8080 -container-ip 172.17.0.2 -container-port 80",
            "docker-proxy\n": "docker-proxy -host-port 8080 -container-ip fd00::2 -container-port 80",
            "docker-proxy ": "docker-proxy -host-ip :: -container-ip 172.17.0.4 -container-port 80",
            " docker-proxy": "docker-proxy -container-ip 10.9.0.2 -container-port 80",  # in somebody's container
            " docker-proxy ": "",  # has ended, and nobody has asked how
        }.items()
    ):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(name)
        (tmp_path / str(number) / "ns").mkdir()
        (tmp_path / str(number) / "ns" / "net").symlink_to("net:[2]" if "10.9" in words else "net:[1]")
        (tmp_path / str(number) / "cmdline").write_text(words.replace(" ", "\0") + "\0")
    (tmp_path / "9").mkdir()  # has ended
    (tmp_path / "self" / "ns").mkdir(parents=True)
    (tmp_path / "self" / "ns" / "net").symlink_to("net:[1]")
    monkeypatch.setattr(iptables, "_PROCESSES", tmp_path)
    assert iptables.at_work() == iptables.DAEMONS["dockerd"]
    assert iptables.proxies() == {"172.17.0.2:80"}
