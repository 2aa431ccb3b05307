"""Whatever network an owner writes: on AWS the walls permit what the proof intends, and each wall alone nearly so."""

from ipaddress import IPv4Network
from itertools import combinations, product
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from tests.policy.aws_walls import AwsCase, Walls, address_of, aws_cases, passes, stack_of
from tests.policy.networks import shuffled
from twinvpc.model.services import HIGHEST_PORT, Protocol
from twinvpc.policy.aws_acls import LINUX
from twinvpc.proof.cells import DENIED, Matrix
from twinvpc.proof.intent import matrix

EPHEMERAL = range(LINUX[0][0], LINUX[0][1] + 1)


def edges(wanted: Matrix) -> list[int]:
    spans = [span for cell in wanted.permitted.values() for span in (*cell.tcp, *cell.udp)]
    found = {1, 443, HIGHEST_PORT} | {port for first, last in spans for port in (first - 1, first, last, last + 1)}
    return sorted(port for port in found if 0 < port <= HIGHEST_PORT)


def attempts(wanted: Matrix, data: st.DataObject) -> list[tuple[Protocol, int]]:
    ports = data.draw(st.lists(st.sampled_from(edges(wanted)), min_size=1, max_size=3, unique=True))
    return [(Protocol.ICMP, 0), *product((Protocol.TCP, Protocol.UDP), ports)]


@tries(60)
@given(aws_cases(), st.data())
def test_between_segments_the_walls_permit_what_is_intended(case: AwsCase, data: st.DataObject) -> None:
    wanted, walls = matrix(case.intent), Walls(case)
    for (source, destination), (protocol, port) in product(
        product(case.network["segments"], repeat=2), attempts(wanted, data)
    ):
        allowed = wanted.cell(source, destination).allows(protocol, port)
        assert walls.groups_permit(source, destination, protocol, port) == allowed
        answering = port in EPHEMERAL and protocol is not Protocol.ICMP
        back = wanted.cell(destination, source)
        for one, other in product(walls.subnets(source), walls.subnets(destination)):
            passed = walls.acls_permit(one, other, protocol, port)
            if allowed:
                assert passed
            elif not answering and not (protocol is Protocol.ICMP and back.allows(protocol)):
                assert not passed, "an ACL that cannot tell an answer may let it pass; nothing else"


@tries(60)
@given(aws_cases(), st.data())
def test_to_the_internet_way_and_walls_permit_what_is_intended(case: AwsCase, data: st.DataObject) -> None:
    wanted, walls = matrix(case.intent), Walls(case)
    for source, (protocol, port) in product(case.network["segments"], attempts(wanted, data)):
        allowed = wanted.cell(source, "internet").allows(protocol, port)
        assert walls.groups_permit_abroad(source, protocol, port) == allowed
        for subnet in walls.subnets(source):
            assert walls.way_abroad(subnet) == (wanted.cell(source, "internet") != DENIED)
            served = wanted.cell(source, "aws-services").allows(protocol, port)
            assert walls.acls_permit_abroad(subnet, protocol, port) == (allowed or served), "S3 is abroad, to an ACL"


@tries(60)
@given(aws_cases())
def test_endpoints_are_reached_by_those_who_use_them_alone(case: AwsCase) -> None:
    wanted, walls = matrix(case.intent), Walls(case)
    tries_ = [(Protocol.TCP, 443), (Protocol.TCP, 80), (Protocol.UDP, 443), (Protocol.ICMP, 0)]
    for source, endpoint in product(case.plan.subnets, walls.subnets("endpoints")):
        for protocol, port in tries_:
            allowed = wanted.cell(source.segment, "aws-services").allows(protocol, port)
            assert walls.groups_permit(source.segment, "endpoints", protocol, port) == allowed
            assert walls.acls_permit(source, endpoint, protocol, port) == allowed
            assert not walls.acls_permit(endpoint, source, protocol, port), "endpoints open nothing"


@tries(60)
@given(aws_cases())
def test_no_entry_touches_a_subnet_that_it_does_not_mean(case: AwsCase) -> None:
    """Joined blocks hold free space, never a stranger's: what has no cell with a segment is in none of its entries."""
    wanted = matrix(case.intent)
    for acl in case.design.acls:
        if acl.name not in case.network["segments"]:
            continue
        for stranger in case.network["segments"]:
            pairs = ((acl.name, stranger), (stranger, acl.name))
            if any(pair in wanted.permitted for pair in pairs):
                continue
            inner = [e for e in (*acl.ingress, *acl.egress) if e.allow and e.block != IPv4Network("0.0.0.0/0")]
            assert not [e for e in inner for subnet in case.plan.of(stranger) if e.block.overlaps(subnet.cidr)]


@tries(60)
@given(aws_cases())
def test_entries_are_in_order_and_none_says_what_another_says(case: AwsCase) -> None:
    for acl in case.design.acls:
        for entries in (acl.ingress, acl.egress):
            numbers = [entry.number for entry in entries]
            assert numbers == sorted(set(numbers))
            for one, other in combinations(entries, 2):
                assert (one.service, one.block) != (other.service, other.block)


@tries(40)
@given(aws_cases(), st.randoms(use_true_random=False))
def test_the_order_of_any_file_never_reaches_aws(case: AwsCase, random: Random) -> None:
    turned = AwsCase(shuffled(case.network, random), {**case.stack, "egress": shuffled(case.stack["egress"], random)})
    assert turned.design == case.design


def test_a_reading_that_widens_is_found() -> None:
    """The negative control: without the entry that denies the VPC, the ACL lets other segments by."""
    segments = {"web": {"internet": True}, "data": {}}
    network = {"domain": "lab.local", "cidr": "10.0.0.0/16", "segments": segments, "flows": []}
    walls = Walls(AwsCase(network, stack_of({"web": "gateway"})))
    entries, data = walls.acl("web").egress, address_of(walls.subnets("data")[0].cidr)
    assert not passes(entries, data, Protocol.TCP, 5432)
    assert passes(tuple(entry for entry in entries if entry.allow), data, Protocol.TCP, 5432)
