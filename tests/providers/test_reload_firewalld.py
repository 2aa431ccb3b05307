"""What a reload of firewalld takes from iptables, and how it comes back beside daemons that make theirs again."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.host.files import remote
from providers.host.remote import iptables
from tests.providers.saved_tables import BEFORE, EMPTY, MARKED, THEIRS, section, without


def test_at_once_comes_all_of_it_and_other_chains_stand_in_for_those_that_a_daemon_makes_again() -> None:
    """Docker was about to make its chains: one that is there already makes it give up and take the others away."""
    text = iptables.at_once(BEFORE, EMPTY, THEIRS)
    assert section(text, "filter") == [
        ":FORWARD DROP [0:0]", ":DOCKER-USER - [0:0]", ":f2b - [0:0]", ":tv-DOCKER-ISOLATION-STAGE-1 - [0:0]",
        "[0:0] -I FORWARD 1 -j DOCKER-USER", "[0:0] -I FORWARD 2 -s 198.51.100.96/32 -j DROP",
        "[0:0] -I FORWARD 3 -j tv-DOCKER-ISOLATION-STAGE-1", "[0:0] -I FORWARD 4 -s 198.51.100.97/32 -j DROP",
        "[1:1] -A tv-DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DROP",
        "[0:0] -A tv-DOCKER-ISOLATION-STAGE-1 -j RETURN",
        "[5:6] -I DOCKER-USER 1 -s 198.51.100.99/32 -j DROP", "[0:0] -I DOCKER-USER 2 -j f2b",
        "[0:0] -I DOCKER-USER 3 -j RETURN", "[7:7] -I f2b 1 -s 198.51.100.98/32 -j DROP",
    ]  # fmt: skip
    assert section(text, "nat") == [
        ":tv-DOCKER - [0:0]",
        "[3:4] -I PREROUTING 1 -s 198.51.100.9/32 -j ACCEPT",
        "[0:0] -I PREROUTING 2 -m addrtype --dst-type LOCAL -j tv-DOCKER",
        "[0:0] -I POSTROUTING 1 -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE",
        "[0:0] -A tv-DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
    ]
    assert all(len(chain) < len("tv-") + 26 for chain in THEIRS), "iptables takes no name of more than 28 characters"


def test_a_chain_stands_in_as_long_as_docker_has_not_made_all_of_its_own() -> None:
    """It may have made the chain and the way there, and not yet what belongs into it."""
    text = section(iptables.at_once(BEFORE, without("-j DNAT"), THEIRS), "nat")
    assert text == [
        ":tv-DOCKER - [0:0]", "[0:0] -I PREROUTING 2 -m addrtype --dst-type LOCAL -j tv-DOCKER",
        "[0:0] -A tv-DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
    ]  # fmt: skip


def test_nothing_leads_to_a_chain_that_stands_in_for_none() -> None:
    """Docker has made a chain that it did not have before."""
    before = without("-A PREROUTING -m", without(":DOCKER - ", without("-A DOCKER !")))
    now = EMPTY.replace("*filter\n:FORWARD ACCEPT [0:0]\n", "*filter\n:FORWARD ACCEPT [0:0]\n:DOCKER-FORWARD - [0:0]\n")
    now = now.replace("[0:0]\nCOMMIT\n", "[0:0]\n[0:0] -A FORWARD -j DOCKER-FORWARD\nCOMMIT\n").replace(
        ":PREROUTING ACCEPT [0:0]\n[0:0] -A FORWARD -j DOCKER-FORWARD\n", ":PREROUTING ACCEPT [0:0]\n"
    )
    assert "-A FORWARD -j DOCKER-FORWARD" in now
    assert "tv-DOCKER-FORWARD" not in iptables.at_once(before, now, THEIRS)


def test_a_rule_comes_back_behind_what_it_followed_wherever_that_stands_by_now() -> None:
    """libvirt was quicker, and puts its own first; the owner's accept must not come before the owner's drop."""
    drop, accept = "[0:0] -A INPUT -s 192.0.2.9/32 -j DROP", "[0:0] -A INPUT -p tcp --dport 22 -j ACCEPT"
    libvirts = "[0:0] -A INPUT -j LIBVIRT_INP"
    before = f"*filter\n:INPUT ACCEPT [0:0]\n:LIBVIRT_INP - [0:0]\n{drop}\n{accept}\n{libvirts}\nCOMMIT\n"
    now = f"*filter\n:INPUT ACCEPT [0:0]\n:LIBVIRT_INP - [0:0]\n{libvirts}\n{drop}\nCOMMIT\n"
    assert section(iptables.at_once(before, now, THEIRS), "filter") == [accept.replace("-A INPUT", "-I INPUT 3")]


def test_an_owners_chain_that_is_named_like_a_stand_in_is_the_owners() -> None:
    text = "*filter\n:FORWARD ACCEPT [0:0]\n:tv-block - [0:0]\n[0:0] -A FORWARD -j tv-block\nCOMMIT\n"
    assert "[0:0] -I FORWARD 1 -j tv-block" in iptables.at_once(text, EMPTY, THEIRS)
    assert iptables.afterwards(text, text, THEIRS, ports=True) == ""


def test_afterwards_a_chain_that_was_taken_away_since_stays_away_with_all_that_led_to_it() -> None:
    text = "*filter\n:DOCKER - [0:0]\n:mine - [0:0]\n[0:0] -A DOCKER -j mine\n[0:0] -A mine -j DOCKER\nCOMMIT\n"
    assert iptables.afterwards(text, "*filter\n:DOCKER - [0:0]\nCOMMIT\n", THEIRS, ports=True) == ""


def test_afterwards_what_stood_in_goes_and_is_never_given_back() -> None:
    stood_in = BEFORE.replace(":DOCKER - [0:0]\n", ":DOCKER - [0:0]\n:tv-DOCKER - [0:0]\n").replace(
        "[0:0] -A PREROUTING -m",
        "[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j tv-DOCKER\n[0:0] -A PREROUTING -m",
    )
    stood_in = stood_in.replace("[0:0] -A DOCKER !", "[0:0] -A tv-DOCKER -j ACCEPT\n[0:0] -A DOCKER !")
    for before in (BEFORE, stood_in):
        assert iptables.afterwards(before, stood_in, THEIRS, ports=False).splitlines() == [
            "*nat", "-F PREROUTING", "[3:4] -A PREROUTING -s 198.51.100.9/32 -j ACCEPT",
            "[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "-F tv-DOCKER", "-X tv-DOCKER", "COMMIT",
        ]  # fmt: skip
    assert iptables.at_once(stood_in, EMPTY, THEIRS) == iptables.at_once(BEFORE, EMPTY, THEIRS)
    assert iptables.afterwards(stood_in, BEFORE, THEIRS, ports=True) == ""


def test_a_rule_comes_back_behind_those_that_firewalld_has_put_there_already() -> None:
    """The owner's way in is a direct rule, his drop is not: in the other order he would be locked out."""
    way_in, drop = (
        "[0:0] -A INPUT -s 192.0.2.7/32 -p tcp --dport 22 -j ACCEPT",
        "[0:0] -A INPUT -p tcp --dport 22 -j DROP",
    )
    before = f"*filter\n:INPUT ACCEPT [0:0]\n{way_in}\n{drop}\nCOMMIT\n"
    text = iptables.at_once(before, before.replace(f"{drop}\n", ""), THEIRS)
    assert section(text, "filter") == [drop.replace("-A INPUT", "-I INPUT 2")]


def test_at_once_comes_all_of_it_where_no_daemon_runs() -> None:
    text = iptables.at_once(BEFORE, EMPTY, frozenset())
    assert ":DOCKER - [0:0]" in text
    assert "-I FORWARD 3 -j DOCKER-ISOLATION-STAGE-1" in text


def test_what_docker_has_made_by_then_is_neither_flushed_nor_made_twice() -> None:
    """A declared chain is flushed, also with --noflush."""
    quick = without("198.51.100.99")
    assert iptables.at_once(BEFORE, quick, THEIRS) == (
        "*filter\n[5:6] -I DOCKER-USER 1 -s 198.51.100.99/32 -j DROP\nCOMMIT\n"
    )
    assert iptables.at_once(BEFORE, BEFORE, THEIRS) == ""


def test_afterwards_comes_what_docker_does_not_make_again_and_the_old_order() -> None:
    moved = without("DOCKER-ISOLATION-STAGE-1 -i docker0").replace(
        "[0:0] -A FORWARD -j DOCKER-USER\n[0:0] -A FORWARD -s 198.51.100.96/32 -j DROP\n",
        "[0:0] -A FORWARD -s 198.51.100.96/32 -j DROP\n[2:2] -A FORWARD -j DOCKER-USER\n",
    )
    assert moved != without("DOCKER-ISOLATION-STAGE-1 -i docker0")
    text = iptables.afterwards(BEFORE, moved, THEIRS, ports=False)
    assert text.splitlines() == [
        "*filter", "-F FORWARD",
        "[2:2] -A FORWARD -j DOCKER-USER", "[0:0] -A FORWARD -s 198.51.100.96/32 -j DROP",
        "[0:0] -A FORWARD -j DOCKER-ISOLATION-STAGE-1", "[0:0] -A FORWARD -s 198.51.100.97/32 -j DROP",
        "-F DOCKER-ISOLATION-STAGE-1",
        "[1:1] -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DROP",
        "[0:0] -A DOCKER-ISOLATION-STAGE-1 -j RETURN", "COMMIT",
    ]  # fmt: skip


def test_afterwards_nothing_is_done_where_all_is_there_and_what_was_taken_away_since_stays_away() -> None:
    assert iptables.afterwards(BEFORE, BEFORE, THEIRS, ports=True) == ""
    for line in ("198.51.100.97", "198.51.100.99", "198.51.100.98"):
        assert iptables.afterwards(BEFORE, without(line), THEIRS, ports=True) == "", line
    ended = without("-j DNAT")  # a container that has ended since took its port with it
    assert iptables.afterwards(BEFORE, ended, THEIRS, ports=False) == ""


def test_afterwards_published_ports_come_back_only_where_docker_has_given_up() -> None:
    given_up = without("8080", without("-A PREROUTING -m addrtype", without(":DOCKER - ")))
    text = iptables.afterwards(BEFORE, given_up, THEIRS, ports=True)
    assert section(text, "nat") == [
        ":DOCKER - [0:0]", "-F PREROUTING", "[3:4] -A PREROUTING -s 198.51.100.9/32 -j ACCEPT",
        "[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER", "-F DOCKER",
        "[0:0] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
    ]  # fmt: skip
    assert "-A DOCKER !" not in iptables.afterwards(BEFORE, given_up, THEIRS, ports=False)


def test_what_came_since_keeps_its_place_and_is_there_once() -> None:
    """Our accept stands before Docker's closing RETURN; behind it nobody would come to it."""
    closing = "[0:0] -A DOCKER-USER -j RETURN"
    twice = BEFORE.replace(closing, f"{MARKED}\n{closing}").replace(
        "[0:0] -A FORWARD -j DOCKER-USER", "[0:0] -A FORWARD -j DOCKER-USER\n[0:0] -A FORWARD -j DOCKER-USER"
    )
    text = section(iptables.afterwards(BEFORE, twice, THEIRS, ports=False), "filter")
    assert text.count("[0:0] -A FORWARD -j DOCKER-USER") == 1
    again = BEFORE.replace(closing, f"{MARKED}\n{closing}").replace("[0:0] -A DOCKER-USER -j f2b\n", "")
    again = again.replace("[5:6] -A DOCKER-USER", "[0:0] -A DOCKER-USER -j f2b\n[5:6] -A DOCKER-USER")
    text = section(iptables.afterwards(BEFORE, again, THEIRS, ports=False), "filter")
    assert text[text.index("-F DOCKER-USER") + 1 :] == [
        "[5:6] -A DOCKER-USER -s 198.51.100.99/32 -j DROP", "[0:0] -A DOCKER-USER -j f2b", MARKED, closing,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "leads"),
    [
        ("[0:0] -A FORWARD -j DOCKER", True),
        ("[0:0] -A FORWARD -g DOCKER-FORWARD", True),
        ("-A DOCKER-CT -o docker0 -j ACCEPT", True),
        ("[0:0] -A FORWARD -j DOCKER-USER", False),
        ("[0:0] -A DOCKER-USER -j DOCKER-BLOCK", False),
        ('[0:0] -A FORWARD -m comment --comment "a -j DOCKER" -j DROP', False),
        ('[0:0] -A FORWARD -m comment --comment "a -j b" -j DOCKER', True),
        ('[0:0] -A FORWARD -m string --string "a\\\\"b" -j DOCKER', True),
    ],
)
def test_a_rule_that_leads_to_a_daemons_chain_is_told_by_its_target(line: str, *, leads: bool) -> None:
    assert iptables.leads_to(line, THEIRS) is leads


def test_libvirts_rules_come_back_only_where_it_has_made_none() -> None:
    """A network that has ended since took its rules along; its bridge may be another network's by now."""
    reject = "[0:0] -A LIBVIRT_FWI -o virbr7 -j REJECT"
    before = f"*filter\n:LIBVIRT_FWI - [0:0]\n{reject}\nCOMMIT\n"
    none = "*filter\nCOMMIT\n"
    assert reject in iptables.afterwards(before, none, THEIRS, ports=False)
    assert iptables.afterwards(before, before.replace(f"{reject}\n", ""), THEIRS, ports=False) == ""


def test_the_owners_rules_in_dockers_own_chain_come_back_afterwards() -> None:
    drop = "[0:0] -A DOCKER -s 192.0.2.9/32 -j DROP"
    before = BEFORE.replace("[0:0] -A DOCKER !", f"{drop}\n[0:0] -A DOCKER !")
    assert before != BEFORE
    assert section(iptables.afterwards(before, BEFORE, THEIRS, ports=False), "nat")[1] == drop


class Kernel:
    """What stands in for iptables: takes tables, refuses one of them so many times, and shows a text."""

    def __init__(self, shown: str, refuses: str, times: int) -> None:
        self.shown, self.refuses, self.times = shown, refuses, times
        self.taken: list[str] = []

    def run(self, words: list[str], *, input: str | None, **_: object) -> subprocess.CompletedProcess[str]:  # noqa: A002
        if input is None:
            return subprocess.CompletedProcess(words, 0, self.shown, "")
        self.taken.append(input.split()[0])
        if input.startswith(f"*{self.refuses}") and self.times:
            self.times -= 1
            raise subprocess.CalledProcessError(2, words, "", "no such match\n")
        return subprocess.CompletedProcess(words, 0, "", "")


@pytest.mark.parametrize(
    ("times", "taken", "said"),
    [
        (0, ["*nat", "*filter"], []),
        (1, ["*nat", "*filter"] * 2, []),
        (9, ["*nat", "*filter"] * 3, ["iptables did not take back its nat: no such match"]),
    ],
)
def test_each_table_is_restored_by_itself_and_again_where_somebody_was_quicker(
    monkeypatch: pytest.MonkeyPatch, times: int, taken: list[str], said: list[str]
) -> None:
    kernel = Kernel(EMPTY, "nat", times)
    monkeypatch.setattr(subprocess, "run", kernel.run)
    now = {"iptables": EMPTY}
    assert (
        iptables.give_back_rules(now | {"iptables": BEFORE}, now, lambda w, n: iptables.at_once(w, n, THEIRS)) == said
    )
    assert kernel.taken == taken


def test_a_family_that_cannot_be_read_is_said_and_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = Kernel("", "nat", 0)
    monkeypatch.setattr(subprocess, "run", kernel.run)
    said = iptables.give_back_rules({"ip6tables": BEFORE}, {}, lambda w, n: iptables.at_once(w, n, THEIRS))
    assert (said, kernel.taken) == (["ip6tables could not be read, and nothing was given back to it"], [])


def test_a_rule_that_stood_twice_comes_back_twice_and_no_place_lies_beyond_the_end() -> None:
    """iptables refuses the whole table for one place beyond the end."""
    one, two = "[0:0] -A FORWARD -s 192.0.2.1/32 -j DROP", "[0:0] -A FORWARD -s 192.0.2.2/32 -j DROP"
    before = f"*filter\n:FORWARD DROP [0:0]\n{one}\n{one}\n{two}\nCOMMIT\n"
    now = f"*filter\n:FORWARD DROP [0:0]\n{one}\nCOMMIT\n"
    assert section(iptables.at_once(before, now, THEIRS), "filter") == [
        one.replace("-A FORWARD", "-I FORWARD 2"), two.replace("-A FORWARD", "-I FORWARD 3"),
    ]  # fmt: skip


@given(st.lists(st.sampled_from("abcd"), max_size=7), st.lists(st.sampled_from("abcdef"), max_size=7))
def test_places_are_those_of_the_wanted_order_whatever_is_there(before: list[str], now: list[str]) -> None:
    """Carried out one after the other, as iptables does."""

    def text(letters: list[str]) -> str:
        return "".join(["*filter\n:X - [0:0]\n", *(f"[0:0] -A X -s {one}\n" for one in letters), "COMMIT\n"])

    chain = list(now)
    for line in iptables.at_once(text(before), text(now), THEIRS).splitlines():
        if "-I X" in line:
            _, _, _, place, _, letter = line.split()
            assert int(place) <= len(chain) + 1
            chain.insert(int(place) - 1, letter)
    assert set(chain) == {*before, *now}
    assert all(chain.count(one) >= before.count(one) for one in before)
    if not now:
        assert chain == before


def test_the_program_for_the_host_holds_what_it_imports_of_its_neighbours() -> None:
    program = remote("reload_firewalld")
    assert "providers.host" not in program
    assert program.count("from __future__") == 1
    names: dict[str, object] = {"__name__": "on the host"}
    exec(compile(program, "reload_firewalld", "exec"), names)  # noqa: S102 - it is what python3 -c does there
    assert {"at_once", "give_back", "main"} <= names.keys()
