"""A fresh sandbox host brought into the state of an owner who built the same by hand, before this project.

Five networks of the right names in mode `nat`, `default` with a machine, rules in FORWARD, rules of firewalld, and
containers. `python -m sandbox.dell.brownfield` does it to the sandbox that is up.
"""

import base64
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import PurePosixPath

from sandbox.command import CommandError
from sandbox.dell import container, tiny
from sandbox.dell.site import SandboxDownError
from sandbox.dell.world import World, current, in_dell, wait_for

MACHINES: Mapping[str, str] = {"test-vm": "default", "web-vm": "public", "app-vm": "private"}
"""The owner's machines, and the network of each."""
SHOP = "shop"
SHOP_PORT = 8081
"""A second container, which answers on this port of the host."""
_BLOCKS = {"management": 0, "public": 1, "private": 2, "database": 3, "container": 4}
_FOLDER = "/var/lib/libvirt/images/tiny"
RICH_RULES = {
    "public": 'rule family="ipv4" source address="192.168.1.0/24" port port="9090" protocol="tcp" accept',
    "internal": 'rule family="ipv4" source address="10.0.2.0/24" port port="53" protocol="udp" reject',
}
"""Of the owner's, by zone; the second speaks of a segment's block."""
RULES_FILE = PurePosixPath("/etc/iptables/rules.v4")
"""Where Debian's iptables-persistent keeps rules for the next boot."""
SOURCE = ("internal", "10.0.4.0/24")
"""A zone that takes a whole segment's packets by their source."""


@dataclass(frozen=True)
class Machine:
    """One of the owner's machines as it runs.

    Attributes:
        name: its name in libvirt.
        pid: of its qemu, as the host counts.
        tap: its link on the host.
        bridge: the bridge that the link is a port of; empty if it is in none.
        mac: its hardware address.
    """

    name: str
    pid: str
    tap: str
    bridge: str
    mac: str


def bridge_of(network: str, *, own_bridges: bool) -> str:
    """What the owner called a network's bridge: as libvirt numbers them, or already as we would."""
    if network == "default":
        return "virbr0"
    return f"br-{network}" if own_bridges else f"virbr{_BLOCKS[network] + 1}"


def rules(*, own_bridges: bool) -> tuple[tuple[str, ...], ...]:
    """The owner's rules in FORWARD, in their order: two accepts, two drops of ours, two drops that are none of ours.

    The last of these is wide, and written as preflight says: it leaves alone what the policy judges itself.
    """
    public, database = (bridge_of(name, own_bridges=own_bridges) for name in ("public", "database"))
    container_bridge = bridge_of("container", own_bridges=own_bridges)
    return (
        ("-i", public, "-o", database, "-p", "tcp", "--dport", "5432", "-j", "ACCEPT"),
        ("-s", "10.0.2.0/24", "-d", "10.0.3.0/24", "-j", "DROP"),
        ("-s", "10.0.0.0/24", "-o", container_bridge, "-j", "REJECT"),
        ("-s", "172.30.0.0/16", "-d", "192.168.1.0/24", "-j", "DROP"),
        ("-i", public, "-o", "eno1", "-j", "ACCEPT"),
        ("-s", "10.0.0.0/8", "-m", "mark", "!", "--mark", "0x1000000/0x1000000", "-j", "DROP"),
    )


def settle(world: World) -> None:
    """Bring a fresh sandbox's host into the owner's state."""
    for name in ("default", *_BLOCKS):
        if name != "default":
            in_dell(world, "virsh", "-q", "net-define", "/dev/stdin", stdin=_network(name))
        in_dell(world, "virsh", "-q", "net-autostart", name)
        in_dell(world, "virsh", "-q", "net-start", name)
    kernel, initrd = tiny.ensure()
    for path in (kernel, initrd):
        _copy(world, path.name, path.read_bytes())
    for number, (name, network) in enumerate(MACHINES.items(), start=1):
        in_dell(world, "virsh", "-q", "define", "/dev/stdin", stdin=_domain(name, network, number))
        in_dell(world, "virsh", "-q", "start", name)
    for zone, rich in RICH_RULES.items():
        _firewalld(world, f"--zone={zone}", f"--add-rich-rule={rich}")
    _firewalld(world, f"--zone={SOURCE[0]}", f"--add-source={SOURCE[1]}")
    in_dell(world, "docker", "network", "create", "--subnet", "172.19.0.0/16", "owner")
    words = f"run --detach --name {SHOP} --network owner --restart always --publish {SHOP_PORT}:80 {container.NAME}"
    in_dell(world, "docker", *words.split(), "/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/bin")
    _write_rules(world, own_bridges=False)


def _write_rules(world: World, *, own_bridges: bool) -> None:
    """Put the owner's rules first in FORWARD, and have the next boot load everything as it is now."""
    for place, rule in enumerate(rules(own_bridges=own_bridges), start=1):
        in_dell(world, "iptables", "-w", "-I", "FORWARD", str(place), *rule)
    in_dell(world, "sh", "-c", f"mkdir -p {RULES_FILE.parent} && iptables-save >{RULES_FILE}")


def rename_bridges(world: World) -> None:
    """The same owner, whose bridges are called as ours will be; running machines are plugged in again by hand."""
    for rule in rules(own_bridges=False):
        in_dell(world, "iptables", "-w", "-D", "FORWARD", *rule)
    for name in _BLOCKS:
        xml = in_dell(world, "virsh", "net-dumpxml", "--inactive", name)
        old, new = (bridge_of(name, own_bridges=own) for own in (False, True))
        in_dell(world, "virsh", "-q", "net-destroy", name)
        in_dell(world, "virsh", "-q", "net-define", "/dev/stdin", stdin=xml.replace(f"'{old}'", f"'{new}'"))
        in_dell(world, "virsh", "-q", "net-start", name)
    for name, network in MACHINES.items():
        tap, bridge = machine(world, name).tap, bridge_of(network, own_bridges=True)
        in_dell(world, "ip", "link", "set", "dev", tap, "master", bridge)
    _write_rules(world, own_bridges=True)


def await_machines(world: World, names: Sequence[str] = tuple(MACHINES)) -> None:
    """Wait until machines have booted and hold a lease.

    Raises:
        SandboxError: one did not within two minutes.
    """
    for name in names:
        wait_for(f"{name} to have a lease", lambda name=name: bool(lease(world, name)))


def lease(world: World, name: str) -> str:
    """The address that the DHCP server of its present network last gave a machine, or nothing."""
    mac = machine(world, name).mac
    found = ""
    for network in in_dell(world, "virsh", "-q", "net-list", "--name").split():
        for line in in_dell(world, "virsh", "-q", "net-dhcp-leases", network, "--mac", mac).splitlines():
            if line.strip():
                found = line.split()[4].partition("/")[0]
    return found


def machine(world: World, name: str) -> Machine:
    """A running machine.

    Raises:
        CommandError: there is none of that name.
    """
    tap, _, _, _, mac = in_dell(world, "virsh", "-q", "domiflist", name).split()
    pid = in_dell(world, "cat", f"/run/libvirt/qemu/{name}.pid").strip()
    try:
        bridge = in_dell(world, "basename", in_dell(world, "readlink", f"/sys/class/net/{tap}/master").strip()).strip()
    except CommandError:
        bridge = ""
    return Machine(name, pid, tap, bridge, mac)


def containers(world: World) -> Mapping[str, tuple[str, ...]]:
    """Id, start and number of restarts of every container, by name."""
    form = "{{.Name}} {{.Id}} {{.State.Pid}} {{.State.StartedAt}} {{.RestartCount}} {{.State.Running}}"
    ids = in_dell(world, "docker", "ps", "--all", "--quiet").split()
    rows = (line.split() for line in in_dell(world, "docker", "inspect", "--format", form, *ids).splitlines())
    return {name.strip("/"): tuple(values) for name, *values in rows}


def _firewalld(world: World, *words: str) -> None:
    for scope in ((), ("--permanent",)):
        in_dell(world, "firewall-cmd", "--quiet", *scope, *words)


def _copy(world: World, name: str, data: bytes) -> None:
    """Put a file onto the host's disk; bytes travel in base64, as the pipe carries text."""
    text = base64.b64encode(data).decode()
    script = f"mkdir -p {_FOLDER} && base64 -d >{_FOLDER}/{name} && chmod 644 {_FOLDER}/{name}"
    in_dell(world, "sh", "-c", script, stdin=text)


def _network(name: str) -> str:
    block = IPv4Network(f"10.0.{_BLOCKS[name]}.0/24")
    first, last = (10, 50) if name == "management" else (100, 200)
    leased = f"<dhcp><range start='{block[first]}' end='{block[last]}'/></dhcp>" if name != "database" else ""
    return f"""<network>
  <name>{name}</name>
  <forward mode='nat'/>
  <bridge name='{bridge_of(name, own_bridges=False)}' stp='on' delay='0'/>
  <ip address='{block[1]}' netmask='{block.netmask}'>{leased}</ip>
</network>
"""


def _domain(name: str, network: str, number: int) -> str:
    return f"""<domain type='qemu'>
  <name>{name}</name>
  <memory unit='MiB'>96</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{_FOLDER}/vmlinuz</kernel>
    <initrd>{_FOLDER}/initrd</initrd>
    <cmdline>console=ttyS0 quiet twin.name={name}</cmdline>
  </os>
  <features><acpi/><tcg><tb-cache unit='MiB'>32</tb-cache></tcg></features>
  <devices>
    <interface type='network'>
      <source network='{network}'/>
      <mac address='52:54:00:b0:00:{number:02x}'/>
      <model type='virtio'/>
    </interface>
    <serial type='file'><source path='/var/log/libvirt/qemu/{name}.serial'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>
"""


def main() -> int:
    """Bring the running sandbox into the owner's state; exit code 3 if none is up."""
    try:
        world = current()
    except SandboxDownError as error:
        print(error, file=sys.stderr)
        return 3
    settle(world)
    await_machines(world)
    if "--own-bridges" in sys.argv[1:]:
        rename_bridges(world)
    for name in MACHINES:
        print(machine(world, name), lease(world, name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
