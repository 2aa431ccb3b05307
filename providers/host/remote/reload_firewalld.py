"""Reload firewalld and give back what a reload takes from others.

firewalld forgets what was set at run time only: a port of the owner's, a ban of fail2ban's. And where Docker uses its
direct interface, it empties iptables: Docker, told by a signal, makes most of its own rules again (version 20.10 not
those that isolate one bridge from another), and the owner's in DOCKER-USER would be lost. So what was there goes back
at once, each table in one transaction; Docker adds only what it does not find.

What was set at run time is written down before the reload: who is killed in between may have taken the owner's only way
in, and whoever reloads next gives it back. Tables of iptables are not: what Docker has made meanwhile would be lost.

Reads `go` from stdin before it reloads, so that what takes long to start can start early.
"""

import ast
import importlib
import re
import subprocess
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

OURS = "twin-vpc"
KEPT = Path("/run/twin-vpc/firewalld")
"""What is to be given back, for as long as it was not; in /run, as a reboot ends all that was set at run time."""
FIXED = (
    *("version", "name", "short", "description", "target"),
    *("priority", "ingress_priority", "egress_priority"),
)
"""Settings of a zone or a policy that cannot be changed at run time."""
PLACES = ("interfaces", "sources")
"""What a zone claims for itself: it stands in one zone alone."""

_LOOKS, _PAUSE = 15, 0.2
"""So often, and so many seconds apart, Docker is looked at."""

Settings = Mapping[str, Mapping[str, Any]]
"""Settings by `zone` or `policy` and its name."""


def saved(family: str) -> str:
    """All tables of iptables or ip6tables with their counters; nothing where there is no such program."""
    try:
        return subprocess.run([f"{family}-save", "--counters"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def half_made(text: str) -> bool:
    """Whether Docker still makes its rules again, after an earlier reload: of what belongs together a part is missing.

    Where it makes rules at all it has a chain for its users, leads to its chain for ports, and a published port has a
    line for each of two directions.
    """
    if not re.search(r"^:DOCKER-USER ", text, re.MULTILINE):
        return False
    led = re.search(r"-A PREROUTING .*-j DOCKER$", text, re.MULTILINE)
    inward = re.findall(r"-A DOCKER .*-j DNAT ", text)
    back = re.findall(r"-A POSTROUTING -s (\S+) -d \1 .*--dport \d+ -j MASQUERADE", text)
    return led is None or len(inward) < len(back)


def tables() -> Mapping[str, str]:
    """What iptables and ip6tables hold, once Docker is at rest, for which it has three seconds."""
    now = saved("iptables")
    for _ in range(_LOOKS):
        if not half_made(now):
            break
        time.sleep(_PAUSE)
        now = saved("iptables")
    return {"iptables": now, "ip6tables": saved("ip6tables")}


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


def merged(before: str, now: str) -> str:
    """What was there before a reload, and what others have made since: Docker may have been quicker than we are.

    It may also have been slower, after an earlier reload: then what was there before is not whole, and putting back
    only that would take away what Docker has just made. Tables that only `now` has are left out and stay as they are.
    """
    later = dict(_tables(now))
    return "".join(_with(lines, later.get(name, [])) for name, lines in _tables(before))


def _tables(text: str) -> list[tuple[str, list[str]]]:
    """Name and lines of each table of a saved text."""
    parts = re.split(r"^(?=\*)", text, flags=re.MULTILINE)
    return [(part.split("\n", 1)[0], part.splitlines()) for part in parts if part.startswith("*")]


def _with(lines: Sequence[str], later: Sequence[str]) -> str:
    """One table with the chains and rules of a later one that it lacks, each rule behind those it has."""
    chains = {line.split()[0] for line in lines if line.startswith(":")}
    known = {_rule(line) for line in lines}
    new_chains = [line for line in later if line.startswith(":") and line.split()[0] not in chains]
    new_rules = [line for line in later if " -A " in f" {line}" and _rule(line) not in known]
    head = [line for line in lines if line.startswith(("*", ":"))]
    body = [line for line in lines if line not in head and line != "COMMIT" and not line.startswith("#")]
    return "".join(f"{line}\n" for line in [*head, *new_chains, *body, *new_rules, "COMMIT"])


def _rule(line: str) -> str:
    return re.sub(r"\[\d+:\d+\] ?", "", line)


def at_run_time(client: Any) -> Settings:  # noqa: ANN401 - firewalld's client carries no types
    """Settings in force of everybody's zones and policies but ours."""
    zones = {f"zone {name}": client.getZoneSettings(name) for name in client.getZones() if name != OURS}
    policies = {
        f"policy {name}": client.getPolicySettings(name) for name in client.getPolicies() if not name.startswith(OURS)
    }
    return {name: settings.getSettingsDict() for name, settings in (zones | policies).items()}


def placed(settings: Settings) -> set[object]:
    """Interfaces and sources that stand in one of these zones."""
    return {item for one in settings.values() for key in PLACES for item in one.get(key, ())}


def without(settings: Mapping[str, Any], taken: Collection[object]) -> Mapping[str, Any]:
    """A zone's settings without the interfaces and sources that stand in another by now.

    libvirt puts a bridge into its own zone while ours is away, and firewalld refuses what is in two.
    """
    return {
        key: [item for item in value if item not in taken] if key in PLACES else value
        for key, value in settings.items()
    }


def joined(kept: Settings, now: Settings) -> Settings:
    """What a run that was killed has not given back, and what came since; nothing stands in two zones at once."""
    return {name: _both(kept.get(name, {}), settings, placed(now)) for name, settings in now.items()}


def _both(kept: Mapping[str, Any], now: Mapping[str, Any], there: Collection[object]) -> Mapping[str, Any]:
    both: dict[str, Any] = dict(now)
    for key, value in kept.items():
        if key not in now or key in FIXED:
            continue
        lost = _lost(cast("list[Any]", value), now[key], there) if isinstance(value, list) else None
        both[key] = value if lost is None else [*now[key], *lost]
    return both


def _lost(kept: Sequence[Any], now: Sequence[Any], there: Collection[object]) -> Sequence[Any]:
    return [item for item in kept if item not in now and item not in there]


def kept() -> Settings:
    """What a run that was killed has written down and not given back."""
    try:
        return dict(ast.literal_eval(KEPT.read_text(encoding="utf-8")))
    except (OSError, ValueError, SyntaxError):
        return {}


def keep(settings: Settings) -> None:
    """Write down what is to be given back, whole or not at all."""
    KEPT.parent.mkdir(mode=0o700, exist_ok=True)
    new = KEPT.with_suffix(".new")
    new.write_text(repr(settings), encoding="utf-8")
    new.rename(KEPT)


def give_back(client: Any, before: Settings) -> None:  # noqa: ANN401
    """Set what is in force otherwise than before."""
    library: Any = importlib.import_module("firewall.client")
    zones = client.getZones()
    ours = placed({OURS: client.getZoneSettings(OURS).getSettingsDict()} if OURS in zones else {})
    for where, now in at_run_time(client).items():
        kind, _, name = where.partition(" ")
        wanted = without(before.get(where, {}), ours)
        changed = [key for key, value in wanted.items() if key not in FIXED and now.get(key) != value]
        if not changed:
            continue
        if kind == "zone":
            typed = library.FirewallClientZoneSettings(dict(wanted)).getSettingsDbusDict()
            client.fw_zone.setZoneSettings2(name, {key: typed[key] for key in changed})
        else:
            typed = library.FirewallClientPolicySettings(dict(wanted)).getSettingsDbusDict()
            client.fw_policy.setPolicySettings(name, {key: typed[key] for key in changed})


def main() -> None:
    """Reload, and give back."""
    client: Any = importlib.import_module("firewall.client").FirewallClient()
    before = joined(kept(), at_run_time(client))
    before_it = tables()
    if sys.stdin.readline() != "go\n":  # whoever started us has given up
        return
    keep(before)
    client.reload()
    for family, text in before_it.items():
        now = saved(family)
        if text and rules(now) != rules(text):
            restored = without_idle_chains(merged(text, now))
            subprocess.run([f"{family}-restore", "--wait", "--counters"], input=restored, text=True, check=True)
    give_back(client, before)
    KEPT.unlink()


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - D-Bus errors and iptables' own: one line for the owner
        sys.exit(f"firewalld could not be reloaded: {error}")
