"""What a refresh makes of a survey: each change by hand lands in the property that names it."""

import json
from dataclasses import replace

import pytest

from providers.host import drift, files, kernel, wire
from providers.host.drift import Found
from providers.host.files import Manifest
from providers.host.policy import HostState
from tests.providers.samples import MARK, inputs

POLICY = wire.to_policy(inputs())
RULE = "from all iif br-public prohibit proto kernel\n"


def show(*, counted: int = 0, handle: int = 1, rule: str = RULE, chain: str = "accept") -> str:
    table = [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": "twin_vpc", "handle": handle}},
        {"set": {"name": "bridges", "handle": handle, "elem": ["b", "a"] if handle % 2 else ["a", "b"]}},
        {"set": {"name": "seen", "flags": ["dynamic"], "elem": [str(counted)]}},
        {"chain": {"name": "forward", "handle": handle, "policy": chain}},
        {"rule": {"chain": "forward", "handle": handle, "expr": [{"counter": {"packets": counted, "bytes": 9}}]}},
    ]
    return f"table inet twin_vpc\n{json.dumps({'nftables': table})}\ntable inet twin_vpc_host\nmissing\nip rule\n{rule}"


MANIFEST = Manifest(POLICY.bridges, (), MARK, (), ("eno1",), ("twin-vpc-forward",), "0", POLICY.blocks)
IN_FORCE = replace(
    wire.to_in_force({"uplinksInForce": ["eno1"], "firewalld": True, "ipForwardBefore": "0", "service": "enabled"}),
    kernel=kernel.digest(show()),
)
DOCKER = (
    f"-P FORWARD DROP\n-N DOCKER-USER\n-A DOCKER-USER -m mark --mark {MARK} -m comment --comment twin-vpc -j ACCEPT\n"
)


def quiet_host() -> dict[str, str]:
    wanted = files.host_files(POLICY, MANIFEST, firewalld=True)
    return {
        "show": show(),
        "expected": show(),
        "enabled": "enabled\nenabled\nenabled\n",
        "running": "active\nactive\nactive\n",
        "routes": "default via 192.168.1.1 dev eno1 proto static\ndefault via 192.168.1.1 dev eno1 metric 9\n",
        "firewalld": "yes\n",
        "active": "active\nactive",
        "zones": '{"data":[{"twin-vpc":{}}]}',
        "settings": "net.ipv4.ip_forward=1\nnet.ipv4.conf.br-public.rp_filter=\n",
        "docker": DOCKER,
    } | {f"file:{path}": text for path, text in wanted.items()}


def refreshed(**changed: str | None) -> HostState:
    answers = quiet_host() | {name: text for name, text in changed.items() if text is not None}
    for name in [name for name, text in changed.items() if text is None]:
        del answers[name]
    return drift.host_state(Found(answers), POLICY, IN_FORCE)


def differing(state: HostState) -> dict[str, object]:
    recorded = wire.outputs_of(HostState(POLICY, IN_FORCE))
    return {name: value for name, value in wire.outputs_of(state).items() if value != recorded[name]}


def test_on_a_quiet_host_nothing_is_reported() -> None:
    assert differing(refreshed()) == {}


def test_counters_handles_and_dynamic_elements_are_no_change() -> None:
    assert kernel.digest(show(counted=7, handle=40)) == kernel.digest(show())
    assert kernel.digest(show(chain="drop")) != kernel.digest(show()), "a real change is one"


def test_another_nft_that_lists_the_same_in_other_words_is_no_change() -> None:
    assert differing(refreshed(show=show(chain="ACCEPT"), expected=show(chain="ACCEPT"))) == {}


def path(name: str) -> str:
    return f"file:/etc/twin-vpc/{name}"


EARLIER = (
    "changed by hand: the routing rule 500 (from all lookup 200) is asked before ours and may lead the segments' "
    "packets elsewhere; give it a preference above 5200, or limit it with `iif` to a link of its own"
)
HEAD = files.uplinks_line(("eno1",))
CASES: dict[str, tuple[dict[str, str | None], str, object]] = {
    "rule set edited": (
        {path("ruleset.nft"): HEAD + "table inet twin_vpc {}\n"},
        "ruleset",
        "table inet twin_vpc {}\n",
    ),
    "rule set gone": ({path("ruleset.nft"): None}, "ruleset", ""),
    "uplinks edited": (
        {path("ruleset.nft"): 'define uplinks = { "lo" }\n' + POLICY.ruleset},
        "ruleset",
        'define uplinks = { "lo" }\n' + POLICY.ruleset,
    ),
    "held table edited": ({path("held.nft"): HEAD + "table inet x {}\n"}, "held", "table inet x {}\n"),
    "held table gone": ({path("held.nft"): None}, "held", ""),
    "holder disabled": (
        {"enabled": "enabled\ndisabled\nenabled\n"},
        "service",
        "changed by hand: twin-vpc-hold.service is disabled",
    ),
    "rules edited": ({path("routing-rules"): "iif br-x prohibit\n"}, "routingRules", ["iif br-x prohibit"]),
    "rules6 gone": ({path("routing-rules6"): None}, "routingRules6", []),
    "sysctl edited": ({f"file:{files.SYSCTL}": "x = 1\n"}, "sysctl", "x = 1\n"),
    "zone gone": ({f"file:{files.ZONE}": None}, "zone", ""),
    "policy gone": ({"file:/etc/firewalld/policies/twin-vpc-forward.xml": None}, "zonePolicies", {}),
    "loader edited": ({path("load"): "#!/bin/sh\n"}, "service", "changed by hand: /etc/twin-vpc/load was edited"),
    "unit gone": (
        {f"file:{files.UNITS[0]}": None},
        "service",
        "changed by hand: /etc/systemd/system/twin-vpc.service is missing",
    ),
    "broken off": ({f"file:{files.STAGED}": "{}"}, "service", "an earlier run was not finished"),
    "unit disabled": (
        {"enabled": "disabled\nenabled\nenabled\n"},
        "service",
        "changed by hand: twin-vpc.service is disabled",
    ),
    "unit stopped": (
        {"running": "inactive\nactive\nactive\n"},
        "service",
        "changed by hand: twin-vpc.service is stopped (inactive)",
    ),
    "unit of Docker failed": (
        {"running": "active\nactive\nfailed\n"},
        "service",
        "changed by hand: twin-vpc-docker.service is stopped (failed)",
    ),
    "table gone": (
        {"show": "table inet twin_vpc\nmissing\ntable inet twin_vpc_host\nmissing\nip rule\n" + RULE},
        "kernel",
        "changed by hand: table inet twin_vpc is missing",
    ),
    "chain changed": (
        {"show": show(chain="drop")},
        "kernel",
        "changed by hand: table inet twin_vpc: chain forward differs",
    ),
    "routing rule gone": (
        {"show": show(rule="")},
        "kernel",
        "changed by hand: ip rule: `iif br-public prohibit` is missing",
    ),
    "routing rule added": (
        {"show": show(rule=f"{RULE}from all iif x lookup main proto kernel\n")},
        "kernel",
        "changed by hand: ip rule: `iif x lookup main` is not ours",
    ),
    "files not loadable": (
        {"show": show(chain="drop"), "expected": ""},
        "kernel",
        "changed by hand: the files on the host can no longer be loaded",
    ),
    "forwarding off": (
        {"settings": "net.ipv4.ip_forward=0\n"},
        "kernel",
        "changed by hand: net.ipv4.ip_forward is 0, not 1",
    ),
    "uplink moved": (
        {"routes": "default via 192.168.1.1 dev wlp3s0\n"},
        "kernel",
        "changed by hand: the default route leaves by wlp3s0, the rule set says eno1",
    ),
    "a stranger's routing rule before ours": (
        {"rules": '[{"priority":500,"src":"all","table":"200"}]'},
        "kernel",
        EARLIER,
    ),
    "zone not loaded": (
        {"zones": '{"data":[{"public":{}}]}'},
        "kernel",
        "changed by hand: firewalld runs without the zone twin-vpc",
    ),
    "accept gone": (
        {"docker": "-P FORWARD DROP\n-N DOCKER-USER\n"},
        "kernel",
        "changed by hand: Docker's chain DOCKER-USER lacks our accept",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_by_hand_lands_where_it_belongs(case: str) -> None:
    changed, name, value = CASES[case]
    assert differing(refreshed(**changed)) == {name: value}


def test_a_setting_of_a_bridge_that_is_gone_is_not_read_from_the_next_line() -> None:
    gone = "net.ipv4.conf.br-public.rp_filter=\nnet.ipv4.ip_forward=1\n"
    assert drift.settings(gone) == {"net.ipv4.conf.br-public.rp_filter": "", "net.ipv4.ip_forward": "1"}
    assert differing(refreshed(settings=gone)) == {}


def test_what_is_not_there_to_judge_is_not_reported() -> None:
    offline = refreshed(routes="", docker="-P FORWARD ACCEPT\n", active="inactive\nactive", zones=None)
    assert differing(offline) == {}
    assert differing(refreshed(active="active\ninactive", docker="", running="active\nactive\ninactive\n")) == {}, (
        "no Docker"
    )
    assert differing(refreshed(running="active\nactive\nactivating\n")) == {}, "it is on its way up"
    bare = refreshed(firewalld="", active="inactive\ninactive", zones=None, **{f"file:{files.ZONE}": None})
    assert differing(bare) == {"firewalld": False}, "without firewalld its zone is not missed"


def test_a_recorded_change_that_was_undone_by_hand_is_healthy_again() -> None:
    state = drift.host_state(Found(quiet_host()), POLICY, replace(IN_FORCE, kernel="changed by hand: x", service="y"))
    assert (state.in_force.kernel, state.in_force.service) == (kernel.digest(show()), "enabled")


def test_gone_means_no_file_no_table_and_no_rule() -> None:
    nothing = "table inet twin_vpc\nmissing\ntable inet twin_vpc_host\nmissing\nip rule\nip -6 rule\n"
    assert drift.is_gone(Found({"show": nothing}))
    assert not drift.is_gone(Found({"show": nothing, f"file:{files.SYSCTL}": ""}))
    assert not drift.is_gone(Found({"show": nothing + RULE}))


def test_an_import_takes_everything_from_the_host() -> None:
    assert drift.imported(Found(quiet_host())) == (POLICY, replace(IN_FORCE, kernel="", service="enabled"))
    assert drift.imported(Found({})) is None
