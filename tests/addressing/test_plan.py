"""From files to plans: what is recorded for real stacks, and what is used only once it was recorded."""

from pathlib import Path

import pytest

from tests.model.owner import AWS, DELL, NETWORK, ROOT, TEXTS, edited, load_with
from twinvpc.addressing.lock import LOCK_FILE, Lock, read_lock
from twinvpc.addressing.plan import RetiredSegment, aws_plan, libvirt_plan, record, require_recorded
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.problems import InvalidInputError

RENAMED = edited(NETWORK, "  private: {purpose", "  inner: {renamed_from: private, purpose").replace("private", "inner")
RENAMED = RENAMED.replace("renamed_from: inner", "renamed_from: private")
RENAMED_DELL = edited(DELL, "    private: {cidr", "    inner: {cidr")
RENAMED_AWS = edited(AWS, "private: none", "inner: none")


@pytest.fixture
def lock() -> Lock:
    return read_lock(ROOT)


def test_the_owners_stacks_are_recorded_and_nothing_is_new(lock: Lock) -> None:
    for stack in ("dell", "aws", "staging"):
        intent = load_stack(ROOT, stack)
        assert record(intent, lock) == lock
        assert require_recorded(intent, lock) == lock.of(stack)


def test_the_dells_segments_have_the_owners_figures(tmp_path: Path, lock: Lock) -> None:
    intent = load_with(tmp_path, {})
    assert isinstance(intent.stack, LibvirtStack)
    plan = libvirt_plan(intent.stack, lock.of("dell"))
    assert [(s.name, str(s.cidr), str(s.router), s.bridge) for s in plan.segments] == [
        ("container", "10.0.4.0/24", "10.0.4.1", "br-container"),
        ("database", "10.0.3.0/24", "10.0.3.1", "br-database"),
        ("management", "10.0.0.0/24", "10.0.0.1", "br-management"),
        ("private", "10.0.2.0/24", "10.0.2.1", "br-private"),
        ("public", "10.0.1.0/24", "10.0.1.1", "br-public"),
    ]
    assert plan.retired == ()


def test_public_subnets_on_aws_are_where_the_owner_wants_them(lock: Lock) -> None:
    subnets = [(s.segment, s.zone, str(s.cidr)) for s in aws_plan(lock.of("aws")).subnets]
    assert ("public", "ap-northeast-1a", "10.0.1.0/24") in subnets
    assert ("public", "ap-northeast-1c", "10.0.2.0/24") in subnets
    assert len(subnets) == 10 == len({cidr for _, _, cidr in subnets})


def refusal(intent: Intent, lock: Lock) -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        require_recorded(intent, lock)
    return caught.value


def test_what_is_not_recorded_is_not_used(tmp_path: Path, lock: Lock) -> None:
    error = refusal(load_with(tmp_path, {}), Lock())
    assert [p.path.rpartition(".")[2] for p in error.problems] == [
        "container",
        "database",
        "management",
        "private",
        "public",
    ]
    assert {p.file for p in error.problems} == {LOCK_FILE}
    text = edited(NETWORK, "  container: {", "  spare: {}\n  container: {")
    stack = edited(DELL, "    container: {", "    spare: {cidr: 10.0.9.0/24, ssh_ports: 2281-2290}\n    container: {")
    (problem,) = refusal(load_with(tmp_path, {NETWORK: text, DELL: stack}), lock).problems
    assert problem.what == "`spare` is not recorded, not 10.0.9.0/24"
    assert "make lock-addresses" in problem.way_out


def test_a_segment_that_moves_is_refused_with_the_key_to_edit(tmp_path: Path, lock: Lock) -> None:
    text = edited(DELL, "{cidr: 10.0.3.0/24,", "{cidr: 10.0.33.0/24,")
    (problem,) = refusal(load_with(tmp_path, {DELL: text}), lock).problems
    assert (problem.file, problem.path) == (DELL, "segments.database.cidr")
    assert "`database` would move from 10.0.3.0/24 to 10.0.33.0/24" in problem.what


def test_a_removed_segment_stays_closed_with_its_block_and_a_renamed_one_with_its_bridge(
    tmp_path: Path, lock: Lock
) -> None:
    intent = load_with(tmp_path, {NETWORK: RENAMED, DELL: RENAMED_DELL})
    assert isinstance(intent.stack, LibvirtStack)
    after = record(intent, lock)
    assert libvirt_plan(intent.stack, after.of("dell")).retired == (RetiredSegment("br-private", None),)
    assert after.of("aws") == lock.of("aws")
    assert require_recorded(intent, after) == after.of("dell")
    with pytest.raises(InvalidInputError, match="overlaps the tombstone of `inner`"):
        record(load_with(tmp_path, {}), after)
    back = edited(NETWORK, "  private: {purpose", "  private: {renamed_from: inner, purpose")
    again = record(load_with(tmp_path, {NETWORK: back}), after).of("dell")
    assert (again.blocks, again.removed) == (lock.of("dell").blocks, {})
    assert again.renamed == {"inner": "private"}


def test_a_rename_reaches_every_zone_and_a_new_zone_gets_a_block_of_its_own(tmp_path: Path, lock: Lock) -> None:
    zones = RENAMED_AWS.replace("ap-northeast-1c] #", "ap-northeast-1c, ap-northeast-1d] #")
    assert zones != RENAMED_AWS
    after = record(load_with(tmp_path, {NETWORK: RENAMED, AWS: zones}, "aws"), lock).of("aws")
    before = lock.of("aws").blocks
    for zone in ("ap-northeast-1a", "ap-northeast-1c"):
        assert after.blocks[f"inner/{zone}"] == before[f"private/{zone}"]
    assert after.blocks["inner/ap-northeast-1d"] not in before.values()
    assert all(after.blocks[key] == block for key, block in before.items() if not key.startswith("private/"))


def test_a_former_name_that_was_misspelt_is_refused_on_aws_instead_of_moving_the_segment(
    tmp_path: Path, lock: Lock
) -> None:
    text = RENAMED.replace("renamed_from: private", "renamed_from: privat")
    with pytest.raises(InvalidInputError, match="no `privat/ap-northeast-1a` is recorded"):
        record(load_with(tmp_path, {NETWORK: text, AWS: RENAMED_AWS}, "aws"), lock)


def test_a_stack_that_changed_its_kind_is_refused(tmp_path: Path, lock: Lock) -> None:
    swapped = Lock({"dell": lock.of("aws"), "aws": lock.of("dell")})
    for stack in ("dell", "aws"):
        with pytest.raises(InvalidInputError, match="was recorded for another kind of stack"):
            record(load_with(tmp_path, {}, stack), swapped)


def test_a_vpc_that_was_cut_down_keeps_no_subnet_outside(tmp_path: Path, lock: Lock) -> None:
    text = edited(AWS, "vpc_cidr: 10.0.0.0/16", "vpc_cidr: 10.0.0.0/21")
    with pytest.raises(
        InvalidInputError, match=r"10\.0\.8\.0/24 of `private/ap-northeast-1a` lies outside 10\.0\.0\.0/21"
    ):
        record(load_with(tmp_path, {AWS: text}, "aws"), lock)


THREE = "zones: [ap-northeast-1a, ap-northeast-1c, ap-northeast-1d] #"


def on_aws(folder: Path, lock: Lock, *changes: tuple[str, str]) -> Lock:
    text = TEXTS[AWS]
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return record(load_with(folder, {AWS: text}, "aws"), lock)


def infrastructure(lock: Lock) -> dict[str, str]:
    return {f"{one.segment}/{one.zone[-1]}": str(one.cidr) for one in aws_plan(lock.of("aws")).infrastructure}


def test_nat_gateways_and_endpoints_get_small_subnets_only_where_somebody_uses_them(tmp_path: Path, lock: Lock) -> None:
    assert infrastructure(lock) == {}
    after = on_aws(tmp_path, lock, ("private: none", "private: nat"), ("container: none", "container: endpoints"))
    found = infrastructure(after)
    assert set(found) == {"nat/a", "endpoints/a", "endpoints/c"}
    assert all(block.endswith("/28") for block in found.values())
    assert lock.of("aws").blocks.items() <= after.of("aws").blocks.items(), "nothing that exists moves"


def test_a_single_nat_gateway_stays_in_its_zone_and_one_for_each_zone_keeps_it(tmp_path: Path, lock: Lock) -> None:
    nat = ("private: none", "private: nat")
    one = on_aws(tmp_path, lock, nat)
    first = on_aws(
        tmp_path, one, nat, ("zones: [ap-northeast-1a, ap-northeast-1c] #", THREE.replace("[", "[ap-northeast-1e, "))
    )
    assert infrastructure(first) == infrastructure(one)
    each = on_aws(tmp_path, one, nat, ("  twin-vpc:log_ret", "  twin-vpc:nat: per_zone\n  twin-vpc:log_ret"))
    assert infrastructure(one).items() <= infrastructure(each).items()
    assert set(infrastructure(each)) == {"nat/a", "nat/c"}
    assert infrastructure(on_aws(tmp_path, each, nat)) == infrastructure(one)


def test_subnets_of_nat_gateways_that_are_gone_leave_tombstones_and_come_back(tmp_path: Path, lock: Lock) -> None:
    used = on_aws(tmp_path, lock, ("private: none", "private: nat"))
    gone = on_aws(tmp_path, used)
    assert [str(block) for block in aws_plan(gone.of("aws")).removed] == [infrastructure(used)["nat/a"]]
    assert on_aws(tmp_path, gone, ("private: none", "private: nat")) == used


def test_a_zone_in_the_middle_moves_nobody(tmp_path: Path, lock: Lock) -> None:
    middle = (
        "zones: [ap-northeast-1a, ap-northeast-1c] #",
        "zones: [ap-northeast-1a, ap-northeast-1d, ap-northeast-1c] #",
    )
    after = on_aws(tmp_path, lock, middle)
    assert lock.of("aws").blocks.items() < after.of("aws").blocks.items()
