"""The few packet formats that tries need, built and read by hand (RFC 791, 792, 768, 9293, 1035)."""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED = 0, 3, 8, 11
FIN, SYN, ACK = 0x01, 0x02, 0x10
DNS_PORT = 53
_TYPE_A = 1
_CLASS_IN = 1
_UNREACHABLE_CODES = {
    0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable",
    9: "network prohibited", 10: "host prohibited", 13: "admin prohibited",
}  # fmt: skip
_VERSION = 4
_IPV4 = struct.Struct("!BBHHHBBH4s4s")
_UDP = struct.Struct("!HHHH")
_TCP = struct.Struct("!HHIIBBHHH")
_ICMP = struct.Struct("!BBHHH")
_DNS = struct.Struct("!HHHHHH")


@dataclass(frozen=True)
class Packet:
    """What matters of an IPv4 packet.

    Attributes:
        source: its source address.
        destination: its destination address.
        protocol: IP protocol number.
        offset: fragment offset in bytes; only at 0 does the body begin with the upper header.
        body: what follows the IP header.
    """

    source: IPv4Address
    destination: IPv4Address
    protocol: int
    offset: int
    body: bytes

    @property
    def ports(self) -> tuple[int, int]:
        """Source and destination port of TCP or UDP; zeros where there are none."""
        return struct.unpack_from("!HH", self.body) if len(self.body) >= _UDP.size and not self.offset else (0, 0)

    @property
    def opens_tcp(self) -> bool:
        """Whether it is the first packet of a TCP connection."""
        flags_at = 13
        return len(self.body) > flags_at and self.body[flags_at] & (SYN | ACK) == SYN


def parse(data: bytes) -> Packet | None:
    """Read an IPv4 packet; None if it is none or is cut off in its header."""
    if len(data) < _IPV4.size or data[0] >> 4 != _VERSION:
        return None
    first, _, _, _, fragment, _, protocol, _, source, destination = _IPV4.unpack_from(data)
    header = (first & 0x0F) * 4
    return Packet(IPv4Address(source), IPv4Address(destination), protocol, (fragment & 0x1FFF) * 8, data[header:])


def refusal(body: bytes) -> str:
    """An ICMP error in words; empty if the ICMP message is none."""
    kind, code = body[0], body[1]
    if kind == UNREACHABLE:
        return f"refused: {_UNREACHABLE_CODES.get(code, f'unreachable, code {code}')}"
    return "refused: time exceeded" if kind == TIME_EXCEEDED else ""


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(
    source: IPv4Address,
    destination: IPv4Address,
    protocol: int,
    body: bytes,
    *,
    number: int = 0,
    offset: int = 0,
    more: bool = False,
) -> bytes:
    """A packet, or a fragment of one.

    Args:
        source: source address, true or not.
        destination: destination address.
        protocol: IP protocol number.
        body: what follows the header.
        number: identification, the same for all fragments of a packet.
        offset: fragment offset in bytes, a multiple of eight.
        more: whether more fragments follow.
    """
    fragment = (offset // 8) | (0x2000 if more else 0)
    words = (0x45, 0, _IPV4.size + len(body), number, fragment, 64, protocol)
    head = _IPV4.pack(*words, 0, source.packed, destination.packed)
    return _IPV4.pack(*words, checksum(head), source.packed, destination.packed) + body


def echo_request(number: int, payload: bytes, kind: int = ECHO_REQUEST) -> bytes:
    """An ICMP echo message."""
    draft = _ICMP.pack(kind, 0, 0, number, 1) + payload
    return _ICMP.pack(kind, 0, checksum(draft), number, 1) + payload


def udp(source: IPv4Address, destination: IPv4Address, ports: tuple[int, int], payload: bytes) -> bytes:
    """A UDP datagram with its checksum; `ports` are source and destination."""
    length = _UDP.size + len(payload)
    pseudo = source.packed + destination.packed + struct.pack("!HH", 17, length)
    value = checksum(pseudo + _UDP.pack(*ports, length, 0) + payload)
    return _UDP.pack(*ports, length, value or 0xFFFF) + payload


def tcp_syn(
    source: IPv4Address, destination: IPv4Address, ports: tuple[int, int], sequence: int, also: int = 0
) -> bytes:
    """The first packet of a TCP connection.

    Args:
        source: source address, true or not.
        destination: destination address.
        ports: source and destination port.
        sequence: its first number.
        also: flags besides SYN, which no first packet has.
    """
    draft = _TCP.pack(*ports, sequence, 0, 5 << 4, SYN | also, 64240, 0, 0)
    pseudo = source.packed + destination.packed + struct.pack("!HH", 6, len(draft))
    return _TCP.pack(*ports, sequence, 0, 5 << 4, SYN | also, 64240, checksum(pseudo + draft), 0)


def dns_query(number: int, name: str) -> bytes:
    """A recursive query for the address of a name."""
    labels = b"".join(len(label).to_bytes(1, "big") + label.encode("ascii") for label in name.split("."))
    return _DNS.pack(number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", _TYPE_A, _CLASS_IN)


def answers_query(query: bytes, reply: bytes) -> bool:
    """Whether a DNS message is the reply to this very query: its number, its question and the answer bit.

    Any outcome counts, also "no such name": it shows that the server was reached and spoke.
    """
    if len(reply) < len(query):
        return False
    is_reply = bool(reply[2] & 0x80)
    return is_reply and reply[:2] == query[:2] and reply[_DNS.size : len(query)].lower() == query[_DNS.size :].lower()
