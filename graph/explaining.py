"""An explanation of a cell as lines for people."""

from collections.abc import Iterator

from graph.errors import GraphError
from graph.prove import Stage
from twinvpc.model.problems import Rejected
from twinvpc.model.resolve import resolve
from twinvpc.model.services import Service
from twinvpc.proof.aws.explain import Explanation, explain, services_of
from twinvpc.proof.cells import Cell
from twinvpc.proof.intent import matrix


def explained(stage: Stage, ends: tuple[str, str], service: str | None) -> Iterator[str]:
    """Every line about one cell.

    Args:
        stage: the VPC.
        ends: who opens, and who is opened to.
        service: as the owner writes it; every service of the cell without it.

    Raises:
        GraphError: a node or a service is not known.
    """
    meant = matrix(stage.intent)
    if unknown := [end for end in ends if end not in meant.nodes]:
        raise GraphError(f"`{unknown[0]}` is no node of this stack; nodes are {', '.join(meant.nodes)}")
    cell = meant.cell(*ends)
    for one in services_of(cell) if service is None else _named(stage, service):
        yield from _lines(explain(stage.graph, stage.places, ends, one), cell)


def _named(stage: Stage, service: str) -> tuple[Service, ...]:
    try:
        return resolve([service], stage.intent.network.services, ssh_port=0)
    except Rejected as error:
        raise GraphError(str(error)) from None


def _lines(found: Explanation, meant: Cell) -> Iterator[str]:
    is_open = "open" if found.open else "open in part" if found.partly else "closed"
    yield f"{found.source} → {found.destination} {found.service}: {is_open}; meant: {meant}"
    yield from (f"  stands on  {one}" for one in found.grounds)
    yield from (f"  stopped by {one}" for one in found.reasons)
    for number, way in enumerate(found.ways, 1):
        yield f"  would open, {number}: {'; and '.join(sorted(map(str, way)))}"
