"""The machine that carries sandboxes, as it looks from outside them."""

import json
import os
import re
from pathlib import Path

from sandbox.command import run
from sandbox.dell.site import Site

DEVICES = tuple(path for path in (Path("/dev/kvm"), Path("/dev/net/tun")) if path.exists())


def foreign(site: Site, line: str) -> bool:
    """It names a sandbox, and not this one."""
    return bool(re.search(r"\btwin-[0-9a-z]{8}\b", line)) and site.machine not in line


def snapshot(site: Site) -> dict[str, list[str]]:
    """What a sandbox could leave on this machine: names only, no counters, nothing of other sandboxes."""
    inodes = [f"{path} {path.stat().st_mode:o} {path.stat().st_uid} {path.stat().st_gid}" for path in DEVICES]
    links = [link["ifname"] + str(link["flags"]) for link in json.loads(run("ip", "-json", "link"))]
    found = {
        "network namespaces": run("ip", "netns", "list").splitlines(),
        "links": links,
        "addresses": [str(link["addr_info"]) for link in json.loads(run("ip", "-json", "address"))],
        "routes": run("ip", "route", "show", "table", "all").splitlines(),
        "rules": run("ip", "rule").splitlines(),
        "nftables": run("nft", "--stateless", "list", "ruleset").splitlines(),
        "mounts": [line.split(" ", 3)[3] for line in Path("/proc/self/mountinfo").read_text().splitlines()],
        "control groups": [folder for folder, _, _ in os.walk("/sys/fs/cgroup")],
        "devices": inodes,
        "run": [
            str(path) for path in Path("/run").rglob("*") if path.parent.name in {"run", "netns", "systemd", "nspawn"}
        ],
        "forwarding": [Path("/proc/sys/net/ipv4/ip_forward").read_text()],
    }
    return {what: sorted(line for line in lines if not foreign(site, line)) for what, lines in found.items()}


def traces(site: Site) -> list[str]:
    """Processes that belong to a sandbox by group, network namespace or words."""
    inodes = {path.stat().st_ino for path in site.namespaces()}
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            group = (entry / "cgroup").read_text()
            space = (entry / "ns/net").stat().st_ino
        except OSError:  # it has ended meanwhile, or is the kernel's or the machine's own
            continue
        if site.machine in group or site.id in words or space in inodes:
            found.append(f"{entry.name} {words}")
    return found
