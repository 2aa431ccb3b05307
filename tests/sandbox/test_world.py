"""The sandbox as `make up` leaves it: what is where, who reaches whom before any policy, and no way out of it.

Nothing here changes the world, so these run on the checkout's own sandbox.
"""

import json
import subprocess
import sys
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import pytest

from sandbox import dell
from sandbox.command import CommandError, run
from sandbox.dell import World
from sandbox.dell.world import ssh

pytestmark = pytest.mark.sandbox

PLACES = ("internet", "router", "nas", "laptop", "dell", "docker0")
OUTSIDE = ("192.0.2.1", "1.1.1.1", "172.31.255.254")
"""Addresses that no place of this world has."""

CONNECT = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=0.5) as s:
        print("open", s.getsockname()[0])
except OSError as error:
    print("closed", error)
"""
LISTEN = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    print("ready", flush=True)
    server.settimeout(5)
    print(server.accept()[1][0])
"""


@pytest.fixture(scope="module")
def world() -> World:
    return dell.up()


def connect(world: World, place: str, address: str, port: int) -> str:
    return run("nsenter", f"--net={world.places[place].netns}", sys.executable, "-c", CONNECT, address, str(port))


def seen(world: World, server: str, client: str, address: str, *, port: int, listen: int | None = None) -> str:
    """The source address a server at one place sees when a client at another connects to `address:port`."""
    at = ("nsenter", f"--net={world.places[server].netns}", sys.executable, "-c", LISTEN)
    with subprocess.Popen([*at, "", str(listen or port)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        said = connect(world, client, address, port)
        assert said.startswith("open"), said
        return process.stdout.readline().strip()


def test_every_place_is_there_with_its_address(world: World) -> None:
    assert set(world.places) == set(PLACES)
    assert {name: str(place.address) for name, place in world.places.items()} == {
        "internet": "203.0.113.10",
        "router": "192.168.1.1",
        "nas": "192.168.1.20",
        "laptop": "192.168.1.30",
        "dell": "192.168.1.10",
        "docker0": "172.17.0.2",
    }
    for place in world.places.values():
        told = json.loads(run("nsenter", f"--net={place.netns}", "ip", "-json", "address"))
        held = {entry["local"] for link in told for entry in link["addr_info"]}
        assert str(place.address) in held, f"{place.name} lacks its address"


def test_up_when_up_is_quick_and_changes_nothing(world: World) -> None:
    started = run("stat", "--format=%Y", str(world.state / "ready"))
    again = subprocess.run(
        [sys.executable, "-m", "sandbox.dell", "up"], capture_output=True, text=True, timeout=1, check=True
    )
    assert f"PID 1 is {world.dell_pid}" in again.stdout
    assert dell.current() == world
    assert run("stat", "--format=%Y", str(world.state / "ready")) == started


def test_pulumis_login_works_from_the_laptop(world: World) -> None:
    assert ssh(world, "hostname") == "dell\n"
    known = world.known_hosts.read_text()
    assert known.startswith("[192.168.1.10]:2200 ssh-ed25519 ")
    assert world.key == world.state / "home/.ssh/id_ed25519"
    assert world.key.stat().st_mode & 0o777 == 0o600
    assert dell.in_laptop(world, "sh", "-c", "echo $HOME").strip() == str(world.state / "home")


def test_sshd_takes_no_password_no_other_key_and_is_not_on_port_22(world: World, tmp_path: Path) -> None:
    options = ("-F", "none", "-oBatchMode=yes", f"-oUserKnownHostsFile={world.known_hosts}", "-p", "2200")
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "stranger")
    with pytest.raises(CommandError, match=r"Permission denied \(publickey\)"):
        dell.in_laptop(world, "ssh", *options, "-i", tmp_path / "stranger", "root@192.168.1.10", "true")
    with pytest.raises(CommandError, match=r"Permission denied \(publickey\)"):
        dell.in_laptop(world, "ssh", *options, "-oPreferredAuthentications=password", "root@192.168.1.10", "true")
    assert connect(world, "laptop", "192.168.1.10", 2200).startswith("open")
    assert connect(world, "laptop", "192.168.1.10", 22).startswith("closed")
    assert ":22 " not in dell.in_dell(world, "ss", "-Hlnt")


def test_the_host_is_as_debian_ships_it(world: World) -> None:
    assert dell.in_dell(world, "systemctl", "--failed", "--plain", "--no-legend") == ""
    services = ("docker", "libvirtd.socket", "firewalld", "ssh")
    assert dell.in_dell(world, "systemctl", "is-active", *services).split() == ["active"] * 4
    assert dell.in_dell(world, "docker", "version", "--format", "{{.Server.Version}}").startswith("20.10.")
    assert dell.in_dell(world, "virsh", "--connect", "qemu:///system", "uri").strip() == "qemu:///system"
    assert "Driver: overlay2" in dell.in_dell(world, "docker", "info")
    assert dell.in_dell(world, "firewall-cmd", "--get-default-zone").strip() == "public"


def test_firewalld_holds_the_uplink_in_public_with_sshds_port_only(world: World) -> None:
    assert dell.in_dell(world, "firewall-cmd", "--get-zone-of-interface=eno1").strip() == "public"
    assert dell.in_dell(world, "firewall-cmd", "--zone=public", "--list-ports").strip() == "2200/tcp"
    assert dell.in_dell(world, "firewall-cmd", "--zone=public", "--list-services").strip() == "dhcpv6-client"


def test_a_container_runs_under_limits(world: World) -> None:
    words = "run --rm --memory 64m --cpus 0.25 --read-only --cap-drop ALL --network none probe /bin/busybox echo"
    assert dell.in_dell(world, "docker", *words.split(), "ran") == "ran\n"


@pytest.mark.parametrize("place", PLACES)
def test_no_place_knows_a_way_out(world: World, place: str) -> None:
    ours = {str(other.address) for other in world.places.values()} | {"203.0.113.1", "172.17.0.1"}
    for family in ("-4", "-6"):
        told = run("nsenter", f"--net={world.places[place].netns}", "ip", "-json", family, "route")
        for route in json.loads(told):
            assert route.get("gateway", "203.0.113.1") in ours, f"{place} routes {route} out of the world"
    if place == "internet":
        assert not any(route["dst"] == "default" for route in json.loads(told)), "the Internet must lead nowhere"


@pytest.mark.parametrize("place", PLACES)
def test_no_place_reaches_an_address_outside(world: World, place: str) -> None:
    assert connect(world, place, "198.51.100.53", 53).startswith("open"), "positive control"
    for address in OUTSIDE:
        assert connect(world, place, address, 80).startswith("closed"), f"{place} reached {address}"


def test_no_link_of_the_world_is_the_machines_own(world: World) -> None:
    """Every link's other end lies in a namespace of the world, so none leads to the machine's own network."""
    spaces = [world.places[name].netns for name in PLACES]
    spaces.append(spaces[1].with_name(f"twin-{world.id}-lan"))
    inside = {path.stat().st_ino for path in spaces}
    assert Path("/proc/self/ns/net").stat().st_ino not in inside
    for path in spaces:
        links = json.loads(run("nsenter", f"--net={path}", "ip", "-details", "-json", "link"))
        kinds = {link["ifname"]: link.get("linkinfo", {}).get("info_kind") for link in links if link["ifname"] != "lo"}
        tunnels = {name for name, kind in kinds.items() if kind is None}
        assert not tunnels, f"{path} holds {tunnels}, which is no virtual link"


def test_the_router_translates_nothing_and_the_host_masquerades_its_container(world: World) -> None:
    assert seen(world, "internet", "nas", "203.0.113.10", port=9001) == "192.168.1.20"
    assert seen(world, "internet", "docker0", "203.0.113.10", port=9002) == "192.168.1.10"
    assert seen(world, "nas", "internet", "192.168.1.20", port=9003) == "203.0.113.10"


def test_the_published_port_leads_to_the_container(world: World) -> None:
    assert seen(world, "docker0", "laptop", "192.168.1.10", port=8080, listen=80) == "192.168.1.30"


@pytest.mark.parametrize("place", ["internet", "router", "nas", "laptop"])
def test_packets_for_the_segments_are_sent_to_the_host(world: World, place: str) -> None:
    """Nothing on the LAN is a wall: a denied cell can only be denied by the host."""
    told = run("nsenter", f"--net={world.places[place].netns}", "ip", "-json", "route", "get", "10.0.2.5")
    gateway = ip_address(json.loads(told)[0]["gateway"])
    assert gateway == (IPv4Address("203.0.113.1") if place == "internet" else world.places["dell"].address)


def test_names_resolve_on_the_host_and_are_logged(world: World) -> None:
    name = f"probe{world.dell_pid}.tunnel.test"
    assert "203.0.113.10" in dell.in_dell(world, "getent", "ahostsv4", name)
    with pytest.raises(CommandError):
        dell.in_dell(world, "getent", "ahostsv4", "www.debian.org")
    noted = [json.loads(line) for line in (world.state / "dns.log").read_text().splitlines()]
    assert {entry["source"] for entry in noted if entry.get("name") == name} == {"192.168.1.10"}
