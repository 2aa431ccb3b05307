from dataclasses import replace

import pulumi
import pytest

from components.former import former_names
from components.libvirt.provider import provider
from components.libvirt.vpc import REPLACED, Vpc, VpcArgs
from tests.components.engine import NETWORK, RecordingEngine, Registered, run
from tests.components.site import plan, stack

ARGS = VpcArgs(plan=plan(), domain="lab.local", closed=frozenset({"data"}), former={})


def build(args: VpcArgs = ARGS, *, preview: bool = False) -> RecordingEngine:
    def program() -> None:
        Vpc("vpc", args, opts=pulumi.ResourceOptions(providers=[provider("libvirt", stack().host)]))

    return run(program, preview=preview)


def networks(args: VpcArgs = ARGS) -> dict[str, Registered]:
    return build(args).of(NETWORK)


@pytest.mark.parametrize("preview", [True, False])
def test_every_segment_is_one_open_network_with_its_own_bridge(*, preview: bool) -> None:
    made = build(preview=preview).of(NETWORK)
    assert set(made) == {"vpc-web", "vpc-data"}
    web = made["vpc-web"].inputs
    assert web["mode"] == "open", "any other mode brings rules of libvirt's own"
    assert (web["name"], web["bridge"], web["domain"]) == ("web", "br-web", "lab.local")
    assert (web["addresses"], web["autostart"]) == (["10.0.1.0/24"], True)


def test_the_owners_range_is_leased_and_nothing_where_there_is_none() -> None:
    made = networks()
    assert made["vpc-web"].inputs["dhcp"] == {"enabled": True}
    assert '<range start="10.0.1.100" end="10.0.1.200"/>' in made["vpc-web"].inputs["xml"]["xslt"]
    assert made["vpc-data"].inputs["dhcp"] == {"enabled": False}, "left out, the provider would lease all of it"
    assert "xml" not in made["vpc-data"].inputs


def test_every_segment_knows_all_routers_and_static_machines_once_per_address() -> None:
    expected = {"10.0.1.1": "web.lab.local", "10.0.3.1": "data.lab.local", "10.0.3.10": "db1.lab.local"}
    for made in networks().values():
        hosts = made.inputs["dns"]["hosts"]
        assert {host["ip"]: host["hostname"] for host in hosts} == expected
        assert len(hosts) == len(expected), "the provider deletes by address: two names for one would both go"


def test_only_a_closed_segment_asks_nobody() -> None:
    made = networks()
    given = {name: [one["optionName"] for one in m.inputs["dnsmasqOptions"]["options"]] for name, m in made.items()}
    assert given["vpc-data"] == ["no-hosts", "no-resolv"]
    assert given["vpc-web"] == ["no-hosts"], "the host's own names are nobody's business"
    assert made["vpc-data"].inputs["dns"]["enabled"] is True, "local names still resolve"
    assert all(one.inputs["dns"]["localOnly"] is True for one in made.values()), "lab.local is asked of nobody else"


def test_what_the_provider_ignores_is_a_replacement_and_the_old_network_goes_first() -> None:
    for made in networks().values():
        assert made.delete_before_replace
        assert set(made.replace_on_changes) == set(REPLACED)
        assert not {"dns", "dns.hosts", "autostart"} & set(made.replace_on_changes), "these change in place"


def test_a_renamed_segment_is_the_old_network_under_a_new_name() -> None:
    made = networks(replace(ARGS, former={"web": ("first", "front")}))
    assert made["vpc-web"].aliases == ("vpc-first", "vpc-front")
    assert made["vpc-data"].aliases == ()


def test_former_names_are_followed_through_every_rename() -> None:
    lock = {"first": "front", "front": "web", "old": "data", "gone": "removed"}
    assert former_names(lock) == {"web": ("first", "front"), "data": ("old",), "removed": ("gone",)}
    assert former_names({}) == {}


def test_a_lock_that_goes_in_circles_ends() -> None:
    assert former_names({"a": "b", "b": "a"}) == {"a": ("a",), "b": ("b",)}


def test_networks_wait_for_what_the_component_was_told_to_wait_for() -> None:
    def program() -> None:
        libvirt = provider("libvirt", stack().host)
        Vpc("vpc", ARGS, opts=pulumi.ResourceOptions(providers=[libvirt], depends_on=[libvirt]))

    for made in run(program).of(NETWORK).values():
        assert [one.rsplit("::", 1)[1] for one in made.dependencies] == ["libvirt"]


def test_outputs_name_block_router_and_bridge() -> None:
    seen: dict[str, tuple[str, str, str]] = {}

    def program() -> None:
        vpc = Vpc("vpc", ARGS, opts=pulumi.ResourceOptions(providers=[provider("libvirt", stack().host)]))
        for name, segment in vpc.outputs.segments.items():
            for subnet in segment.subnets:
                subnet.attachment.apply(
                    lambda bridge, name=name, subnet=subnet: seen.__setitem__(
                        name, (subnet.cidr, subnet.router, bridge)
                    )
                )

    run(program)
    assert seen == {"web": ("10.0.1.0/24", "10.0.1.1", "br-web"), "data": ("10.0.3.0/24", "10.0.3.1", "br-data")}
