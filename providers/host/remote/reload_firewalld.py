"""Reload firewalld and give back what a reload takes from others.

firewalld forgets what was set at run time only: a port of the owner's, a ban of fail2ban's. And where Docker uses its
direct interface, it empties iptables: Docker and libvirt, told by a signal, make most of their own rules again (Docker
20.10 not those that isolate one bridge from another), and the owner's in DOCKER-USER would be lost. So what was there
goes back at once; for the chains of daemons that are at work on them in that very moment others stand in
(`iptables.py`). What those have not made by the time they are at rest, a child gives back that outlives this program
for a second or two.

What was set at run time is written down before the reload: who is killed in between may have taken the owner's only way
in, and whoever reloads next gives it back. Tables of iptables are not: what was changed meanwhile would be undone.

Reads `go` from stdin before it reloads, so that what takes long to start can start early.
"""

from __future__ import annotations

import ast
import fcntl
import importlib
import os
import sys
import syslog
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from providers.host.remote.iptables import (
    PAUSE,
    afterwards,
    at_once,
    at_rest,
    at_work,
    give_back_rules,
    half_made,
    look,
    proxies,
)

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
_BEFORE, _AFTERWARDS = 15, 50
"""So often iptables is looked at before a reload, for which somebody waits, and after one."""

Settings = Mapping[str, Mapping[str, Any]]
"""Settings by `zone` or `policy` and its name."""


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


def give_back(client: Any, before: Settings) -> list[str]:  # noqa: ANN401
    """Set what is in force otherwise than before; return what went wrong."""
    library: Any = importlib.import_module("firewall.client")
    zones = client.getZones()
    ours = placed({OURS: client.getZoneSettings(OURS).getSettingsDict()} if OURS in zones else {})
    problems: list[str] = []
    for where, now in at_run_time(client).items():
        wanted = without(before.get(where, {}), ours)
        changed = [key for key, value in wanted.items() if key not in FIXED and now.get(key) != value]
        try:
            _set(client, library, where, wanted, changed)
        except Exception as error:  # noqa: BLE001 - D-Bus errors carry no common type; the others are set all the same
            problems.append(f"{where} did not take back {', '.join(changed)}: {error}")
    return problems


def _set(client: Any, library: Any, where: str, wanted: Mapping[str, Any], changed: Sequence[str]) -> None:  # noqa: ANN401
    kind, _, name = where.partition(" ")
    if not changed:
        return
    if kind == "zone":
        typed = library.FirewallClientZoneSettings(dict(wanted)).getSettingsDbusDict()
        client.fw_zone.setZoneSettings2(name, {key: typed[key] for key in changed})
    else:
        typed = library.FirewallClientPolicySettings(dict(wanted)).getSettingsDbusDict()
        client.fw_policy.setPolicySettings(name, {key: typed[key] for key in changed})


def alone() -> int | None:
    """Wait until an earlier reload of ours is over, for as long as one may take."""
    handle = os.open(FIREWALLD, os.O_RDONLY | os.O_CLOEXEC)
    for _ in range(2 * _AFTERWARDS):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(PAUSE)
        else:
            return handle
    os.close(handle)
    return None


def see_to_daemons(before: Mapping[str, str], theirs: Collection[str], lock: int | None, *, again: bool) -> None:
    """Give back what daemons do not make again in a process of its own, while whoever started us goes on."""
    if os.fork():
        return
    try:
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        for handle in range(3):
            os.dup2(nowhere, handle)
        kept_open = 2 if lock is None else lock
        os.closerange(3, kept_open)
        os.closerange(kept_open + 1, 256)  # the lock of the run that started us among them
        problems = give_back_afterwards(before, theirs, again=again)
    except Exception as error:  # noqa: BLE001 - nobody listens any more but the host's log
        problems = [str(error)]
    for said in problems:
        syslog.syslog(syslog.LOG_ERR, f"twin-vpc: not all was given back after a reload of firewalld: {said}")
    os._exit(1 if problems else 0)


def give_back_afterwards(before: Mapping[str, str], theirs: Collection[str], *, again: bool) -> list[str]:
    """Give back what daemons have not made again once they are at rest; return what went wrong.

    Args:
        before: what was there before the reload.
        theirs: chains that daemons make again.
        again: whether what should have come back at once has not all done so.
    """
    at_rest(None, _AFTERWARDS)
    if again:
        give_back_rules(before, look(before), lambda was, is_: at_once(was, is_, theirs))
    now = look(before)
    given_up = half_made(now.get("iptables", ""), proxies())
    problems = give_back_rules(before, now, lambda was, is_: afterwards(was, is_, theirs, ports=given_up))
    if problems:  # what stands in must go all the same
        problems += give_back_rules(before, look(before), lambda _, is_: afterwards(is_, is_, theirs, ports=False))
    return problems


def main() -> None:
    """Reload, and give back: all that can be, whatever goes wrong on the way."""
    lock, first = alone(), look()
    client: Any = importlib.import_module("firewall.client").FirewallClient()
    before = joined(kept(), at_run_time(client))
    before_it, _ = at_rest(first, _BEFORE)
    theirs = at_work()
    if sys.stdin.readline() != "go\n":  # whoever started us has given up
        return
    keep(before)
    problems: list[str] = []
    try:
        client.reload()
    except Exception as error:  # noqa: BLE001 - D-Bus errors carry no common type
        problems.append(str(error))
    reloaded, now = not problems, look(before_it)
    lost = give_back_rules(before_it, now, lambda was, is_: at_once(was, is_, theirs))
    try:
        if theirs:
            see_to_daemons(before_it, theirs, lock, again=bool(lost))
        else:
            now = look(before_it)
            problems += give_back_rules(before_it, now, lambda was, is_: afterwards(was, is_, theirs, ports=True))
    except OSError as error:  # no room for another process
        lost.append(str(error))
    problems += lost
    unset = give_back(client, before)
    if reloaded and not unset:
        KEPT.unlink()
    if problems + unset:
        raise RuntimeError("; ".join(problems + unset))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # noqa: BLE001 - D-Bus errors and iptables' own: one line for the owner
        sys.exit(f"firewalld could not be reloaded: {error}")
