"""What is written onto the host, as texts; where it goes is `shell/install.sh`'s business."""

import base64
import io
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from providers.host.policy import Policy

GuardKind = Literal["policy", "sshd"]
"""Changes that can cut the owner off, each with a rollback of its own."""

FOLDER = "/etc/twin-vpc"
"""Everything of ours that is not asked to lie elsewhere."""
SYSCTL = "/etc/sysctl.d/60-twin-vpc.conf"
"""Loaded by systemd at boot, and by us at once."""
UNITS = tuple(f"/etc/systemd/system/twin-vpc{name}.service" for name in ("", "-hold", "-docker"))
"""The unit that loads both walls, the one that holds the third table, and the one that follows Docker."""
DROP_IN = "/etc/systemd/system/nftables.service.d/twin-vpc.conf"
"""Brings our tables back whenever nftables.service has flushed them; harmless where there is no such unit."""
STAGED = "/run/twin-vpc-stage/etc/twin-vpc/manifest.json"
"""There only while a change is under way, or after one that broke off."""
FIREWALLD = "/etc/firewalld"
"""Where firewalld keeps what is permanent."""
ZONE = f"{FIREWALLD}/zones/twin-vpc.xml"
"""The zone of our bridges."""
_NEIGHBOUR = re.compile(r"^from providers\.host\.remote\.(\w+) import (?:\([^)]*\)|.*)\n", re.MULTILINE)
_FUTURE = "from __future__ import annotations\n"
"""Only the first line of a program may be that one."""


def shell(name: str) -> str:
    """The text of one of the programs in `shell/`."""
    return (Path(__file__).parent / "shell" / f"{name}.sh").read_text(encoding="utf-8")


def remote(name: str) -> str:
    """The text of one of the modules in `remote/`, for the host's own Python, behind those it imports from there."""
    text = (Path(__file__).parent / "remote" / f"{name}.py").read_text(encoding="utf-8")
    neighbours = _NEIGHBOUR.findall(text)
    if not neighbours:
        return text
    return "".join(map(remote, neighbours)) + _NEIGHBOUR.sub("", text).replace(_FUTURE, "")


def zone_policy_path(name: str) -> str:
    """Where firewalld looks for a policy."""
    return f"{FIREWALLD}/policies/{name}.xml"


@dataclass(frozen=True)
class Manifest:
    """What a removal, an import and a repeated first run must know and no other file says.

    Attributes:
        bridges: our bridges.
        retired_bridges: bridges of removed segments.
        mark: the sign of judged packets.
        uplinks: as the program names them; none means derived.
        uplinks_in_force: as the rule set on the host names them.
        zone_policies: names of the firewalld policies of ours.
        ip_forward_before: net.ipv4.ip_forward before our first change.
        blocks: CIDR block by bridge.
        forwarded_ports: TCP ports of the host that lead to machines.
    """

    bridges: tuple[str, ...]
    retired_bridges: tuple[str, ...]
    mark: str
    uplinks: tuple[str, ...]
    uplinks_in_force: tuple[str, ...]
    zone_policies: tuple[str, ...]
    ip_forward_before: str
    blocks: Mapping[str, str] = field(default_factory=dict[str, str])
    forwarded_ports: tuple[str, ...] = ()

    @property
    def all_bridges(self) -> tuple[str, ...]:
        """Ours and the retired ones."""
        return (*self.bridges, *self.retired_bridges)

    def to_text(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "Manifest | None":
        """The manifest that a text holds, or none if it was edited beyond use."""
        try:
            data: dict[str, Any] = json.loads(text)
            lists: dict[str, Any] = {
                name: tuple(cast("list[str]", value)) for name, value in data.items() if isinstance(value, list)
            }
            return cls(**(data | lists))
        except (ValueError, TypeError, AttributeError):
            return None


def uplinks_line(uplinks: tuple[str, ...]) -> str:
    """The first line of the rule set on the host."""
    names = ", ".join(f'"{uplink}"' for uplink in uplinks)
    return f"define uplinks = {{ {names} }}\n"


def rules_text(rules: tuple[str, ...]) -> str:
    """One rule per line."""
    return "".join(f"{rule}\n" for rule in rules)


def unit_text() -> str:
    """The unit that loads both walls before anything can make a bridge or forward a packet.

    No ExecStop: stopped means closed, not open. No check before the start either: if the rule set were refused, systemd
    would not even run the loader, and the second wall would be missing too.
    """
    return f"""# Written by the Pulumi provider twin-host: what is edited here is undone.
[Unit]
Description=Network policy of twin-vpc
DefaultDependencies=no
Conflicts=shutdown.target
Wants=network-pre.target
After=nftables.service
Before=network-pre.target firewalld.service libvirtd.service virtnetworkd.service docker.service shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {FOLDER}/load
ExecReload=/bin/sh {FOLDER}/load

[Install]
WantedBy=multi-user.target
"""


def hold_unit_text() -> str:
    """The unit whose process owns the third table: alive, nobody's `flush ruleset` takes that table (ADR 32).

    It is started again however it ends, and outlives the shutdown of everything else; nothing waits for it longer than
    its table takes to load.
    """
    return f"""# Written by the Pulumi provider twin-host: what is edited here is undone.
[Unit]
Description=Table of twin-vpc that no flush takes
DefaultDependencies=no
StartLimitIntervalSec=0
Wants=network-pre.target
After=twin-vpc.service
Before=network-pre.target firewalld.service libvirtd.service virtnetworkd.service docker.service

[Service]
ExecStart=/bin/sh {FOLDER}/load hold
ExecStartPost=/bin/sh {FOLDER}/load held
Restart=always
RestartSec=1
OOMScoreAdjust=-900

[Install]
WantedBy=multi-user.target
"""


def nftables_text() -> str:
    """A drop-in for nftables.service, which flushes every table, ours with them, on start, reload and stop.

    PartOf and its kin would not do: they start nothing that is active already, do nothing after a stop, and act only
    once nftables.service has reported its own end. A minus: our failure is never the owner's.
    """
    return f"""# Written by the Pulumi provider twin-host: what is edited here is undone.
[Service]
ExecStartPost=-/bin/sh {FOLDER}/load
ExecReload=-/bin/sh {FOLDER}/load
ExecStopPost=-/bin/sh {FOLDER}/load
"""


def docker_unit_text(mark: str) -> str:
    """The unit that follows Docker, and firewalld's emptying of Docker's chains; without Docker it never starts."""
    return f"""# Written by the Pulumi provider twin-host: what is edited here is undone.
[Unit]
Description=Docker's leave for packets that twin-vpc has judged
After=docker.service twin-vpc.service
PartOf=docker.service

[Service]
ExecStart=/bin/sh {FOLDER}/load follow {mark}
Restart=always
RestartSec=10

[Install]
WantedBy=docker.service
"""


def guard_files(kind: GuardKind) -> Mapping[str, str]:
    """What the host needs to take a change back by itself; it lies in the stage until the change is made."""
    programs = {"guard": shell("guard")}
    match kind:
        case "policy":
            programs |= {"load": shell("load"), "reload_firewalld": remote("reload_firewalld")}
        case "sshd":
            programs |= {"sshd": shell("sshd")}
    return {f"/guard/{name}": text for name, text in programs.items()}


def host_files(policy: Policy, manifest: Manifest, *, firewalld: bool) -> Mapping[str, str]:
    """Every file of ours by its path on the host."""
    files = {
        f"{FOLDER}/manifest.json": manifest.to_text(),
        f"{FOLDER}/ruleset.nft": uplinks_line(manifest.uplinks_in_force) + policy.ruleset,
        f"{FOLDER}/held.nft": uplinks_line(manifest.uplinks_in_force) + policy.held,
        f"{FOLDER}/routing-rules": rules_text(policy.routing_rules),
        f"{FOLDER}/routing-rules6": rules_text(policy.routing_rules6),
        f"{FOLDER}/load": shell("load"),
        SYSCTL: policy.sysctl,
        UNITS[0]: unit_text(),
        UNITS[1]: hold_unit_text(),
        UNITS[2]: docker_unit_text(policy.mark),
        DROP_IN: nftables_text(),
    }
    if firewalld and policy.zone:
        files[ZONE] = policy.zone
        files |= {zone_policy_path(name): text for name, text in sorted(policy.zone_policies.items())}
    return files


def archive(files: Mapping[str, str]) -> str:
    """The files as a tar archive in base64, for `shell/stage.sh`; every file keeps its whole path."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, text in files.items():
            data = text.encode()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(data)
            entry.mode = mode_of(path)
            tar.addfile(entry, io.BytesIO(data))
    return base64.encodebytes(buffer.getvalue()).decode()


def mode_of(path: str) -> int:
    """Permissions: our own folder is root's alone, what daemons read is readable."""
    if path == f"{FOLDER}/load":
        return 0o700
    return 0o600 if path.startswith(f"{FOLDER}/") else 0o644
