"""IP fragments: rules must judge them as the packet they are parts of, whichever part names the port."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

from sandbox.probe import packets
from sandbox.probe.attempts import fresh_port
from sandbox.probe.ground import Ground, fresh_key
from sandbox.probe.shots import Shot
from twinvpc.model.services import Protocol
from twinvpc.proof.expect import PLAIN_PORT

_TINY = 8
"""Bytes of the smallest first fragment: of UDP the whole header, of TCP only the ports and the sequence number."""

_USUAL = 1480
"""Bytes behind the IP header of the fragments that an Ethernet link makes."""

_LARGE = 3000


def shots(ground: Ground) -> Iterator[Shot]:
    """From each segment over one allowed cell and one denied cell, where it has such: large, tiny, and split TCP."""
    for segment in ground.segments:
        allowed = [other for other in ground.others(segment) if _ports(ground, segment, other)]
        denied = [
            s for s in ground.others(segment) if not ground.matrix.cell(segment, s).allows(Protocol.UDP, PLAIN_PORT)
        ]
        for other in allowed[:1]:
            yield from _over(ground, segment, other, arrives=True)
        for other in denied[:1]:
            yield from _over(ground, segment, other, arrives=False)


def _ports(ground: Ground, source: str, destination: str) -> tuple[int, int] | None:
    tcp, udp = (ground.port(source, destination, protocol) for protocol in (Protocol.TCP, Protocol.UDP))
    return (tcp, udp) if tcp and udp else None


def _over(ground: Ground, segment: str, other: str, *, arrives: bool) -> Iterator[Shot]:
    sender, target = ground.stands[segment], ground.server(other)
    tcp, udp = (_ports(ground, segment, other) if arrives else None) or (PLAIN_PORT, PLAIN_PORT)
    ends = (sender.address, target.address)

    def shot(words: str, protocol: int, body: bytes, first: int, key: bytes) -> Shot:
        parts = tuple(fragments(ends, protocol, body, (first, _USUAL)))
        return Shot(f"{segment} → {other} {words}", sender.netns, target.netns, parts, key, arrives)

    key = fresh_key()
    large = packets.udp(*ends, (fresh_port(), udp), key * (_LARGE // len(key)))
    yield shot(f"udp/{udp} of {_LARGE} bytes in fragments", 17, large, _USUAL, key)
    key = fresh_key()
    tiny = packets.udp(*ends, (fresh_port(), udp), key)
    yield shot(f"udp/{udp}, its header a fragment of its own", 17, tiny, _TINY, key)
    key = fresh_key(4)
    syn = packets.tcp_syn(*ends, (fresh_port(), tcp), int.from_bytes(key, "big"))
    yield shot(f"tcp/{tcp}, its flags in the second fragment", 6, syn, _TINY, key)


def fragments(
    ends: tuple[IPv4Address, IPv4Address], protocol: int, body: bytes, sizes: Sequence[int]
) -> Iterator[bytes]:
    """Cut what follows an IP header into fragments.

    Args:
        ends: source and destination address.
        protocol: IP protocol number.
        body: the upper header and its payload.
        sizes: bytes of the first fragment and of each other, multiples of eight.
    """
    first, usual = sizes
    number = int.from_bytes(fresh_key(2), "big")
    starts = [0, *range(first, len(body), usual)]
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        yield packets.ipv4(*ends, protocol, body[start:end], number=number, offset=start, more=end < len(body))
