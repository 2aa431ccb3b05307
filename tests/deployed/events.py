"""What is done to the host in the tests of events, and what must be true while and after it happens."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.dell import World, container, in_dell, power
from sandbox.dell.site import Site
from sandbox.dell.world import booted, wait_for
from sandbox.flooding import flooding
from sandbox.measure import Rig
from sandbox.measured import Measured
from sandbox.probe.flood import Flood, PlaceEar, Report
from sandbox.probe.flood_host import HostEar
from sandbox.probe.flood_seats import Usher
from sandbox.probe.live import Live
from sandbox.probe.stands import End
from twinvpc.model.services import Protocol

FEWEST = 500
"""Denied packets a second that the flood must have sent."""
_SETTLING = 60.0
"""Seconds in which all cells must be right again: Docker's accept is put back up to six seconds after a reload."""

_AFTERMATH = 0.5
"""Seconds for which the host stays as an event left it, under the flood."""

RULES = "/etc/twin-vpc/ruleset.nft"
REBOOT = "reboot"
"""The one event that is no command: see `reboot`."""
EVENTS: Mapping[str, str] = {
    "firewalld reload": "firewall-cmd -q --reload",
    "firewalld restart": "systemctl restart firewalld",
    # systemd refuses the fourth start of Docker within a minute
    "Docker restart": "systemctl reset-failed docker; systemctl restart docker",
    "libvirtd restart": "systemctl restart libvirtd",
    "nftables restart": "systemctl restart nftables",
    "policy reload": "systemctl reload-or-restart twin-vpc",
    "holder killed": "systemctl kill -s KILL twin-vpc-hold",
    # what an earlier event has taken cannot be taken again
    "table deleted": "nft 'table inet twin_vpc {}; delete table inet twin_vpc'",
    "tables flushed": 'for t in twin_vpc twin_vpc_host; do nft "table inet $t {}; flush table inet $t"; done',
    "second table deleted": "nft 'table inet twin_vpc_host {}; delete table inet twin_vpc_host'",
    "all flushed by hand": "nft flush ruleset",
    "half a file loaded": (
        f"cp {RULES} /run/whole; head -c 4000 /run/whole > {RULES}; "
        f"! systemctl restart twin-vpc; cp /run/whole {RULES}; rm /run/whole"
    ),
}
"""Each is a command on the host that comes back when it is done."""
FLUSHING = frozenset({"nftables restart", "all flushed by hand"})
"""They take firewalld's and Docker's tables too, which is not ours to mend: their own restart does."""
MENDING = ("firewalld restart", "Docker restart")


def mended(sequence: Sequence[str]) -> tuple[str, ...]:
    """The sequence, and what its owner does afterwards: reload the policy, restart whoever lost his tables.

    Both in that order, whatever was restarted before: Docker's NAT does not survive every restart of firewalld.
    """
    return (*sequence, "policy reload", *(MENDING if FLUSHING & set(sequence) else ()))


def happen(world: World, sequence: Sequence[str], flood: Flood, ready: Rig) -> World:
    """Let everything happen, one thing after the other; return the world with the container where it is then."""
    for name in sequence:
        if name == REBOOT:
            world = reboot(world, ready, flood)
        else:
            in_dell(world, "sh", "-c", EVENTS[name])
        time.sleep(_AFTERMATH)
        if name == "Docker restart":
            world = booted(Site(world.id))
            follow_container(world, flood)
    return world


def follow_container(world: World, flood: Flood) -> None:
    """The container on docker0 has a namespace of its own after each start."""
    place = world.places["docker0"]
    flood.stand("docker0", place.netns)
    flood.listen(PlaceEar("docker0", place.netns))


def assert_closed(report: Report) -> None:
    """Nothing denied was heard, and the flood was one: fast enough, and heard where it was allowed."""
    print(report)
    assert not report.breaches, f"{report}: {dict(report.breaches)}"
    assert report.rate >= FEWEST, str(report)
    assert report.slowest >= FEWEST, str(report)
    unheard = [name for name, (sent, heard) in report.controls.items() if not heard or not sent]
    assert not unheard, f"allowed, but never heard: {unheard}"


def settled(ready: Rig) -> Measured:
    """The measured matrix once all of it is right; no denied cell may be open on the way there."""
    deadline = time.monotonic() + _SETTLING
    while True:
        measured = ready.measure()
        assert not (opened := [str(d) for d in measured.differences if d.intended == "closed"]), opened
        if not measured.failures or time.monotonic() > deadline:
            return measured


@dataclass(frozen=True)
class Surviving:
    """Connections that must go on."""

    connections: Mapping[str, Live]

    def broken(self) -> list[str]:
        """Names of those that no longer carry both ways."""
        return [name for name, one in self.connections.items() if not one.works]


@contextmanager
def talking(ready: Rig, *pairs: tuple[str, str]) -> Iterator[Surviving]:
    """One live TCP connection for each pair of segments."""
    with ExitStack() as opened:
        found: dict[str, Live] = {}
        for number, (source, destination) in enumerate(pairs):
            client = ready.stands[source]
            end = End(client.netns, client.address)
            server = ready.stands[destination].answers(source)
            found[f"{source} → {destination}"] = opened.enter_context(Live(end, server, Protocol.TCP, 46000 + number))
        yield Surviving(found)


def reboot(world: World, ready: Rig, flood: Flood) -> World:
    """Reboot the host under the flood; guests are back on their bridges the moment there are any.

    The host's namespace goes down with it, so nobody here may hold on to it: what listens in it runs in it.
    """
    site = Site(world.id)
    with Usher(ready.guests, ready.ground.bridges, None) as usher, flood.apart():
        in_dell(world, "systemctl", "reboot")
        wait_for("the host to go down", lambda: power.init(site) != world.dell_pid)
        down = flood.lasted
        wait_for("the host to boot", lambda: power.init(site) is not None)
        pid = power.init(site)
        assert pid
        usher.serve(Path(f"/proc/{pid}/ns/net"))
        flood.listen(HostEar(container.nsenter(pid), flood.marks, "host after its boot"))
        wait_for("the first bridge", lambda: usher.any_seated)
        bridges = flood.lasted
        world = booted(site)
        wait_for("every guest's bridge", lambda: usher.all_seated)
        print(f"down after {down:.1f} s, first guest back after {bridges:.1f} s, up after {flood.lasted:.1f} s")
        follow_container(world, flood)
        wait_for("a guest to be heard", lambda: flood.heard_at("host after its boot") > 0)
    return world


@contextmanager
def flooded(world: World, ready: Rig) -> Iterator[Flood]:
    """A flood that has reached its pace before anything happens, and goes on a moment after."""
    with flooding(world, ready) as flood:
        time.sleep(1)
        yield flood
        time.sleep(1)
