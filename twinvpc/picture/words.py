"""Words of tables and pictures: few enough letters for a terminal or a phone."""

_LONGEST_TEXT = 22

# What the own router address always answers (N4): shown as one letter.
_ROUTER = ({"icmp", "tcp/53", "udp/53", "udp/67"}, {"icmp", "tcp/53", "udp/53"})
ROUTER = "r"
"""Stands for DHCP (where there is one), DNS and ICMP of a guest's own router address."""


def words(cell: str) -> str:
    """A cell in a few letters: what every router address answers is `r`."""
    left = without_router(cell)
    return cell if left == cell else f"{ROUTER} {left}".strip()


def without_router(cell: str) -> str:
    """A cell without what every router address answers; empty if that was all."""
    services = cell.split(" ")
    for usual in _ROUTER:
        if usual <= set(services):
            return " ".join(service for service in services if service not in usual)
    return cell


def shortened(text: str) -> str:
    """A text that fits into a box."""
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def listed(services: str) -> str:
    """Services of a cell as a list in a sentence."""
    return services.replace(" ", ", ")
