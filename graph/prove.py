"""The gate of an AWS stack: intent, registered resources, and what an account says, compared cell by cell."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from graph.errors import GraphError
from graph.record import record
from twinvpc.addressing.lock import read_lock
from twinvpc.addressing.plan import aws_plan, require_recorded
from twinvpc.model.aws import AwsStack
from twinvpc.model.files import load_stack
from twinvpc.model.load import Intent
from twinvpc.proof.aws import from_describe, from_resources
from twinvpc.proof.aws.errors import GraphError as ProofError
from twinvpc.proof.aws.evaluate import Reached, evaluate
from twinvpc.proof.aws.gate import CellDifference, differences
from twinvpc.proof.aws.graph import AwsGraph
from twinvpc.proof.aws.places import Place, group_names, places, strangers
from twinvpc.proof.aws.wall_gate import WallDifference, wall_differences
from twinvpc.proof.aws.wiring import Wiring
from twinvpc.proof.cells import Matrix
from twinvpc.proof.intent import matrix

GRAPH, ACCOUNT = "graph", "account"

_LISTS = {
    "vpcs": "Vpcs",
    "subnets": "Subnets",
    "route_tables": "RouteTables",
    "network_acls": "NetworkAcls",
    "security_groups": "SecurityGroups",
    "security_group_rules": "SecurityGroupRules",
    "internet_gateways": "InternetGateways",
    "nat_gateways": "NatGateways",
    "vpc_endpoints": "VpcEndpoints",
    "prefix_lists": "PrefixLists",
}
"""Lists of `describe-*` answers, by AWS's own names."""


@dataclass(frozen=True)
class Stage:
    """A VPC in which the intent's segments were found.

    Attributes:
        intent: the stack.
        graph: the VPC.
        places: where each segment stands in it.
        strange: subnets that nobody planned.
    """

    intent: Intent
    graph: AwsGraph
    places: tuple[Place, ...]
    strange: tuple[str, ...]

    def reached(self) -> Reached:
        """Every cell, judged."""
        return evaluate(Wiring(self.graph), self.places)


@dataclass(frozen=True)
class Verdict:
    """What the gate says.

    Attributes:
        intent: the matrix that is meant.
        cells: cells that are not as they are meant.
        walls: single groups and ACLs that say something else than they are there for, with where they were found.
        strange: subnets that nobody planned, likewise.
    """

    intent: Matrix
    cells: tuple[CellDifference, ...]
    walls: tuple[tuple[str, WallDifference], ...]
    strange: tuple[tuple[str, str], ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """Every difference as a sentence; none means that all say the same."""
        return (
            *map(str, self.cells),
            *(f"{where}: {one}" for where, one in self.walls),
            *(f"{where}: subnet {one} is in nobody's plan" for where, one in self.strange),
        )


def prove(root: Path, stack: str, account: Mapping[str, Any] | None = None) -> Verdict:
    """Compare the intent with the registered resources, and with the account where its answers are given.

    Args:
        root: folder of network.yaml and the stack files.
        stack: an AWS stack.
        account: answers of `describe-*`, by the name of their list.

    Raises:
        GraphError: the stack is not on AWS, or its resources cannot be judged.
        InvalidInputError: the files have problems.
    """
    stages = {GRAPH: planned(root, stack)} | ({} if account is None else {ACCOUNT: deployed(root, stack, account)})
    meant = matrix(stages[GRAPH].intent)
    walls = [
        (where, one)
        for where, stage in stages.items()
        for one in wall_differences(meant, Wiring(stage.graph), stage.places)
    ]
    strange = [(where, one) for where, stage in stages.items() for one in stage.strange]
    cells = differences(meant, {where: stage.reached() for where, stage in stages.items()})
    return Verdict(meant, cells, tuple(walls), tuple(strange))


def planned(root: Path, stack: str) -> Stage:
    """The stack as its program registers it.

    Raises:
        GraphError: as in `prove`.
    """
    _on_aws(load_stack(root, stack))
    try:
        return _stage(root, stack, from_resources.graph(record(root, stack).resources))
    except ProofError as error:
        raise GraphError(str(error)) from None


def deployed(root: Path, stack: str, account: Mapping[str, Any]) -> Stage:
    """The stack as an account describes it.

    Raises:
        GraphError: an answer is missing, the account has none or several VPCs, or as in `prove`.
    """
    if missing := sorted(set(_LISTS.values()) - account.keys()):
        raise GraphError(f"the account's answers lack {', '.join(missing)}; give all of {', '.join(_LISTS.values())}")
    vpcs = [str(one["VpcId"]) for one in cast("list[dict[str, Any]]", account["Vpcs"])]
    if len(vpcs) != 1:
        raise GraphError(
            f"the answers describe {len(vpcs)} VPCs; describe one, by its id (`pulumi stack output vpc_id`)"
        )
    said = from_describe.Described(**{name: account[key] for name, key in _LISTS.items()})
    try:
        return _stage(root, stack, from_describe.graph(said, vpcs[0]))
    except ProofError as error:
        raise GraphError(str(error)) from None


def read_account(path: Path) -> Mapping[str, Any]:
    """Answers of `describe-*` from a JSON file.

    Raises:
        GraphError: there is no such file, or it is no JSON object.
    """
    try:
        found: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GraphError(f"{path} cannot be read as the account's answers: {error}") from None
    if not isinstance(found, dict):
        raise GraphError(f"{path} holds no object with the account's answers")
    return cast("dict[str, Any]", found)


def _stage(root: Path, stack: str, graph: AwsGraph) -> Stage:
    intent = load_stack(root, stack)
    plan = aws_plan(require_recorded(intent, read_lock(root)))
    blocks = {name: [one.cidr for one in plan.of(name)] for name in intent.network.segments}
    found = places(graph, blocks, group_names(blocks))
    return Stage(intent, graph, found, strangers(graph, found, (one.cidr for one in plan.infrastructure)))


def _on_aws(intent: Intent) -> None:
    if not isinstance(intent.stack, AwsStack):
        raise GraphError(f"stack `{intent.stack_name}` is not on AWS; packets prove the Dell: `make matrix`")
