"""What a change opens and closes: one matrix beside another, of two versions of the files, or of files and account."""

from dataclasses import dataclass

from twinvpc.proof.aws.ports import CONCRETE, Ports, cell, ports_of, without
from twinvpc.proof.cells import DENIED, FOREIGN, Cell, Matrix


@dataclass(frozen=True, order=True)
class CellChange:
    """What happens to one cell.

    Attributes:
        source: node that opens.
        destination: node that is opened to.
        opens: what becomes possible.
        closes: what stops being possible.
    """

    source: str
    destination: str
    opens: Cell
    closes: Cell

    def __str__(self) -> str:
        """`public → database: opens tcp/5432, closes icmp`."""
        parts = [f"{verb} {one}" for verb, one in (("opens", self.opens), ("closes", self.closes)) if one != DENIED]
        return f"{self.source} → {self.destination}: {', '.join(parts)}"


def changes(before: Matrix, after: Matrix) -> tuple[CellChange, ...]:
    """Every cell that opens or closes, in the order in which people read matrices.

    A node that only one matrix has is closed in the other. Cells that are not ours to rule are left out.
    """
    nodes = tuple(dict.fromkeys((*after.nodes, *before.nodes)))
    found: list[CellChange] = []
    for source in nodes:
        for destination in nodes:
            old, new = before.cell(source, destination), after.cell(source, destination)
            if FOREIGN not in (old, new) and (old_ports := ports_of(old)) != (new_ports := ports_of(new)):
                found.append(CellChange(source, destination, _less(new_ports, old_ports), _less(old_ports, new_ports)))
    return tuple(found)


def _less(one: Ports, other: Ports) -> Cell:
    return cell(Ports(*(without(one.of(protocol), other.of(protocol)) for protocol in CONCRETE)))
