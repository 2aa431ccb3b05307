"""Reload firewalld and give back what a reload takes from others.

firewalld forgets what was set at run time only: a port of the owner's, a ban of fail2ban's. And where Docker uses its
direct interface, it empties iptables: Docker and libvirt, told by a signal, make most of their own rules again (Docker
20.10 not those that isolate one bridge from another), and the owner's in DOCKER-USER would be lost. So what was there
goes back at once, but for the chains of daemons that are at work on them in that very moment: Docker gives up halfway,
and takes away what it has made, when a chain is suddenly there that it was about to make. What those have not made by
the time they are at rest is given back then, by a child that outlives this program for a second or two.

What was set at run time is written down before the reload: who is killed in between may have taken the owner's only way
in, and whoever reloads next gives it back. Tables of iptables are not: what was changed meanwhile would be undone.

Reads `go` from stdin before it reloads, so that what takes long to start can start early.
"""

import ast
import fcntl
import importlib
import os
import re
import subprocess
import sys
import syslog
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

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

FIREWALLD = Path("/etc/firewalld")
"""Locked as long as a reload of ours is not over; a folder that is there anyway leaves nothing behind."""
DAEMONS = {"dockerd": "DOCKER", "libvirtd": "LIBVIRT_", "virtnetworkd": "LIBVIRT_"}
"""Who makes rules again after a reload, and how the names of its chains begin."""
PORTS = "DOCKER"
"""Docker's chain for the ports of each container, which come and go with it."""
_USERS = "DOCKER-USER"
"""The one chain of Docker's that is the owner's."""

_PAUSE, _AT_REST = 0.2, 5
"""Seconds between two looks at iptables, and how many on end must be alike for it to be at rest."""
_BEFORE, _AFTERWARDS = 15, 50
"""So often it is looked at before a reload, for which somebody waits, and after one."""

Settings = Mapping[str, Mapping[str, Any]]
"""Settings by `zone` or `policy` and its name."""


def saved(family: str) -> str:
    """All tables of iptables or ip6tables with their counters; nothing where there is no such program."""
    try:
        return subprocess.run([f"{family}-save", "--counters"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


class Table(NamedTuple):
    """One table of a saved text: what is said of each chain (`DROP [0:0]`, `- [0:0]`), and each chain's rules."""

    chains: Mapping[str, str]
    rules: Mapping[str, Sequence[str]]


def parsed(text: str) -> Mapping[str, Table]:
    """The tables of a saved text by their names."""
    found: dict[str, Table] = {}
    for part in re.split(r"^\*", text, flags=re.MULTILINE)[1:]:
        name, *lines = part.splitlines()
        chains = dict(line[1:].split(" ", 1) for line in lines if line.startswith(":"))
        rules: dict[str, list[str]] = {chain: [] for chain in chains}
        for line in lines:
            if rule(line).startswith("-A "):
                rules[rule(line).split()[1]].append(line)
        found[name] = Table(chains, rules)
    return found


def rule(line: str) -> str:
    """A line of a saved text without its counters."""
    return re.sub(r"^\[\d+:\d+\] ", "", line)


def half_made(text: str) -> bool:
    """Whether Docker is in the middle of its rules, or has given up there: of what belongs together a part is missing.

    Where it makes rules at all it has a chain for its users, leads to its chain for ports, and a published port has a
    line for each of two directions.
    """
    if not re.search(rf"^:{_USERS} ", text, re.MULTILINE):
        return False
    led = re.search(rf"-A PREROUTING .*-j {PORTS}$", text, re.MULTILINE)
    inward = re.findall(rf"-A {PORTS} .*-j DNAT ", text)
    back = re.findall(r"-A POSTROUTING -s (\S+) -d \1 .*--dport \d+ -j MASQUERADE", text)
    return led is None or len(inward) < len(back)


def at_rest(first: str | None, looks: int) -> tuple[Mapping[str, str], bool]:
    """What iptables and ip6tables hold, once nobody changes iptables any more, and whether that came true in time.

    Args:
        first: what iptables held at a look of a while ago, which counts as all looks on end but one.
        looks: so often it is looked at.
    """
    seen, alike = first, _AT_REST - 1
    for _ in range(looks):
        now = saved("iptables")
        alike = alike + 1 if seen is not None and plain(now) == plain(seen) else 1
        if alike >= _AT_REST and not half_made(now):
            return {"iptables": now, "ip6tables": saved("ip6tables")}, True
        seen = now
        time.sleep(_PAUSE)
    return {"iptables": seen or "", "ip6tables": saved("ip6tables")}, False


def plain(text: str) -> Sequence[str]:
    """What a saved text says, without counters and comments."""
    return [re.sub(r"\[\d+:\d+\]", "", line) for line in text.splitlines() if not line.startswith("#")]


def at_work() -> tuple[str, ...]:
    """How names of chains begin that a daemon makes again which runs now."""
    running = {_name(process) for process in Path("/proc").glob("[0-9]*")}
    return tuple({start for daemon, start in DAEMONS.items() if daemon in running})


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:  # it has ended meanwhile
        return ""


def theirs(name: str, starts: tuple[str, ...]) -> bool:
    """Whether a chain belongs to a daemon that makes it again."""
    return name != _USERS and name.startswith(starts)


def leads_to_theirs(line: str, starts: tuple[str, ...]) -> bool:
    """Whether a rule stands in such a chain or leads to one."""
    chain, *words = rule(line).split()[1:]
    target = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-j", "-g"}), "")
    return theirs(chain, starts) or theirs(target, starts)


def at_once(before: str, now: str, starts: tuple[str, ...]) -> str:
    """For `iptables-restore --noflush`: what is missing and no daemon makes again, ahead of what is there by now."""
    later, text = parsed(now), ""
    for name, table in parsed(before).items():
        there = later.get(name, Table({}, {}))
        lines = [f":{chain} {said}" for chain, said in table.chains.items() if _missing(chain, said, there, starts)]
        for chain, rules in table.rules.items():
            known = {rule(line) for line in there.rules.get(chain, ())}
            lost = [line for line in rules if rule(line) not in known and not leads_to_theirs(line, starts)]
            lines += [line.replace("-A ", "-I ", 1) for line in reversed(lost)]
        text += _section(name, lines)
    return text


def _missing(chain: str, said: str, there: Table, starts: tuple[str, ...]) -> bool:
    """Whether a chain is to be made again, or its policy set."""
    if said.startswith("-"):
        return chain not in there.chains and not theirs(chain, starts)
    policy = there.chains.get(chain, "ACCEPT [0:0]")
    return said.split(" ", 1)[0] != policy.split(" ", 1)[0]


def afterwards(before: str, now: str, starts: tuple[str, ...], *, ports: bool) -> str:
    """For `iptables-restore --noflush`: what daemons at rest have not made again, each chain in its old order.

    A rule of somebody else's that is gone by now was taken away since and stays away.

    Args:
        before: what was there before the reload.
        now: what is there now.
        starts: how the names of the daemons' chains begin.
        ports: whether the chain of published ports is given back too; only when Docker has given up on it, for a
            container may have ended since.
    """
    later, text = parsed(now), ""

    def given(line: str) -> bool:
        return leads_to_theirs(line, starts) and (ports or not rule(line).startswith(f"-A {PORTS} "))

    for name, table in parsed(before).items():
        there = later.get(name, Table({}, {}))
        lines = [f":{chain} - [0:0]" for chain in table.chains if theirs(chain, starts) and chain not in there.chains]
        for chain, rules in table.rules.items():
            held = there.rules.get(chain, ())
            wanted = arranged(rules, held, given)
            if [rule(line) for line in wanted] != [rule(line) for line in held]:
                lines += [f"-F {chain}", *wanted]
        text += _section(name, lines)
    return text


def arranged(before: Sequence[str], now: Sequence[str], given: Callable[[str], bool]) -> list[str]:
    """One chain's rules: those of before that are still there or given back, each newer one behind all it follows."""
    held = {rule(line): line for line in now}
    wanted = [held.get(rule(line), line) for line in before if rule(line) in held or given(line)]
    old, place = {rule(line) for line in before}, 0
    for line in now:
        if rule(line) in old:
            place = max(place, wanted.index(held[rule(line)]) + 1)
        else:
            wanted.insert(place, line)
            place += 1
    return wanted


def _section(table: str, lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in [f"*{table}", *lines, "COMMIT"]) if lines else ""


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


def alone() -> int | None:
    """Wait until an earlier reload of ours is over, or nearly as long as a rollback may wait."""
    handle = os.open(FIREWALLD, os.O_RDONLY | os.O_CLOEXEC)
    for _ in range(_AFTERWARDS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE)
        else:
            return handle
    os.close(handle)
    return None


def restore(family: str, text: str) -> None:
    """Have iptables or ip6tables take such a text, all of it or nothing."""
    if text:
        subprocess.run([f"{family}-restore", "--noflush", "--wait", "--counters"], input=text, text=True, check=True)


def see_to_daemons(before: Mapping[str, str], starts: tuple[str, ...], lock: int | None) -> None:
    """Give back what daemons do not make again, once they are at rest, while whoever started us goes on."""
    if not starts or os.fork():
        return
    status = 1
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for handle in range(3):
            os.dup2(nowhere, handle)
        kept_open = 2 if lock is None else lock
        os.closerange(3, kept_open)
        os.closerange(kept_open + 1, 256)  # the lock of the run that started us among them
        now, rested = at_rest(None, _AFTERWARDS)
        for family, text in before.items():
            restore(family, afterwards(text, now[family], starts, ports=not rested))
        status = 0
    except Exception as error:  # noqa: BLE001 - nobody listens any more but the host's log
        syslog.syslog(syslog.LOG_ERR, f"twin-vpc: rules of iptables were not all given back after a reload: {error}")
    finally:
        os._exit(status)


def main() -> None:
    """Reload, and give back."""
    lock, first = alone(), saved("iptables")
    client: Any = importlib.import_module("firewall.client").FirewallClient()
    before = joined(kept(), at_run_time(client))
    before_it, _ = at_rest(first, _BEFORE)
    starts = at_work()
    if sys.stdin.readline() != "go\n":  # whoever started us has given up
        return
    keep(before)
    client.reload()
    now_it = {family: saved(family) for family in before_it}
    emptied = any(plain(now_it[family]) != plain(text) for family, text in before_it.items())
    for family, text in before_it.items():
        restore(family, at_once(text, now_it[family], starts))
    give_back(client, before)
    KEPT.unlink()
    if emptied:
        see_to_daemons(before_it, starts, lock)


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - D-Bus errors and iptables' own: one line for the owner
        sys.exit(f"firewalld could not be reloaded: {error}")
