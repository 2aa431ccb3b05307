"""Reload firewalld and give back what a reload takes from others.

firewalld forgets what was set at run time only: a port of the owner's, a ban of fail2ban's. And where Docker uses its
direct interface, it empties iptables: Docker, told by a signal, makes most of its own rules again (version 20.10 not
those that isolate one bridge from another), and the owner's in DOCKER-USER would be lost. So what was there goes back
at once, each table in one transaction; Docker adds only what it does not find.

Reads `go` from stdin before it reloads, so that what takes long to start can start early.
"""

import importlib
import re
import subprocess
import sys
from typing import Any

OURS = "twin-vpc"
FIXED = ("version", "name", "short", "description", "target", "ingress_priority", "egress_priority")
"""Settings of a zone that cannot be changed at run time."""


def saved(family: str) -> str:
    """All tables of iptables or ip6tables with their counters; nothing where there is no such program."""
    try:
        return subprocess.run([f"{family}-save", "--counters"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def rules(text: str) -> list[str]:
    """What a saved text says, without counters and comments."""
    return [re.sub(r"\[\d+:\d+\] ?", "", line) for line in text.splitlines() if not line.startswith("#")]


def without_idle_chains(text: str) -> str:
    """Built-in chains with nothing in them, which iptables-save names and iptables-restore would create, left out."""
    return "".join(map(_without_idle_chains, re.split(r"^(?=\*)", text, flags=re.MULTILINE)))


def _without_idle_chains(table: str) -> str:
    used = set(re.findall(r"^(?:\[\d+:\d+\] )?-A (\S+)", table, re.MULTILINE))
    lines = table.splitlines(keepends=True)
    return "".join(line for line in lines if not re.match(r":\S+ ACCEPT ", line) or line[1:].split()[0] in used)


def main() -> None:
    """Reload, and give back."""
    client: Any = importlib.import_module("firewall.client").FirewallClient()
    zones = {name: client.fw_zone.getZoneSettings2(name) for name in client.getZones() if name != OURS}
    tables = {family: saved(family) for family in ("iptables", "ip6tables")}
    if sys.stdin.readline() != "go\n":  # whoever started us has given up
        return
    client.reload()
    for family, before in tables.items():
        text = without_idle_chains(before)
        if before and rules(saved(family)) != rules(before):
            subprocess.run([f"{family}-restore", "--wait", "--counters"], input=text, text=True, check=True)
    known = set(client.getZones())
    for name, settings in zones.items():
        now = client.fw_zone.getZoneSettings2(name) if name in known else settings
        changed = {key: value for key, value in settings.items() if key not in FIXED and now.get(key) != value}
        if changed:
            client.fw_zone.setZoneSettings2(name, changed)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - D-Bus errors and iptables' own: one line for the owner
        sys.exit(f"firewalld could not be reloaded: {error}")
