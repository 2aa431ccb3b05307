"""A flow that `pulumi up` takes away cuts its live connections (N10); kept ones, Docker's and the owner's SSH go on."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from sandbox.dell import World
from sandbox.dell.site import DELL, SSH_PORT
from sandbox.dell.world import laptop, laptop_env
from sandbox.measure import CONTAINER, PUBLISHED, Rig, rig
from sandbox.probe.live import Live
from sandbox.probe.stands import End
from sandbox.project import Project
from tests.deployed.events import assert_closed, flooded, settled
from tests.deployed.test_changes import UP
from twinvpc.model.services import Protocol

pytestmark = pytest.mark.sandbox

CUT = (("public", "database", Protocol.TCP), ("public", "database", Protocol.UDP))
KEPT = (
    ("management", "database", Protocol.TCP),
    ("management", "database", Protocol.UDP),
    ("public", "private", Protocol.TCP),
    ("public", "internet", Protocol.TCP),
    ("host", "database", Protocol.TCP),
    ("docker0", "lan", Protocol.TCP),
)


def live(ready: Rig, source: str, destination: str, protocol: Protocol, port: int) -> Live:
    stand = ready.stands[source]
    return Live(End(stand.netns, stand.address), ready.stands[destination].answers(source), protocol, port)


def published(ready: Rig) -> Live:
    """Somebody in the LAN, talking to the container by the port that Docker publishes."""
    nas, container = ready.stands["lan"], ready.stands["docker0"]
    server = End(container.netns, container.address)
    return Live(End(nas.netns, nas.address), server, Protocol.TCP, CONTAINER, (str(DELL), PUBLISHED))


@contextmanager
def session(world: World) -> Iterator["subprocess.Popen[str]"]:
    """The owner's SSH session: what is typed comes back."""
    options = ("-F", "none", "-oBatchMode=yes", f"-oUserKnownHostsFile={world.known_hosts}", "-i", str(world.key))
    words = [*laptop(world), "ssh", *options, "-p", str(SSH_PORT), f"root@{DELL}", "cat"]
    with subprocess.Popen(
        words, env=laptop_env(world), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def echoes(process: "subprocess.Popen[str]") -> bool:
    assert process.stdin
    assert process.stdout
    word = secrets.token_hex(8)
    process.stdin.write(f"{word}\n")
    return process.stdout.readline() == f"{word}\n"


def test_a_removed_flow_is_cut_both_ways_and_nothing_else_is(edited: Project) -> None:
    network = (edited.folder / "network.yaml").read_text(encoding="utf-8")
    narrowed = network.replace("{from: public, to: [private, database, container]", "{from: public, to: [private]")
    assert narrowed != network
    with rig(edited.world, edited.folder) as ready, session(edited.world) as owner, ExitStack() as opened:
        cut, kept = (
            {
                f"{source} → {destination} {protocol}": opened.enter_context(
                    live(ready, source, destination, protocol, first + number)
                )
                for number, (source, destination, protocol) in enumerate(wanted)
            }
            for first, wanted in ((47000, CUT), (47100, KEPT))
        )
        kept["lan → published port"] = opened.enter_context(published(ready))
        assert echoes(owner)
        assert [name for name, one in (cut | kept).items() if not one.works] == []
        edited.pulumi(*UP)
        assert [name for name, one in (cut | kept).items() if not one.works] == [], "a run without changes cuts nothing"
        edited.write("network.yaml", narrowed)
        with flooded(edited.world, ready) as flood:
            edited.pulumi(*UP)
        assert_closed(flood.report())
        assert [name for name, one in cut.items() if not one.cut] == []
        assert cut["public → database tcp"].reset, "its programs are told"
        assert [name for name, one in kept.items() if not one.works] == []
        assert echoes(owner)
    with rig(edited.world, edited.folder) as tightened:
        measured = settled(tightened)
        assert not measured.failures, "\n".join(measured.failures)
