"""Ports of the host that lead to machines, against services of the host: one of them would no longer be reached."""

import re
from collections.abc import Iterator, Mapping

from providers.host.drift import Found
from providers.host.policy import Policy

_LISTENS = re.compile(r"^LISTEN \S+ \S+ (?P<address>\S+):(?P<port>\d+) \S+( users:\(\(\"(?P<program>[^\"]+))?")
_LOOPBACK = "127."
_TRANSLATES = re.compile(
    r"-A \S+ (?P<match>.*)-p tcp .*--dport (?P<first>\d+)(:(?P<last>\d+))? .*"
    r"-j (DNAT --to-destination|REDIRECT --to-ports) (?P<to>\S+)"
)
"""A line of `iptables -S`. Docker writes one for each published port, whether or not a program listens there too."""


def taken_ports(policy: Policy, found: Found) -> Iterator[str]:
    """Machines' ports that a service of the host has, a sentence each.

    What is forwarded already is not refused again: the harm is done, and refusing would keep a changed rule from being
    put back.

    Args:
        policy: the wanted policy.
        found: a brief survey.
    """
    before = found.manifest.forwarded_ports if found.manifest else ()
    new = [port for port in policy.forwarded_ports if port not in before]
    if not new:
        return
    if not found.text("listening").endswith("end"):
        yield "the host does not list who listens there (`ss -ltnp`); install iproute2"
        return
    taken = {**_translated(found.text("translated")), **_listening(found.text("listening"))}
    for port in new:
        if port in taken:
            yield (
                f"port {port} of the host would lead to a machine, but {taken[port]}: nobody in the LAN would reach "
                "that any more. Give the machine another `ssh_port` of its segment, or the service another port"
            )


def _listening(text: str) -> Mapping[str, str]:
    """Who listens where LAN or tailnet may come, by port.

    `ss` writes `*` for IPv4 together with IPv6, and `[::]` for IPv6 alone, which is not translated.
    """
    found: dict[str, str] = {}
    for line in text.splitlines():
        one = _LISTENS.match(" ".join(line.split()))
        if one and not one["address"].startswith((_LOOPBACK, "[")):
            found.setdefault(one["port"], f"{one['program'] or 'somebody'} listens on {one['address']}:{one['port']}")
    return found


def _translated(text: str) -> Mapping[str, str]:
    """Where a port is led by others; what is for the loopback alone is nobody's in the LAN."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        one = _TRANSLATES.match(line)
        if one and f"-d {_LOOPBACK}" not in one["match"]:
            ports = range(int(one["first"]), int(one["last"] or one["first"]) + 1)
            found |= dict.fromkeys(map(str, ports), f"Docker or another program leads it to {one['to']}")
    return found
