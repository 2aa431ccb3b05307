"""What somebody changed by hand is named by a refresh and by `make drift`, and put right by a plain `up`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from sandbox import dell, engine
from sandbox.command import CommandError
from sandbox.dell import World, in_dell
from sandbox.dell.site import Site
from sandbox.dell.world import laptop, reboot, wait_for
from sandbox.measure import rig, take_baseline
from sandbox.paths import checkout_id, content_key
from sandbox.probe.guests import wait_for_forwarding
from sandbox.project import STACK, Project, forget, project
from tests.deployed.test_matrix import redefine

pytestmark = pytest.mark.sandbox

SITE = Site(content_key("drift", checkout_id())[:8])
UP = ("up", "--yes", "--skip-preview", "--stack", STACK)


@dataclass(frozen=True)
class Drift:
    """What `make drift` said: its exit code, and its findings as lines."""

    code: int
    lines: tuple[str, ...]


class Home:
    """The owner's laptop and host, the stack deployed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.project: Project = project(world, engine.ensure())

    def sh(self, command: str) -> str:
        return in_dell(self.world, "sh", "-euc", command)

    def operations(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python -m operations …`, as the Makefile runs it."""
        return subprocess.run(
            [*laptop(self.world), sys.executable, "-m", "operations", *words, "--stack", STACK],
            cwd=self.project.folder, env=dict(self.project.environment), capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip

    def drift(self) -> Drift:
        done = self.operations("drift", "--json")
        assert done.stdout.startswith("{"), done.stderr
        found = json.loads(done.stdout)["findings"]
        return Drift(done.returncode, tuple(f"{one['what']}: {one['said']}" for one in found))

    def refreshed(self) -> str:
        """What `pulumi refresh` would record."""
        return self.project.pulumi("refresh", "--preview-only", "--diff", "--stack", STACK)

    def xml(self, network: str) -> str:
        return self.sh(f"virsh net-dumpxml --inactive {network}")

    def assert_named_and_put_right(self, wanted: dict[str, str]) -> None:
        """Each sentence by `make drift` and by a refresh, then a plain `up`, then silence."""
        found = self.drift()
        assert (found.code, sorted(found.lines)) == (1, sorted(f"{what}: {said}" for what, said in pairs(wanted)))
        shown = self.refreshed()
        missing = [said for what, said in pairs(wanted) if said not in shown and not what.startswith("/")]
        assert not missing, shown
        self.project.pulumi(*UP)
        self.assert_quiet()

    def assert_quiet(self) -> None:
        """It holds a refresh and a preview without a single difference."""
        assert self.drift() == Drift(0, ())


def pairs(wanted: dict[str, str]) -> list[tuple[str, str]]:
    return [(what, said) for what, text in wanted.items() for said in text.split("; ")]


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    dell.down(SITE)
    forget(SITE)
    world = dell.up(SITE)
    take_baseline(world)
    made = Home(world)
    made.project.pulumi(*UP)
    yield made
    dell.down(SITE)
    forget(SITE)


def test_a_host_as_deployed_is_quiet(home: Home) -> None:
    said = home.operations("drift")
    assert (said.returncode, said.stdout) == (0, f"stack {STACK}: everything is as it was deployed\n")
    home.project.pulumi("refresh", "--preview-only", "--expect-no-changes", "--stack", STACK)


def test_every_part_of_the_policy_that_was_changed_by_hand_is_named_and_put_right(home: Home) -> None:
    home.sh(
        "nft flush chain inet twin_vpc leave; nft delete table inet twin_vpc_host;"
        "ip rule del $(ip rule | grep 'iif br-public prohibit' | cut -d: -f2-);"
        "iptables -D DOCKER-USER $(iptables -S DOCKER-USER | grep twin-vpc | cut -d' ' -f3-);"
        "sysctl -qw net.ipv4.conf.all.src_valid_mark=0;"
        "echo '# mine' >> /etc/twin-vpc/ruleset.nft; echo '# mine' >> /etc/sysctl.d/60-twin-vpc.conf;"
        "echo '# mine' >> /etc/systemd/system/twin-vpc.service; sed -i s/dns/ssh/ /etc/firewalld/zones/twin-vpc.xml;"
        "rm /etc/firewalld/policies/twin-vpc-out.xml;"
        "systemctl -q disable twin-vpc; systemctl stop twin-vpc twin-vpc-docker"
    )
    zone = next(
        (number, line.strip())
        for number, line in enumerate(home.sh("cat /etc/firewalld/zones/twin-vpc.xml").splitlines(), start=1)
        if "ssh" in line
    )
    lines = home.sh("cat /etc/twin-vpc/ruleset.nft").count("\n") - 1  # the first is not the program's
    settings = home.sh("cat /etc/sysctl.d/60-twin-vpc.conf").count("\n")
    home.assert_named_and_put_right(
        {
            "policy in the kernel": "table inet twin_vpc: chain leave differs; table inet twin_vpc_host is missing; "
            "ip rule: `iif br-public prohibit` is missing; net.ipv4.conf.all.src_valid_mark is 0, not 1; "
            "Docker's chain DOCKER-USER lacks our accept",
            "policy at boot": "/etc/systemd/system/twin-vpc.service was edited; twin-vpc.service is disabled; "
            "twin-vpc.service is stopped (inactive); twin-vpc-docker.service is stopped (inactive)",
            "/etc/twin-vpc/ruleset.nft": f"the file was edited: a line {lines} was added, `# mine`",
            "/etc/sysctl.d/60-twin-vpc.conf": f"the file was edited: a line {settings} was added, `# mine`",
            "/etc/firewalld/zones/twin-vpc.xml": f"the file was edited: line {zone[0]} is `{zone[1]}`, "
            f"not `{zone[1].replace('ssh', 'dns')}`",
            "/etc/firewalld/policies/twin-vpc-out.xml": "the file is missing or empty",
        }
    )


def test_networks_bridges_and_pools_that_were_changed_by_hand_are_named_and_put_right(home: Home) -> None:
    """The dangerous ones: mode `nat`, another bridge, segments joined by a cable; and what simply is not there."""
    redefine(home.world, home.xml("public").replace("mode='open'", "mode='nat'"), [], "public")
    redefine(home.world, home.xml("private").replace("br-private", "br-mine"), [], "private")
    home.sh(
        "virsh -q net-destroy database; virsh -q net-undefine database; virsh -q net-undefine container;"
        "ip link add cable0 type veth peer name cable1; ip link set cable0 master br-container up;"
        "ip link set cable1 master br-management up; ip address del 10.0.0.1/24 dev br-management;"
        "ip address add 10.0.9.1/24 dev br-management; ip link set br-management down;"
        "virsh -q pool-destroy twin-vpc-ssd; virsh -q pool-destroy twin-vpc-hdd; virsh -q pool-undefine twin-vpc-hdd"
    )
    home.assert_named_and_put_right(
        {
            "network public": "its mode is nat, not open",
            "network private": "its bridge is br-mine, not br-private",
            "network database": "it is not there",
            "network container": "it has no definition and is gone after the next start; "
            "cable0 is plugged into its bridge: its other end cable1 is on this host; it does not start with the host",
            "network management": "its bridge br-management is down; its bridge lacks its address 10.0.0.1/24; "
            "its bridge has the address 10.0.9.1/24, which is not ours; "
            "cable1 is plugged into its bridge: its other end cable0 is on this host",
            "pool twin-vpc-ssd": "it is not running",
            "pool twin-vpc-hdd": "it is not there",
        }
    )
    home.sh("ip link del cable0")
    with rig(home.world, home.project.folder) as ready:
        assert not ready.measure().failures


def test_what_the_host_goes_out_by_is_named_and_left_alone_until_it_goes_out_otherwise(home: Home) -> None:
    """On a bridge of ours it is wrong, but taking it off would cut the owner off."""
    home.sh(
        "ip link add up0 type veth peer name up1; ip link set up0 master br-management up;"
        "ip route add default via 10.0.0.77 dev br-management metric 5000"
    )
    carried = "up0 would leave its bridge, and br-management rests on it, and a default route leaves by it"
    with pytest.raises(CommandError, match=f"Nothing was changed, since .*{carried}.*`ip link set up0 nomaster`"):
        home.project.pulumi(*UP)
    assert "master br-management" in home.sh("ip -o link show up0")
    home.sh("ip route del default via 10.0.0.77")
    home.project.pulumi(*UP)
    assert "master" not in home.sh("ip -o link show up0")
    home.sh("ip link del up0")
    home.assert_quiet()


def test_the_quieter_changes_of_networks_and_pools_are_named_and_put_right(home: Home) -> None:
    another = home.xml("public").replace(
        home.sh("virsh net-uuid public").strip(), "5e5e5e5e-0000-4000-8000-000000000001"
    )
    home.sh("virsh -q net-destroy public; virsh -q net-undefine public")
    in_dell(home.world, "virsh", "-q", "net-define", "/dev/stdin", stdin=another)
    ranges = "start='10.0.2.100' end='10.0.2.200'", "start='10.0.2.100' end='10.0.2.250'"
    for verb, text in zip(("delete", "add"), ranges, strict=True):
        home.sh(f'virsh -q net-update private {verb} ip-dhcp-range "<range {text}/>" --live --config')
    home.sh(
        "ip link del br-database; kill -9 $(cat /run/libvirt/network/container.pid);"
        "virsh -q net-autostart --disable container; virsh -q net-destroy management;"
        "virsh -q pool-autostart --disable twin-vpc-ssd; virsh -q pool-dumpxml twin-vpc-hdd > /tmp/hdd.xml;"
        "sed -i s,/data/kvm/images/twin-vpc,/tmp, /tmp/hdd.xml; virsh -q pool-destroy twin-vpc-hdd;"
        "virsh -q pool-define /tmp/hdd.xml"
    )
    home.assert_named_and_put_right(
        {
            "network public": "another network has its name (UUID 5e5e5e5e-0000-4000-8000-000000000001)",
            "network private": "it leases 10.0.2.100-10.0.2.250, not 10.0.2.100-10.0.2.200",
            "network database": "its bridge br-database is gone",
            "network container": "its dnsmasq does not run: no leases, no names; it does not start with the host",
            "network management": "it is not running",
            "pool twin-vpc-ssd": "it does not start with the host",
            "pool twin-vpc-hdd": "it lies in /tmp, not /data/kvm/images/twin-vpc",
        }
    )


def test_a_strangers_network_of_our_name_is_named_and_never_overwritten(home: Home) -> None:
    other = "5e5e5e5e-0000-4000-8000-000000000002"
    strange = home.xml("public").replace(home.sh("virsh net-uuid public").strip(), other).replace("'open'", "'nat'")
    home.sh("virsh -q net-destroy public; virsh -q net-undefine public")
    in_dell(home.world, "virsh", "-q", "net-define", "/dev/stdin", stdin=strange)
    before = home.xml("public")
    said = f"network public: another network has its name (UUID {other}), and it is not ours: its mode is nat, not open"
    assert home.drift() == Drift(1, (said,))
    with pytest.raises(CommandError) as refused:
        home.project.pulumi(*UP)
    assert f"nothing was overwritten: {said}" in " ".join(refused.value.output.split())
    assert "`make adopt STACK=dell`" in refused.value.output
    assert home.xml("public") == before
    home.sh("virsh -q net-undefine public")
    home.project.pulumi(*UP)
    home.assert_quiet()


def test_what_a_refresh_has_recorded_is_still_named_and_put_right(home: Home) -> None:
    redefine(home.world, home.xml("public").replace("br-public", "br-mine"), [], "public")
    home.sh("virsh -q net-destroy database; virsh -q net-undefine database; nft flush chain inet twin_vpc enter")
    home.project.pulumi("refresh", "--yes", "--skip-preview", "--stack", STACK)
    found = home.drift()
    assert found.code == 1
    assert {line.partition(":")[0] for line in found.lines} == {
        "network public", "network database", "policy in the kernel",
    }  # fmt: skip
    home.project.pulumi(*UP)
    home.assert_quiet()


def test_guests_stay_plugged_in_when_their_network_is_made_anew(home: Home) -> None:
    with rig(home.world, home.project.folder) as ready:
        home.sh("kill -9 $(cat /run/libvirt/network/public.pid)")
        assert home.drift().lines == ("network public: its dnsmasq does not run: no leases, no names",), "no guest is"
        home.project.pulumi(*UP)
        ports = home.sh("bridge -o link show | grep 'master br-public' | cut -d: -f2 | cut -d@ -f1").split()
        assert len(ports) == len([guest for guest in ready.guests if guest.segment == "public"]), "both are back"
        for port in ports:
            wait_for_forwarding(home.world.places["dell"].netns, port)
        assert not ready.measure().failures
        assert home.drift().code == 0


def test_a_quiet_host_stays_quiet_through_restarts_and_a_reboot(home: Home) -> None:
    home.sh("systemctl restart libvirtd firewalld docker")
    wait_for("Docker's accept", lambda: "twin-vpc" in home.sh("iptables -S DOCKER-USER"))
    home.assert_quiet()
    home.world = reboot(home.world)
    home.project = project(home.world, engine.ensure())
    home.assert_quiet()


def test_a_host_that_cannot_be_asked_is_no_quiet_host(home: Home) -> None:
    """After everything else: the key is gone from the host."""
    home.sh("mv ~/.ssh/authorized_keys ~/.ssh/gone")
    try:
        done = home.operations("drift")
    finally:
        home.sh("mv ~/.ssh/gone ~/.ssh/authorized_keys")
    assert done.returncode == 2
    assert "refuses the key" in done.stderr or "authenticate" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
