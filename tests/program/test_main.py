"""The program as Pulumi runs it, for each stack file, with every input and with bad ones."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import pulumi
import pytest
import yaml

from tests.components.engine import NETWORK, POLICY, POOL, ROOT, RecordingEngine, Registered, pulumi_config
from tests.program.main import copy, run_main
from twinvpc.policy.nftables import UnsupportedTermError

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


def test_aws_is_refused_honestly_and_registers_nothing() -> None:
    said, made = told("aws", pulumi_config("aws"))
    assert said == "stack `aws`: the AWS substrate is not built yet; `make plan` shows its addresses and matrix"
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
    for name in ("network.yaml", "Pulumi.dell.yaml"):
        (root / name).write_text(
            (root / name).read_text().replace("container:", "apps:").replace("container]", "apps]")
        )
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


@pytest.mark.parametrize(("stack", "loaded"), [("dell", ["pulumi_libvirt"]), ("aws", ["RunError", ""])])
def test_a_stack_loads_its_own_substrates_sdk_only(stack: str, loaded: list[str]) -> None:
    probe = PROBE.format(root=str(ROOT), stack=stack)
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == loaded
