from dataclasses import fields

import pulumi
import pytest

from components.host.policy import HostPolicy
from components.host.resources import NetworkPolicyArgs, TwinHost, TwinHostArgs
from providers.host import checks, connection
from tests.components.engine import POLICY, RecordingEngine, run
from tests.components.site import policy_args

WHERE = TwinHostArgs("192.168.1.10", 2200, "root", "~/.ssh/id", "~/.ssh/known", 90)


def build(*, preview: bool = False) -> RecordingEngine:
    def program() -> None:
        policy = HostPolicy("policy", policy_args(), opts=pulumi.ResourceOptions(providers=[TwinHost("host", WHERE)]))
        pulumi.export("uplinks", policy.uplinks)
        pulumi.export("firewalld", policy.firewalld)

    return run(program, preview=preview)


@pytest.mark.parametrize("preview", [True, False])
def test_the_whole_policy_reaches_the_provider_in_its_own_words(*, preview: bool) -> None:
    given = build(preview=preview).of(POLICY)["policy"].inputs
    assert set(given) == set(checks.KINDS), "neither more nor less than the provider takes"
    assert checks.problems(given) == (), "the provider's own checks agree"
    assert (given["bridges"], given["uplinks"]) == (["br-data", "br-web"], ["eno1"])
    assert given["blocks"] == {"br-data": "10.0.3.0/24", "br-web": "10.0.1.0/24"}
    assert "table inet twin_vpc" in given["ruleset"]
    assert given["mark"] == "0x1000000/0x1000000"


def test_what_only_the_host_knows_comes_back() -> None:
    assert build().exports == {"uplinks": ["eno1"], "firewalld": True}


def test_the_provider_takes_the_settings_of_the_host_as_they_are_sent() -> None:
    (made,) = build().of("pulumi:providers:twin-host").values()
    assert connection.problems(made.inputs) == ()
    assert connection.connection(made.inputs) == connection.Connection(
        "192.168.1.10", 2200, "root", "~/.ssh/id", "~/.ssh/known", 90
    )


def test_the_typed_arguments_cover_the_providers_inputs() -> None:
    assert len(fields(NetworkPolicyArgs)) == len(checks.KINDS)
