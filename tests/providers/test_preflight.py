"""What is refused because of the host as it is, before anything is changed there."""

import json

import pytest

from providers.host import preflight, wire
from providers.host.drift import Found
from providers.host.files import Manifest
from providers.host.taken import taken_ports
from tests.providers.samples import MARK, inputs

POLICY = wire.to_policy(inputs(retiredBridges=["br-old"]))
ROUTES = [
    {"dst": "default", "gateway": "192.168.1.1", "dev": "eno1"},
    {"dst": "192.168.1.0/24", "dev": "eno1"},
    {"type": "unreachable", "dst": "10.0.0.0/8"},
    {"dst": "10.0.1.0/24", "dev": "br-public"},
    {"dst": "10.0.2.0/24", "dev": "br-old"},
    {"type": "local", "dst": "192.168.1.10", "dev": "eno1", "table": "local"},
]
WAY_BACK = [{"dst": "192.168.1.30", "dev": "eno1"}]


def manifest(*bridges: str) -> str:
    return Manifest(bridges, (), MARK, (), ("eno1",), (), "0").to_text()


def refused(*more: dict[str, object], links: str = "lo eno1", way_back: object = WAY_BACK, **answers: str) -> list[str]:
    """The sentences about a quiet host with some more routes."""
    quiet = {
        "all-routes": json.dumps([*ROUTES, *more]),
        "addresses": json.dumps([{"ifname": "eno1", "addr_info": [{"local": "192.168.1.10", "prefixlen": 24}]}]),
        "way-back": json.dumps(way_back),
        "client": "192.168.1.30",
        "links": links,
    }
    return list(preflight.refusals(POLICY, Found(quiet | answers)))


def test_a_quiet_host_is_taken() -> None:
    assert refused() == []
    assert refused(way_back=[]) == [], "this machine itself, without SSH"


def test_a_host_that_lists_no_routes_is_not_taken_for_one_without_conflicts() -> None:
    assert "install iproute2" in refused(**{"all-routes": ""})[0]


def test_a_machine_left_on_libvirts_own_network_is_refused_by_name_before_the_first_policy() -> None:
    left = {"on-default": "test-vm\nold-vm\n"}
    (sentence,) = refused(**left)
    assert sentence.startswith("test-vm, old-vm still attached to libvirt's network default, which is retired")
    assert '`make adopt STACK=dell ARGS="--move test-vm=SEGMENT --move old-vm=SEGMENT"`' in sentence
    assert refused(**left, **{"file:/etc/twin-vpc/manifest.json": manifest("br-public")}) == [], "may be what closes"
    assert refused(**{"on-default": ""}) == [], "nobody is on it: it stays as it is"


def test_a_default_route_by_one_of_our_bridges_is_refused() -> None:
    ways: list[dict[str, object]] = [
        {"dst": "default", "dev": "br-public", "table": "52"},
        {"dst": "0.0.0.0/1", "dev": "br-public"},
        {"dst": "default", "nexthops": [{"dev": "eno1"}, {"dev": "br-public"}]},
    ]
    for way in ways:
        (sentence,) = refused(way, **{"file:/etc/twin-vpc/manifest.json": manifest("br-public")})
        assert sentence.startswith("a default route leaves by br-public"), sentence


def test_a_way_back_to_the_session_by_one_of_our_bridges_is_refused() -> None:
    (sentence,) = refused(way_back=[{"dst": "192.168.7.7", "dev": "br-old"}])
    assert sentence.startswith("the way back to your SSH session leaves by br-old"), sentence


def test_a_strangers_bridge_is_refused_at_the_first_run_only() -> None:
    (sentence,) = refused(links="lo eno1 br-public")
    assert sentence.startswith("somebody else's bridge br-public exists already"), sentence
    assert "`make adopt STACK=dell`" in sentence
    assert refused(links="lo eno1 br-public", **{"file:/etc/twin-vpc/manifest.json": manifest("br-public")}) == []


def test_a_bridge_of_an_open_network_gets_its_lost_policy_back() -> None:
    assert refused(links="lo eno1 br-public", **{"open-bridges": "br-public\n"}) == []


def test_a_route_in_one_of_our_blocks_on_another_link_is_refused() -> None:
    for destination in ("10.0.2.0/24", "10.0.2.128/25", "10.0.0.0/16"):
        known = {"file:/etc/twin-vpc/manifest.json": manifest("br-public", "br-old")}
        said = refused({"dst": destination, "dev": "virbr5"}, **known)
        assert (
            "twin-vpc:segments.private.cidr: 10.0.2.0/24 overlaps "
            f"{destination} on virbr5; choose a block that nothing else on the host uses"
        ) in said
    assert refused({"dst": "10.0.3.0/24", "dev": "virbr5"}) == [], "beside our blocks"


def test_a_block_that_is_in_force_already_is_not_refused_again_but_a_moved_one_is() -> None:
    """Else a rule could not be put back while a network of ours lies on a bridge that somebody gave it by hand."""
    by_hand: dict[str, object] = {"dst": "10.0.2.0/24", "dev": "br-mine"}

    def known(**blocks: str) -> dict[str, str]:
        held = {bridge.replace("_", "-"): block for bridge, block in blocks.items()}
        return {"file:/etc/twin-vpc/manifest.json": Manifest((), (), MARK, (), (), (), "0", held).to_text()}

    assert refused(by_hand, **known(br_private="10.0.2.0/24")) == []
    (sentence,) = refused(by_hand, **known(br_private="10.0.9.0/24"))
    assert "10.0.2.0/24 overlaps 10.0.2.0/24 on br-mine" in sentence


def test_an_address_in_one_of_our_blocks_on_another_link_is_refused() -> None:
    down = json.dumps([{"ifname": "virbr5", "addr_info": [{"local": "10.0.2.1", "prefixlen": 24}]}, {"ifname": "lo"}])
    (sentence,) = refused(addresses=down)
    assert "10.0.2.0/24 overlaps 10.0.2.0/24 on virbr5" in sentence
    assert "`make adopt STACK=dell`" in sentence, "nothing of ours is there yet, so it may be the owner's own network"


def test_a_session_from_one_of_our_blocks_is_refused() -> None:
    (sentence,) = refused(client="10.0.2.99")
    assert sentence.startswith("twin-vpc:segments.private.cidr: your SSH session comes from 10.0.2.99"), sentence
    assert refused(client="fe80::1") == []


@pytest.mark.parametrize("link", ["docker0", "docker_gwbridge", "br-0123456789ab", "virbr0", "tailscale0"])
def test_a_derived_uplink_that_leads_to_containers_machines_or_the_tailnet_is_refused(link: str) -> None:
    routes = f"default via 192.168.1.1 dev eno1\ndefault dev {link} metric 50\n"
    (sentence,) = refused(routes=routes)
    assert sentence.startswith(f"a default route leaves by {link}, which belongs to Docker"), sentence
    assert sentence.endswith("Name the real uplink in twin-vpc:host.uplinks")
    assert refused(routes="default via 192.168.1.1 dev br0\n") == [], "a bridge that carries the LAN"


def test_a_strangers_routing_rule_that_is_asked_before_ours_is_refused_by_name() -> None:
    """Through the second wall packets would go as that rule's table says."""
    led = [
        ({"priority": 500, "src": "all", "table": "200"}, "500 (from all lookup 200)"),
        ({"priority": 1000, "src": "10.0.1.0", "srclen": 24, "table": "7"}, "1000 (from 10.0.1.0/24 lookup 7)"),
        ({"priority": 9, "src": "all", "dst": "10.0.2.9", "iif": "eno1", "table": "7"}, "to 10.0.2.9/32 iif eno1"),
        ({"priority": 9, "src": "all", "iif": "br-old", "table": "7"}, "from all iif br-old lookup 7"),
        ({"priority": 9, "not": None, "src": "all", "fwmark": "0xca6c", "table": "7"}, "not from all fwmark 0xca6c"),
        ({"priority": 9, "src": "all", "fwmark": "0x1000000", "fwmask": "0x1000000", "table": "7"}, "fwmark 0x1000000"),
    ]
    for rule, words in led:
        (sentence,) = refused(rules=json.dumps([rule]))
        assert words in sentence, sentence
        assert "is asked before ours" in sentence


def test_a_routing_rule_that_cannot_meet_our_packets_is_left_alone() -> None:
    harmless: list[dict[str, object]] = [
        {"priority": 0, "src": "all", "table": "local"},
        {"priority": 1000, "src": "all", "l3mdev": None},
        {"priority": 1001, "src": "all", "table": "7"},
        {"priority": 9, "src": "10.9.9.9", "table": "7"},
        {"priority": 9, "src": "all", "iif": "eno1", "table": "7"},
        {"priority": 9, "src": "all", "oif": "eno1", "table": "7"},
        {"priority": 9, "src": "all", "fwmark": "0x80000", "fwmask": "0xff0000", "table": "52"},
        {"priority": 9, "src": "all", "action": "prohibit"},
        {"priority": 9, "src": "all", "goto": 32766},
        {"priority": 9, "src": "all", "dst": "10.0.3.0", "dstlen": 24, "iif": "eno1", "table": "7"},
    ]
    assert refused(rules=json.dumps(harmless)) == []


def test_a_bridge_whose_tombstone_went_before_its_link_is_refused() -> None:
    known = {"file:/etc/twin-vpc/manifest.json": manifest("br-public", "br-container")}
    (sentence,) = refused(links="lo eno1 br-public br-container", **known)
    assert sentence.startswith("the bridge br-container is still there"), sentence
    assert refused(links="lo eno1 br-public", **known) == [], "its link is gone"
    kept = {"file:/etc/twin-vpc/manifest.json": manifest("br-public", "br-old")}
    assert refused(links="lo eno1 br-public br-old", **kept) == [], "its tombstone is kept"


LISTENING = """\
LISTEN 0      128          0.0.0.0:2200      0.0.0.0:*    users:(("sshd",pid=712,fd=3))
LISTEN 0      4096               *:2212            *:*    users:(("node",pid=9,fd=4),("node",pid=8,fd=4))
LISTEN 0      4096    192.168.1.10:2213      0.0.0.0:*
LISTEN 0      128             [::]:2214         [::]:*    users:(("six",pid=7,fd=3))
LISTEN 0      128        127.0.0.1:2215      0.0.0.0:*    users:(("inner",pid=6,fd=3))
LISTEN 0      128    127.0.0.53%lo:2215      0.0.0.0:*
end
"""
TRANSLATED = """\
-N DOCKER
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 2220 -j DNAT --to-destination 172.17.0.2:80
-A DOCKER -d 127.0.0.1/32 ! -i docker0 -p tcp -m tcp --dport 2221 -j DNAT --to-destination 172.17.0.2:81
-A DOCKER ! -i docker0 -p udp -m udp --dport 2222 -j DNAT --to-destination 172.17.0.2:82
-A PREROUTING -p tcp -m tcp --dport 2230:2232 -j REDIRECT --to-ports 80
"""
TAKEN = {
    "2200": "sshd listens on 0.0.0.0:2200",
    "2212": "node listens on *:2212",
    "2213": "somebody listens on 192.168.1.10:2213",
    "2220": "Docker or another program leads it to 172.17.0.2:80",
    "2231": "Docker or another program leads it to 80",
}


def taken(port: str, **answers: str) -> list[str]:
    asked = {"listening": LISTENING, "translated": TRANSLATED} | answers
    return list(taken_ports(wire.to_policy(inputs(forwardedPorts=[port])), Found(asked)))


@pytest.mark.parametrize("port", TAKEN)
def test_a_machines_port_that_a_service_of_the_host_has_is_refused_by_name(port: str) -> None:
    (sentence,) = taken(port)
    assert sentence.startswith(f"port {port} of the host would lead to a machine, but {TAKEN[port]}: "), sentence
    held = {"file:/etc/twin-vpc/manifest.json": Manifest((), (), MARK, (), (), (), "0", {}, (port,)).to_text()}
    assert taken(port, **held) == [], "it leads there already, and refusing would keep a rule from being put back"


@pytest.mark.parametrize("port", ["2214", "2215", "2221", "2222", "2233", "221"])
def test_a_machines_port_that_nobody_in_the_lan_uses_is_taken(port: str) -> None:
    """IPv6 alone, the loopback alone, UDP, and nothing at all."""
    assert taken(port) == []


def test_a_host_that_does_not_say_who_listens_is_not_taken_for_one_where_nobody_does() -> None:
    (sentence,) = taken("2233", listening="")
    assert "install iproute2" in sentence
    assert list(taken_ports(POLICY, Found({}))) == [], "without machines nobody need say"


SWARM = (
    "bridge bridge 172.17.0.0/16\nhost host\nnone null\ningress overlay 10.0.1.0/24\nold bridge fd00::/64 10.0.9.0/24\n"
)


def test_a_network_of_a_swarm_is_found_though_no_route_shows_it() -> None:
    (sentence,) = refused(**{"docker-networks": SWARM})
    assert sentence.startswith("twin-vpc:segments.public.cidr: 10.0.1.0/24 overlaps 10.0.1.0/24 of Docker's overlay")
    assert "docker swarm init --default-addr-pool 172.18.0.0/16" in sentence
    assert refused(**{"docker-networks": SWARM.replace("10.0.1.0", "172.18.0.0")}) == []


def test_a_network_of_dockers_that_came_later_keeps_no_rule_from_being_put_back() -> None:
    whole = Manifest(("br-public",), (), MARK, (), ("eno1",), (), "0", blocks={"br-public": "10.0.1.0/24"}).to_text()
    assert refused(**{"docker-networks": SWARM, "file:/etc/twin-vpc/manifest.json": whole}) == []


@pytest.mark.parametrize(
    ("routes", "blocks"),
    [
        (["10.0.0.0/16"], ["10.0.1.0/24", "10.0.2.0/24"]),
        (["10.0.1.0/25", "192.168.1.0/24"], ["10.0.1.0/24"]),
        (["0.0.0.0/0", "::/0"], []),
        (["fd00::/8", "192.168.1.0/24"], []),
        (None, []),
    ],
)
def test_a_tailnet_that_would_be_led_into_a_block_of_ours_is_refused(
    routes: list[str] | None, blocks: list[str]
) -> None:
    sentences = refused(tailnet=json.dumps({"AdvertiseRoutes": routes, "CorpDNS": True}))
    assert [sentence.partition(" and ")[2].split()[0] for sentence in sentences] == blocks


def test_without_tailscale_no_route_is_offered() -> None:
    assert refused(tailnet="") == refused(tailnet="failed to connect to local tailscaled") == []
