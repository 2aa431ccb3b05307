"""What a real host makes the provider refuse, with nothing changed there."""

import pytest

from providers.host import wire
from providers.host.errors import HostError
from tests.providers.host import Host
from tests.providers.samples import inputs, rules

pytestmark = pytest.mark.sandbox

CONFLICTS = {
    "a bridge of the owner's": (
        "ip link add br-public type bridge",
        "br-public",
        r"somebody else's bridge br-public exists already",
    ),
    "a network of the owner's": (
        "ip link add virbr5 type bridge; ip address add 10.0.2.1/24 dev virbr5; ip link set virbr5 up",
        "virbr5",
        r"twin-vpc:segments\.private\.cidr: 10\.0\.2\.0/24 overlaps 10\.0\.2\.0/24 on virbr5",
    ),
    "a network of the owner's that is down": (
        "ip link add virbr5 type bridge; ip address add 10.0.2.1/24 dev virbr5",
        "virbr5",
        r"10\.0\.2\.0/24 overlaps 10\.0\.2\.0/24 on virbr5",
    ),
}


@pytest.mark.parametrize("case", CONFLICTS)
def test_a_conflict_is_refused_and_nothing_is_changed(host: Host, case: str) -> None:
    command, link, sentence = CONFLICTS[case]
    host.sh(command)
    try:
        before = host.snapshot()
        with pytest.raises(HostError, match=rf"nothing was changed: .*{sentence}"):
            host.create()
        host.assert_as(before)
    finally:
        host.sh(f"ip link del {link}")
    host.create()


def test_a_session_from_one_of_our_blocks_is_refused(host: Host) -> None:
    with pytest.raises(HostError, match=r"your SSH session comes from 192\.168\.1\.30, inside 192\.168\.1\.0/24"):
        host.create(blocks={"br-public": "192.168.1.0/24"})
    assert "twin_vpc" not in host.sh("nft list tables")


def test_an_uplink_that_became_one_of_our_bridges_is_refused(host: Host) -> None:
    state = host.create(uplinks=["eno1"])
    host.sh("ip link add br-public type bridge; ip link set br-public up; ip route add default dev br-public metric 9")
    try:
        with pytest.raises(HostError, match=r"nothing was changed: a default route leaves by br-public"):
            host.update(state, uplinks=["eno1"], sysctl="net.ipv4.ip_forward = 1\n")
    finally:
        host.sh("ip link del br-public")


def test_a_removed_bridge_stays_denied_until_its_link_is_gone(host: Host) -> None:
    state = host.create()
    host.sh("ip link add br-private type bridge")
    gone: dict[str, object] = {"bridges": ["br-public"], "blocks": {}, "routingRules": rules("br-public")}
    retired: dict[str, object] = gone | {
        "retiredBridges": ["br-private"],
        "routingRules": rules("br-public", "br-private"),
    }
    try:
        with pytest.raises(HostError, match=r"nothing was changed: the bridge br-private is still there"):
            host.update(state, **gone)
        assert "iif br-private prohibit" in host.sh("ip rule")
        state = host.update(state, **retired)  # the run is killed here, before libvirt's network is gone
        with pytest.raises(HostError, match=r"the bridge br-private is still there"):
            host.update(state, **gone)
        assert host.update(state, **retired) == state
        assert "iif br-private prohibit" in host.sh("ip rule")
    finally:
        host.sh("ip link del br-private")
    host.update(state, **gone)
    assert "br-private" not in host.sh("ip rule")


def test_a_machines_port_that_a_service_or_a_published_port_of_the_host_has_is_refused_by_name(host: Host) -> None:
    published = "DOCKER ! -i docker0 -p tcp -m tcp --dport 2213 -j DNAT --to-destination 172.17.0.9:80"
    host.sh(f"iptables -w -t nat -A {published}")
    try:
        before = host.snapshot()
        with pytest.raises(HostError, match=r"nothing was changed: port 2200 .*sshd listens on .*port 2213 .* 172\.17"):
            host.create(forwardedPorts=["2200", "2213", "2214"])
        host.assert_as(before)
    finally:
        host.sh(f"iptables -w -t nat -D {published}")
    state = host.create(forwardedPorts=["2213", "2214"])
    assert host.drift(state) == {}
    assert wire.plain(host.read({}).inputs) == inputs(forwardedPorts=["2213", "2214"]), "an import knows them"


def test_a_swarm_with_its_default_pool_is_refused_by_name(host: Host) -> None:
    """Its ingress network has the first /24 of 10.0.0.0/8, and no link or route of the host says so."""
    host.sh("docker swarm init --advertise-addr 127.0.0.1 --listen-addr 127.0.0.1")
    try:
        taken = {"br-public": "10.0.0.0/24", "br-private": "10.0.2.0/24"}
        with pytest.raises(
            HostError, match=r"10\.0\.0\.0/24 overlaps 10\.0\.0\.0/24 of Docker's overlay network `ingress`"
        ):
            host.create(blocks=taken)
    finally:
        host.sh("docker swarm leave --force")
    assert "twin_vpc" not in host.sh("nft list tables")


def test_routes_that_tailscale_offers_are_asked_for(host: Host) -> None:
    """There is no tailnet here: a program in Tailscale's place answers as its 1.x does (`tailscale debug prefs`)."""
    answer = 'echo "{\\"AdvertiseRoutes\\": [\\"10.0.0.0/16\\"]}"'
    host.sh(f"printf '#!/bin/sh\\n%s\\n' '{answer}' >/usr/bin/tailscale; chmod +x /usr/bin/tailscale")
    try:
        with pytest.raises(HostError, match=r"nothing was changed: Tailscale offers the route 10\.0\.0\.0/16"):
            host.create()
    finally:
        host.sh("rm /usr/bin/tailscale")
