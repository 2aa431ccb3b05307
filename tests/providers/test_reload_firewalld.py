"""What a reload of firewalld takes from iptables, and how it comes back beside daemons that make theirs again."""

from collections.abc import Iterator

import pytest

from providers.host.remote import reload_firewalld

STARTS = ("DOCKER", "LIBVIRT_")
BEFORE = """# Generated
*nat
:PREROUTING ACCEPT [1:2]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
[3:4] -A PREROUTING -s 198.51.100.9/32 -j ACCEPT
[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
[0:0] -A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
[0:0] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:INPUT ACCEPT [8:8]
:FORWARD DROP [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-USER - [0:0]
:f2b - [0:0]
[0:0] -A FORWARD -j DOCKER-USER
[0:0] -A FORWARD -s 198.51.100.96/32 -j DROP
[0:0] -A FORWARD -j DOCKER-ISOLATION-STAGE-1
[0:0] -A FORWARD -s 198.51.100.97/32 -j DROP
[1:1] -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DROP
[0:0] -A DOCKER-ISOLATION-STAGE-1 -j RETURN
[5:6] -A DOCKER-USER -s 198.51.100.99/32 -j DROP
[0:0] -A DOCKER-USER -j f2b
[0:0] -A DOCKER-USER -j RETURN
[7:7] -A f2b -s 198.51.100.98/32 -j DROP
COMMIT
"""
EMPTY = """*nat
:PREROUTING ACCEPT [0:0]
COMMIT
*filter
:FORWARD ACCEPT [0:0]
COMMIT
"""
"""What a reload leaves."""
MARKED = "[0:0] -A DOCKER-USER -m mark --mark 0x1 -m comment --comment twin-vpc -j ACCEPT"


def section(text: str, table: str) -> list[str]:
    return text.split(f"*{table}\n", 1)[1].split("COMMIT", 1)[0].splitlines()


def without(line: str, text: str = BEFORE) -> str:
    assert line in text
    return "".join(one for one in text.splitlines(keepends=True) if line not in one)


def test_at_once_comes_all_but_what_a_daemon_makes_again() -> None:
    """Docker was about to make its chains: one that is there already makes it give up and take the others away."""
    text = reload_firewalld.at_once(BEFORE, EMPTY, STARTS)
    assert section(text, "filter") == [
        ":FORWARD DROP [0:0]", ":DOCKER-USER - [0:0]", ":f2b - [0:0]",
        "[0:0] -I FORWARD -s 198.51.100.97/32 -j DROP", "[0:0] -I FORWARD -s 198.51.100.96/32 -j DROP",
        "[0:0] -I FORWARD -j DOCKER-USER",
        "[0:0] -I DOCKER-USER -j RETURN", "[0:0] -I DOCKER-USER -j f2b",
        "[5:6] -I DOCKER-USER -s 198.51.100.99/32 -j DROP", "[7:7] -I f2b -s 198.51.100.98/32 -j DROP",
    ]  # fmt: skip
    assert section(text, "nat") == [
        "[3:4] -I PREROUTING -s 198.51.100.9/32 -j ACCEPT",
        "[0:0] -I POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE",
    ]


def test_at_once_comes_all_of_it_where_no_daemon_runs() -> None:
    text = reload_firewalld.at_once(BEFORE, EMPTY, ())
    assert ":DOCKER - [0:0]" in text
    assert "-I FORWARD -j DOCKER-ISOLATION-STAGE-1" in text


def test_what_docker_has_made_by_then_is_neither_flushed_nor_made_twice() -> None:
    """A declared chain is flushed, also with --noflush."""
    quick = without("198.51.100.99")
    assert reload_firewalld.at_once(BEFORE, quick, STARTS) == (
        "*filter\n[5:6] -I DOCKER-USER -s 198.51.100.99/32 -j DROP\nCOMMIT\n"
    )
    assert reload_firewalld.at_once(BEFORE, BEFORE, STARTS) == ""


def test_afterwards_comes_what_docker_does_not_make_again_and_the_old_order() -> None:
    moved = without("DOCKER-ISOLATION-STAGE-1 -i docker0").replace(
        "[0:0] -A FORWARD -j DOCKER-USER\n[0:0] -A FORWARD -s 198.51.100.96/32 -j DROP\n",
        "[0:0] -A FORWARD -s 198.51.100.96/32 -j DROP\n[2:2] -A FORWARD -j DOCKER-USER\n",
    )
    assert moved != without("DOCKER-ISOLATION-STAGE-1 -i docker0")
    text = reload_firewalld.afterwards(BEFORE, moved, STARTS, ports=False)
    assert text.splitlines() == [
        "*filter", "-F FORWARD",
        "[2:2] -A FORWARD -j DOCKER-USER", "[0:0] -A FORWARD -s 198.51.100.96/32 -j DROP",
        "[0:0] -A FORWARD -j DOCKER-ISOLATION-STAGE-1", "[0:0] -A FORWARD -s 198.51.100.97/32 -j DROP",
        "-F DOCKER-ISOLATION-STAGE-1",
        "[1:1] -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DROP",
        "[0:0] -A DOCKER-ISOLATION-STAGE-1 -j RETURN", "COMMIT",
    ]  # fmt: skip


def test_afterwards_nothing_is_done_where_all_is_there_and_what_was_taken_away_since_stays_away() -> None:
    assert reload_firewalld.afterwards(BEFORE, BEFORE, STARTS, ports=True) == ""
    for line in ("198.51.100.97", "198.51.100.99", "198.51.100.98"):
        assert reload_firewalld.afterwards(BEFORE, without(line), STARTS, ports=True) == "", line
    ended = without("-j DNAT")  # a container that has ended since took its port with it
    assert reload_firewalld.afterwards(BEFORE, ended, STARTS, ports=False) == ""


def test_afterwards_published_ports_come_back_only_where_docker_has_given_up() -> None:
    given_up = without("8080", without("-A PREROUTING -m addrtype", without(":DOCKER - ")))
    text = reload_firewalld.afterwards(BEFORE, given_up, STARTS, ports=True)
    assert section(text, "nat") == [
        ":DOCKER - [0:0]", "-F PREROUTING", "[3:4] -A PREROUTING -s 198.51.100.9/32 -j ACCEPT",
        "[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "-F DOCKER",
        "[0:0] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
    ]  # fmt: skip
    assert "-A DOCKER !" not in reload_firewalld.afterwards(BEFORE, given_up, STARTS, ports=False)


def test_what_came_since_keeps_its_place_and_is_there_once() -> None:
    """Our accept stands before Docker's closing RETURN; behind it nobody would come to it."""
    closing = "[0:0] -A DOCKER-USER -j RETURN"
    twice = BEFORE.replace(closing, f"{MARKED}\n{closing}").replace(
        "[0:0] -A FORWARD -j DOCKER-USER", "[0:0] -A FORWARD -j DOCKER-USER\n[0:0] -A FORWARD -j DOCKER-USER"
    )
    text = section(reload_firewalld.afterwards(BEFORE, twice, STARTS, ports=False), "filter")
    assert text.count("[0:0] -A FORWARD -j DOCKER-USER") == 1
    again = BEFORE.replace(closing, f"{MARKED}\n{closing}").replace("[0:0] -A DOCKER-USER -j f2b\n", "")
    again = again.replace("[5:6] -A DOCKER-USER", "[0:0] -A DOCKER-USER -j f2b\n[5:6] -A DOCKER-USER")
    text = section(reload_firewalld.afterwards(BEFORE, again, STARTS, ports=False), "filter")
    assert text[text.index("-F DOCKER-USER") + 1 :] == [
        "[5:6] -A DOCKER-USER -s 198.51.100.99/32 -j DROP", "[0:0] -A DOCKER-USER -j f2b", MARKED, closing,
    ]  # fmt: skip


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
    assert reload_firewalld.half_made(text) is half


def looks(monkeypatch: pytest.MonkeyPatch, *texts: str) -> None:
    told: Iterator[str] = iter(texts)
    monkeypatch.setattr(reload_firewalld, "_PAUSE", 0)
    monkeypatch.setattr(reload_firewalld, "saved", lambda family: "six" if family == "ip6tables" else next(told))


def test_one_look_is_enough_where_nothing_has_changed_since_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    looks(monkeypatch, BEFORE)
    assert reload_firewalld.at_rest(BEFORE, 1) == ({"iptables": BEFORE, "ip6tables": "six"}, True)
    looks(monkeypatch, "")
    assert reload_firewalld.at_rest("", 1)[1], "no iptables: nothing to wait for"


def test_docker_is_waited_for_until_it_is_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has not made yet when the rules are written down could be lost when they are put back."""
    quick = without("-j MASQUERADE")  # looks whole, and is not
    looks(monkeypatch, quick, quick, *[BEFORE] * 5)
    assert reload_firewalld.at_rest(EMPTY, 9) == ({"iptables": BEFORE, "ip6tables": "six"}, True)


@pytest.mark.parametrize("never", [[without("-j DNAT")] * 9, [BEFORE, EMPTY] * 5], ids=["half made", "changing"])
def test_docker_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch, never: list[str]) -> None:
    looks(monkeypatch, *never)
    assert reload_firewalld.at_rest(None, 9) == ({"iptables": never[8], "ip6tables": "six"}, False)
