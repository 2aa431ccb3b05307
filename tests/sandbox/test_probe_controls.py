from sandbox.probe.controls import positive_controls
from twinvpc.model.services import Protocol
from twinvpc.proof.probes import Observation, Probe

CLOSED = Probe("database", "public", Protocol.TCP, 443)


def opened(source: str, destination: str, protocol: Protocol = Protocol.TCP) -> Observation:
    return Observation(Probe(source, destination, protocol, 41999), open=True)


def test_a_closed_probe_is_supported_by_an_answer_to_others_and_by_others() -> None:
    seen = [opened("management", "public"), opened("database", "internet"), Observation(CLOSED, open=False)]
    assert positive_controls(seen, [CLOSED]) == ()


def test_a_destination_that_answered_nobody_is_named() -> None:
    seen = [opened("database", "internet")]
    words = ("database → public tcp/443: in this run `public` answered nobody over tcp",)
    assert positive_controls(seen, [CLOSED]) == words


def test_an_answer_over_another_protocol_is_no_support() -> None:
    seen = [opened("management", "public", Protocol.UDP), opened("database", "internet")]
    assert len(positive_controls(seen, [CLOSED])) == 1


def test_a_source_that_nobody_answered_is_named() -> None:
    seen = [opened("management", "public"), Observation(Probe("database", "internet", Protocol.ICMP), open=False)]
    assert positive_controls(seen, [CLOSED]) == ("database → public tcp/443: in this run nobody answered `database`",)


def test_the_same_pair_is_no_support_for_itself() -> None:
    seen = [opened("database", "public")]
    assert len(positive_controls(seen, [CLOSED])) == 2
