"""The program as Pulumi runs it, for each stack file, with every input and with bad ones."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import pulumi
import pytest
import yaml

from tests.components.engine import (
    ACL,
    ENDPOINT,
    GROUP,
    NAT_GATEWAY,
    NETWORK,
    POLICY,
    POOL,
    ROOT,
    ROUTE_TABLE,
    SUBNET,
    VPC,
    RecordingEngine,
    Registered,
    pulumi_config,
)
from tests.program.main import copy, run_main
from twinvpc.model.aws import AwsStack
from twinvpc.model.files import load_stack
from twinvpc.policy.terms import UnsupportedTermError
from twinvpc.price.text import told as told_price

Yaml: TypeAlias = Any
"""What can stand in a YAML file."""


def told(stack: str, config: dict[str, str], root: Path = ROOT) -> tuple[str, RecordingEngine]:
    """Why the program refuses, and what it had registered by then."""
    engine = RecordingEngine()
    with pytest.raises(pulumi.RunError) as caught:
        run_main(stack, config, root=root, engine=engine)
    return str(caught.value), engine


@pytest.mark.parametrize("preview", [True, False])
def test_dell_is_five_networks_two_pools_and_one_policy(*, preview: bool) -> None:
    made = run_main("dell", pulumi_config(), preview=preview)
    assert {token: len(made.of(token)) for token in (NETWORK, POOL, POLICY)} == {NETWORK: 5, POOL: 2, POLICY: 1}
    assert made.messages == [], "nothing to warn of"


def test_no_network_is_made_before_the_policy_and_none_outlives_it() -> None:
    made = run_main("dell", pulumi_config())
    (policy,) = made.of(POLICY).values()
    for network in made.of(NETWORK).values():
        assert network.dependencies == (policy.urn,), "Pulumi creates along dependencies and deletes against them"


def test_every_resource_goes_through_a_provider_of_the_programs_own() -> None:
    made = run_main("dell", pulumi_config())
    ours = [one for token in (NETWORK, POOL, POLICY) for one in made.of(token).values()]
    assert {one.name: one.provider.rsplit("::", 2)[1] for one in ours} == {
        **{f"vpc-{name}": "libvirt" for name in ("management", "public", "private", "database", "container")},
        "pools-ssd": "libvirt", "pools-hdd": "libvirt", "policy": "host",
    }  # fmt: skip


@pytest.mark.parametrize(("stack", "subnets"), [("aws", 10), ("staging", 5)])
@pytest.mark.parametrize("preview", [True, False])
def test_a_stack_on_aws_is_a_vpc_with_its_subnets_and_two_walls(stack: str, subnets: int, *, preview: bool) -> None:
    made = run_main(stack, pulumi_config(stack), preview=preview)
    counted = {token: len(made.of(token)) for token in (VPC, SUBNET, GROUP, ACL, ROUTE_TABLE, NAT_GATEWAY, ENDPOINT)}
    assert counted == {VPC: 1, SUBNET: subnets, GROUP: 5, ACL: 5, ROUTE_TABLE: 5, NAT_GATEWAY: 0, ENDPOINT: 0}
    own = load_stack(ROOT, stack)
    assert isinstance(own.stack, AwsStack)
    price = ["\n".join(told_price(own.stack, own.network))]
    assert made.messages == (price if preview else []), "nothing to warn of, and a preview says the price"


def test_a_stack_that_is_offline_is_shown_and_not_deployed() -> None:
    config = {**pulumi_config("aws"), "twin-vpc:offline": "true"}
    assert len(run_main("aws", config, preview=True).of(SUBNET)) == 10
    said, made = told("aws", config)
    assert said.startswith("nothing was changed: `twin-vpc:offline` is true")
    assert made.resources == []


def test_a_subnet_that_would_move_is_refused_with_both_names_and_registers_nothing() -> None:
    pins = {"public": {"ap-northeast-1a": "10.0.4.0/24", "ap-northeast-1c": "10.0.2.0/24"}}
    said, made = told("aws", {**pulumi_config("aws"), "twin-vpc:subnets": json.dumps(pins)})
    assert (
        "`public/ap-northeast-1a` would move from 10.0.1.0/24 to 10.0.4.0/24, where `database/ap-northeast-1a`" in said
    )
    assert "nothing was changed" in said
    assert made.resources == []


def test_the_closed_zone_is_refused_with_the_reason_and_registers_nothing() -> None:
    zones = json.dumps(["ap-northeast-1a", "ap-northeast-1b"])
    said, made = told("staging", {**pulumi_config("staging"), "twin-vpc:zones": zones})
    assert "zone ap-northeast-1b" in said
    assert "AWS has closed this zone to new accounts" in said
    assert made.resources == []


@pytest.mark.parametrize(
    ("key", "value", "offender"),
    [
        ("kind", "kvm", "'kvm'"),
        ("host", {"address": "dell", "port": 22, "lan": "192.168.1.0/24"}, "port 22"),
        ("pools", {"ssd": "relative/path"}, "relative/path"),
        ("segments", {}, "management"),
        ("colour", "blue", "colour"),
    ],
)
def test_a_mistake_registers_nothing_not_even_a_provider(key: str, value: Yaml, offender: str) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    said, made = told("dell", {**pulumi_config(), f"twin-vpc:{key}": text})
    assert "nothing was changed" in said
    assert offender in said
    assert made.resources == []


def test_a_permission_that_rules_cannot_express_registers_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(*_: object) -> NoReturn:
        raise UnsupportedTermError("no nftables rule can say `web` → `moon` on this host")

    monkeypatch.setattr("components.libvirt.stack.render", cannot)
    said, made = told("dell", pulumi_config())
    assert said == (
        "nothing was changed: no nftables rule can say `web` → `moon` on this host; correct `flows` in network.yaml"
    )
    assert made.resources == []


def reordered(value: Yaml) -> Yaml:
    """The same mapping with every key order turned round."""
    if isinstance(value, dict):
        return {key: reordered(value[key]) for key in reversed(list(value))}
    return value


def registered(made: RecordingEngine) -> dict[str, Registered]:
    return {one.urn: one for one in made.resources}


def test_the_order_of_keys_changes_nothing(tmp_path: Path) -> None:
    root = copy(tmp_path)
    for name in ("network.yaml", "Pulumi.dell.yaml"):
        turned = reordered(yaml.safe_load((root / name).read_text()))
        (root / name).write_text(yaml.safe_dump(turned, sort_keys=False))
    config = {key: json.dumps(reordered(json.loads(text))) if text[0] in "{[" else text
              for key, text in pulumi_config(root=root).items()}  # fmt: skip
    assert registered(run_main("dell", config, root=root)) == registered(run_main("dell", pulumi_config()))


def test_a_renamed_segment_keeps_its_block_and_its_place_in_the_state(tmp_path: Path) -> None:
    root = copy(tmp_path)
    for path in root.glob("*.yaml"):
        path.write_text(path.read_text().replace("container:", "apps:").replace("container]", "apps]"))
    network = yaml.safe_load((root / "network.yaml").read_text())
    network["segments"]["apps"]["renamed_from"] = "container"
    (root / "network.yaml").write_text(yaml.safe_dump(network))
    subprocess.run(
        [sys.executable, "-m", "twinvpc.cli", "lock-addresses", "--root", root], cwd=ROOT, check=True, timeout=60
    )
    made = run_main("dell", pulumi_config(root=root), root=root)
    apps = made.of(NETWORK)["vpc-apps"]
    assert apps.aliases == ("vpc-container",)
    assert apps.inputs["addresses"] == ["10.0.4.0/24"]
    (policy,) = made.of(POLICY).values()
    assert policy.inputs["retiredBridges"] == ["br-container"], "the old bridge stays closed"


PROBE = """
import sys
sys.path.insert(0, {root!r})
from tests.components.engine import pulumi_config
from tests.program.main import run_main
try:
    run_main({stack!r}, pulumi_config({stack!r}))
except Exception as error:
    print(type(error).__name__)
print(*sorted(name for name in sys.modules if name.startswith("pulumi_") and "." not in name))
"""


@pytest.mark.parametrize(
    ("stack", "loaded"), [("dell", "pulumi_libvirt"), ("aws", "pulumi_aws"), ("staging", "pulumi_aws")]
)
def test_a_stack_loads_its_own_substrates_sdk_only(stack: str, loaded: str) -> None:
    probe = PROBE.format(root=str(ROOT), stack=stack)
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == [loaded]
