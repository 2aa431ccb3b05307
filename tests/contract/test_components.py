from pathlib import Path

import pulumi
import pytest

from components.libvirt.provider import provider
from tests.components import machines
from tests.components.aws_site import EVERYTHING, OPEN, build
from tests.components.engine import NETWORK, RecordingEngine, run
from tests.components.site import stack
from tests.contract.components import all_components, findings, modules
from tests.program.main import run_main


class Good(pulumi.ComponentResource):
    """Keeps to everything.

    Creates:
        - `libvirt:index/network:Network`: one.
    """

    token = "twin-vpc:contract:Good"

    def __init__(self, name: str, args: object, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(type(self).token, name, None, opts)
        del args
        self.fill(name)
        self.register_outputs({})

    def fill(self, name: str) -> None:
        pulumi.CustomResource(NETWORK, name, {}, pulumi.ResourceOptions(parent=self))


class Positional(Good):
    __doc__ = Good.__doc__
    token = "twin-vpc:contract:Positional"

    def __init__(self, name: str, args: object, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(name, args, opts=opts)


class Renamed(Good):
    __doc__ = Good.__doc__
    token = "twin-vpc:contract:renamed"


class Orphan(Good):
    __doc__ = Good.__doc__
    token = "twin-vpc:contract:Orphan"

    def fill(self, name: str) -> None:
        pulumi.CustomResource(NETWORK, name, {})


class Twice(Good):
    __doc__ = Good.__doc__
    token = "twin-vpc:contract:Twice"

    def fill(self, name: str) -> None:
        super().fill(name)
        self.register_outputs({})


class Silent(Good):
    """Does not say what it creates."""

    token = "twin-vpc:contract:Silent"


class Boastful(Good):
    """Says more than it does.

    Creates:
        - `libvirt:index/network:Network`: one.
        - `libvirt:index/pool:Pool`: one.
    """

    token = "twin-vpc:contract:Boastful"


class Unregistered(Good):
    __doc__ = Good.__doc__
    token = "twin-vpc:contract:Unregistered"

    def register_outputs(self, outputs: object) -> None:
        del outputs


def built(kind: type[Good], *, explicit: bool = True) -> RecordingEngine:
    def program() -> None:
        providers = [provider("libvirt", stack().host)] if explicit else None
        kind("toy", None, opts=pulumi.ResourceOptions(providers=providers))

    return run(program)


def on_aws(kind: type[pulumi.ComponentResource]) -> bool:
    return kind.__module__.startswith("components.aws.")


def test_every_component_of_ours_keeps_to_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = all_components(modules())
    assert {kind.__name__ for kind in kinds} >= {"HostPolicy", "Vpc", "StoragePools"}, "they are found by themselves"
    config = machines.config(machines.furnish(tmp_path, monkeypatch)) | {"twin-vpc:sshd": '{"managed": true}'}
    assert findings([kind for kind in kinds if not on_aws(kind)], run_main("dell", config)) == []


def test_every_component_on_aws_keeps_to_the_contract() -> None:
    kinds = [kind for kind in all_components(modules()) if on_aws(kind)]
    assert {kind.__name__ for kind in kinds} >= {"Vpc", "Routing", "SecurityGroups", "NetworkAcls", "FlowLogs"}
    assert findings(kinds, build(EVERYTHING, OPEN)) == []


def test_a_component_that_keeps_to_it_has_no_findings() -> None:
    assert findings([Good], built(Good)) == []


@pytest.mark.parametrize(
    ("kind", "finding"),
    [
        (Positional, "opts is not keyword-only"),
        (Renamed, "no such component was built"),
        (Renamed, "the token of no component class"),
        (Orphan, "has no component as its parent"),
        (Twice, "registered its outputs 2 times"),
        (Unregistered, "registered its outputs 0 times"),
        (Silent, "does not end in what it creates"),
        (Boastful, "says it creates"),
    ],
)
def test_one_that_does_not_is_found(kind: type[Good], finding: str) -> None:
    assert any(finding in found for found in findings([kind], built(kind))), findings([kind], built(kind))


def test_a_child_without_an_explicit_provider_is_found() -> None:
    assert findings([Good], built(Good, explicit=False)) == ["toy: has no explicit provider"]
