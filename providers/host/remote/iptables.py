"""What iptables holds, and how it comes back beside daemons that make their own rules again at that very moment.

Docker and libvirt hear of a reload of firewalld by a signal. Docker gives up halfway, and takes away what it has made,
when a chain is suddenly there that it was about to make. So chains of other names stand in for theirs while they are at
work, and go when they are at rest.

Read into the programs that run on the host.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_DOCKERS = ("", "-ISOLATION-STAGE-1", "-ISOLATION-STAGE-2", "-INGRESS", "-FORWARD", "-CT", "-BRIDGE", "-INTERNAL")
_LIBVIRTS = ("INP", "OUT", "FWI", "FWO", "FWX", "PRT")
LIBVIRT = frozenset(f"LIBVIRT_{end}" for end in _LIBVIRTS)
DAEMONS = {"dockerd": frozenset(f"DOCKER{end}" for end in _DOCKERS), "libvirtd": LIBVIRT, "virtnetworkd": LIBVIRT}
"""Who makes rules again after a reload, and its chains (of Docker, from 20.10 to 28); DOCKER-USER is the owner's."""
_USERS = "DOCKER-USER"
_STAND_IN = "tv-"
"""Before the name of a chain that stands in for a daemon's; short, as a name has 28 characters at most."""
_STAND_INS = frozenset(f"{_STAND_IN}{chain}" for chains in DAEMONS.values() for chain in chains)
_TRIES = 3
_PROCESSES = Path("/proc")

PAUSE, _AT_REST = 0.2, 5
"""Seconds between two looks at iptables, and how many on end must be alike for it to be at rest."""


def saved(family: str) -> str:
    """All tables of iptables or ip6tables with their counters; nothing where there is none."""
    for _ in range(_TRIES):  # iptables-save fails where somebody changes a chain under its eyes
        try:
            return _run([f"{family}-save", "--counters"]).stdout
        except OSError:
            break
        except subprocess.CalledProcessError:
            time.sleep(PAUSE / 2)
    return ""


def look(families: Collection[str] = ("iptables", "ip6tables")) -> Mapping[str, str]:
    """What iptables and ip6tables hold, as far as they are there."""
    return {family: text for family in families if (text := saved(family))}


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


def half_made(text: str, proxied: Collection[str] = ()) -> bool:
    """Whether Docker is in the middle of its rules, or has given up there: of what belongs together a part is missing.

    Where it makes rules at all it has a chain for its users, leads to its chain for ports, and each published port to
    its container. Which are published is told by a second rule or, with other settings, by a process.

    Args:
        text: what iptables holds.
        proxied: `address:port` of each container to which a process of Docker's leads a port too.
    """
    if not re.search(rf"^:{_USERS} ", text, re.MULTILINE):
        return False
    led = re.search(r"-A PREROUTING .*-j DOCKER$", text, re.MULTILINE)
    inward = set(re.findall(r"-A DOCKER .*-j DNAT --to-destination (\S+)", text))
    back = re.findall(r"-A POSTROUTING -s ([^/ ]+)/32 -d \1/32 .*--dport (\d+) -j MASQUERADE", text)
    return led is None or not {*proxied, *(f"{address}:{port}" for address, port in back)} <= inward


def proxies() -> Collection[str]:
    """`address:port` of each container that a `docker-proxy` leads a port to, IPv4 only."""
    found: set[str] = set()
    for process in _processes("docker-proxy"):
        words = _told(process / "cmdline").split("\0")
        said = {word: words[at + 1] for at, word in enumerate(words[:-1])}
        address, host = said.get("-container-ip", ":"), said.get("-host-ip", "")
        if ":" not in address + host and _network(process) == _network(_PROCESSES / "self"):
            found.add(f"{address}:{said.get('-container-port')}")
    return found


def at_work() -> frozenset[str]:
    """Chains that a daemon makes again which runs now."""
    return frozenset[str]().union(*(chains for daemon, chains in DAEMONS.items() if _processes(daemon)))


def _processes(name: str) -> Sequence[Path]:
    return [one for one in _PROCESSES.glob("[0-9]*") if _told(one / "comm").strip() == name]


def _network(process: Path) -> str:
    """In which network a process is: a Docker within a container has another."""
    try:
        return str((process / "ns" / "net").readlink())
    except OSError:
        return "none"


def _told(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:  # the process has ended meanwhile
        return ""


def at_rest(first: Mapping[str, str] | None, looks: int) -> tuple[Mapping[str, str], bool]:
    """What iptables and ip6tables hold, once nobody changes them any more, and whether that came true in time.

    Args:
        first: what they held at a look of a while ago, which counts as all looks on end but one.
        looks: so often they are looked at.
    """
    seen, alike = first, _AT_REST - 1
    for _ in range(looks):
        now = look()
        alike = alike + 1 if seen is not None and plain(now) == plain(seen) else 1
        if alike >= _AT_REST and not half_made(now.get("iptables", ""), proxies()):
            return now, True
        seen = now
        time.sleep(PAUSE)
    return seen or {}, False


def plain(texts: Mapping[str, str]) -> Sequence[str]:
    """What saved texts say, without counters and comments."""
    lines = [line for family in sorted(texts) for line in (family, *texts[family].splitlines())]
    return [re.sub(r"\[\d+:\d+\]", "", line) for line in lines if not line.startswith("#")]


def leads_to(line: str, chains: Collection[str]) -> bool:
    """Whether a rule stands in one of these chains or leads to one."""
    words = _words(rule(line))
    target = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-j", "-g"}), "")
    return words[1] in chains or target in chains


def _words(line: str) -> Sequence[str]:
    try:
        return shlex.split(line) if '"' in line else line.split()
    except ValueError:  # an unbalanced quote
        return line.split()


def stand_in(line: str, theirs: Collection[str]) -> str:
    """A rule that stands in for one that stands in a daemon's chain or leads to one."""
    names = "|".join(map(re.escape, sorted(theirs)))
    return re.sub(rf"(-[Ajg]) ({names})(?= |$)", rf"\1 {_STAND_IN}\2", line) if leads_to(line, theirs) else line


def without_stand_ins(table: Table) -> Table:
    """A table without what stands in for others; a program that was killed may have left it."""
    kept = {chain: said for chain, said in table.chains.items() if chain not in _STAND_INS}
    rules = {chain: [line for line in table.rules[chain] if not leads_to(line, _STAND_INS)] for chain in kept}
    return Table(kept, rules)


def at_once(before: str, now: str, theirs: Collection[str]) -> str:
    """For `iptables-restore --noflush`: what is missing, each rule in its old place, daemons' chains under other names.

    Args:
        before: what was there before the reload.
        now: what is there now.
        theirs: chains that daemons make again.
    """
    later, text = parsed(now), ""
    for name, whole in parsed(before).items():
        table, there = without_stand_ins(whole), later.get(name, Table({}, {}))
        lines = [f":{chain} {said}" for chain, said in table.chains.items() if _missing(chain, said, there, theirs)]
        broken = any(
            leads_to(line, theirs) and rule(line) not in map(rule, there.rules.get(chain, ()))
            for chain, rules in table.rules.items()
            for line in rules
        )
        for chain, rules in table.rules.items():
            if chain not in theirs:
                lines += _inserts(chain, rules, there.rules.get(chain, ()), theirs if broken else ())
            elif broken:
                lines += [f":{_STAND_IN}{chain} - [0:0]", *(stand_in(line, theirs) for line in rules)]
        # a rule can lead to a chain only once that is there
        text += _section(name, sorted(lines, key=lambda line: not line.startswith(":")))
    return text


def _inserts(chain: str, before: Sequence[str], now: Sequence[str], theirs: Collection[str]) -> list[str]:
    """What one chain lacks; beside each rule that leads to a daemon's chain one that leads to what stands in for it."""
    old, held = {rule(line) for line in before}, [rule(line) for line in now]
    found, place = list[str](), 0

    def insert(line: str) -> None:
        nonlocal place
        held.insert(place, "")
        place += 1
        found.append(line.replace(f"-A {chain}", f"-I {chain} {place}", 1))

    for line in arranged(before, now, lambda _: True):
        daemons = leads_to(line, theirs)
        if daemons and rule(line) in old:
            insert(stand_in(line, theirs))
        if rule(line) in held:  # it may stand elsewhere than before; what followed it comes behind it all the same
            at = held.index(rule(line))
            held[at], place = "", max(place, at + 1)
        elif not daemons:
            insert(line)
    return found


def _missing(chain: str, said: str, there: Table, theirs: Collection[str]) -> bool:
    """Whether a chain is to be made again, or its policy set."""
    if said.startswith("-"):
        return chain not in there.chains and chain not in theirs
    policy = there.chains.get(chain, "ACCEPT [0:0]")
    return said.split(" ", 1)[0] != policy.split(" ", 1)[0]


def afterwards(before: str, now: str, theirs: Collection[str], *, ports: bool) -> str:
    """For `iptables-restore --noflush`: what daemons at rest have not made again, each chain in its old order.

    A rule of somebody else's that is gone by now was taken away since and stays away. So do libvirt's, where it has
    made any again: it makes all it wants, and a network may have ended since.

    Args:
        before: what was there before the reload.
        now: what is there now.
        theirs: chains that daemons make again.
        ports: whether published ports are given back too; only when Docker has given up on them, for a container may
            have ended since.
    """
    later, text = parsed(now), ""
    if any(LIBVIRT & set(table.chains) for table in later.values()):
        theirs = set(theirs) - LIBVIRT

    def given(line: str) -> bool:
        port = re.match(r"-A DOCKER .*-j (DNAT|ACCEPT)\b", rule(line))
        return leads_to(line, theirs) and not leads_to(line, ended) and (ports or port is None)

    for name, whole in parsed(before).items():
        held = later.get(name, Table({}, {}))
        table, there = without_stand_ins(whole), without_stand_ins(held)
        lines = [f":{chain} - [0:0]" for chain in table.chains if chain in theirs and chain not in there.chains]
        ended = _ended(table, there, theirs)
        for chain, rules in table.rules.items():
            if chain in ended:
                continue
            wanted = arranged(rules, there.rules.get(chain, ()), given)
            if [rule(line) for line in wanted] != [rule(line) for line in held.rules.get(chain, ())]:
                lines += [f"-F {chain}", *wanted]
        gone = held.chains.keys() - there.chains.keys()
        text += _section(name, [*lines, *(f"{verb} {chain}" for verb in ("-F", "-X") for chain in sorted(gone))])
    return text


def _ended(table: Table, there: Table, theirs: Collection[str]) -> Collection[str]:
    """Somebody's chains that were taken away since."""
    return {chain for chain, said in table.chains.items() if said.startswith("-")} - there.chains.keys() - set(theirs)


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


def give_back_rules(before: Mapping[str, str], now: Mapping[str, str], change: Callable[[str, str], str]) -> list[str]:
    """Have iptables and ip6tables take what is to change; return what went wrong."""
    problems: list[str] = []
    for family, was in before.items():
        held, refused = now.get(family, ""), [f"{family} could not be read, and nothing was given back to it"]
        for _ in range(_TRIES):
            if held:
                refused = _restore(family, change(was, held))
            if not refused:
                break
            held = saved(family)  # somebody has changed it since it was looked at
        problems += refused
    return problems


def _restore(family: str, text: str) -> list[str]:
    """Each table is taken wholly or not at all; returns what was said of those that were not."""
    refused: list[str] = []
    for table in re.split(r"^(?=\*)", text, flags=re.MULTILINE)[1:]:
        try:
            _run([f"{family}-restore", "--noflush", "--wait", "--counters"], table)
        except subprocess.CalledProcessError as error:
            refused.append(f"{family} did not take back its {table.split()[0][1:]}: {error.stderr.strip()}")
    return refused


def _run(words: Sequence[str], given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Comments may hold bytes of any encoding."""
    return subprocess.run(words, input=given, capture_output=True, text=True, errors="surrogateescape", check=True)
