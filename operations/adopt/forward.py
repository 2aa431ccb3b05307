"""The owner's rules in iptables' chain FORWARD, now and in the files of the next boot: what stands in the way."""

from collections.abc import Iterable, Iterator

from operations.adopt import rules
from operations.adopt.conflict import Conflict, Fate, Wish
from operations.adopt.networks import to_replace
from operations.adopt.rules import Chains, Meaning, Ours, meaning
from operations.adopt.survey import Survey

_DROPPED = "-P FORWARD DROP"
_TO_DOCKER_USER = "-A FORWARD -j DOCKER-USER"
_CLOSED = "it would drop what network.yaml allows, and other traffic of yours besides"


def closing_rules(wish: Wish, found: Survey) -> tuple[str, ...]:
    """Rules of the owner's that close what our policy opens, and nothing else, as iptables prints them."""
    ours = ours_of(wish, found)
    loaded = (found.chains, *(rules.filter_rules(lines) for lines in found.rule_files.values()))
    return tuple(dict.fromkeys(rule for one in loaded for rule in _taken(one, ours)))


def ours_of(wish: Wish, found: Survey) -> Ours:
    """What packets of ours look like in FORWARD of this host."""
    old = [network.bridge for network in to_replace(wish, found)]
    return Ours(
        bridges=frozenset((*wish.bridges.values(), *old)),
        links=frozenset((*(wish.uplinks or found.ways_out), *wish.granted)),
        blocks=tuple(wish.blocks.values()),
        beyond=wish.beyond,
    )


def of_forward(wish: Wish, found: Survey) -> Iterator[Conflict]:
    """Every rule of FORWARD that means something to us, and every line of a file that would bring one back."""
    ours, chains = ours_of(wish, found), rules.by_chain(found.chains)
    for rule in chains.get("FORWARD", ()):
        yield from _of_rule(rule, ours, chains, found)
    if _DROPPED in found.forward and not found.docker_user:
        yield Conflict("rule", _DROPPED, Fate.REFUSED, "it drops all that is allowed; `iptables -P FORWARD ACCEPT`")
    for path, lines in found.rule_files.items():
        yield from _of_file(path, rules.by_chain(rules.filter_rules(lines)), ours, found)


def _taken(loaded: Iterable[str], ours: Ours) -> Iterator[str]:
    chains = rules.by_chain(loaded)
    for rule in chains.get("FORWARD", ()):
        if meaning(rule, ours, chains) is Meaning.CLOSES_OURS:
            yield rule


def _of_rule(rule: str, ours: Ours, chains: Chains, found: Survey) -> Iterator[Conflict]:
    match meaning(rule, ours, chains):
        case Meaning.CLOSES_OURS:
            yield Conflict("rule", rule, Fate.TAKEN, "it would drop what network.yaml allows, or deny it a second time")
        case Meaning.OPENS_NOTHING:
            yield Conflict("rule", rule, Fate.STAYS, "it opens nothing: a packet needs our gates as well")
        case Meaning.CLOSES_MORE if _comes_late(rule, found):
            yield Conflict("rule", rule, Fate.STAYS, "it comes after DOCKER-USER, where judged packets are let through")
        case Meaning.CLOSES_MORE:
            for last in rules.closing(rule, ours, chains):
                way = "" if last == rule else f" (it is reached by `{rule}`)"
                yield Conflict("rule", last, Fate.REFUSED, f"{_CLOSED}{way}: {_way_out(last, chains)}")
        case Meaning.NOTHING:
            pass


def _way_out(rule: str, chains: Chains) -> str:
    """What to write instead; the rule's place in its chain stays the same."""
    chain = rule.split()[1]
    place = chains[chain].index(rule) + 1
    instead = rules.narrowed(rule).removeprefix(f"-A {chain} ")
    return (
        f"write `iptables -R {chain} {place} {instead}`, which leaves alone what twin-vpc judges itself and closes the "
        f"rest as before; or take it away with `iptables -D {rule.removeprefix('-A ')}`"
    )


def _of_file(path: str, chains: Chains, ours: Ours, found: Survey) -> Iterator[Conflict]:
    for rule in chains.get("FORWARD", ()):
        means = meaning(rule, ours, chains)
        if means is Meaning.CLOSES_OURS:
            yield Conflict("file", f"{path}: {rule}", Fate.TAKEN, "the rule would be back after the next boot")
        elif means is Meaning.CLOSES_MORE and not _accepted(found):  # Docker puts its chain before those of a file
            for last in rules.closing(rule, ours, chains):
                yield Conflict(
                    "file",
                    f"{path}: {last}",
                    Fate.REFUSED,
                    f"after the next boot {_CLOSED}: write `{rules.narrowed(last)}` in its place",
                )


def _accepted(found: Survey) -> bool:
    """Whether what our table has judged is let through by our accept in Docker's chain."""
    return found.docker_user and _DROPPED in found.forward


def _comes_late(rule: str, found: Survey) -> bool:
    lines = list(found.forward)
    if not _accepted(found) or _TO_DOCKER_USER not in lines or rule not in lines:
        return False
    return lines.index(_TO_DOCKER_USER) < lines.index(rule)
