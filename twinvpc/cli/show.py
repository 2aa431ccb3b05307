"""Tables where people look, plain data where programs read."""

from collections.abc import Container, Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from twinvpc.addressing.lock import Lock, StackLock
from twinvpc.addressing.plan import aws_plan, libvirt_plan
from twinvpc.cli import prices
from twinvpc.model.check_machines import memory_warning, taken_by_all
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.picture.words import words
from twinvpc.proof.cells import Matrix

_HEAD_WIDTH = 6
LEGEND = "all: every service   –: denied   ·: not ours, left as it is   r: DHCP, DNS, ICMP of the own router address"
DECLARED = "(–)"
"""A cell that network.yaml permits and the stack file denies by choice."""


def stack(console: Console, intent: Intent, recorded: StackLock, matrix: Matrix) -> None:
    """Print a stack's addresses, matrix and price."""
    console.print(f"\n[bold]stack {intent.stack_name}[/bold] ({intent.stack.kind}), domain {intent.network.domain}")
    console.print(addresses(intent, recorded))
    if isinstance(intent.stack, LibvirtStack) and intent.stack.machines:
        console.print(machines(intent.stack, recorded))
        if warning := memory_warning(intent.stack):
            console.print(f"[yellow]{warning}")
    console.print(matrix_table(matrix, "who may open what to whom (rows open, columns answer)"))
    console.print(LEGEND, style="dim")
    if matrix.declared:
        said = ", ".join(sorted(matrix.declared.values()))
        console.print(f"{DECLARED}: permitted by network.yaml, denied by the stack's choice: {said}", style="dim")
    console.print()
    for line in prices.lines(intent):
        console.print(line, markup=False, highlight=False)
    console.print()


def addresses(intent: Intent, recorded: StackLock) -> Table:
    """Addresses as a table: segments on libvirt, subnets on AWS."""
    table = Table(title="addresses", box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False)
    own = intent.stack
    if isinstance(own, LibvirtStack):
        for head in ("segment", "block", "DHCP", "SSH ports", "Internet"):
            table.add_column(head)
        for segment in libvirt_plan(own, recorded).segments:
            internet = " ".join(intent.network.segments[segment.name].internet_services) or "–"
            dhcp = str(segment.dhcp) if segment.dhcp else "static only"
            cells = (segment.cidr, dhcp, segment.ssh_ports, internet)
            table.add_row(segment.name, *map(str, cells))
        return table
    for head in ("segment", "zone", "block"):
        table.add_column(head)
    plan = aws_plan(recorded)
    for subnet in (*plan.subnets, *plan.infrastructure):
        table.add_row(subnet.segment, subnet.zone, str(subnet.cidr))
    return table


def machines(stack: LibvirtStack, recorded: StackLock) -> Table:
    """Machines as a table: where each is found, what it takes, and what all take of what they may have."""
    table = Table(title="machines", box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("machine", "segment", "address", "ssh -p", "vCPU", "memory", "disk", "data"):
        table.add_column(head)
    for place in libvirt_plan(stack, recorded).machines:
        own = stack.machines[place.name]
        data = str(own.data.size) if own.data else "–"
        cells = (place.segment, place.address, place.ssh_port, own.vcpu, own.memory, own.disk, data)
        table.add_row(place.name, *map(str, cells))
    taken, limits = taken_by_all(stack), stack.limits
    sums = f"{taken.machines} of {limits.machines} machines, {taken.vcpu} of {limits.vcpu} vCPU"
    table.caption = f"{sums}, {taken.memory} of {limits.memory}; LAN and tailnet reach each by its port of the host"
    table.caption_justify = "left"
    return table


def matrix_table(matrix: Matrix, title: str) -> Table:
    """The intended matrix as a table; rows open, columns answer."""
    pairs = ((source, node) for source in matrix.nodes for node in matrix.nodes)
    cells = {pair: DECLARED if pair in matrix.declared else str(matrix.cell(*pair)) for pair in pairs}
    return cells_table(matrix.nodes, cells, title)


def cells_table(
    nodes: Sequence[str], cells: Mapping[tuple[str, str], str], title: str, wrong: Container[tuple[str, str]] = ()
) -> Table:
    """Any matrix as a table; cells that are wrong stand out."""
    table = Table(title=title, box=None, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("", no_wrap=True)
    for node in nodes:
        table.add_column("\n".join(wrap(node, _HEAD_WIDTH)), justify="center", overflow="fold")
    for source in nodes:
        row = ((words(cells.get((source, node), "")), (source, node) in wrong) for node in nodes)
        table.add_row(source, *(_coloured(text, bad=bad) for text, bad in row))
    return table


def _coloured(text: str, *, bad: bool) -> str:
    if bad:
        return f"[bold white on red]{text}![/]"
    colour = {"–": "red", DECLARED: "yellow", "·": "dim", "": "dim"}.get(text, "green")
    return f"[{colour}]{text}[/]" if text else ""


def as_data(intent: Intent, recorded: StackLock, matrix: Matrix) -> dict[str, Any]:
    """A stack as plain data; the keys are part of the tool's contract."""
    pairs = ((s, d) for s in matrix.nodes for d in matrix.nodes)
    return {
        "kind": intent.stack.kind,
        "machines": _machines(intent, recorded),
        "blocks": {name: str(block) for name, block in sorted(recorded.blocks.items())},
        "nodes": list(matrix.nodes),
        "cells": {f"{s} → {d}": "foreign" if matrix.cell(s, d).foreign else str(matrix.cell(s, d)) for s, d in pairs},
        "declared": {f"{s} → {d}": said for (s, d), said in sorted(matrix.declared.items())},
        "price": prices.as_data(intent),
    }


def _machines(intent: Intent, recorded: StackLock) -> dict[str, dict[str, Any]]:
    if not isinstance(intent.stack, LibvirtStack):
        return {}
    return {
        one.name: {"segment": one.segment, "address": str(one.address), "mac": one.mac, "ssh_port": one.ssh_port}
        for one in libvirt_plan(intent.stack, recorded).machines
    }


def lock_changes(before: Lock, after: Lock) -> Iterator[str]:
    """One line per name whose block is new, gone, back, renamed or resized."""
    for name in sorted(after.stacks):
        old, new = before.of(name), after.of(name)
        fresh = {former: now for former, now in new.renamed.items() if old.renamed.get(former) != now}
        taken_over = {now: old.blocks.get(former) for former, now in fresh.items()}
        for key in sorted((new.blocks.keys() | old.blocks.keys()) - fresh.keys()):
            was, now = old.blocks.get(key, taken_over.get(key)), new.blocks.get(key)
            if was != now:
                yield f"{name}: {key}: {was or old.removed.get(key) or 'new'} → {now or 'tombstone'}"
        for former in sorted(fresh):
            yield f"{name}: {former} is called {fresh[former]} now"
