"""What stands in the way, for people and for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from operations.adopt.conflict import Conflict, Fate

_STYLES = {Fate.REFUSED: "bold red", Fate.STAYS: "dim", Fate.TAKEN: "yellow", Fate.REPLACED: "yellow"}


def as_text(stack: str, found: Sequence[Conflict], folder: str) -> str:
    """As JSON."""
    refused = sum(one.fate is Fate.REFUSED for one in found)
    return json.dumps(
        {"stack": stack, "refused": refused, "backup": folder, "conflicts": [asdict(one) for one in found]}, indent=1
    )


def table(console: Console, label: str, found: Sequence[Conflict]) -> None:
    """As a table."""
    if not found:
        console.print(f"{label}: nothing stands in the way", style="green")
        return
    shown = Table(title=f"{label}: what is there, and what would happen to it", show_lines=False)
    for name in ("what", "name", "would be", "why"):
        shown.add_column(name, overflow="fold")
    for one in found:
        shown.add_row(one.kind, one.name.removeprefix("-A FORWARD "), one.fate, one.why, style=_STYLES.get(one.fate))
    console.print(shown)
    refused = sum(one.fate is Fate.REFUSED for one in found)
    if refused:
        console.print(f"✗ {refused} refused: settle them first; nothing was changed", style="bold red")
