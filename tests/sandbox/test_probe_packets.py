import struct
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from sandbox.probe import packets

A, B = IPv4Address("10.0.1.2"), IPv4Address("10.0.2.3")
payloads = st.binary(max_size=200)
ports = st.integers(min_value=1, max_value=65535)


@given(payloads)
def test_data_with_its_own_checksum_sums_to_nothing(data: bytes) -> None:
    even = data + b"\0" * (len(data) % 2)
    assert packets.checksum(even + struct.pack("!H", packets.checksum(even))) == 0


@given(eighths=st.integers(min_value=0, max_value=8189), body=payloads, more=st.booleans())
def test_a_packet_reads_as_it_was_built(eighths: int, body: bytes, *, more: bool) -> None:
    found = packets.parse(packets.ipv4(A, B, 17, body, offset=eighths * 8, more=more))
    assert found == packets.Packet(A, B, 17, eighths * 8, body)


@given(ports, ports, payloads)
def test_a_datagram_tells_its_ports(source: int, destination: int, payload: bytes) -> None:
    body = packets.udp(A, B, (source, destination), payload)
    assert packets.Packet(A, B, 17, 0, body).ports == (source, destination)
    assert packets.Packet(A, B, 17, 8, body).ports == (0, 0), "a later fragment has no ports"


def test_only_a_first_packet_opens_tcp() -> None:
    syn = packets.tcp_syn(A, B, (1, 2), 3)
    answer = syn[:13] + bytes([packets.SYN | packets.ACK]) + syn[14:]
    assert packets.Packet(A, B, 6, 0, syn).opens_tcp
    assert not packets.Packet(A, B, 6, 0, answer).opens_tcp
    assert not packets.Packet(A, B, 6, 0, syn[:8]).opens_tcp


@given(st.binary(max_size=60))
def test_no_bytes_are_too_odd_to_be_read(data: bytes) -> None:
    packet = packets.parse(data)
    assert packet is None or packet.ports is not None


def test_refusals_in_words() -> None:
    assert packets.refusal(bytes([3, 13])) == "refused: admin prohibited"
    assert packets.refusal(bytes([3, 3])) == "refused: port unreachable"
    assert packets.refusal(bytes([3, 200])) == "refused: unreachable, code 200"
    assert packets.refusal(bytes([11, 0])) == "refused: time exceeded"
    assert packets.refusal(bytes([5, 1])) == "", "a redirect is no refusal"


def test_a_reply_belongs_to_its_question() -> None:
    query = packets.dns_query(7, "abc.probe.test")
    reply = query[:2] + b"\x81\x83" + query[4:]
    assert packets.answers_query(query, reply)
    assert not packets.answers_query(query, query), "an echo of the question is no answer"
    assert not packets.answers_query(query, packets.dns_query(8, "abc.probe.test")[:2] + reply[2:])
    other = packets.dns_query(7, "abd.probe.test")
    assert not packets.answers_query(query, other[:2] + b"\x81\x83" + other[4:])
    assert not packets.answers_query(query, reply[:10])
