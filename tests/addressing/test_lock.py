"""The lock file is read exactly or not at all."""

import json
from pathlib import Path

import pytest

from tests.model.owner import ROOT
from twinvpc.addressing.lock import LOCK_FILE, Lock, read_lock
from twinvpc.model.problems import InvalidInputError

A, B = {"a": "10.0.0.0/24"}, {"b": "10.0.1.0/24"}


def stacks(**parts: object) -> str:
    return json.dumps({"version": 1, "stacks": {"dell": parts}})


TWICE = '{"version": 1, "stacks": {"dell": {"blocks": {"a": "10.0.0.0/24", "a": "10.0.1.0/24"}}}}'
HALF = {"a": "10.0.0.0/24", "b": "10.0.0.128/25"}
DAMAGED = {
    "empty": ("", "not JSON: Expecting value"),
    "cut off": ('{"version": 1, "stacks"', "not JSON"),
    "merge conflict": ("<<<<<<< HEAD\n{}", "not JSON"),
    "a list": ("[]", "valid dictionary"),
    "another version": ('{"version": 2, "stacks": {}}', "Input should be 1"),
    "unknown key": ('{"version": 1, "stacks": {}, "more": 1}', "Extra inputs"),
    "unknown part": (stacks(blokcs={}), "Extra inputs"),
    "key twice": (TWICE, "'a' stands twice"),
    "stack twice": ('{"version": 1, "stacks": {"dell": {}, "dell": {}}}', "'dell' stands twice"),
    "overlap": (stacks(blocks=HALF), "10.0.0.128/25 of `b` overlaps 10.0.0.0/24 of `a`"),
    "overlap with a tombstone": (stacks(blocks=A, removed={"b": "10.0.0.0/16"}), "overlaps 10.0.0.0/16 of `b`"),
    "overlap of tombstones": (stacks(removed={"a": "10.0.0.0/24", "b": "10.0.0.0/24"}), "of `b` overlaps"),
    "in use and gone": (stacks(blocks=A, removed={"a": "10.0.9.0/24"}), "`a` is in use and gone"),
    "in use and renamed": (stacks(blocks={**A, **B}, renamed={"a": "b"}), "`a` is in use and gone"),
    "host bits": (stacks(blocks={"a": "10.0.0.1/24"}), "bits set"),
    "no block": (stacks(blocks={"a": 5}), "5 is not an IPv4 block"),
    "a quote in a name": (stacks(blocks={'a"': "10.0.0.0/24"}), "match pattern"),
    "a long name": (stacks(blocks={"a" * 33: "10.0.0.0/24"}), "match pattern"),
    "a number without end": ('{"version": ' + "9" * 5000 + "}", "not the text of a lock"),
    "brackets without end": ("[" * 100_000, "not the text of a lock"),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_lock_is_refused_and_never_guessed_at(tmp_path: Path, name: str) -> None:
    text, words = DAMAGED[name]
    (tmp_path / LOCK_FILE).write_text(text)
    with pytest.raises(InvalidInputError) as caught:
        read_lock(tmp_path)
    (problem,) = caught.value.problems
    assert words in problem.what
    assert problem.file == LOCK_FILE
    assert problem.way_out == "restore it from the last commit"


@pytest.mark.parametrize("data", [b"\xff\xfe{}", b'{"version": 1, "stacks": {"\xe4": {}}}', b"\x00"])
def test_a_lock_that_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / LOCK_FILE).write_bytes(data)
    with pytest.raises(InvalidInputError):
        read_lock(tmp_path)


def test_a_missing_lock_is_empty_but_a_lost_one_is_not(tmp_path: Path) -> None:
    assert read_lock(tmp_path) == Lock()
    (tmp_path / LOCK_FILE).symlink_to(tmp_path / "nowhere")
    with pytest.raises(InvalidInputError, match="No such file"):
        read_lock(tmp_path)


def test_a_folder_in_the_locks_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(InvalidInputError, match="Is a directory"):
        read_lock(tmp_path)


def test_stacks_that_nobody_knows_here_are_kept(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).write_text(stacks(blocks=A))
    lock = read_lock(tmp_path).with_stack("aws", Lock().of("aws"))
    assert lock.of("dell").blocks.keys() == {"a"}
    assert set(json.loads(lock.text())["stacks"]) == {"aws", "dell"}


def test_the_committed_lock_is_as_the_tool_writes_it() -> None:
    assert (ROOT / LOCK_FILE).read_text() == read_lock(ROOT).text()
