"""What is said about networks and pools, and the steps that put each right, from surveys written by hand."""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn, TypeAlias

import pytest

from providers.host import libvirt_xml
from providers.host.connection import Connection
from providers.host.errors import HostError
from providers.host.libvirt_xml import BadXmlError, network_xml, parse, pool_xml
from providers.host.session import Session
from providers.host.watch_jobs import mended
from providers.host.watched import IN_FORCE, Network, Pool, Watched, problems, watched
from providers.host.watching import Finding, Seen, findings

UUID, OTHER = "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555"
WEB = Network(
    UUID, "br-web", "10.0.1.1/24", "10.0.1.100-10.0.1.200", "lab.local", {"10.0.1.1": "web.lab.local"}, ("no-hosts",)
)
SSD = Pool(UUID, "/fast")
WATCHED = Watched({"web": WEB}, {"twin-vpc-ssd": SSD}, ("eno1",))

Answer: TypeAlias = Any
"""Whatever `survey` takes."""
BRIDGE: dict[str, Any] = {"ifname": "br-web", "flags": ["UP"], "linkinfo": {"info_kind": "bridge"}}
GUEST: dict[str, Any] = {"ifname": "vnet0", "master": "br-web", "linkinfo": {"info_kind": "tun"}}
CONTAINER: dict[str, Any] = {
    "ifname": "veth7",
    "master": "br-web",
    "link_netnsid": 3,
    "linkinfo": {"info_kind": "veth"},
}


def survey(
    *,
    listed: str = "web active yes yes",
    pool: str = "twin-vpc-ssd active yes",
    defined: str = network_xml("web", WEB, None),
    running: str = network_xml("web", WEB, None),
    folder: str = pool_xml("twin-vpc-ssd", SSD),
    links: tuple[Mapping[str, Any], ...] = (BRIDGE, GUEST, CONTAINER),
    addresses: tuple[str, ...] = ("10.0.1.1/24",),
    machines: str = "vm1 vnet0 web\n",
    served: str = "web\n",
) -> dict[str, str]:
    """The answers of a quiet host, some of them changed, with virsh's own questions in between."""
    said = [("networks@", listed), ("pools@", pool), ("defined web@", defined), ("running web@", running),
            ("pool twin-vpc-ssd@", folder)]  # fmt: skip
    libvirt = "".join(f"virsh # echo @{mark}\n@{mark}virsh # question\n {text}\n" for mark, text in said)
    held = [{"local": one.partition("/")[0], "prefixlen": int(one.partition("/")[2])} for one in addresses]
    return {
        "libvirt": libvirt,
        "routes": json.dumps([{"dst": "default", "dev": "wlp3s0"}, {"dst": "default", "nexthops": []}]),
        "links": json.dumps(links),
        "addresses": json.dumps([{}, {"ifname": "br-web", "addr_info": held}]),
        "machines": machines,
        "served": served,
    }


def found(**changed: Answer) -> tuple[Finding, Finding]:
    both = findings(WATCHED, Seen(survey(**changed)))
    assert list(both) == ["network web", "pool twin-vpc-ssd"]
    return both["network web"], both["pool twin-vpc-ssd"]


def network(**changed: Answer) -> Finding:
    finding, pool = found(**changed)
    assert pool == Finding((), ()), "the pool is nobody's business here"
    return finding


def test_a_quiet_host_is_in_force_and_nothing_is_done() -> None:
    assert [(one.health, one.steps) for one in found()] == [(IN_FORCE, ())] * 2


def test_virsh_without_readline_repeats_no_question_and_is_understood_too() -> None:
    quiet = survey()
    bare = "".join(line for line in quiet["libvirt"].splitlines(keepends=True) if not line.startswith("virsh #"))
    bare = bare.replace("virsh # question\n", "")
    assert {one.health for one in findings(WATCHED, Seen(quiet | {"libvirt": bare})).values()} == {IN_FORCE}


def edited(old: str, new: str) -> str:
    text = network_xml("web", WEB, None)
    assert old in text
    return text.replace(old, new)


DEFINITIONS = {
    "its mode is nat, not open": ("mode='open'", "mode='nat'"),
    "its mode is isolated, not open": ("<forward mode='open'/>", ""),
    "its bridge is br-x, not br-web": ("name='br-web'", "name='br-x'"),
    "its bridge has zone=trusted, which is not ours": ("stp='on'", "stp='on' zone='trusted'"),
    "its address is 10.0.1.2/24, not 10.0.1.1/24": ("address='10.0.1.1'", "address='10.0.1.2'"),
    "its address is 10.0.1.1/25, not 10.0.1.1/24": ("prefix='24'", "netmask='255.255.255.128'"),
    "its address is 10.0.1.1/24, 10.9.0.1/8, not 10.0.1.1/24": ("</ip>", "</ip><ip address='10.9.0.1' prefix='8'/>"),
    "it leases 10.0.1.9-10.0.1.200, not 10.0.1.100-10.0.1.200": ("start='10.0.1.100'", "start='10.0.1.9'"),
    "it leases none, not 10.0.1.100-10.0.1.200": ("<range start='10.0.1.100' end='10.0.1.200'/>", ""),
    "its domain is lab.test, not lab.local answered here only": ("name='lab.local'", "name='lab.test'"),
    "its domain is lab.local, not lab.local answered here only": ("localOnly='yes'", "localOnly='no'"),
    "its DNS server is switched off": ("dns enable='yes'", "dns enable='no'"),
    "its DNS server lacks web.lab.local (10.0.1.1)": ("<hostname>web.lab.local</hostname>", ""),
    "its DNS server says b.lab.local (10.0.1.1), which is not ours": (
        "</hostname>",
        "</hostname><hostname>b.lab.local</hostname>",
    ),
    "dnsmasq's option no-hosts is missing": ("<dnsmasq:option value='no-hosts'/>", ""),
    "dnsmasq has the option log-queries, which is not ours": (
        "</dnsmasq:options>",
        "<dnsmasq:option value='log-queries'/></dnsmasq:options>",
    ),
    "it has <dns/forwarder>, which is not ours": ("</dns>", "<forwarder addr='1.1.1.1'/></dns>"),
    "it has <ip/tftp>, which is not ours": ("</ip>", "<tftp root='/'/></ip>"),
    "it has <portgroup>, which is not ours": ("</network>", "<portgroup name='x'/></network>"),
    "it lets guests talk IPv6": ("<network ", "<network ipv6='yes' "),
}


@pytest.mark.parametrize("said", DEFINITIONS)
def test_every_difference_of_a_definition_is_named_and_it_is_defined_and_started_anew(said: str) -> None:
    text = edited(*DEFINITIONS[said])
    finding = network(defined=text, running=text)
    assert finding.said == (said,), "once, although it also runs like that"
    words = [step.split()[0] for step in finding.steps]
    assert words == ["net-define", "net-destroy", "net-start", "plug", "plug"]
    defined = parse(b64decode(finding.steps[0].split()[1]).decode())
    assert list(libvirt_xml.differences(defined, WEB)) == []


def test_a_definition_edited_for_the_next_start_cuts_nobody_off() -> None:
    finding = network(defined=edited("mode='open'", "mode='nat'"))
    assert finding.said == ("its mode is nat, not open",)
    assert [step.split()[0] for step in finding.steps] == ["net-define"]


def test_what_only_runs_otherwise_is_started_anew_with_its_guests() -> None:
    finding = network(running=edited("mode='open'", "mode='nat'"))
    assert finding.said == ("as it runs, its mode is nat, not open",)
    assert finding.steps == ("net-destroy web", "net-start web", "plug vnet0 br-web", "plug veth7 br-web")


def test_guests_of_a_bridge_given_by_hand_come_along() -> None:
    text = edited("name='br-web'", "name='br-x'")
    moved = {**GUEST, "master": "br-x"}
    finding = network(defined=text, running=text, links=({**BRIDGE, "ifname": "br-x"}, moved))
    assert finding.steps[1:] == ("net-destroy web", "net-start web", "plug vnet0 br-web")


STATES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "it is not running": (
        {"listed": "web inactive yes yes", "running": ""},
        ("net-start web", "plug vnet0 br-web", "plug veth7 br-web"),
    ),
    "it does not start with the host": ({"listed": "web active no yes"}, ("net-autostart web",)),
    "its bridge br-web is gone": ({"links": (GUEST,)}, ("net-destroy web", "net-start web", "plug vnet0 br-web")),
    "its dnsmasq does not run: no leases, no names": (
        {"served": ""},
        ("net-destroy web", "net-start web", "plug vnet0 br-web", "plug veth7 br-web"),
    ),
    "its bridge br-web is down": ({"links": ({**BRIDGE, "flags": []}, GUEST)}, ("raise br-web",)),
    "its bridge br-web is a part of bond0": ({"links": ({**BRIDGE, "master": "bond0"}, GUEST)}, ("unplug br-web",)),
    "its bridge lacks its address 10.0.1.1/24": ({"addresses": ()}, ("address 10.0.1.1/24 br-web",)),
    "its bridge has the address 10.0.9.1/24, which is not ours": (
        {"addresses": ("10.0.1.1/24", "10.0.9.1/24")},
        ("unaddress 10.0.9.1/24 br-web",),
    ),
    "vnet0 of machine vm1 is not on its bridge": (
        {"links": (BRIDGE, {**GUEST, "master": "docker0"})},
        ("plug vnet0 br-web",),
    ),
}


@pytest.mark.parametrize("said", STATES)
def test_every_other_state_is_named_with_the_steps_back(said: str) -> None:
    changed, steps = STATES[said]
    assert network(**changed) == Finding((said,), steps)


PORTS: dict[str, dict[str, Any]] = {
    "it leads out of the host": {"ifname": "eno1", "linkinfo": {"info_kind": "veth"}, "link_netnsid": 0},
    "it leads out of the host ": {"ifname": "wlp3s0", "linkinfo": {"info_kind": "veth"}, "link_netnsid": 0},
    "it is a network card": {"ifname": "eno2"},
    "it is the tap of no machine on this network": {"ifname": "tap9", "linkinfo": {"info_kind": "tun"}},
    "its other end cable1 is on this host": {"ifname": "cable0", "link": "cable1", "linkinfo": {"info_kind": "veth"}},
    "it is a vxlan": {"ifname": "vx0", "linkinfo": {"info_kind": "vxlan"}},
}


@pytest.mark.parametrize("why", PORTS)
def test_a_port_that_joins_the_segment_with_something_else_is_named_and_pulled(why: str) -> None:
    port = {**PORTS[why], "master": "br-web"}
    assert network(links=(BRIDGE, GUEST, port)) == Finding(
        (f"{port['ifname']} is plugged into its bridge: {why.strip()}",), (f"unplug {port['ifname']}",)
    )
    assert network(links=(BRIDGE, GUEST, {**port, "master": "br-other"})).said == (), (
        "elsewhere it is nobody's business"
    )


def test_a_network_that_is_not_there_is_made_under_the_uuid_that_pulumi_knows() -> None:
    finding = network(listed="default active yes yes", defined="", running="", links=(GUEST,))
    assert finding.said == ("it is not there",)
    define, *rest = finding.steps
    assert f"<uuid>{UUID}</uuid>" in b64decode(define.split()[1]).decode()
    assert rest == ["net-start web", "plug vnet0 br-web", "net-autostart web"]


def test_a_running_network_without_a_definition_gets_one_and_goes_on_running() -> None:
    finding = network(listed="web active no no")
    assert finding.said == ("it has no definition and is gone after the next start", "it does not start with the host")
    assert [step.split()[0] for step in finding.steps] == ["net-define", "net-autostart"]


def test_another_network_of_that_name_makes_way() -> None:
    finding = network(defined=edited(UUID, OTHER), running=edited(UUID, OTHER))
    assert finding.said == (f"another network has its name (UUID {OTHER})",)
    assert [step.split()[0] for step in finding.steps] == [
        "net-destroy", "net-undefine", "net-define", "net-start", "plug", "plug", "net-autostart",
    ]  # fmt: skip


def test_a_strangers_network_of_that_name_is_never_overwritten() -> None:
    for before, after in (("mode='open'", "mode='nat'"), ("10.0.1.100", "10.0.1.50"), ("br-web", "virbr1")):
        strange = edited(UUID, OTHER).replace(before, after)
        finding = network(defined=strange, running=strange)
        assert finding.steps == ()
        assert finding.said[0].startswith(f"another network has its name (UUID {OTHER}), and it is not ours: ")
        assert "`make adopt STACK=dell`" in finding.way_out
    pool = found(folder=pool_xml("twin-vpc-ssd", Pool(OTHER, "/slow")))[1]
    assert pool.steps == ()
    assert pool.said == (f"another pool has its name (UUID {OTHER}), and it is not ours: it lies in /slow",)
    assert "virsh pool-dumpxml twin-vpc-ssd" in pool.way_out


def test_a_strangers_network_stops_the_mending_of_everything_by_name() -> None:
    strange = edited(UUID, OTHER).replace("mode='open'", "mode='nat'")
    session = Script(survey(defined=strange, running=strange, pool="twin-vpc-ssd inactive yes"))
    with pytest.raises(HostError, match=f"nothing was overwritten: network web: another .*{OTHER}.*make adopt"):
        mended(WATCHED, session)


class Script(Session):
    """A host that can be looked at and lets nothing be done."""

    def __init__(self, answers: Mapping[str, str]) -> None:
        super().__init__(Connection("local"))
        self.answers = answers

    def survey_networks(self, *_: object) -> Mapping[str, str]:
        return self.answers

    def run(self, *_: object) -> NoReturn:
        raise AssertionError("something was done on the host")


def test_the_bridge_keeps_its_mac_address_and_reservations_stay() -> None:
    held = parse(
        "<network><mac address='52:54:00:01:02:03'/><ip><dhcp>"
        "<host mac='52:54:00:00:00:01' name='db&lt;1' ip='10.0.1.9'/></dhcp></ip></network>"
    )
    made = parse(network_xml("web", WEB, held))
    assert made.of("mac", "address") == "52:54:00:01:02:03"
    (kept,) = made.all("ip/dhcp/host")
    assert kept.attributes == {"mac": "52:54:00:00:00:01", "name": "db<1", "ip": "10.0.1.9"}
    assert parse(network_xml("web", replace(WEB, leased=""), held)).all("ip/dhcp") == []


POOLS: dict[str, tuple[dict[str, str], list[str]]] = {
    "it is not there": ({"pool": "", "folder": ""}, ["pool-define", "pool-start", "pool-autostart"]),
    "it is not running": ({"pool": "twin-vpc-ssd inactive yes"}, ["pool-start"]),
    "it does not start with the host": ({"pool": "twin-vpc-ssd active no"}, ["pool-autostart"]),
    "it lies in /slow, not /fast": (
        {"folder": pool_xml("twin-vpc-ssd", Pool(UUID, "/slow"))},
        ["pool-destroy", "pool-define", "pool-start", "pool-autostart"],
    ),
    f"another pool has its name (UUID {OTHER})": (
        {"folder": pool_xml("twin-vpc-ssd", Pool(OTHER, "/fast"))},
        ["pool-destroy", "pool-undefine", "pool-define", "pool-start", "pool-autostart"],
    ),
}


@pytest.mark.parametrize("said", POOLS)
def test_every_state_of_a_pool_is_named_with_the_steps_back(said: str) -> None:
    changed, words = POOLS[said]
    finding, pool = found(**changed)
    assert finding.said == ()
    assert (pool.said, [step.split()[0] for step in pool.steps]) == ((said,), words)


def test_a_libvirt_that_does_not_answer_is_no_quiet_host() -> None:
    with pytest.raises(HostError, match="libvirt does not answer on the host"):
        Seen({"libvirt": "", "links": "[]"})


def test_xml_that_defines_entities_or_ends_early_is_refused() -> None:
    for text in ("<!DOCTYPE network [<!ENTITY a 'b'>]><network/>", "<network>"):
        with pytest.raises(BadXmlError):
            parse(text)
    with pytest.raises(HostError, match="XML of web cannot be read"):
        findings(WATCHED, Seen(survey(defined="<network><broken></network>")))


def given(**changed: object) -> dict[str, object]:
    web = {"uuid": UUID, "bridge": "br-web", "address": "10.0.1.1/24", "leased": "10.0.1.100-10.0.1.200",
           "domain": "lab.local", "hosts": {"10.0.1.1": "web.lab.local"}, "options": ["no-hosts"]}  # fmt: skip
    pools = {"twin-vpc-ssd": {"uuid": UUID, "folder": "/fast"}}
    return {"networks": {"web": web | changed}, "pools": pools, "uplinks": ["eno1"]}


def test_what_the_program_sends_is_taken_as_it_is_meant() -> None:
    assert problems(given()) == ()
    assert watched(given()) == WATCHED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("uuid", "$(reboot)"),
        ("bridge", "br-a b"),
        ("address", "10.0.1.1"),
        ("leased", "all"),
        ("domain", "lab'local"),
        ("hosts", {"10.0.1.1": "a;b"}),
        ("hosts", {"x": "a"}),
        ("options", ["no-hosts\nconf-file=/etc/shadow"]),
    ],
)
def test_nothing_that_could_mean_more_than_a_word_is_taken(name: str, value: object) -> None:
    (problem,) = problems(given(**{name: value}))
    assert problem.name == "networks"
    assert problem.text.startswith("networks.web: "), problem.text


def test_an_unknown_input_is_refused() -> None:
    assert [one.name for one in problems({**given(), "bridges": []})] == ["bridges"]
