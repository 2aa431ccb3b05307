"""The provider against a real host over SSH: a second sandbox beside the checkout's own, for these tests alone."""

import shlex
import time
from pathlib import Path
from typing import TypeVar

import pytest

from providers.host import wire
from providers.host.errors import HostError
from providers.host.files import remote
from sandbox import dell
from sandbox.command import run
from sandbox.dell import settled
from tests.providers.host import Host
from tests.providers.samples import (
    FORWARD,
    MARK,
    RULESET,
    ZONE,
    diff,
    inputs,
    rules,
)

pytestmark = pytest.mark.sandbox

T = TypeVar("T")


def accepts(host: Host) -> list[str]:
    return [line for line in host.sh("iptables -w -S DOCKER-USER").splitlines() if "twin-vpc" in line]


OURS = [f"-A DOCKER-USER -m mark --mark {MARK} -m comment --comment twin-vpc -j ACCEPT"]


BUSY = "for i in 1 2 3; do timeout 4 sh -c 'while :; do :; done' >/dev/null 2>&1 & done"


def kernel(host: Host) -> str:
    """iptables without counters, once a reload is over."""
    settled(host.world)
    return host.sh("iptables-save | sed -E '/^#/d; s/ \\[[0-9:]*\\]//'")


def test_create_refresh_and_delete_leave_everything_else_as_it_was(host: Host) -> None:
    before = host.snapshot()
    state = host.create()
    assert (state["uplinksInForce"], state["firewalld"], state["ipForwardBefore"]) == (["eno1"], True, "1")
    assert (str(state["kernel"])[:7], state["service"]) == ("sha256:", "enabled")
    assert host.sh("systemctl is-enabled twin-vpc twin-vpc-hold twin-vpc-docker").split() == ["enabled"] * 3
    assert host.sh("systemctl is-active twin-vpc twin-vpc-hold twin-vpc-docker").split() == ["active"] * 3
    assert "br-public" in host.sh("firewall-cmd --zone=twin-vpc --list-interfaces")
    assert accepts(host) == OURS
    modes = host.sh("stat -c %a /etc/twin-vpc /etc/twin-vpc/load /etc/twin-vpc/ruleset.nft")
    assert modes.split() == ["700", "700", "600"]
    assert host.drift(state) == {}, "a quiet host shows no drift"
    host.delete(state)
    host.assert_as(before)
    assert host.read(state).resource_id is None
    host.delete(state)  # a second removal finds nothing and is no error
    host.assert_as(before)


def test_the_same_policy_again_changes_nothing_on_the_host(host: Host) -> None:
    state = host.create()
    stamp = "stat -c '%n %Y %i' /etc/twin-vpc/* /etc/systemd/system/twin* /etc/firewalld/*/twin*; ip rule"
    before = host.sh(stamp)
    assert host.update(state) == state
    assert host.sh(stamp) == before
    answer = host.call(lambda provider: provider.diff(diff(state, inputs())))
    assert (answer.changes, answer.diffs) == (False, [])


def test_an_update_replaces_only_what_changed_and_drops_what_is_no_longer_wanted(host: Host) -> None:
    host.create()
    state = host.update(
        {},
        ruleset=RULESET.replace('oifname "br-private" accept', 'oifname "br-private" tcp dport 443 accept'),
        routingRules=rules("br-public"),
        zonePolicies={"twin-vpc-all": FORWARD},
        mark="0x2000000/0x2000000",
    )
    assert "tcp dport 443 accept" in host.sh("nft list table inet twin_vpc")
    assert "br-private" not in host.sh("ip rule")
    assert host.sh("ls /etc/firewalld/policies").split() == ["twin-vpc-all.xml"]
    assert accepts(host) == [OURS[0].replace(MARK, "0x2000000/0x2000000")]
    assert host.drift(state) == {}


def test_a_firewalld_policy_that_no_manifest_names_any_more_is_removed(host: Host) -> None:
    """A run that was killed after the manifest was replaced leaves one; without its zone, firewalld would refuse it."""
    before = host.snapshot()
    state = host.create()
    left = "/etc/firewalld/policies/twin-vpc-old.xml"
    host.sh(f"cp /etc/firewalld/policies/twin-vpc-forward.xml {left}")
    host.delete(state)
    host.assert_as(before)
    state = host.create()
    host.sh(f"cp /etc/firewalld/policies/twin-vpc-forward.xml {left}")
    state = host.update(state)
    assert host.sh("ls /etc/firewalld/policies").split() == ["twin-vpc-forward.xml"]
    assert "twin-vpc-old" not in host.sh("firewall-cmd --get-policies")


def test_a_kernel_setting_is_given_back_only_where_nobody_else_needs_it(host: Host) -> None:
    setting = "net.ipv4.conf.all.src_valid_mark"
    ours, others = {"sysctl": f"{setting} = 1\n"}, "/etc/sysctl.d/70-owner.conf"
    host.sh(f"sysctl -qw {setting}=0")
    state = host.create(**ours)
    assert host.sh(f"sysctl -n {setting}").strip() == "1"
    state = host.update(state, **ours)
    assert host.drift(state) == {}
    host.delete(state)
    assert host.sh(f"sysctl -n {setting}").strip() == "0", "what was before us is remembered over an update"
    state = host.create(**ours)
    host.sh(f"echo '{setting} = 1' > {others}")
    try:
        host.delete(state)
        assert host.sh(f"sysctl -n {setting}").strip() == "1", "the owner's file asks for it"
    finally:
        host.sh(f"rm {others}; sysctl -qw {setting}=0")


REFUSED = {
    "rule set": (
        {"ruleset": RULESET.replace("counter drop", "counter dropp")},
        r"ruleset\.nft line \d+: Error: syntax",
    ),
    "routing rule": ({"routingRules": ["iif br-public prohibbit"]}, "prohibbit"),
    "zone": ({"zone": ZONE.replace("<short>", "<shirt>")}, r"twin-vpc\.xml: PARSE_ERROR"),
    "policy": (
        {"zonePolicies": {"twin-vpc-x": FORWARD.replace("ACCEPT", "ALLOW")}},
        r"twin-vpc-x\.xml: INVALID_TARGET",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_host_refuses_changes_nothing(host: Host, case: str) -> None:
    changed, reason = REFUSED[case]
    before = host.snapshot()
    with pytest.raises(HostError, match=rf"refuses the policy, nothing was changed: .*{reason}"):
        host.create(**changed)
    host.assert_as(before)


def test_an_uplink_that_is_not_there_is_refused_with_what_is(host: Host) -> None:
    with pytest.raises(HostError, match=r"twin-vpc:host\.uplinks: .* has no interface eno7; it has .*eno1"):
        host.create(uplinks=["eno7"])


def test_a_removal_that_would_open_a_bridge_is_refused(host: Host) -> None:
    state = host.create()
    host.sh("ip link add br-private type bridge")
    try:
        with pytest.raises(HostError, match=r"still has the bridge br-private: without the policy it would be open"):
            host.delete(state)
        assert "twin_vpc" in host.sh("nft list tables")
    finally:
        host.sh("ip link del br-private")


def refusal(host: Host, **settings: object) -> str:
    host.settings |= settings
    with pytest.raises(HostError) as caught:
        host.create()
    return str(caught.value)


def test_a_host_key_that_is_not_known_is_refused(host: Host, tmp_path: Path) -> None:
    empty = tmp_path / "known_hosts"
    empty.touch()
    assert "ssh-keyscan -p 2200 192.168.1.10" in refusal(host, knownHosts=str(empty))
    host.settings["knownHosts"] = str(host.world.known_hosts)


def test_a_key_that_is_refused_and_a_port_that_is_closed_are_named(host: Host, tmp_path: Path) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key")
    good = dict(host.settings)
    assert "twin-vpc:host.key_file" in refusal(host, keyFile=str(tmp_path / "key"))
    assert "twin-vpc:host.port" in refusal(host, **good | {"port": "2201"})
    host.settings = good


BY_HAND: dict[str, tuple[str, dict[str, str]]] = {
    "a rule of the table": ("nft flush chain inet twin_vpc forward", {"kernel": "chain forward"}),
    "the table": ("nft delete table inet twin_vpc", {"kernel": "table inet twin_vpc is missing"}),
    "a routing rule": ("ip rule del iif br-public prohibit", {"kernel": "`iif br-public prohibit` is missing"}),
    "the rule set's file": ("echo '# mine' >> /etc/twin-vpc/ruleset.nft", {"ruleset": "# mine"}),
    "the sysctl file": ("echo 'net.ipv4.tcp_sack = 1' >> /etc/sysctl.d/60-twin-vpc.conf", {"sysctl": "tcp_sack"}),
    "the zone": ("sed -i s/dns/http/ /etc/firewalld/zones/twin-vpc.xml", {"zone": "http"}),
    "the unit": ("systemctl -q disable twin-vpc", {"service": "changed by hand: twin-vpc.service is disabled"}),
    "the held table's process": (
        "systemctl stop twin-vpc-hold",
        {
            "kernel": "table inet twin_vpc_held is missing",
            "service": "changed by hand: twin-vpc-hold.service is stopped (inactive)",
        },
    ),
    "Docker's accept": (
        "systemctl stop twin-vpc-docker; /etc/twin-vpc/load docker ''",  # else that unit brings it back by itself
        {
            "kernel": "lacks our accept",
            "service": "changed by hand: twin-vpc-docker.service is stopped (inactive)",
        },
    ),
}
"""What is done by hand, and every property in which it shows, with words that stand there."""


@pytest.mark.parametrize("case", BY_HAND)
def test_a_change_by_hand_shows_in_a_refresh_and_the_next_run_undoes_it(host: Host, case: str) -> None:
    command, traces = BY_HAND[case]
    state = host.create()
    host.sh(command)
    seen = host.drift(state)
    assert list(seen) == list(traces), seen
    assert all(trace in str(seen[name]) for name, trace in traces.items()), seen
    answer = host.call(lambda provider: provider.diff(diff(state | seen, inputs())))
    assert answer.diffs == list(traces)
    assert host.update(state | seen) == state
    assert host.drift(state) == {}


@pytest.mark.parametrize("at", range(4))
def test_a_run_killed_in_the_middle_is_completed_by_the_next(host: Host, at: int) -> None:
    """The host is left as a kill would: files placed, the next step not done."""
    state = host.create(zone=ZONE.replace('  <service name="dns"/>\n', ""), sysctl="net.ipv4.ip_forward = 1\n")
    assert "dns" not in host.sh("firewall-cmd --zone=twin-vpc --list-services")
    zone = "/etc/firewalld/zones/twin-vpc.xml"
    undone = (
        "mkdir /run/twin-vpc-stage; echo garbage > /run/twin-vpc-stage/etc",
        f"touch /run/twin-vpc.tell-firewalld; sed -i 's:<short>:<service name=\"dns\"/><short>:' {zone}",
        "rm /etc/systemd/system/twin-vpc.service /etc/twin-vpc/ruleset.nft",
        "rm -r /etc/twin-vpc/routing-rules; nft delete table inet twin_vpc; ip rule del pref 3099",
    )
    host.sh(undone[at])
    wanted = ZONE if at != 1 else host.sh(f"cat {zone}")
    state = host.update(state, zone=wanted)
    assert "dns" in host.sh("firewall-cmd --zone=twin-vpc --list-services")
    assert host.drift(state) == {}
    own = [name for name in host.sh("ls /run").split() if name.startswith("twin-vpc")]
    assert own == ["twin-vpc"], "nothing but the folder of the lock"
    assert host.sh("ls /run/twin-vpc").split() == ["lock"]


def test_an_import_finds_the_policy_without_a_state(host: Host) -> None:
    state = host.create(retiredBridges=["br-old"])
    found = host.read({})
    assert wire.plain(found.inputs) == inputs(retiredBridges=["br-old"])
    assert wire.plain(found.properties) == state


OTHERS = {
    "the held table's process is killed": "systemctl kill -s KILL twin-vpc-hold",
    "firewalld reloads": "firewall-cmd -q --reload",
    "firewalld restarts": "systemctl restart firewalld",
    "Docker restarts": "systemctl restart docker",
}


@pytest.mark.parametrize("case", OTHERS)
def test_the_policy_outlives_what_others_do(host: Host, case: str) -> None:
    state = host.create()
    host.sh(OTHERS[case])
    for _ in range(20):
        if not host.drift(state):
            return
        time.sleep(0.3)
    assert host.drift(state) == {}


@pytest.mark.parametrize("action", ["start", "restart", "reload", "stop"])
def test_when_debians_nftables_service_flushes_every_table_ours_come_back(host: Host, action: str) -> None:
    state = host.create()
    assert host.sh("systemctl is-active nftables || true").strip() == "inactive", "enabling ours starts nobody else"
    tables = host.sh("nft list tables")
    try:
        if action != "start":
            host.sh("systemctl start nftables")
        host.sh(f"nft delete table inet twin_vpc; systemctl {action} nftables")
        left = host.sh("nft list tables")
        assert "inet owner" not in left, "the control: it did flush"
        assert "inet twin_vpc" in left
        assert "inet twin_vpc_host" in left
        assert "table inet twin_vpc" in tables
    finally:
        host.sh("systemctl stop nftables; nft add table inet owner; systemctl restart firewalld docker; sleep 2")
    assert host.drift(state) == {}


def test_a_reboot_brings_both_walls_back_before_the_network(host: Host) -> None:
    state = host.create()
    host.world = dell.reboot(host.world)
    first = host.sh(
        "systemctl show -p ActiveEnterTimestampMonotonic --value "
        "twin-vpc twin-vpc-hold network-pre.target libvirtd docker"
    )
    times = [int(line) for line in first.split()]
    assert times[0] > 0
    assert times[0] <= times[1]
    assert all(times[1] <= later for later in times[2:])
    assert host.drift(state) == {}


def test_forwarding_is_given_back_only_where_nobody_else_forwards(host: Host) -> None:
    host.sh("systemctl -q stop docker.socket docker containerd; sysctl -qw net.ipv4.ip_forward=0")
    try:
        state = host.create()
        assert state["ipForwardBefore"] == "0"
        assert host.sh("sysctl -n net.ipv4.ip_forward").strip() == "1"
        assert host.update(state)["ipForwardBefore"] == "0", "what was before us is remembered"
        host.delete(state)
        assert host.sh("sysctl -n net.ipv4.ip_forward").strip() == "0"
        state = host.create()
        host.sh("systemctl -q start docker; sleep 1")
        host.delete(state)
        assert host.sh("sysctl -n net.ipv4.ip_forward").strip() == "1", "Docker needs it"
    finally:
        host.sh("systemctl -q start docker")


def test_the_units_are_right_in_systemds_eyes(host: Host) -> None:
    host.create()
    said = host.sh("systemd-analyze verify twin-vpc.service twin-vpc-hold.service twin-vpc-docker.service 2>&1")
    assert said == ""
    assert host.sh("systemctl is-active nftables || true").strip() == "inactive", "enabling ours starts nobody else"


def test_a_bridge_that_stood_in_libvirts_zone_comes_into_ours(host: Host) -> None:
    """As after a policy that was taken back while its networks stayed: libvirt then has the bridge in its own zone."""
    host.sh("firewall-cmd -q --zone=libvirt --add-interface=br-public --add-interface=virbr7")
    try:
        host.create()
        assert host.sh("firewall-cmd --get-zone-of-interface=br-public").strip() == "twin-vpc"
        assert host.sh("firewall-cmd --get-zone-of-interface=virbr7").strip() == "libvirt", "somebody else's stays"
    finally:
        host.sh("firewall-cmd -q --zone=libvirt --remove-interface=virbr7")


def test_reloads_in_a_row_on_a_busy_host_leave_iptables_as_it_was_line_by_line(host: Host) -> None:
    """What is given back while Docker makes its own rules again must not make Docker give up halfway."""
    told = f"echo go | python3 -Es -c {shlex.quote(remote('reload_firewalld'))}"
    host.sh(told)
    before = kernel(host)
    assert "8080" in before
    for _ in range(4):
        host.sh(f"{BUSY}; {told}")
        assert kernel(host) == before


def test_what_a_killed_reload_took_from_others_is_given_back_by_the_next(host: Host) -> None:
    """Port 1234 is the owner's and set at run time only, like the one by which he may have come in."""
    reload = remote("reload_firewalld")
    killed = reload.replace("client.reload()\n", "client.reload() or os.kill(os.getpid(), 9)\n")
    assert killed != reload
    policy = "firewall-cmd -q --policy=owners"
    host.sh("firewall-cmd -q --permanent --new-policy=owners; firewall-cmd -q --reload")
    host.sh(f"firewall-cmd -q --zone=public --add-port=1234/tcp; {policy} --add-service=http")
    try:
        told = "echo go | python3 -Es -c"
        host.sh(f"{told} {shlex.quote(killed)} || true")
        assert "1234" not in host.sh("firewall-cmd --zone=public --list-ports"), "the control: it was lost"
        host.sh("firewall-cmd -q --zone=public --add-port=4321/tcp")
        host.sh(f"{told} {shlex.quote(reload)}")
        assert set(host.sh("firewall-cmd --zone=public --list-ports").split()) == {"1234/tcp", "2200/tcp", "4321/tcp"}
        assert host.sh("firewall-cmd --policy=owners --list-services").split() == ["http"]
        assert host.sh("ls /run/twin-vpc") == ""
    finally:
        host.sh("firewall-cmd -q --permanent --delete-policy=owners; firewall-cmd -q --reload; rmdir /run/twin-vpc")
