"""What the owner gets in by is never touched by a mend, from surveys written by hand; and no mend mixes with a run."""

import fcntl
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from providers.host import watch_jobs
from providers.host.connection import Connection
from providers.host.errors import HostError
from providers.host.files import shell
from providers.host.libvirt_xml import network_xml
from providers.host.lifelines import refusals
from providers.host.session import Outcome, Session
from providers.host.watching import Seen, findings
from tests.providers.test_watching import BRIDGE, GUEST, WATCHED, WEB, survey

CARD: dict[str, Any] = {"ifname": "eno2", "master": "br-web"}
UPLINK: dict[str, Any] = {**CARD, "ifname": "eno1"}
VLAN: dict[str, Any] = {"ifname": "eno2.7", "link": "eno2", "linkinfo": {"info_kind": "vlan"}}
OURS, OWNERS = "10.0.1.1/24", "192.168.1.10/24"


def by(link: str) -> str:
    return json.dumps([{"dst": "default", "dev": link}])


def host(*more: Mapping[str, Any], addresses: tuple[str, ...] = (OURS,), **answers: str) -> dict[str, str]:
    """A host with some more links; `answers` are what `shell/watch.sh` says beside."""
    return survey(links=(BRIDGE, GUEST, *more), addresses=addresses) | {
        name.replace("_", "-"): text for name, text in answers.items()
    }


def refused(answers: dict[str, str]) -> list[tuple[str, str]]:
    seen = Seen(answers)
    found = findings(WATCHED, seen)
    assert any(one.steps for one in found.values()), "there is something to mend"
    return [(one.said, one.by_hand) for one in refusals(WATCHED, seen, found)]


OFF = ("eno2 would leave its bridge, and ", "ip link set eno2 nomaster")
GONE = (f"br-web would lose {OWNERS}, and ", f"ip address del {OWNERS} dev br-web")
BACK, DEFAULT = "it is the way back to your SSH session", "a default route leaves by it"
CASES: dict[str, tuple[dict[str, str], list[tuple[str, str]]]] = {
    "an uplink by its name": (
        host(UPLINK),
        [("eno1 would leave its bridge, and it is an uplink (twin-vpc:host.uplinks)", "ip link set eno1 nomaster")],
    ),
    "a default route's card": (host(CARD, routes=by("eno2")), [(OFF[0] + DEFAULT, OFF[1])]),
    "an IPv6 default route's": (host(CARD, routes6=by("eno2")), [(OFF[0] + DEFAULT, OFF[1])]),
    "the card that the session comes by": (host(CARD, way_back=by("eno2")), [(OFF[0] + BACK, OFF[1])]),
    "the card beneath the session's VLAN": (
        host(CARD, VLAN, way_back=by("eno2.7")),
        [(f"{OFF[0]}eno2.7 rests on it, and {BACK}", OFF[1])],
    ),
    "card and address, moved onto the bridge": (
        host(CARD, addresses=(OURS, OWNERS), way_back=by("br-web"), server="192.168.1.10"),
        [(GONE[0] + "your SSH session came to it", GONE[1]), (f"{OFF[0]}br-web rests on it, and {BACK}", OFF[1])],
    ),
    "the same without SSH": (
        host(CARD, addresses=(OURS, OWNERS), routes=by("br-web")),
        [(GONE[0] + DEFAULT, GONE[1]), (f"{OFF[0]}br-web rests on it, and {DEFAULT}", OFF[1])],
    ),
    "a tap that the way out goes by": (
        host({"ifname": "tap9", "master": "br-web", "linkinfo": {"info_kind": "tun"}}, routes=by("br-web")),
        [(f"tap9 would leave its bridge, and br-web rests on it, and {DEFAULT}", "ip link set tap9 nomaster")],
    ),
    "the address alone": (
        host(addresses=(OURS, OWNERS), server="192.168.1.10"),
        [(GONE[0] + "your SSH session came to it", GONE[1])],
    ),
    "a network that would be started anew": (
        host(way_back=by("br-web")) | {"served": ""},
        [(f"br-web would go, and {BACK}", "virsh net-destroy web")],
    ),
    "a bridge of another name that would go": (
        survey(running=network_xml("web", WEB, None).replace("br-web", "br-x")) | {"routes": by("br-x")},
        [(f"br-x would go, and {DEFAULT}", "virsh net-destroy web")],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_owner_gets_in_by_is_refused_by_name(case: str) -> None:
    answers, wanted = CASES[case]
    assert refused(answers) == wanted


@pytest.mark.parametrize(
    "answers",
    [
        host(CARD, routes=by("eno1"), way_back=by("eno1"), server="192.168.1.10"),
        host(addresses=(OURS, "10.0.9.1/24"), server="192.168.1.10"),
        host() | {"served": ""},
        host({"ifname": "tap9", "master": "br-web", "linkinfo": {"info_kind": "tun"}}, way_back=by("eno1")),
    ],
    ids=["another card", "another address", "a dead dnsmasq", "a strange tap"],
)
def test_whatever_else_is_mended(answers: dict[str, str]) -> None:
    assert refused(answers) == []


class Scripted(Session):
    """A session that answers one survey, and counts what is run on the host."""

    def __init__(self, answers: Mapping[str, str], said: Outcome) -> None:
        super().__init__(Connection("dell"))
        self.answers, self.said, self.runs = answers, said, 0

    def survey_networks(self, networks: object, pools: object) -> Mapping[str, str]:
        del networks, pools
        return self.answers

    def run(self, deploy: object, *arguments: object) -> Outcome:
        del deploy, arguments
        self.runs += 1
        return self.said


def test_a_mend_that_would_cut_off_runs_nothing_and_says_so() -> None:
    session = Scripted(host(CARD, way_back=by("eno2")), Outcome(succeeded=True, stdout="", stderr=""))
    with pytest.raises(HostError, match=r"Nothing was changed, since .*eno2 would leave .*`ip link set eno2 nomaster`"):
        watch_jobs.mended(WATCHED, session)
    assert session.runs == 0


def test_a_mend_that_finds_another_run_says_who_it_is() -> None:
    session = Scripted(host(CARD), Outcome(succeeded=False, stdout="", stderr="locked: somebody@elsewhere\n"))
    with pytest.raises(HostError, match=r"is being changed by another run \(somebody@elsewhere\)"):
        watch_jobs.mended(WATCHED, session)


@pytest.mark.parametrize("held", [True, False])
def test_the_program_takes_no_step_while_another_run_has_the_host(tmp_path: Path, *, held: bool) -> None:
    lock, trace = tmp_path / "lock", tmp_path / "trace"
    alone = shell("alone").replace("/run/twin-vpc/lock", str(lock))
    steps = shell("mend").replace("ip link set dev", f"echo >>{trace}")
    with lock.open("w") as other:
        if held:
            other.write("somebody\n")
            other.flush()
            fcntl.flock(other, fcntl.LOCK_EX)
        done = subprocess.run(
            ["sh", "-c", steps, "twin-vpc", "me", alone], input="raise br-web\n", env={"PATIENCE": "0"},
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    wanted = (27, "locked: somebody\n", False) if held else (0, "", True)
    assert (done.returncode, done.stderr, trace.exists()) == wanted
