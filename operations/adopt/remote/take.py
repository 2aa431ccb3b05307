"""Taking away what stands in the way, after the backup; safe to repeat after a kill at any line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from operations.adopt.remote import later, look, virt
from operations.adopt.remote.shell import asked, read, run, write

_COUNTERS = re.compile(r"^\[\d+:\d+\]\s+")


def take(taken: dict[str, Any], folder: str) -> list[str]:
    """Take away networks, rules and firewalld's entries.

    The networks come first: from then on their machines are plugged into nothing, so whatever is taken away after that
    opens nothing.

    Args:
        taken: `networks` by name, `rules` as `iptables -S` prints them, `firewalld` entries as `look` lists them,
            `moves` as network by MAC address.
        folder: the backup, where what is written is noted.

    Returns:
        What was taken away, in words.
    """
    later.remember(folder, taken["moves"])
    done = retire(taken["networks"])
    for rule in taken["rules"]:
        if rule in asked("iptables", "-w", "-S", "FORWARD").splitlines():
            run("iptables", "-w", "-D", *shlex.split(rule)[1:])
            done.append(f"rule {rule}")
    for path in map(Path, look.RULE_FILES):
        lines = read(str(path)).splitlines()
        kept = without(lines, taken["rules"])
        if kept != lines:
            with later.writing(folder):
                write(path, "\n".join([*kept, ""]), path.stat().st_mode & 0o777)
            done.append(f"{len(lines) - len(kept)} lines of {path}")
    there = look.firewalld()
    for entry in taken["firewalld"]:
        if entry in there:
            with later.writing(folder):
                change_firewalld(entry, "remove")
            done.append(f"{entry['kind']} {entry['owner']}: {entry['value']}")
    later.record(folder)
    return done


def without(lines: list[str], rules: list[str]) -> list[str]:
    """Lines of a file of iptables-save's without some rules of the table `filter`; counters do not matter."""
    kept: list[str] = []
    table = "*filter"
    for line in lines:
        table = line.strip() if line.startswith("*") else table
        if table != "*filter" or _COUNTERS.sub("", line.strip()) not in rules:
            kept.append(line)
    return kept


def retire(names: list[str]) -> list[str]:
    """Take networks away that nobody is attached to any more."""
    return [f"network {name}" for name in names if virt.remove_network(name)]


def change_firewalld(entry: dict[str, str], verb: str) -> None:
    """Add or remove one entry, now or for the next boot; firewalld is not reloaded, so nobody's rules are lost."""
    scope = ["--permanent"] if entry["scope"] == "--permanent" else []
    run(
        "firewall-cmd",
        "--quiet",
        *scope,
        f"--{entry['kind']}={entry['owner']}",
        f"--{verb}-{entry['what']}={entry['value']}",
    )
