"""The repo's own stack on the host's real libvirt: its networks, names and leases, and what a change to it does."""

import json
import secrets
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from xml.etree import ElementTree as ET

import pytest

from sandbox.command import CommandError, run
from sandbox.dell import World, in_dell
from sandbox.project import Project
from tests.program.test_urns import NETWORKS, URNS

pytestmark = pytest.mark.sandbox

ROUTERS = {name: block.replace("0/24", "1") for name, block, _, _, _ in NETWORKS}
REFUSED, NO_SUCH_NAME = 5, 3
ASK = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(5)
    s.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 53))
    print(s.recv(4096).hex())
"""


def ask(world: World, server: str, name: str) -> tuple[int, str]:
    """What one segment's DNS server says about a name: its code, and the last address in its answer."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    query = struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!2H", 1, 1)
    argv = ("nsenter", f"--net={world.places['dell'].netns}", sys.executable, "-c", ASK, server, query.hex())
    reply = bytes.fromhex(run(*argv))
    _, flags, _, answers, _, _ = struct.unpack_from("!6H", reply)
    return flags & 0xF, ".".join(str(byte) for byte in reply[-4:]) if answers else ""


def reached_the_internet(world: World, name: str) -> bool:
    return name in (world.state / "dns.log").read_text()


def definitions(world: World) -> dict[str, ET.Element]:
    names = in_dell(world, "virsh", "net-list", "--all", "--name").split()
    return {name: ET.fromstring(in_dell(world, "virsh", "net-dumpxml", name)) for name in names}


def ids(world: World) -> dict[str, str]:
    """The id that libvirt gave each network: another one means the network was replaced."""
    return {name: xml.findtext("uuid") or "" for name, xml in definitions(world).items()}


def settings(world: World, name: str) -> list[str]:
    text = in_dell(world, "cat", f"/var/lib/libvirt/dnsmasq/{name}.conf")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


Edit = Callable[[Mapping[str, tuple[str, str]]], str]


@pytest.fixture
def changed(deployed: Project) -> Iterator[Edit]:
    """Change the owner's files, one piece of text in each, and apply them; afterwards everything is as it was."""

    def change(edits: Mapping[str, tuple[str, str]]) -> str:
        for name, (old, new) in edits.items():
            text = (deployed.folder / name).read_text()
            assert old in text
            deployed.write(name, text.replace(old, new))
        return deployed.pulumi("up", "--yes", "--stack", "dell")  # with the preview that its owner would look at

    yield change
    deployed.refreshed().pulumi("up", "--yes", "--skip-preview", "--stack", "dell")
    assert deployed.pulumi("preview", "--expect-no-changes", "--stack", "dell")


def test_the_state_holds_what_is_pinned_and_nothing_else(deployed: Project) -> None:
    state = json.loads(deployed.pulumi("stack", "export", "--stack", "dell"))
    urns = {one["urn"] for one in state["deployment"]["resources"]}
    assert urns - {"urn:pulumi:dell::twin-vpc::pulumi:pulumi:Stack::twin-vpc-dell"} == set(URNS)


def test_a_second_run_plans_no_change(deployed: Project) -> None:
    assert "16 unchanged" in deployed.pulumi("preview", "--expect-no-changes", "--stack", "dell")


def test_a_refresh_finds_nothing_different(deployed: Project) -> None:
    assert deployed.pulumi("refresh", "--yes", "--expect-no-changes", "--stack", "dell")


def test_every_network_leases_the_owners_range_and_no_other(deployed: Project) -> None:
    found = definitions(deployed.world)
    for name, _, bridge, first, last in NETWORKS:
        mode = found[name].find("forward")
        assert mode is not None
        assert mode.attrib == {"mode": "open"}
        device = found[name].find("bridge")
        assert device is not None
        assert device.get("name") == bridge
        leased = [line for line in settings(deployed.world, name) if line.startswith("dhcp-range")]
        assert leased == ([f"dhcp-range={first},{last},255.255.255.0"] if first else [])


@pytest.mark.parametrize("segment", ROUTERS)
def test_every_segment_resolves_the_names_of_all(deployed: Project, segment: str) -> None:
    answers = {name: ask(deployed.world, ROUTERS[segment], f"{name}.lab.local") for name in ROUTERS}
    assert answers == {name: (0, router) for name, router in ROUTERS.items()}


def test_what_stands_in_the_hosts_own_hosts_file_is_told_to_no_guest(deployed: Project) -> None:
    hosts = in_dell(deployed.world, "cat", "/etc/hosts")
    name = f"{secrets.token_hex(4)}.tunnel.test"  # which the Internet's own server knows, with another address
    in_dell(deployed.world, "sh", "-c", "cat > /etc/hosts", stdin=f"{hosts}192.0.2.77 {name}\n")
    try:
        in_dell(
            deployed.world, "sh", "-c", "kill -HUP $(cat /run/libvirt/network/public.pid)"
        )  # dnsmasq reads its files anew
        assert ask(deployed.world, ROUTERS["public"], name) == (0, "203.0.113.10")
    finally:
        in_dell(deployed.world, "sh", "-c", "cat > /etc/hosts", stdin=hosts)


def test_an_unknown_name_of_the_domain_is_asked_of_nobody(deployed: Project) -> None:
    name = f"{secrets.token_hex(4)}.lab.local"
    assert ask(deployed.world, ROUTERS["public"], name) == (NO_SUCH_NAME, "")
    assert not reached_the_internet(deployed.world, name)


def test_a_closed_segment_resolves_local_names_and_forwards_nothing(deployed: Project, changed: Edit) -> None:
    world, name = deployed.world, f"{secrets.token_hex(8)}.tunnel.test"
    before = ids(world)
    changed({"network.yaml": ("purpose: data, internet: true", "purpose: data, internet: false")})
    assert ask(world, ROUTERS["database"], name) == (REFUSED, "")
    assert not reached_the_internet(world, name)
    assert ask(world, ROUTERS["public"], name) == (0, "203.0.113.10"), "the control: others still forward it"
    assert reached_the_internet(world, name)
    assert ask(world, ROUTERS["database"], "public.lab.local") == (0, ROUTERS["public"])
    assert {one for one, was in before.items() if ids(world)[one] != was} == {"database"}, "nothing else is replaced"


def test_a_new_static_name_is_known_everywhere_and_replaces_nothing(deployed: Project, changed: Edit) -> None:
    world, before = deployed.world, ids(deployed.world)
    changed({"Pulumi.dell.yaml": ("cidr: 10.0.3.0/24, ", "cidr: 10.0.3.0/24, static: {db1: 10.0.3.10}, ")})
    assert {ask(world, router, "db1.lab.local") for router in ROUTERS.values()} == {(0, "10.0.3.10")}
    assert ids(world) == before


def test_another_range_replaces_its_own_network_alone(deployed: Project, changed: Edit) -> None:
    world, before = deployed.world, ids(deployed.world)
    changed({"Pulumi.dell.yaml": ("10.0.1.100-10.0.1.200", "10.0.1.100-10.0.1.220")})
    assert "dhcp-range=10.0.1.100,10.0.1.220,255.255.255.0" in settings(world, "public")
    after = ids(world)
    assert {name for name in before if before[name] != after[name]} == {"public"}


def test_a_pool_with_something_in_it_is_never_deleted(deployed: Project, changed: Edit) -> None:
    world, disk = deployed.world, "/var/lib/libvirt/images/twin-vpc/disk.img"
    in_dell(world, "sh", "-c", f"echo data > {disk}")
    try:
        with pytest.raises(CommandError, match="Directory not empty"):
            changed({"Pulumi.dell.yaml": ("    ssd: /var/lib/libvirt/images/twin-vpc\n", "")})
        assert in_dell(world, "cat", disk) == "data\n"
    finally:
        in_dell(world, "rm", disk)
        in_dell(world, "virsh", "pool-start", "twin-vpc-ssd")
