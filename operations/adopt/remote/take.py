"""Taking away what stands in the way, after the backup; safe to repeat after a kill at any line."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from operations.adopt.remote import look, virt
from operations.adopt.remote.shell import asked, read, run, write


def take(taken: dict[str, Any]) -> list[str]:
    """Take away networks, rules and firewalld's entries.

    The networks come first: from then on their machines are plugged into nothing, so whatever is taken away after that
    opens nothing.

    Args:
        taken: `networks` by name, `rules` as `iptables -S` prints them, `firewalld` entries as `look` lists them.

    Returns:
        What was taken away, in words.
    """
    done = retire(taken["networks"])
    for rule in taken["rules"]:
        if rule in asked("iptables", "-w", "-S", "FORWARD").splitlines():
            run("iptables", "-w", "-D", *shlex.split(rule)[1:])
            done.append(f"rule {rule}")
    for path in look.RULE_FILES:
        lines = read(path).splitlines()
        kept = [line for line in lines if line not in taken["rules"]]
        if kept != lines:
            write(Path(path), "\n".join([*kept, ""]), Path(path).stat().st_mode & 0o777)
            done.append(f"{len(lines) - len(kept)} lines of {path}")
    there = look.firewalld()
    for entry in taken["firewalld"]:
        if entry in there:
            change_firewalld(entry, "remove")
            done.append(f"{entry['kind']} {entry['owner']}: {entry['value']}")
    return done


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
