"""What an owner changes in the files, applied to the host and measured there."""

from ipaddress import IPv4Interface

import pytest

from sandbox.dell import World, in_dell
from sandbox.measure import rig
from sandbox.paths import ROOT
from sandbox.probe.guests import Wish, seated
from sandbox.probe.measure import measure
from sandbox.probe.stands import Stand
from sandbox.project import STACK, Project
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import libvirt_plan, record
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.services import Protocol
from twinvpc.proof.probes import Probe

pytestmark = pytest.mark.sandbox

UP = ("up", "--yes", "--skip-preview", "--stack", STACK)


def lock_addresses(project: Project) -> None:
    """What `make lock-addresses` does, in the laptop's copy."""
    lock = read_lock(project.folder)
    project.write("addresses.lock.json", record(load_stack(project.folder, STACK), lock).text())


def test_port_level_flows_hold_on_the_host_and_a_change_of_network_is_one_run(edited: Project) -> None:
    """The second fixture network instead of the owner's: all segments go, others come, LAN and docker0 are granted."""
    network = (ROOT / "tests" / "fixtures" / "ports" / "network.yaml").read_text(encoding="utf-8")
    edited.write("network.yaml", network)
    theirs = (ROOT / "tests" / "fixtures" / "ports" / "Pulumi.dell.yaml").read_text(encoding="utf-8")
    salt = [s for s in (edited.folder / "Pulumi.dell.yaml").read_text().splitlines() if s.startswith("encryptionsalt")]
    edited.write("Pulumi.dell.yaml", "\n".join([theirs, *salt, ""]))
    lock_addresses(edited)  # leaves tombstones: a bridge without one is refused while its link is there
    edited.pulumi(*UP)
    with rig(edited.world, edited.folder) as ready:
        measured = ready.measure()
        assert not measured.failures, "\n".join(measured.failures)
        assert {o.probe.port for o in measured.observations if o.probe.destination == "db"} >= {5431, 5432, 5433}
        assert [str(one) for one in ready.tries() if not one.right] == []
        assert "twin-vpc-in" in in_dell(edited.world, "firewall-cmd", "--get-policies"), (
            "LAN may enter through firewalld"
        )
    edited.pulumi(
        "destroy", "--yes", "--skip-preview", "--stack", STACK
    )  # the lock of before knows none of these bridges


def test_a_removed_segment_moves_nobody_and_its_bridge_stays_denied_while_it_lives(edited: Project) -> None:
    world = edited.world
    before = ids(world)
    for name in ("network.yaml", "Pulumi.dell.yaml"):
        text = (edited.folder / name).read_text(encoding="utf-8").replace(", container]", "]")
        kept = [line for line in text.splitlines(keepends=True) if not line.strip().startswith("container:")]
        edited.write(name, "".join(kept))
    lock_addresses(edited)
    policy = "urn:pulumi:dell::twin-vpc::twin-vpc:host:HostPolicy$twin-host:index:NetworkPolicy::policy"
    edited.pulumi(*UP, "--target", policy)  # the policy alone, as if killed before it came to the network
    assert "br-container" in in_dell(world, "nft", "list", "set", "inet", "twin_vpc", "retired")
    assert "br-container" in in_dell(world, "ip", "-br", "link"), "the bridge lives on"
    assert_denied(edited)
    edited.pulumi(*UP)
    assert "br-container" not in in_dell(world, "ip", "-br", "link")
    after = ids(world)
    assert after == {name: uuid for name, uuid in before.items() if name != "container"}, "no other network is touched"
    with rig(world, edited.folder) as ready:
        assert not ready.measure().failures


def ids(world: World) -> dict[str, str]:
    """UUID of each of our networks: a replaced one gets another."""
    names = in_dell(world, "virsh", "-q", "net-list", "--name").split()
    return {name: in_dell(world, "virsh", "net-uuid", name).strip() for name in names}


def assert_denied(project: Project) -> None:
    """Nothing comes out of the removed segment's bridge, and nothing gets into it; a guest elsewhere is the control."""
    stack = load_stack(ROOT, STACK)
    assert isinstance(stack.stack, LibvirtStack)
    plan = libvirt_plan(stack.stack, read_lock(ROOT).of(STACK))
    segments = {s.name: s for s in plan.segments if s.name in {"container", "public"}}
    wishes = [
        Wish(name, s.bridge, s.router, 1, IPv4Interface((s.cidr.network_address + 60, 24)))
        for name, s in segments.items()
    ]
    with seated(project.world.places["dell"].netns, wishes, project.world.id) as guests:
        stands = {g.segment: Stand(g.segment, g.netns, g.address) for g in guests}
        stands["internet"] = place(project.world, "internet")
        stands["lan"] = place(project.world, "nas")
        tries = [("container", "public"), ("container", "internet"), ("container", "lan"), ("public", "container")]
        probes = [Probe(s, d, p, 0 if p is Protocol.ICMP else 41999) for s, d in tries for p in protocols()]
        control = Probe("public", "internet", Protocol.TCP, 41999)
        seen = measure([*probes, control], stands)
    assert not [o for o in seen if o.probe != control and (o.open or o.arrived)]
    assert next(o for o in seen if o.probe == control).open


def protocols() -> tuple[Protocol, ...]:
    return (Protocol.TCP, Protocol.UDP, Protocol.ICMP)


def place(world: World, name: str) -> Stand:
    return Stand("lan" if name == "nas" else name, world.places[name].netns, world.places[name].address)
