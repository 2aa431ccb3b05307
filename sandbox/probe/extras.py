"""The tries beyond the matrix: what somebody would do who does not play by the rules.

Where "nothing arrived" is the intent, the same prober shows in the same run that it sees what is allowed, and that
the host had in hand what it stopped.
"""

from collections.abc import Iterable

from sandbox.probe import addresses, fragments, ipv6, spoofing, tunnel
from sandbox.probe.ground import Ground, Try
from sandbox.probe.guests import Guest
from sandbox.probe.shots import fire

__all__ = ["Ground", "Try", "leases", "tries"]


def tries(ground: Ground) -> tuple[Try, ...]:
    """False sources, fragments, published ports, foreign addresses of the host, sshd, IPv6, DNS as a tunnel.

    Args:
        ground: the measured world, its policy in force.

    Returns:
        Every try, failed or not.

    Raises:
        MeasurementError: something cannot be measured as it stands; see `sandbox.probe.measure`.
        CommandError: a place cannot be looked at.
    """
    shots = [*spoofing.shots(ground), *fragments.shots(ground), *addresses.published(ground)]
    return (*fire(shots, ground.host), *addresses.tries(ground), *ipv6.tries(ground), *tunnel.tries(ground))


def leases(guests: Iterable[Guest], leasing: Iterable[str]) -> tuple[Try, ...]:
    """Whether DHCP answered where it should, and named the segment's own router address for everything.

    Args:
        guests: the guests that stand.
        leasing: segments in which a guest must have asked for a lease.
    """
    wanted = set(leasing)
    return tuple(
        Try(
            f"{guest.segment}: address of guest {guest.number}",
            f"leased by {guest.router}, names from {guest.router}" if guest.segment in wanted else "static",
            f"leased by {guest.server}, names from {guest.resolver}" if guest.leased else "static",
            str(guest.address),
        )
        for guest in guests
    )
