"""The second wall asked as the kernel asks it: rule by rule, the first that decides wins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from tests.policy.networks import CHANGED, OWNER, PORTS, Case, cases, stack_of
from twinvpc.addressing.plan import SegmentPlan
from twinvpc.policy.nftables_chains import MARK
from twinvpc.policy.routing import rules

PEER, STRANGER = IPv4Address("100.64.0.7"), IPv4Address("203.0.113.9")
CASES = pytest.mark.parametrize("case", [OWNER, PORTS, CHANGED], ids=["owner", "ports", "changed"])


@dataclass(frozen=True)
class Look:
    """One look-up in the rules."""

    iif: str
    source: IPv4Address
    to: IPv4Address
    mark: int = 0

    @property
    def signed(self) -> "Look":
        return replace(self, mark=self.mark | MARK)

    @property
    def back(self) -> "Look":
        """Of a packet that leaves by `iif` instead: what the kernel asks about the way back of it."""
        return replace(self, source=self.to, to=self.source)


def walk(found: tuple[str, ...], look: Look) -> tuple[str, int]:
    """What is decided, or `owner` where the owner's own rules decide, and how many rules were met."""
    for number, rule in enumerate(found, 1):
        words = rule.split()
        action = words.index("lookup") if "lookup" in words else words.index("prohibit")
        said = dict(zip(words[:action:2], words[1:action:2], strict=True))
        value, _, mask = said.pop("fwmark", "0/0").partition("/")
        holds = look.mark & int(mask, 16) == int(value, 16) and said.pop("iif", look.iif) == look.iif
        holds &= look.source in IPv4Network(said.pop("from", "0.0.0.0/0"))
        holds &= look.to in IPv4Network(said.pop("to", "0.0.0.0/0"))
        assert not said, f"the test does not know {said}"
        if holds:
            return words[-1], number
    return "owner", len(found)


def looks(segments: Sequence[SegmentPlan]) -> list[tuple[Look, Look]]:
    """Packets that the table signs, each with the look-up of its way back."""
    pairs: list[tuple[Look, Look]] = []
    for segment in segments:
        guest = segment.cidr[5]
        for far, interface in ((STRANGER, "eno1"), (PEER, "tailscale0"), (IPv4Address("172.17.0.2"), "docker0")):
            out, back = Look(segment.bridge, guest, far), Look(interface, far, guest)
            pairs += [(out, replace(out.back, iif=interface)), (back, replace(back.back, iif=segment.bridge))]
        for other in segments:
            way = Look(segment.bridge, guest, other.cidr[6])
            pairs.append((way, replace(way.back, iif=other.bridge)))
    return [(way.signed, back.signed) for way, back in pairs]


@CASES
def test_what_is_signed_looks_into_the_main_table_and_so_does_its_way_back(case: Case) -> None:
    found = rules(case.policy, case.plan)
    for look in (look for pair in looks(case.plan.segments) for look in pair):
        assert walk(found, look)[0] == ("52" if case is CHANGED and look.to == PEER else "main"), look


def scattered(number: int) -> Case:
    """Every second block: no two can be written as one."""
    names = [f"s{n}" for n in range(number)]
    stack = stack_of([f"s{n}" for n in range(2 * number)])
    kept = {name: own for n, (name, own) in enumerate(stack["segments"].items()) if n % 2 == 0}
    stack["segments"] = dict(zip(names, kept.values(), strict=True))
    network = {"domain": "lab.local", "cidr": "10.0.0.0/16", "segments": {name: {} for name in names}, "flows": []}
    return Case(network, stack)


@pytest.mark.parametrize("number", [5, 50, 200, 400])
def test_what_is_signed_meets_two_rules_at_most_whatever_the_number_of_segments(number: int) -> None:
    case = scattered(number)
    found = rules(case.policy, case.plan)
    assert len(found) > 3 * number, "the rules themselves do grow"
    met = [walk(found, look) for pair in looks(case.plan.segments[:: number // 5]) for look in pair]
    assert {decided for decided, _ in met} == {"main"}
    assert max(count for _, count in met) == 2


@tries(60)
@given(cases(), st.data())
def test_what_is_not_signed_never_leaves_a_bridge_or_enters_a_block(case: Case, data: st.DataObject) -> None:
    found = rules(case.policy, case.plan)
    anywhere = st.one_of(
        st.sampled_from([s.cidr[7] for s in case.plan.segments]),
        st.ip_addresses(v=4, network="10.0.0.0/14"),
        st.ip_addresses(v=4),
    )
    bridges = [s.bridge for s in case.plan.segments]
    iif = data.draw(st.sampled_from([*bridges, "lo", "eno1", "docker0", "tailscale0"]))
    mark = data.draw(st.sampled_from([0, 0x40000, 0x80000, 0xFF0000, 0x6000000]))
    look = Look(iif, data.draw(anywhere), data.draw(anywhere), mark)
    into = any(look.to in s.cidr for s in case.plan.segments)
    decided = walk(found, look)[0]
    if iif == "lo":
        assert decided == ("main" if into else "owner")
    else:
        assert decided == ("prohibit" if into or iif in bridges else "owner")


def test_a_removed_segment_stays_prohibited() -> None:
    found = rules(CHANGED.policy, CHANGED.plan)
    assert walk(found, Look("br-cache", IPv4Address("10.0.30.5"), STRANGER))[0] == "prohibit"
    assert walk(found, Look("eno1", STRANGER, IPv4Address("10.0.30.5")))[0] == "prohibit"
    assert walk(found, Look("lo", STRANGER, IPv4Address("10.0.30.5")))[0] == "main"


@tries(60)
@given(cases(), st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_somebody_elses_use_of_the_same_bit_leaves_foreign_packets_to_the_owners_rules(
    case: Case, source: IPv4Address, to: IPv4Address
) -> None:
    outside = not any(address in IPv4Network("10.0.0.0/16") for address in (source, to))
    if outside:
        found = rules(case.policy, case.plan)
        assert walk(found, Look("eno1", source, to).signed)[0] == "owner"
