"""Machines from a few lines of the stack file, really booted on the sandbox host, and reached as their owner does.

The host is this module's own, because it is rebooted. Processors are emulated (`virtualization: qemu`): a Debian kernel
need not run under the KVM of whatever machine carries the sandbox.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface
from xml.etree import ElementTree as ET

import pytest

from sandbox import dell, engine, guest
from sandbox.command import CommandError
from sandbox.dell import World, in_dell
from sandbox.dell.site import DELL, Site
from sandbox.guest.access import OPEN, REFUSED, SILENT, Door, knock
from sandbox.measure import rig, take_baseline
from sandbox.paths import checkout_id, content_key
from sandbox.probe.guests import Guest, Wish, seated
from sandbox.project import STACK, Project, forget, project
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import libvirt_plan
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack

pytestmark = [pytest.mark.sandbox, pytest.mark.timeout(1500)]

SITE = Site(content_key("machines", checkout_id())[:8])
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
WEB, DB = IPv4Address("10.0.1.20"), IPv4Address("10.0.3.20")
WEB_PORT, DB_PORT = 2211, 2251
SPARE_PORT = 2299
MEMORY = "448 MiB"


@dataclass(frozen=True)
class Home:
    """The host with the stack and two machines on it; another one after each reboot.

    Attributes:
        laid: the owner's project.
        world: the sandbox as it is now.
    """

    laid: Project
    world: World

    def door(self, address: IPv4Address, port: int) -> Door:
        return Door(address, port, "owner", self.world.key)

    @property
    def doors(self) -> dict[str, Door]:
        """Both machines as the host itself reaches them."""
        return {"web": self.door(WEB, WEB_PORT), "db": self.door(DB, DB_PORT)}

    def on(self, machine: str, command: str) -> str:
        return self.doors[machine].run(self.world.places["dell"].netns, command)

    def wait(self) -> None:
        """Until both machines have wholly booted."""
        for door in self.doors.values():
            door.wait(self.world.places["dell"].netns)


def stack_lines(world: World) -> str:
    """What an owner adds to Pulumi.dell.yaml for two machines."""
    image = guest.ensure()
    digest = hashlib.sha256(image.read_bytes()).hexdigest()
    key = world.key.with_suffix(".pub").read_text().strip()
    common = f'image: debian-12, pool: ssd, vcpu: 1, disk: 2 GiB, user: owner, keys: ["{key}"]'
    data = "data: {size: 64 MiB, pool: hdd}"
    return f"""  twin-vpc:images:
    debian-12: {{source: {image}, sha256: "{digest}"}}
  twin-vpc:machines:
    web: {{segment: public, address: {WEB}, ssh_port: {WEB_PORT}, memory: {MEMORY}, {data}, {common}}}
    db: {{segment: database, address: {DB}, ssh_port: {DB_PORT}, memory: {MEMORY}, {common}}}
"""


def edit(laid: Project, old: str, new: str) -> None:
    text = (laid.folder / "Pulumi.dell.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    laid.write("Pulumi.dell.yaml", text.replace(old, new))


@pytest.fixture(scope="module")
def site() -> Iterator[World]:
    dell.down(SITE)
    forget(SITE)  # whatever an interrupted run has left
    yield dell.up(SITE)
    dell.down(SITE)
    forget(SITE)


@pytest.fixture(scope="module")
def booted(site: World) -> Home:
    """Both machines, made by one `pulumi up` on the bare host."""
    take_baseline(site)
    laid = project(site, engine.ensure())
    edit(laid, "    port: 2200\n", "    port: 2200\n    virtualization: qemu\n")
    text = (laid.folder / "Pulumi.dell.yaml").read_text(encoding="utf-8")
    salt = text[text.index("encryptionsalt:") :]
    laid.write("Pulumi.dell.yaml", text.replace(salt, "") + stack_lines(site) + salt)
    process = laid.start(*UP)
    output, _ = process.communicate(timeout=1200)
    assert process.returncode == 0, output
    home = Home(laid, site)
    home.wait()
    return home


@pytest.fixture(scope="module")
def neighbours(booted: Home) -> Iterator[dict[str, Guest]]:
    """A namespace in each segment, on the same bridges as the machines."""
    stack = load_stack(booted.laid.folder, STACK).stack
    assert isinstance(stack, LibvirtStack)
    plan = libvirt_plan(stack, read_lock(booted.laid.folder).of(STACK))
    wishes = [
        Wish(s.name, s.bridge, s.router, 7, IPv4Interface((s.cidr.network_address + 77, 24))) for s in plan.segments
    ]
    with seated(booted.world.places["dell"].netns, wishes, booted.world.id) as guests:
        yield {one.segment: one for one in guests}


def definition(world: World, name: str) -> ET.Element:
    return ET.fromstring(in_dell(world, "virsh", "dumpxml", name))


def boots(home: Home) -> dict[str, str]:
    """Each machine's boot: another text means that it was restarted."""
    return {name: boots_of(home, name) for name in home.doors}


def boots_of(home: Home, machine: str) -> str:
    return home.on(machine, "cat /proc/sys/kernel/random/boot_id").strip()


def test_the_machine_is_what_its_lines_say(booted: Home) -> None:
    assert booted.on("web", "hostname").strip() == "web"
    assert booted.on("web", "hostname -f").strip() == "web.lab.local"
    assert booted.on("web", "id -un; sudo -n id -un").split() == ["owner", "root"]
    addresses = json.loads(booted.on("web", "ip -json -4 address show scope global"))
    assert [info["local"] for link in addresses for info in link["addr_info"]] == [str(WEB)]
    size = json.loads(booted.on("web", "lsblk --json --bytes --nodeps --output NAME,SIZE,TYPE"))["blockdevices"]
    assert 2 * 1024**3 in {one["size"] for one in size}
    root = int(booted.on("web", "stat -f -c '%b*%S' /").strip().split("*")[0]) * 4096
    assert root > 1.8 * 1024**3, "its file system has grown with its disk"
    domain = definition(booted.world, "web")
    assert domain.get("type") == "qemu"
    kind = domain.find("os/type")
    assert kind is not None
    assert "q35" in (kind.get("machine") or "")
    (screen,) = domain.iter("graphics")
    assert screen.get("type") == "vnc"


def test_its_screen_is_a_socket_that_only_root_and_qemu_come_to(booted: Home) -> None:
    (listening,) = definition(booted.world, "web").findall("devices/graphics/listen")
    assert listening.get("type") == "socket"
    socket = listening.get("socket")
    greeting = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print(s.recv(3).decode())"
    )
    assert socket
    assert in_dell(booted.world, "python3", "-c", greeting, socket).strip() == "RFB", "the control: it is VNC"
    with pytest.raises(CommandError, match="PermissionError"):
        in_dell(booted.world, "setpriv", "--reuid=nobody", "--clear-groups", "python3", "-c", greeting, socket)
    ports = {own_port(line) for line in in_dell(booted.world, "ss", "-Hltn").splitlines()}
    assert not {port for port in ports if port.startswith("59")}


def apparmor_rules(world: World, definition: str) -> dict[str, str]:
    """What the machine's profile would let it do with each path, as libvirt's own helper writes it."""
    uuid = ET.fromstring(definition).findtext("uuid")
    helper = f"/usr/lib/libvirt/virt-aa-helper --dryrun --create --uuid libvirt-{uuid} 2>&1"
    said = in_dell(world, "sh", "-c", helper, stdin=definition)
    return dict(re.findall(r'^  "(/[^"]+)" (\w+),$', said, flags=re.MULTILINE))


def test_apparmors_helper_names_each_disk_of_a_machine_in_both_pools_and_no_other(booted: Home) -> None:
    written = in_dell(booted.world, "virsh", "dumpxml", "web")
    rules = apparmor_rules(booted.world, written)
    disks = [one.get("file") or "" for one in ET.fromstring(written).findall("devices/disk/source")]
    assert len(disks) == 3
    base = {path for path in rules if "/base-" in path}
    assert {path for path in rules if "/images/" in path} == {*disks, *base}
    assert (len(base), {rules[path] for path in base}) == (1, {"rk"}), "the image beneath is read alone"
    assert [path for path in disks if rules[path] == "rwk"] == disks[:2], "root and data; the seed is read alone"
    assert any(path.startswith("/data/kvm/images/") for path in disks), "the second pool too"
    volume = r"type='volume'\1\2<source pool='p' volume='v'/>"
    volumes = re.sub(r"type='file'( device='disk'>)(.*?)<source file=[^>]*>", volume, written, flags=re.DOTALL)
    assert not {*disks[:2]} & set(apparmor_rules(booted.world, volumes)), "the control: as volumes of a pool they lack"


def test_the_lease_is_the_reserved_address_of_its_own_mac(booted: Home) -> None:
    mac = definition(booted.world, "web").find("devices/interface/mac")
    assert mac is not None
    leases = in_dell(booted.world, "virsh", "-q", "net-dhcp-leases", "public").splitlines()
    (lease,) = [line for line in leases if f"{WEB}/" in line]
    assert mac.get("address") in lease
    assert " web " in lease
    reserved = in_dell(booted.world, "virsh", "net-dumpxml", "--inactive", "public")
    assert re.search(rf"<host mac='{mac.get('address')}'[^>]*ip='{WEB}'", reserved), "and after a reboot of the host"
    assert str(DB) not in in_dell(booted.world, "virsh", "-q", "net-dhcp-leases", "database")


def test_names_of_the_domain_resolve_on_both_machines_whole_and_short(booted: Home) -> None:
    names = "for n in web db private web.lab.local db.lab.local database.lab.local; do getent ahostsv4 $n; done"
    wanted = {str(WEB), str(DB), "10.0.2.1", "10.0.3.1"}
    for machine in booted.doors:
        assert {line.split()[0] for line in booted.on(machine, names).splitlines()} == wanted, machine
    with pytest.raises(CommandError):
        booted.on("web", "getent hosts nobody.lab.local")


def test_the_owner_logs_in_through_the_host_and_the_machine_sees_who_it_is(booted: Home) -> None:
    nas = booted.world.places["nas"]
    for address, port in ((WEB, WEB_PORT), (DB, DB_PORT)):
        said = booted.door(DELL, port).run(nas.netns, "echo $SSH_CONNECTION").split()
        assert (said[0], *said[2:]) == (str(nas.address), str(address), str(port))


def test_neighbours_reach_it_as_the_matrix_says(booted: Home, neighbours: dict[str, Guest]) -> None:
    direct = booted.door(WEB, WEB_PORT)
    for segment in ("public", "management"):
        said = direct.run(neighbours[segment].netns, "echo $SSH_CONNECTION")
        assert said.split()[0] == str(neighbours[segment].address)
    for segment in ("private", "database", "container"):
        assert knock(neighbours[segment].netns, WEB, WEB_PORT) != OPEN, segment
        assert knock(neighbours[segment].netns, DELL, WEB_PORT) != OPEN, f"{segment}, by the host's port"
    assert booted.on("web", f"nc -zw5 {DB} {DB_PORT} && echo open").strip() == "open", "public may open to database"
    assert booted.on("db", f"nc -zw5 {WEB} {WEB_PORT} || echo closed").strip() == "closed", "and database to nobody"


def test_nobody_else_gets_in_by_the_forwarded_port_or_past_it(booted: Home) -> None:
    places = booted.world.places
    assert knock(places["nas"].netns, DELL, WEB_PORT) == OPEN, "the control"
    assert knock(places["nas"].netns, WEB, WEB_PORT) != OPEN, "the LAN has the host's port, not the segment"
    for place in ("internet", "docker0"):
        assert knock(places[place].netns, DELL, WEB_PORT) != OPEN, place
        assert knock(places[place].netns, WEB, WEB_PORT) != OPEN, place


def test_a_password_is_not_asked_for(booted: Home) -> None:
    netns, door = booted.world.places["dell"].netns, booted.doors["web"]
    refused = re.escape("Permission denied (publickey).")  # in brackets: what the machine would take
    with pytest.raises(CommandError, match=refused):
        door.run(netns, "true", "PreferredAuthentications=password", "PubkeyAuthentication=no")
    with pytest.raises(CommandError, match=refused):
        replace(door, user="root").run(netns, "true")
    booted.on("web", f"sudo /usr/sbin/sshd -f /dev/null -p {SPARE_PORT} -o PasswordAuthentication=yes")
    with pytest.raises(CommandError, match=r"Permission denied \(publickey,password"):
        replace(door, port=SPARE_PORT).run(
            netns, "true", "PreferredAuthentications=password", "PubkeyAuthentication=no"
        )  # the control: one that would take a password says so
    booted.on("web", "sudo pkill -f '[s]shd -f /dev/null'")


def test_nothing_listens_on_port_22(booted: Home, neighbours: dict[str, Guest]) -> None:
    assert knock(neighbours["public"].netns, WEB, 22) == REFUSED, "nobody stands between them: the machine says so"
    assert knock(neighbours["public"].netns, WEB, WEB_PORT) == OPEN
    assert knock(booted.world.places["nas"].netns, DELL, 22) in {REFUSED, SILENT}
    assert {own_port(line) for line in booted.on("web", "sudo ss -Hltnp | grep sshd").splitlines()} == {str(WEB_PORT)}
    assert "22" not in {own_port(line) for line in booted.on("web", "ss -Hltn").splitlines()}


def own_port(line: str) -> str:
    """The port in a line of `ss -Hltn`: state, two queues, own address and port, the other's."""
    return line.split()[3].rpartition(":")[2]


def test_a_second_run_plans_nothing(booted: Home) -> None:
    booted.laid.pulumi("preview", "--expect-no-changes", "--stack", STACK)
    booted.laid.pulumi(*UP, "--expect-no-changes")


def test_with_machines_every_cell_is_as_intended(booted: Home) -> None:
    with rig(booted.world, booted.laid.folder) as ready:
        measured = ready.measure()
        assert not measured.failures, "\n".join(measured.failures)
        assert [str(one) for one in ready.tries() if not one.right] == []


def test_other_memory_replaces_that_machine_alone_and_its_data_stays(booted: Home) -> None:
    before = boots(booted)
    booted.on("web", "findmnt -no SOURCE /data && echo kept | sudo tee /data/proof && sudo sync")
    edit(booted.laid, f"{WEB_PORT}, memory: {MEMORY}", f"{WEB_PORT}, memory: 512 MiB")
    booted.laid.pulumi(*UP, timeout=1200)
    booted.wait()
    assert booted.on("web", "cat /data/proof").strip() == "kept"
    assert int(booted.on("web", "awk '/MemTotal/ {print $2}' /proc/meminfo")) > 448 * 1024
    after = boots(booted)
    assert after["web"] != before["web"]
    assert after["db"] == before["db"], "nobody else was touched"
    booted.laid.pulumi("preview", "--expect-no-changes", "--stack", STACK)


@pytest.fixture(scope="module")
def rebooted(booted: Home) -> tuple[dict[str, str], Home]:
    """Which boots there were before the host was rebooted, and the host afterwards."""
    before = boots(booted)
    world = dell.reboot(booted.world)
    home = Home(replace(booted.laid, world=world), world)
    home.wait()
    return before, home


def test_after_a_reboot_of_the_host_the_machines_answer_again(rebooted: tuple[dict[str, str], Home]) -> None:
    before, home = rebooted
    assert not set(before.values()) & set(boots(home).values())
    assert home.on("web", "cat /data/proof").strip() == "kept"
    assert home.door(DELL, WEB_PORT).run(home.world.places["nas"].netns, "hostname").strip() == "web"
    home.laid.pulumi("preview", "--expect-no-changes", "--stack", STACK)
