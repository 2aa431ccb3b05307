"""The walls of a host as texts: the nft tables, and the routing rules beside them."""

from dataclasses import dataclass

MAIN, HOST, HELD = "twin_vpc", "twin_vpc_host", "twin_vpc_held"
TABLES = (MAIN, HOST, HELD)

ROUTING, ROUTING6 = "routing", "routing6"
"""What stands in a table's place for a routing rule."""


@dataclass(frozen=True)
class Walls:
    """Everything that judges a packet.

    Attributes:
        ruleset: all three tables, one element or one rule a line.
        rules: routing rules for IPv4, in order.
        rules6: the same for IPv6.
    """

    ruleset: str
    rules: tuple[str, ...] = ()
    rules6: tuple[str, ...] = ()
