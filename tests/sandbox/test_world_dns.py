"""The Internet's name server, without a network."""

import io
import json
import struct

import pytest

from sandbox.dell import dns

A, AAAA = 1, 28


def query(name: str, record: int = A, flags: int = 0x0100) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack("!6H", 77, flags, 1, 0, 0, 0) + labels + struct.pack("!HH", record, 1)


def test_a_name_below_its_zone_has_the_internets_address() -> None:
    message = query("secret.Data.tunnel.test")
    reply = dns.answer(message, dns.parse(message))
    number, flags, questions, answers, _, _ = struct.unpack_from("!6H", reply)
    assert (number, flags & 0xF, questions, answers) == (77, 0, 1, 1)
    assert flags & 0x8000
    assert reply.endswith(bytes([203, 0, 113, 10]))


def test_another_record_type_exists_without_an_answer() -> None:
    message = query("tunnel.test", AAAA)
    reply = dns.answer(message, dns.parse(message))
    assert struct.unpack_from("!6H", reply)[1] & 0xF == 0
    assert struct.unpack_from("!6H", reply)[3] == 0


@pytest.mark.parametrize("name", ["debian.org", "tunnel.test.org", "mytunnel.test"])
def test_other_names_do_not_exist(name: str) -> None:
    message = query(name)
    reply = dns.answer(message, dns.parse(message))
    assert struct.unpack_from("!6H", reply)[1] & 0xF == 3


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\0" * 11,
        query("tunnel.test", flags=0x8000),
        query("tunnel.test")[:-3],
        query("x")[:12] + b"\xc0\x0c\0\1\0\1",
    ],
)
def test_what_is_no_query_is_logged_and_not_answered(message: bytes) -> None:
    log = io.StringIO()
    assert dns.Server(log).reply(message, "192.168.1.10", "udp") == b""
    noted = json.loads(log.getvalue())
    assert noted["fault"]
    assert noted["source"] == "192.168.1.10"


def test_every_query_is_logged_with_its_name_and_source() -> None:
    log = io.StringIO()
    server = dns.Server(log)
    server.reply(query("One.tunnel.test"), "192.168.1.10", "udp")
    server.reply(query("nowhere.invalid", AAAA), "192.168.1.30", "tcp")
    noted = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(n["name"], n["type"], n["source"], n["transport"]) for n in noted] == [
        ("one.tunnel.test", A, "192.168.1.10", "udp"),
        ("nowhere.invalid", AAAA, "192.168.1.30", "tcp"),
    ]
