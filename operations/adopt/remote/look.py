"""What the host is like, as far as a take-over must know. Read only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from operations.adopt.remote import backup, virt
from operations.adopt.remote.shell import asked, read

RULE_FILES = ("/etc/iptables/rules.v4", "/etc/sysconfig/iptables")
"""Where Debian and Rocky keep iptables rules for the next boot."""
OUR_MANIFEST = "/etc/twin-vpc/manifest.json"
"""There once the policy of ours is on the host."""


def look() -> dict[str, Any]:
    """Everything at once."""
    return {
        "answers": _for_the_provider(),
        "networks": virt.networks(),
        "machines": virt.machines(),
        "links": sorted(path.name for path in Path("/sys/class/net").iterdir()),
        "forward": asked("iptables", "-w", "-S", "FORWARD").splitlines(),
        "chains": asked("iptables", "-w", "-S").splitlines(),
        "docker_user": bool(asked("iptables", "-w", "-S", "DOCKER-USER")),
        "rule_files": {path: read(path).splitlines() for path in RULE_FILES if Path(path).is_file()},
        "tables": _forwarding_tables(),
        "firewalld": firewalld(),
        "docker": _docker(),
        "ours": Path(OUR_MANIFEST).is_file(),
        "backup": backup.open_one(),
    }


def _for_the_provider() -> dict[str, str]:
    """What the host's provider asks before it loads a policy, under the names that it gives the answers."""
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    return {
        "routes": asked("ip", "-4", "route", "show", "default"),
        "all-routes": asked("ip", "-4", "-j", "route", "show", "table", "all"),
        "addresses": asked("ip", "-4", "-j", "address"),
        "rules": asked("ip", "-4", "-j", "rule", "show"),
        "client": client,
        "way-back": asked("ip", "-j", "route", "get", client) if client else "",
        f"file:{OUR_MANIFEST}": read(OUR_MANIFEST),
    }


def firewalld() -> list[dict[str, str]]:
    """Every rich rule, source and interface of firewalld's zones and policies, as set now and for the next boot."""
    if not asked("firewall-cmd", "--state"):
        return []
    found: list[dict[str, str]] = []
    for scope in ("", "--permanent"):
        for kind in ("zone", "policy"):
            plural = {"zone": "zones", "policy": "policies"}[kind]
            text = asked("firewall-cmd", *([scope] if scope else []), f"--list-all-{plural}")
            found += [{"scope": scope or "now", "kind": kind, **entry} for entry in _entries(text)]
    return found


def _entries(text: str) -> list[dict[str, str]]:
    """Rich rules, sources and interfaces out of firewalld's listing."""
    found: list[dict[str, str]] = []
    owner = ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            owner = line.split()[0]
        elif line.startswith("\trule "):
            found.append({"owner": owner, "what": "rich-rule", "value": line.strip()})
        else:
            name, _, values = line.strip().partition(": ")
            what = {"sources": "source", "interfaces": "interface"}.get(name)
            found += [{"owner": owner, "what": what, "value": value} for value in values.split() if what]
    return found


def _forwarding_tables() -> list[dict[str, str]]:
    """Base chains of nft on the forward hook that are neither ours nor of libvirt, Docker, firewalld or iptables."""
    text = asked("nft", "-j", "list", "chains")
    known = {"firewalld", "libvirt_network", "filter", "nat", "mangle", "raw", "security"}
    chains = [entry["chain"] for entry in json.loads(text or '{"nftables": []}')["nftables"] if "chain" in entry]
    return [
        {
            "table": f"{chain['family']} {chain['table']}",
            "chain": chain["name"],
            "policy": chain.get("policy", "accept"),
        }
        for chain in chains
        if chain.get("hook") == "forward" and chain["table"] not in known and not chain["table"].startswith("twin_vpc")
    ]


def _docker() -> list[dict[str, Any]]:
    """Docker's networks with their blocks and containers."""
    ids = asked("docker", "network", "ls", "--quiet").split()
    if not ids:
        return []
    found: list[dict[str, Any]] = json.loads(asked("docker", "network", "inspect", *ids) or "[]")
    return [_docker_network(one) for one in found]


def _docker_network(inspected: dict[str, Any]) -> dict[str, Any]:
    configs: list[dict[str, str]] = inspected["IPAM"]["Config"] or []
    users: dict[str, dict[str, str]] = inspected["Containers"]
    blocks = [one["Subnet"] for one in configs if "Subnet" in one]
    return {"name": inspected["Name"], "blocks": blocks, "containers": sorted(one["Name"] for one in users.values())}
