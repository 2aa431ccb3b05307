"""The table of names: every type and property that a stack uses is in it, and everything in it exists in the SDK."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from graph.record import Recording, record, record_program
from graph.tokens import ABSENT, PROVIDERS, TARGETS, Form, Nested, Target, snake
from tests.components.engine import ROOT
from tests.graph.small import program
from tests.graph.stacks import STACKS, VARIANTS, used, variant, with_machines

# Emptied, and said to be empty by leaving them out.
UNUSED = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": {"ingress", "egress"},
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl": {"ingress", "egress"},
}
KNOWN = TARGETS.keys() | PROVIDERS.keys() | ABSENT.keys()


def sdk(token: str) -> type:
    """The SDK's class of a type."""
    package, module, name = token.split(":")
    if package == "pulumi":
        return importlib.import_module(f"pulumi_{name}").Provider
    room = module.partition("/")[0]
    where = f"pulumi_{package}" if room == "index" else f"pulumi_{package}.{room}"
    return getattr(importlib.import_module(where), name)


def inputs(kind: type) -> dict[str, object]:
    """Names on the wire and types of what a class takes."""
    taken = inspect.get_annotations(kind._internal_init if hasattr(kind, "_internal_init") else kind.__init__)
    return {camel(name): hint for name, hint in taken.items()}


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def unknown(nested: Nested, given: dict[str, object], room: str, where: str) -> list[str]:
    """Properties inside objects that the SDK's class of these objects has not."""
    name = re.findall(r"\b(\w+Args)\b", str(given[nested.source]))[0]
    known = inputs(getattr(importlib.import_module(f"{room}._inputs"), name))
    if nested.form is Form.OBJECTS:
        return sorted(f"{where}.{key}" for key in nested.values ^ known.keys())
    found = [f"{where}.{key}" for key in {*nested.values, *(one.source for one in nested.nested)} - known.keys()]
    for one in nested.nested:
        found += unknown(one, known, room, f"{where}.{one.source}") if one.source in known else []
    return found


@pytest.mark.parametrize("stack", STACKS)
def test_every_type_of_a_stack_is_in_the_table(stack: str) -> None:
    assert {one.token for one in record(ROOT, stack).resources} <= KNOWN


def test_every_type_of_aws_in_the_table_is_used_by_the_small_network() -> None:
    """So each is translated in a test and compared with a golden file."""
    used_there = {one.token for one in record_program(program, "test").resources}
    assert {token for token in TARGETS if token.startswith("aws:")} == used_there - PROVIDERS.keys()


def properties(target: Target | Nested, before: str = "") -> Iterator[str]:
    """Everything that a type may be given, but for keys that are there because Terraform wants all of them named."""
    yield from (f"{before}{key}" for key in target.values)
    for one in target.nested:
        yield f"{before}{one.source}"
        if one.form is Form.BLOCK:
            yield from properties(one, f"{before}{one.source}.")


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    """Every way in which we know a stack to be built."""
    folders: Iterator[Path] = iter(lambda: tmp_path_factory.mktemp("stack"), None)
    stacks = [record(ROOT, stack) for stack in STACKS] + [variant(name, next(folders)) for name in VARIANTS]
    return [*stacks, with_machines(next(folders)), record_program(program, "test")]


@pytest.mark.parametrize("token", TARGETS)
def test_every_property_in_the_table_is_used(recordings: list[Recording], token: str) -> None:
    there = {
        path for made in recordings for one in made.registered if one.resource.token == token for path in used(one)
    }
    assert set(properties(TARGETS[token])) - there - UNUSED.get(token, set()) == set()


@pytest.mark.parametrize("token", [*TARGETS, *PROVIDERS])
def test_every_property_in_the_table_exists_in_the_sdk(token: str) -> None:
    target: Target = TARGETS[token] if token in TARGETS else PROVIDERS[token].target
    known = inputs(sdk(token))
    left_out = PROVIDERS[token].left_out if token in PROVIDERS else frozenset()
    assert target.values | left_out | {one.source for one in target.nested} <= known.keys()
    room = sdk(token).__module__.rpartition(".")[0]
    assert [wrong for one in target.nested for wrong in unknown(one, known, room, one.source)] == []


def test_a_property_that_the_sdk_has_not_is_noticed() -> None:
    """Negative control."""
    assert "cidrBlok" not in inputs(sdk("aws:ec2/vpc:Vpc"))
    assert "cidrBlock" in inputs(sdk("aws:ec2/vpc:Vpc"))
    network = inputs(sdk("libvirt:index/network:Network"))
    hosts = Nested("hosts", "hosts", Form.BLOCK, frozenset({"ip", "moon"}))
    dns = Nested("dns", "dns", Form.BLOCK, frozenset({"sun"}), (hosts,))
    assert unknown(dns, network, "pulumi_libvirt", "dns") == ["dns.sun", "dns.hosts.moon"]
    some = Nested("routes", "route", Form.OBJECTS, frozenset({"moon", "gatewayId"}))
    table = inputs(sdk("aws:ec2/defaultRouteTable:DefaultRouteTable"))
    assert {"routes.moon", "routes.cidrBlock"} <= set(unknown(some, table, "pulumi_aws.ec2", "routes"))


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("cidrBlock", "cidr_block"), ("cidrIpv4", "cidr_ipv4"), ("ipv6CidrBlock", "ipv6_cidr_block"),
        ("enableDns64", "enable_dns64"), ("vpcId", "vpc_id"), ("tags", "tags"),
    ],
)  # fmt: skip
def test_spelling(name: str, spelled: str) -> None:
    assert snake(name) == spelled


def test_types_are_terraforms() -> None:
    """Mechanical but for the modules: `aws:ec2/vpc:Vpc` is aws_vpc; no two tokens become one type."""
    names = [one.type for one in TARGETS.values()]
    assert len(set(names)) == len(names)
    for token, target in TARGETS.items():
        package, _, name = token.split(":")
        words = snake(name).replace("cloud_init", "cloudinit")
        assert target.type.startswith(f"{package}_")
        assert target.type.endswith(words), token
