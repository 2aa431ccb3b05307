"""Made-up networks of any size, written as an owner would write them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

STACK = "scaled"
_SERVICES = ("[tcp/5432]", "[tcp/443, tcp/8000-8010]", "[udp/5000-5010, icmp]")
_PORTS_EACH = 4


@dataclass(frozen=True)
class Shape:
    """How a network of any size looks.

    Attributes:
        name: for tables.
        reach: to how many others each segment opens something; none means to all of them.
    """

    name: str
    reach: int | None

    def others(self, index: int, size: int) -> Sequence[int]:
        """The segments that one segment opens to: those after it, in a circle."""
        reach = size - 1 if self.reach is None else min(self.reach, size - 1)
        return [(index + step) % size for step in range(1, reach + 1)]


def write(folder: Path, shape: Shape, size: int) -> None:
    """Write network.yaml and the stack file of a network.

    Args:
        folder: where to.
        shape: who opens to whom.
        size: number of segments.
    """
    names = [f"seg-{index}" for index in range(size)]
    flows = [line for index in range(size) for line in _flows(names, index, shape.others(index, size))]
    segments = [f"  {name}: {{purpose: number {index}, internet: true}}" for index, name in enumerate(names)]
    network = ["domain: lab.local", "cidr: 10.0.0.0/8", "segments:", *segments, "flows:", *flows, ""]
    (folder / "network.yaml").write_text("\n".join(network), encoding="utf-8")
    (folder / f"Pulumi.{STACK}.yaml").write_text("\n".join(_stack(names)), encoding="utf-8")


def _flows(names: Sequence[str], index: int, others: Sequence[int]) -> Iterator[str]:
    """One flow for each service, to all whom it is opened to."""
    for number, service in enumerate(_SERVICES):
        to = [names[other] for other in others if other % len(_SERVICES) == number]
        if to:
            yield f"  - {{from: {names[index]}, to: [{', '.join(to)}], services: {service}}}"


def _stack(names: Sequence[str]) -> list[str]:
    return [
        "config:",
        "  twin-vpc:kind: libvirt",
        "  twin-vpc:host: {address: 192.168.1.10, port: 2200, uplinks: [eno1], lan: 192.168.1.0/24}",
        "  twin-vpc:docker: {pool: 172.17.0.0/16, swarm_pool: 172.18.0.0/16}",
        "  twin-vpc:segments:",
        *(f"    {name}: {_addresses(index)}" for index, name in enumerate(names)),
        "",
    ]


def _addresses(index: int) -> str:
    block = f"10.{index // 256}.{index % 256}"
    first_port = 2201 + index * _PORTS_EACH
    ports = f"{first_port}-{first_port + _PORTS_EACH - 1}"
    return (
        f"{{cidr: {block}.0/24, dhcp: {block}.100-{block}.200, static: {{m-{index}: {block}.5}}, ssh_ports: {ports}}}"
    )
