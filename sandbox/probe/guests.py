"""Guests of the sandbox host: namespaces plugged into its bridges, with addresses as a machine would get them.

A guest is a namespace `twin-<id>-g-<segment>-<number>` of the outer machine. The other end of its only link is in the
host's namespace, enslaved to the segment's bridge. Its MAC address follows from its name, so a DHCP server
recognises it and grants the same lease again, without the pause in which dnsmasq pings an address that is new to it.
"""

import hashlib
import json
import re
import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from sandbox.command import CommandError, run
from sandbox.paths import checkout_id
from sandbox.probe.namespaces import ip_batch, run_inside

_FOLDER = Path("/run/netns")
_SCRIPT = Path(__file__).with_name("lease.sh")
_LEASE = re.compile(r"^lease (\S+) (\S+) (\S+) (\S+)$", re.MULTILINE)
_FORWARDING_PATIENCE = 20.0
"""Seconds in which a bridge's new port must forward. libvirt's bridges run STP: two seconds listening, two learning."""

# udhcpc: tries and seconds between them. Faster ones make dnsmasq forget an offer that it is still pinging.
_TRIES, _PAUSE = 8, 4


class GuestError(Exception):
    """A guest could not be brought onto its bridge; the message names the segment and the reason."""


@dataclass(frozen=True)
class Wish:
    """A guest that is wanted.

    Attributes:
        segment: its segment.
        bridge: the segment's bridge on the host.
        router: the segment's router address, for a static guest its default route.
        number: tells the guests of a segment apart, from 1.
        static: its address with prefix length; None means that it asks for a lease.
    """

    segment: str
    bridge: str
    router: IPv4Address
    number: int
    static: IPv4Interface | None = None


@dataclass(frozen=True)
class Guest:
    """A guest that stands.

    Attributes:
        segment: its segment.
        number: tells the guests of a segment apart.
        netns: file of its namespace.
        address: its address.
        router: where its default route leads.
        resolver: the DNS server that its lease named; None for a static guest.
        server: the DHCP server that granted the lease; None for a static guest.
        prefix: prefix length of its block.
    """

    segment: str
    number: int
    netns: Path
    address: IPv4Address
    router: IPv4Address
    resolver: IPv4Address | None = None
    server: IPv4Address | None = None
    prefix: int = 24

    @property
    def leased(self) -> bool:
        """Whether a DHCP server gave it its address."""
        return self.server is not None


def add(host: Path, wishes: Iterable[Wish], owner: str | None = None) -> tuple[Guest, ...]:
    """Bring guests onto a host's bridges, all at once; one that stands already is replaced.

    Args:
        host: file of the host's network namespace.
        wishes: the guests.
        owner: the `<id>` in their names; none means this checkout's.

    Returns:
        The guests, in the order of the wishes.

    Raises:
        GuestError: a bridge is missing or a lease was not granted. No guest of this owner is left then.
    """
    wanted, ours = tuple(wishes), owner or checkout_id()
    try:
        with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
            coming = [pool.submit(_add, host, wish, ours) for wish in wanted]
        return tuple(guest.result() for guest in coming)
    except BaseException:
        remove(ours)
        raise


def remove(owner: str | None = None) -> None:
    """Take away every guest of an owner with its links; none standing is fine.

    Args:
        owner: the `<id>` in their names; none means this checkout's.
    """
    for path in sorted(_FOLDER.glob(f"twin-{owner or checkout_id()}-g-*")):
        _remove(path.name)


@contextmanager
def seated(host: Path, wishes: Iterable[Wish], owner: str | None = None) -> Generator[tuple[Guest, ...]]:
    """Guests for as long as a `with` block lasts; see `add`."""
    try:
        yield add(host, wishes, owner)
    finally:
        remove(owner)


def name_of(segment: str, number: int, owner: str | None = None) -> str:
    """The name of a guest's namespace."""
    return f"twin-{owner or checkout_id()}-g-{segment}-{number}"


def port_of(name: str) -> str:
    """The host's end of a guest's link."""
    return f"g{_digest(name)[:8]}"


def replug(host: Path, guest: Guest, bridge: str) -> None:
    """Give a guest whose host was switched off a new link to it, with the addresses it had.

    Args:
        host: file of the host's network namespace.
        guest: the guest; its namespace is still there, its link is not.
        bridge: its bridge.

    Raises:
        CommandError: the bridge is gone again, or the host is.
    """
    name = guest.netns.name
    ip_batch(guest.netns, [_cable(name, host)])
    ip_batch(host, [f"link set {port_of(name)} master {bridge} up"])
    address = IPv4Interface((guest.address, guest.prefix))
    ip_batch(guest.netns, ["link set eth0 up", f"addr add {address} dev eth0", f"route add default via {guest.router}"])


def _cable(name: str, host: Path) -> str:
    digest = _digest(name)
    mac = ":".join(["52:54:00", digest[8:10], digest[10:12], digest[12:14]])
    return f"link add name eth0 address {mac} type veth peer name {port_of(name)} netns {host}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _add(host: Path, wish: Wish, owner: str) -> Guest:
    name = name_of(wish.segment, wish.number, owner)
    netns = _FOLDER / name
    port = port_of(name)
    if netns.exists():
        _remove(name)
    try:
        run("ip", "netns", "add", name)
        ip_batch(netns, ["link set lo up", _cable(name, host)])
        ip_batch(host, [f"link set {port} master {wish.bridge} up"])
        ip_batch(netns, ["link set eth0 up"])
        wait_for_forwarding(host, port)
        return _configure_static(netns, wish, wish.static) if wish.static else _configure_lease(netns, wish)
    except CommandError as error:
        raise GuestError(f"no guest in segment `{wish.segment}` on {wish.bridge}: {error}") from None


def _remove(name: str) -> None:
    # the link first: with its namespace it would go some time later, and its name on the host would be taken until then
    if "eth0" in run("ip", "-n", name, "-o", "link", "show"):
        run("ip", "-n", name, "link", "delete", "eth0")
    run("ip", "netns", "delete", name)


def wait_for_forwarding(host: Path, port: str) -> None:
    """A port that still listens or learns would swallow the first DHCP request, and the next comes seconds later."""
    deadline = time.monotonic() + _FORWARDING_PATIENCE
    while json.loads(run_inside(host, "bridge", "-json", "link", "show", "dev", port))[0]["state"] != "forwarding":
        if time.monotonic() > deadline:
            raise GuestError(f"the bridge does not let {port} forward within {_FORWARDING_PATIENCE:.0f} s")
        time.sleep(0.05)


def _configure_static(netns: Path, wish: Wish, static: IPv4Interface) -> Guest:
    _configure(netns, static, wish.router)
    return Guest(wish.segment, wish.number, netns, static.ip, wish.router, prefix=static.network.prefixlen)


def _configure_lease(netns: Path, wish: Wish) -> Guest:
    options = f"-f -n -q -i eth0 -t {_TRIES} -T {_PAUSE} -x hostname:guest-{wish.segment}-{wish.number}"
    try:
        said = run_inside(netns, "busybox", "udhcpc", *options.split(), "-s", _SCRIPT, timeout=60)
    except CommandError as error:
        raise GuestError(
            f"segment `{wish.segment}`: no DHCP lease on {wish.bridge}; is the network's dnsmasq running, "
            f"and may guests reach it? {error.output.strip()[-300:]}"
        ) from None
    found = _LEASE.search(said)
    if not found:
        raise GuestError(f"segment `{wish.segment}`: the lease names no router, resolver or server: {said.strip()}")
    address, router = IPv4Interface(found[1]), IPv4Address(found[2])
    _configure(netns, address, router)
    granted = (IPv4Address(found[3]), IPv4Address(found[4]))
    return Guest(wish.segment, wish.number, netns, address.ip, router, *granted, address.network.prefixlen)


def _configure(netns: Path, address: IPv4Interface, router: IPv4Address) -> None:
    ip_batch(netns, [f"addr replace {address} dev eth0", f"route replace default via {router}"])


def by_segment(guests: Sequence[Guest]) -> dict[str, tuple[Guest, ...]]:
    """The guests of each segment, by number."""
    found: dict[str, tuple[Guest, ...]] = {}
    for guest in sorted(guests, key=lambda guest: (guest.segment, guest.number)):
        found[guest.segment] = (*found.get(guest.segment, ()), guest)
    return found
