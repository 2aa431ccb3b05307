"""The stacks that are recorded and exported: those of the repository, and others that its AWS stack could be."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from components.config import read_config
from components.substrate import build
from graph.monitor import Registered
from graph.record import Recording, record, record_program
from tests.components.machines import config, furnish
from tests.program.main import copy
from twinvpc.addressing.lock import LOCK_FILE, read_lock
from twinvpc.addressing.plan import record as granted
from twinvpc.model.files import load_stack, stack_names

ROOT = Path(__file__).resolve().parents[2]
STACKS = stack_names(ROOT)
AWS = tuple(name for name in STACKS if load_stack(ROOT, name).stack.kind == "aws")

EGRESS = "twin-vpc:egress: {management: none, public: gateway, private: none, database: none, container: none}\n"
VARIANTS: Mapping[str, str] = {
    "nat": "twin-vpc:egress: {management: none, public: gateway, private: nat, database: none, container: endpoints}\n",
    "nats": "twin-vpc:egress: {management: none, public: gateway, private: nat, database: nat}\n"
    "  twin-vpc:nat: per_zone\n  twin-vpc:offline: true\n",
}
"""Other ways out of the VPC, in place of the stack file's own."""


def variant(name: str, folder: Path) -> Recording:
    """The AWS stack with another way out, its addresses recorded beforehand."""
    root = copy(folder)
    path = root / "Pulumi.aws.yaml"
    assert EGRESS in path.read_text(), "the stack file says it in other words now"
    path.write_text(path.read_text().replace(EGRESS, VARIANTS[name]))
    (root / LOCK_FILE).write_text(granted(load_stack(root, "aws"), read_lock(root)).text())
    return record(root, "aws")


def with_machines(folder: Path) -> Recording:
    """The Dell with machines, one of them with a data disk."""
    with pytest.MonkeyPatch.context() as patch:
        image = furnish(folder, patch)

        def program() -> None:
            build(read_config(ROOT, deploys=False))

        return record_program(program, "dell", config(image))


def used(registered: Registered) -> set[str]:
    """Every property of a resource by its path, those inside objects and those that are ignored included."""
    return {*_paths(registered.resource.inputs, ""), *registered.ignored}


def _paths(value: object, where: str) -> list[str]:
    if isinstance(value, list):
        return [path for item in value for path in _paths(item, where)]
    if isinstance(value, Mapping):
        return [path for key, item in value.items() for path in (f"{where}{key}", *_paths(item, f"{where}{key}."))]
    return []
