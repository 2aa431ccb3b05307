"""What stands in the way on a host, by name, from a survey alone."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from operations.adopt.conflict import Conflict, Fate, Wish
from operations.adopt.conflicts import conflicts
from operations.adopt.forward import closing_rules
from operations.adopt.networks import moves_of
from operations.adopt.survey import Survey
from operations.adopt.zones import firewalld_entries
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import libvirt_plan
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack

ROOT = Path(__file__).resolve().parents[2]


ROUTES = {"all-routes": json.dumps([{"dst": "default", "dev": "eno1"}])}


def wish(**moves: str) -> Wish:
    stack = load_stack(ROOT, "dell").stack
    assert isinstance(stack, LibvirtStack)
    named = {name.replace("_", "-"): segment for name, segment in moves.items()}
    return Wish(libvirt_plan(stack, read_lock(ROOT).of("dell")), ("eno1",), named, beyond=(stack.host.lan,))


def network(name: str, bridge: str, block: str, mode: str = "nat") -> dict[str, Any]:
    return {
        "name": name, "active": True, "autostart": True, "mode": mode, "bridge": bridge,
        "blocks": [block], "ranges": [],
    }  # fmt: skip


def machine(
    name: str, source: str, kind: str = "network", address: str = "", *, running: bool = True
) -> dict[str, Any]:
    one = {
        "kind": kind, "source": source, "bridge": "", "mac": f"52:54:00:00:00:{len(name):02x}", "link": "vnet0",
        "port_of": "", "address": address,
    }  # fmt: skip
    return {"name": name, "running": running, "now": [one] if running else [], "next": [one]}


def survey(**answers: object) -> Survey:
    quiet: dict[str, Any] = {
        "answers": ROUTES, "networks": [], "machines": [], "links": ["lo", "eno1"], "forward": [],
        "docker_user": False, "rule_files": {}, "tables": [], "firewalld": [], "docker": [],
        "ours": False, "backup": None,
    }  # fmt: skip
    loaded = {"chains": answers.get("forward", [])}
    return Survey.model_validate(quiet | loaded | answers)


def named(found: tuple[Conflict, ...]) -> list[tuple[str, str, Fate]]:
    return [(one.kind, one.name, one.fate) for one in found]


def test_on_a_quiet_host_nothing_stands_in_the_way() -> None:
    assert conflicts(wish(), survey()) == ()


def test_our_own_networks_are_no_conflict_once_our_policy_is_there() -> None:
    ours = [network("public", "br-public", "10.0.1.1/24", mode="open")]
    assert conflicts(wish(), survey(networks=ours, ours=True, links=["br-public"])) == ()
    assert named(conflicts(wish(), survey(networks=ours))) == [("network", "public", Fate.REPLACED)]


def test_a_machine_left_on_default_is_refused_by_name_running_or_not() -> None:
    default = [network("default", "virbr0", "192.168.122.1/255.255.255.0")]
    for running in (True, False):
        found = survey(networks=default, machines=[machine("test-vm", "default", running=running)])
        said = conflicts(wish(), found)
        assert named(said) == [("machine", "test-vm", Fate.REFUSED), ("network", "default", Fate.REFUSED)]
        assert "--move test-vm=" in said[0].why
        assert "test-vm" in said[1].why
        moved = conflicts(wish(test_vm="public"), found)
        assert named(moved) == [("machine", "test-vm", Fate.MOVED), ("network", "default", Fate.TAKEN)]


def test_a_move_to_a_segment_without_leases_says_what_to_do() -> None:
    found = survey(
        networks=[network("default", "virbr0", "192.168.122.1/24")],
        machines=[machine("test-vm", "default", address="192.168.122.5")],
    )
    (said, _) = conflicts(wish(test_vm="database"), found)
    assert "static address inside the machine" in said.why
    assert "192.168.122.5 is gone" in said.why


def test_a_move_of_nobody_or_to_nowhere_is_refused() -> None:
    found = survey(machines=[machine("web-vm", "elsewhere")])
    assert named(conflicts(wish(web_vm="pubic", nobody="public"), found)) == [
        ("move", "web-vm", Fate.REFUSED),
        ("move", "nobody", Fate.REFUSED),
    ]


def test_a_machine_on_a_bridge_by_its_own_name_goes_to_the_network() -> None:
    found = survey(
        networks=[network("public", "virbr2", "10.0.1.1/24")], machines=[machine("web-vm", "virbr2", "bridge")]
    )
    assert named(conflicts(wish(), found))[1] == ("machine", "web-vm", Fate.REATTACHED)
    assert list(moves_of(wish(), found).values()) == ["public"]


def test_an_address_outside_the_block_is_told() -> None:
    found = survey(
        networks=[network("public", "virbr2", "10.9.1.1/24")],
        machines=[machine("web-vm", "public", address="10.9.1.7")],
    )
    assert "10.9.1.7 is outside 10.0.1.0/24" in conflicts(wish(), found)[1].why


def test_strange_links_routes_networks_and_docker_networks_in_our_blocks_are_refused_by_name() -> None:
    found = survey(
        networks=[network("lab", "virbr9", "10.0.2.1/24")],
        machines=[machine("lab-vm", "lab")],
        links=["br-database", "wg0"],
        answers={"all-routes": json.dumps([{"dst": "10.0.1.0/25", "dev": "wg0"}, {"dst": "default", "dev": "eno1"}])},
        docker=[{"name": "shop", "blocks": ["10.0.4.0/26", "fd00::/64"], "containers": ["web"]}],
    )
    said = conflicts(wish(), found)
    assert named(said) == [
        ("bridge", "br-database", Fate.REFUSED),
        ("network", "lab", Fate.REFUSED),
        ("route", "10.0.1.0/25 on wg0", Fate.REFUSED),
        ("docker network", "shop", Fate.REFUSED),
    ]
    assert "lab-vm" in said[1].why
    assert "twin-vpc:segments.public.cidr" in said[2].why


def test_a_drop_of_everything_stays_behind_dockers_chain_and_is_refused_before_it() -> None:
    behind = ["-P FORWARD DROP", "-A FORWARD -j DOCKER-USER", "-A FORWARD -j DROP"]
    assert named(conflicts(wish(), survey(forward=behind, docker_user=True))) == [
        ("rule", "-A FORWARD -j DROP", Fate.STAYS)
    ]
    before = ["-P FORWARD DROP", "-A FORWARD -j DROP", "-A FORWARD -j DOCKER-USER"]
    (said,) = conflicts(wish(), survey(forward=before, docker_user=True))
    assert said.fate is Fate.REFUSED
    assert "`iptables -R FORWARD 1 -m mark ! --mark 0x1000000/0x1000000 -j DROP`" in said.why
    assert "`iptables -D FORWARD -j DROP`" in said.why


def test_a_rule_that_is_wider_than_ours_is_refused_and_never_taken_away() -> None:
    forward = ["-A FORWARD -i docker0 -j ACCEPT", "-A FORWARD -s 10.0.0.0/8 -j DROP"]
    found = survey(forward=forward, rule_files={"/etc/iptables/rules.v4": ["*filter", f"[0:0] {forward[1]}", "COMMIT"]})
    assert closing_rules(wish(), found) == ()
    said = conflicts(wish(), found)
    assert named(said) == [
        ("rule", forward[1], Fate.REFUSED),
        ("file", f"/etc/iptables/rules.v4: {forward[1]}", Fate.REFUSED),
    ]
    assert "`iptables -R FORWARD 2 -s 10.0.0.0/8 -m mark ! --mark 0x1000000/0x1000000 -j DROP`" in said[0].why
    assert "`-A FORWARD -s 10.0.0.0/8 -m mark ! --mark 0x1000000/0x1000000 -j DROP`" in said[1].why


def test_a_drop_in_a_chain_of_the_owners_is_refused_there_with_the_way_to_it() -> None:
    jump, drop = "-A FORWARD -j OWNER", "-A OWNER -s 10.0.2.0/24 -d 192.168.1.0/24 -j DROP"
    found = survey(forward=[jump], chains=["-N OWNER", jump, "-A OWNER -j LOG", drop])
    (said,) = conflicts(wish(), found)
    assert (said.kind, said.name, said.fate) == ("rule", drop, Fate.REFUSED)
    assert f"reached by `{jump}`" in said.why
    assert "`iptables -R OWNER 2 -s 10.0.2.0/24" in said.why
    assert closing_rules(wish(), found) == ()


def test_uplinks_that_nobody_named_are_those_of_the_default_route() -> None:
    derived = replace(wish(), uplinks=())
    assert named(conflicts(derived, survey(forward=["-A FORWARD -o eno1 -j DROP"]))) == [
        ("rule", "-A FORWARD -o eno1 -j DROP", Fate.REFUSED)
    ]
    assert conflicts(derived, survey(forward=["-A FORWARD -o wg0 -j DROP"])) == ()


def test_a_rule_that_comes_back_at_boot_is_taken_from_its_file_too() -> None:
    rule = "-A FORWARD -s 10.0.2.0/24 -d 10.0.3.0/24 -j DROP"
    found = survey(rule_files={"/etc/iptables/rules.v4": ["*filter", rule, "COMMIT"]})
    assert closing_rules(wish(), found) == (rule,)
    assert named(conflicts(wish(), found)) == [("file", f"/etc/iptables/rules.v4: {rule}", Fate.TAKEN)]


def test_what_takes_a_segments_packets_from_our_zone_is_taken_away() -> None:
    entries = [
        {"scope": "--permanent", "kind": "zone", "owner": "trusted", "what": "interface", "value": "br-public"},
        {"scope": "now", "kind": "zone", "owner": "internal", "what": "source", "value": "10.0.4.0/24"},
        {"scope": "now", "kind": "zone", "owner": "public", "what": "source", "value": "192.168.1.0/24"},
        {"scope": "now", "kind": "zone", "owner": "twin-vpc", "what": "interface", "value": "br-public"},
        {
            "scope": "now", "kind": "policy", "owner": "mine", "what": "rich-rule",
            "value": 'rule family="ipv4" source address="10.0.1.0/24" drop',
        },
    ]  # fmt: skip
    fates = [one.fate for one in conflicts(wish(), survey(firewalld=entries))]
    assert fates == [Fate.TAKEN, Fate.TAKEN, Fate.TAKEN]


def entry(what: str, value: str, kind: str = "zone", scope: str = "now") -> dict[str, str]:
    return {"scope": scope, "kind": kind, "owner": "mine", "what": what, "value": value}


def test_an_entry_of_firewalld_that_is_wider_than_ours_is_refused_and_never_taken_away() -> None:
    wide = [
        entry("source", "10.0.0.0/8", scope="--permanent"),
        entry("rich-rule", 'rule family="ipv4" source address="10.0.0.0/8" drop', "policy"),
        entry("rich-rule", 'rule family="ipv4" source NOT address="192.168.1.0/24" drop', "policy"),
    ]
    found = survey(firewalld=wide)
    assert firewalld_entries(wish(), found) == ()
    said = conflicts(wish(), found)
    assert [one.fate for one in said] == [Fate.REFUSED] * 3
    assert "`firewall-cmd --permanent --zone=mine --remove-source='10.0.0.0/8'`" in said[0].why
    assert "10.0.1.0/24 of public" in said[0].why
    aside = [
        entry("source", "10.9.0.0/16"),
        entry("source", "ipset:mine"),
        entry("rich-rule", 'rule family="ipv4" source NOT address="10.0.0.0/8" drop', "policy"),
    ]
    assert conflicts(wish(), survey(firewalld=aside)) == ()
    both = 'rule family="ipv4" source address="10.0.0.0/8" destination address="10.0.1.0/24" reject'
    within = survey(firewalld=[entry("rich-rule", both, "policy")])
    assert [one.fate for one in conflicts(wish(), within)] == [Fate.TAKEN], "its every packet goes to a segment"


def test_a_strangers_table_that_drops_by_default_is_refused() -> None:
    tables = [{"table": "inet mine", "chain": "forward", "policy": "drop"}]
    assert named(conflicts(wish(), survey(tables=tables))) == [("nft table", "inet mine forward", Fate.REFUSED)]


def test_what_up_would_refuse_afterwards_is_refused_before_anything_is_taken_away() -> None:
    earlier = json.dumps([{"priority": 100, "src": "10.0.1.0", "srclen": 24, "table": "7"}])
    networks = [network("public", "virbr2", "10.0.1.1/24")]
    routes = json.dumps([{"dst": "default", "dev": "eno1"}, {"dst": "10.0.1.0/24", "dev": "virbr2"}])
    found = survey(networks=networks, answers={"all-routes": routes, "rules": earlier}, links=["eno1", "virbr2"])
    said = conflicts(wish(), found)
    assert named(said) == [("network", "public", Fate.REPLACED), ("pulumi up", "it", Fate.REFUSED)]
    assert "the routing rule 100" in said[1].why
