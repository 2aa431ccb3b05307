"""What the provider refuses before the host hears of it."""

import asyncio

import pytest
from pulumi.provider.experimental.property_value import PropertyValue

from providers.host import checks, connection, wire
from providers.host.provider import HostProvider
from tests.providers.samples import check, inputs

WRONG = {
    "an unknown property": ({"uplink": ["eno1"]}, "uplink", "unknown property uplink; known are ruleset, held"),
    "a text as list": ({"bridges": "br-public"}, "bridges", "bridges must be a list of texts"),
    "a number in a list": ({"uplinks": [1.0]}, "uplinks", "uplinks must be a list of texts"),
    "a list as map": ({"zonePolicies": ["x"]}, "zonePolicies", "zonePolicies must be a map of texts"),
    "a truth value": ({"mark": True}, "mark", "mark must be a text"),
    "an uplink of ours": ({"uplinks": ["br-public"]}, "uplinks", "twin-vpc:host.uplinks: br-public is one of our own"),
    "a retired uplink": (
        {"uplinks": ["br-x"], "retiredBridges": ["br-x"]},
        "uplinks",
        "br-x is one of our own bridges",
    ),
    "a bridge in both states": ({"retiredBridges": ["br-public"]}, "retiredBridges", "in use and retired at once"),
    "a block of nobody": ({"blocks": {"br-x": "10.0.9.0/24"}}, "blocks", "br-x has the block 10.0.9.0/24, but is none"),
    "a block with a host": ({"blocks": {"br-public": "10.0.1.1/24"}}, "blocks", "10.0.1.1/24 has host bits set"),
    "a bridge twice": ({"bridges": ["br-a", "br-a"]}, "bridges", "br-a stands more than once in bridges"),
    "a name for the shell": ({"bridges": ["br;reboot"]}, "bridges", "'br;reboot' is no interface name"),
    "a path as name": ({"bridges": [".."]}, "bridges", "'..' is no interface name"),
    "a long name": ({"uplinks": ["a-very-long-name"]}, "uplinks", "at most 15 letters"),
    "a rule with a quote": ({"routingRules": ["iif 'br' prohibit"]}, "routingRules", "is no policy-routing rule"),
    "a rule with a line": (
        {"routingRules6": ["iif br-a prohibit\nflush"]},
        "routingRules6",
        "is no policy-routing rule",
    ),
    "a rule with its place": ({"routingRules": ["iif br-a prohibit pref 5"]}, "routingRules", "says `pref`"),
    "too many rules": ({"routingRules": ["prohibit"] * 4001}, "routingRules", "4001 rules; a block"),
    "a port in words": ({"forwardedPorts": ["ssh"]}, "forwardedPorts", "'ssh' is no port"),
    "a mark for the shell": ({"mark": "0x1/0x1 -j X"}, "mark", "is not written as value/mask"),
    "a policy of others": ({"zonePolicies": {"public": "<policy/>"}}, "zonePolicies", "no name for a firewalld policy"),
    "a policy elsewhere": ({"zonePolicies": {"twin-vpc/../x": ""}}, "zonePolicies", "no name for a firewalld policy"),
    "no rule at all": ({"ruleset": "  \n"}, "ruleset", "ruleset is empty: nothing would be denied"),
    "no held rule": ({"held": ""}, "held", "held is empty: nothing would be denied"),
    "a held table that a flush takes": ({"held": "table inet twin_vpc_held {}"}, "held", "no line `flags owner`"),
    "a main table that is held": (
        {"held": "table inet twin_vpc {\n flags owner\n}"},
        "held",
        "names table inet twin_vpc: what belongs there is inet twin_vpc_held",
    ),
    "a flush of all": ({"ruleset": "flush  ruleset\n"}, "ruleset", "it may only speak of our own tables"),
    "an included file": ({"ruleset": 'include "/etc/shadow"\n'}, "ruleset", "holds `include`"),
    "uplinks of its own": ({"ruleset": "define uplinks = { lo }\n"}, "ruleset", "holds `define uplinks`"),
    "another's table": ({"ruleset": "table ip filter {}\n"}, "ruleset", "names table ip filter"),
    "a zero byte": ({"sysctl": "a\x00b"}, "sysctl", "sysctl holds a zero byte"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_input_is_refused_by_name(case: str) -> None:
    changed, name, sentence = WRONG[case]
    found = checks.problems(inputs(**changed))
    assert [problem.name for problem in found if sentence in problem.text] == [name], found


def test_right_inputs_pass() -> None:
    assert checks.problems(inputs()) == ()


def test_every_wrong_input_is_named_at_once() -> None:
    found = checks.problems(inputs(mark="7", bridges=["a b"], routingRules=["x;y"], blocks={}))
    assert {problem.name for problem in found} == {"mark", "bridges", "routingRules"}


def test_the_engine_hears_of_missing_inputs_and_gets_the_defaults() -> None:
    values = {"ruleset": inputs()["ruleset"], "bridges": ["br-public"], "mark": "0x1/0x1"}
    answer = asyncio.run(HostProvider().check(check(values)))
    assert [(failure.property, failure.reason) for failure in answer.failures or ()] == [
        ("held", "held is missing"),
        ("routingRules", "routingRules is missing"),
    ]
    assert wire.plain(answer.inputs or {}) == values | {
        "uplinks": [],
        "routingRules6": [],
        "retiredBridges": [],
        "blocks": {},
        "forwardedPorts": [],
        "zone": "",
        "zonePolicies": {},
        "sysctl": "",
    }


def test_what_is_not_known_yet_is_not_refused() -> None:
    request = check(inputs())
    request.new_inputs["mark"] = PropertyValue.computed()
    request.new_inputs["uplinks"] = PropertyValue([PropertyValue.computed()])
    assert not asyncio.run(HostProvider().check(request)).failures


SETTINGS: dict[str, tuple[dict[str, object], str]] = {
    "no address": ({}, "twin-vpc:host.address is missing; name the host, or `local`"),
    "a key of no meaning": ({"adress": "x", "address": "y"}, "unknown setting adress; known are address, confirm"),
    "a port beyond": ({"address": "x", "port": 70000.0}, "twin-vpc:host.port: 70000.0 is no port"),
    "a broken port": ({"address": "x", "port": 22.5}, "twin-vpc:host.port: 22.5 is no port"),
    "a port in words": ({"address": "x", "port": "ssh"}, "twin-vpc:host.port: 'ssh' is no port"),
    "no time to log in": ({"address": "x", "confirmSeconds": 9}, "twin-vpc:host.confirm_seconds: 9 is no whole number"),
    "a time in words": ({"address": "x", "confirmSeconds": "long"}, "of seconds from 10 to 3600"),
    "an option as address": ({"address": "-oProxyCommand=x"}, "is no address"),
    "an empty user": ({"address": "x", "user": ""}, "twin-vpc:host.user: '' is no text"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_a_wrong_setting_is_refused_by_its_config_key(case: str) -> None:
    settings, sentence = SETTINGS[case]
    assert any(sentence in text for _, text in connection.problems(settings)), connection.problems(settings)


@pytest.mark.parametrize("port", [2200, 2200.0, "2200"])
def test_a_port_is_taken_as_the_engine_sends_it(port: object) -> None:
    assert connection.connection({"address": "192.168.1.10", "port": port, "version": "0.1.0"}).port == 2200
