"""Every way in which a measurement can differ from the intent is seen and told by name."""

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from twinvpc.model.services import Protocol
from twinvpc.proof.compare import differences
from twinvpc.proof.probes import Expectation, Observation, Probe
from twinvpc.proof.seen import seen_cells

CLIENT, OTHER = IPv4Address("10.0.1.9"), IPv4Address("10.0.1.1")
OPEN = Probe("public", "private", Protocol.TCP, 443)
CLOSED = Probe("private", "public", Protocol.TCP, 443)
PING = Probe("public", "private", Protocol.ICMP)
EXPECTED = (Expectation(OPEN, open=True, client=CLIENT), Expectation(CLOSED, open=False))
RIGHT = (Observation(OPEN, open=True, seen_as=CLIENT), Observation(CLOSED, open=False, detail="no answer"))


def told(*observations: Observation) -> list[str]:
    return [str(difference) for difference in differences(EXPECTED, observations)]


def test_what_was_measured_as_intended_differs_nowhere() -> None:
    assert told(*RIGHT) == []


@pytest.mark.parametrize(
    ("observations", "words"),
    [
        (RIGHT[1:], "public → private tcp/443: intended open, measured not measured"),
        ((), "private → public tcp/443: intended closed, measured not measured"),
        (
            (*RIGHT, Observation(PING, open=False)),
            "public → private icmp: intended nothing, measured a try without an intent",
        ),
        (
            (RIGHT[0], Observation(CLOSED, open=True, seen_as=OTHER)),
            "private → public tcp/443: intended closed, measured open (the server saw 10.0.1.1)",
        ),
        (
            (RIGHT[0], Observation(CLOSED, open=False, arrived=True, detail="no answer in 1 s")),
            "private → public tcp/443: intended closed, measured arrived without an answer (no answer in 1 s)",
        ),
        (
            (RIGHT[1], Observation(OPEN, open=False, detail="refused")),
            "public → private tcp/443: intended open, measured closed (refused)",
        ),
        (
            (RIGHT[1], Observation(OPEN, open=True, seen_as=OTHER)),
            "public → private tcp/443: intended open, measured open, but the server saw 10.0.1.1 instead of 10.0.1.9",
        ),
        (
            (RIGHT[1], Observation(OPEN, open=True)),
            "public → private tcp/443: intended open, measured open, but the server saw None instead of 10.0.1.9",
        ),
    ],
)
def test_each_kind_of_difference_is_told_by_name(observations: tuple[Observation, ...], words: str) -> None:
    assert words in told(*observations)


def test_a_second_try_does_not_cover_up_the_first() -> None:
    opened = Observation(CLOSED, open=True, seen_as=OTHER)
    assert told(*RIGHT, opened) == told(opened, *RIGHT) != []


def test_a_service_that_does_not_tell_its_client_is_taken_at_its_answer() -> None:
    silent = (replace(EXPECTED[0], client=None), EXPECTED[1])
    assert not differences(silent, (Observation(OPEN, open=True), RIGHT[1]))


def test_differences_come_sorted_and_once() -> None:
    found = differences(EXPECTED, (Observation(OPEN, open=False), Observation(OPEN, open=False)))
    assert [difference.probe for difference in found] == [CLOSED, OPEN]


def test_cells_are_shown_as_they_were_seen() -> None:
    plain = [
        Probe("a", "b", p, 41999 if p is not Protocol.ICMP else 0) for p in (Protocol.TCP, Protocol.UDP, Protocol.ICMP)
    ]
    everything = [Observation(probe, open=True) for probe in plain]
    assert seen_cells(["a", "b"], everything) == {("a", "b"): "all"}
    assert seen_cells(["a", "b"], [*everything[1:], replace(everything[0], open=False)]) == {
        ("a", "b"): "icmp udp/41999"
    }
    assert seen_cells(["a", "b"], [replace(one, open=False) for one in everything]) == {("a", "b"): "–"}
    assert seen_cells(["a"], everything) == {}
