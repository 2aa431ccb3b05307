"""What the owner gets in by, and the Internet: no step that mends a network may touch it.

Links that the way back to the owner's SSH session, a default route or an uplink leads through, and the address that
the session came to. Whoever put one of them on a segment's bridge has to take it off, where he can see what happens.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from providers.host.connection import config_key
from providers.host.watched import Watched
from providers.host.watching import Finding, Seen


@dataclass(frozen=True)
class Lifelines:
    """What must be left alone.

    Attributes:
        links: why, by link; a bridge stands beside the ports that carry it.
        address: the host's address that the SSH session came to, or nothing.
        holders: links that have this address.
    """

    links: Mapping[str, str]
    address: str
    holders: frozenset[str]

    def why(self, link: str) -> str:
        """Why a link must be left alone; nothing if it need not be."""
        return "your SSH session came to its address" if link in self.holders else self.links.get(link, "")


def lifelines(watched: Watched, seen: Seen) -> Lifelines:
    """What the host is reached by, and reaches the Internet by."""
    named = dict.fromkeys(watched.uplinks, f"it is an uplink ({config_key('uplinks')})")
    named |= dict.fromkeys((*seen.ways_out, *seen.ways_out6), "a default route leaves by it")
    named |= dict.fromkeys(seen.ways_back, "it is the way back to your SSH session")
    holders = [link for link, held in seen.addresses.items() if seen.server in {one.partition("/")[0] for one in held}]
    return Lifelines(_with_carriers(named, seen.links), seen.server, frozenset(holders))


def _with_carriers(named: Mapping[str, str], links: Sequence[Mapping[str, Any]]) -> Mapping[str, str]:
    """The same with all that carries them: a bridge's or bond's ports, and the link beneath a VLAN."""
    found = dict(named)
    more = True
    while more:
        carriers = {name: upper for name, upper in _carriers(links) if upper in found and name not in found}
        found |= {name: f"{upper} rests on it, and {found[upper]}" for name, upper in carriers.items()}
        more = bool(carriers)
    return found


def _carriers(links: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    for link in links:
        name, kind = str(link.get("ifname")), str(link.get("linkinfo", {}).get("info_kind", ""))
        if "master" in link:
            yield name, str(link["master"])
        if "link" in link and kind != "veth":  # there it is the other end
            yield str(link["link"]), name


@dataclass(frozen=True)
class Refusal:
    """A step that would cut the owner off.

    Attributes:
        said: what it would do, and why that cuts him off.
        by_hand: the command for the host's own screen that does the same.
    """

    said: str
    by_hand: str


def refusals(watched: Watched, seen: Seen, found: Mapping[str, Finding]) -> tuple[Refusal, ...]:
    """Steps of the findings that must not be taken.

    Args:
        watched: what is watched.
        seen: the survey that the findings come from.
        found: the findings by what messages call each network and pool.
    """
    kept = lifelines(watched, seen)
    said = (_refusal(step, kept, watched, seen) for one in found.values() for step in one.steps)
    return tuple(dict.fromkeys(one for one in said if one))


def _refusal(step: str, kept: Lifelines, watched: Watched, seen: Seen) -> Refusal | None:
    match step.split():
        case ["unplug", link] if why := kept.why(link):
            return Refusal(f"{link} would leave its bridge, and {why}", f"ip link set {link} nomaster")
        case ["unaddress", address, link] if why := _address(address, link, kept):
            return Refusal(f"{link} would lose {address}, and {why}", f"ip address del {address} dev {link}")
        case ["net-destroy", name]:
            why = {link: kept.why(link) for link in _bridges(name, watched, seen) if kept.why(link)}
            lost = [Refusal(f"{link} would go, and {text}", f"virsh net-destroy {name}") for link, text in why.items()]
            return lost[0] if lost else None
        case _:
            return None


def _address(address: str, link: str, kept: Lifelines) -> str:
    if kept.address and address.partition("/")[0] == kept.address:
        return "your SSH session came to it"
    return kept.links.get(link, "")


def _bridges(name: str, watched: Watched, seen: Seen) -> tuple[str, ...]:
    """Every bridge that may go with a network."""
    running = seen.xml("running", name)
    held = (running.of("bridge", "name"),) if running else ()
    return tuple(dict.fromkeys((*held, *([watched.networks[name].bridge] if name in watched.networks else []))))
