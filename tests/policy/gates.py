"""A third reading of the policy: what the sets of the rendered ruleset permit, gate by gate."""

import re
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network

from twinvpc.model.nodes import Node
from twinvpc.model.services import Protocol
from twinvpc.policy.nftables import Target

_SET = re.compile(r"^    set (\w+) \{\n(.*?)^    \}", re.MULTILINE | re.DOTALL)
_ELEMENT = re.compile(r"^ {12}(.+),$", re.MULTILINE)


@dataclass(frozen=True)
class Gates:
    """The main table's sets, asked as its chains ask them."""

    ruleset: str
    target: Target

    @cached_property
    def sets(self) -> dict[str, list[tuple[str, ...]]]:
        main = self.ruleset.partition("table inet twin_vpc_host {\n")[0]
        return {
            name: [tuple(part.strip('"') for part in element.split(" . ")) for element in _ELEMENT.findall(body)]
            for name, body in _SET.findall(main)
        }

    def permits(self, source: str, destination: str, protocol: Protocol, port: int) -> bool:
        """Whether every gate on the way lets one try through."""
        return all(self._family(prefix, key, protocol, port) for prefix, key in self._ways(source, destination))

    def _ways(self, source: str, destination: str) -> list[tuple[str, tuple[str, ...]]]:
        at, inner, blocks = self.target.interfaces, self.target.bridges, self.target.blocks
        ways: list[tuple[str, tuple[str, ...]]] = []
        if source in inner and destination in {Node.INTERNET, Node.LAN}:
            ways.append((f"leave_{destination}", (at[source],)))
        elif source in inner:
            ways.append(("leave", (at[source], at[destination])))
        if destination in inner and source == Node.LAN:
            ways.append(("enter_lan", (at[destination],)))
        elif destination in inner and source in inner:
            ways.append(("enter", (str(blocks[source][5]), at[destination])))
        elif destination in inner:
            ways.append(("enter_foreign", (at[source], at[destination])))
        return ways

    def _family(self, prefix: str, key: tuple[str, ...], protocol: Protocol, port: int) -> bool:
        if any(_matches(element, key) for element in self.sets[f"{prefix}_any"]):
            return True
        if protocol is Protocol.ICMP:
            return any(_matches(element, key) for element in self.sets[f"{prefix}_icmp"])
        wanted = (*key, protocol.value, str(port))
        return any(_matches(element, wanted) for element in self.sets[f"{prefix}_ports"])


def _matches(element: tuple[str, ...], key: tuple[str, ...]) -> bool:
    return len(element) == len(key) and all(_part(part, value) for part, value in zip(element, key, strict=True))


def _part(part: str, value: str) -> bool:
    if "/" in part:
        return IPv4Address(value) in IPv4Network(part)
    first, dash, last = part.partition("-")
    return int(first) <= int(value) <= int(last) if dash and first.isdigit() and last.isdigit() else part == value
