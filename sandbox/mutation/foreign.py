"""What others have on the host besides us, and our walls bear: forwards, marks, routing rules, a tailnet's routes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from sandbox.probe import states
from sandbox.probe.stands import Stand
from twinvpc.proof.forwards import Way

ELSEWHERE = IPv4Address("203.0.113.99")
"""An address of the Internet that a routing rule of the owner's leads nowhere."""

TAILNET = IPv4Network("100.64.0.0/16")
NO_PEER = IPv4Address("100.64.0.99")
"""An address of the tailnet that a routing rule of the owner's leads nowhere."""

_CALLED = IPv4Network("192.0.2.0/24")
_FIRST, _TAILSCALES, _OWNERS = 5250, 5270, 30000
"""Preferences of other people's routing rules, behind ours; tailscaled's own is in the middle."""


@dataclass(frozen=True)
class Led:
    """A foreign forward of every port.

    Attributes:
        called: the address that is called.
        leads_to: where it leads.
    """

    called: IPv4Address
    leads_to: IPv4Address


def neighbour(way: Way) -> str:
    """The other guest of a machine's segment, which is no machine."""
    return f"neighbour of {way.machine}"


def led(stands: Mapping[str, Stand], ways: Iterable[Way]) -> Mapping[str, Led]:
    """A forward to each machine, to its neighbour, and to each node that may reach machines, by their names."""
    ends: dict[str, IPv4Address] = {}
    for way in ways:
        ends |= {way.machine: way.address, neighbour(way): stands[way.segment].address}
        ends |= {node: stands[node].address for node in sorted(way.openers)}
    return {name: Led(_CALLED[number], end) for number, (name, end) in enumerate(ends.items(), 1)}


def rules(calls: Iterable[Led], docker: str) -> str:
    """Foreign nft rules; somebody uses the bit of our sign for packets of containers."""
    forwards = [f"        ip daddr {one.called} dnat to {one.leads_to}" for one in calls]
    lines = (
        "table ip lab_forwards {",
        "    chain prerouting {",
        "        type nat hook prerouting priority dstnat - 20; policy accept;",
        *forwards,
        "    }",
        "    chain marks {",
        "        type filter hook prerouting priority mangle; policy accept;",
        f'        iifname "{docker}" ip daddr {{ {ELSEWHERE}, {NO_PEER} }} meta mark set 0x1000000',
        "    }",
        "}",
    )
    return states.FOREIGN + "\n".join([*lines, ""])


def routes(tailnet: str = "") -> Iterator[str]:
    """Lines for `ip` on the host: what the owner leads nowhere, and what tailscaled adds.

    Args:
        tailnet: its interface, if there is one. A peer says that it is the way to a part of the Internet as well.
    """
    yield f"rule add pref {_OWNERS} to {ELSEWHERE} blackhole"
    if tailnet:
        yield f"rule add pref {_FIRST} to {NO_PEER} blackhole"
        yield f"route add {TAILNET} dev {tailnet} table 52"
        yield f"route add 198.51.100.0/24 dev {tailnet} table 52"
        yield f"rule add pref {_TAILSCALES} lookup 52"


def called_from_router(host: IPv4Address) -> Iterator[str]:
    """Lines for `ip` on the home's router, which knows the way to all of that."""
    return (f"route add {block} via {host}" for block in (_CALLED, TAILNET))
