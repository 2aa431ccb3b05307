"""Mistakes nobody thought of: files with keys lost, misspelt, doubled, values swapped, retyped, or bytes damaged.

Whatever comes of it, it is a valid intent or an error in words. Where a change is wrong for certain, it is refused and
its place is named.
"""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.effort import tries
from tests.model.owner import AWS, DELL, NETWORK, ROOT, TEXTS
from twinvpc.addressing.lock import Lock
from twinvpc.addressing.plan import aws_plan, libvirt_plan, record
from twinvpc.model.files import read_yaml, stack_source
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent, load
from twinvpc.model.problems import InvalidInputError
from twinvpc.model.source import KeyPath, Source, dotted
from twinvpc.model.yaml_text import read_text
from twinvpc.policy.aws import design
from twinvpc.policy.nftables import Target, render
from twinvpc.policy.terms import compile_policy
from twinvpc.proof.intent import matrix

Tree: TypeAlias = Any
"""Raw YAML, to be bent at will."""

SOURCES = {NETWORK: read_yaml(ROOT / NETWORK), DELL: stack_source(ROOT / DELL), AWS: stack_source(ROOT / AWS)}
WRONG: list[Any] = [
    None, True, 0, -1, 22, 10**400, 16**5000, 1.5, float("nan"), float("inf"), "", " ", "x" * 100_000, "\x00",
    "\u0430dmin", date(2026, 11, 23), b"x", [], [[]], [None], {}, {"": {}}, {None: None}, {1: 2}, ["any", 5],
    "0.0.0.0/0", "any",
]  # fmt: skip


def places(tree: Tree, where: KeyPath = ()) -> Iterator[KeyPath]:
    """Every key and item of a tree."""
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in pairs:
        yield (*where, key)
        yield from places(value, (*where, key))


PLACES = [(file, place) for file, source in SOURCES.items() for place in places(source.mapping)]
KEYS = [(file, place) for file, place in PLACES if isinstance(place[-1], str)]
REQUIRED = {
    NETWORK: {"domain", "cidr", "segments", "from", "to", "services"},
    DELL: {"kind", "host", "address", "port", "lan", "docker", "pool", "swarm_pool", "segments", "cidr", "ssh_ports"},
    AWS: {"kind", "aws_region", "environment", "vpc_cidr", "zones"},
}
SURE = [(f, p) for f, p in KEYS if p[-1] in REQUIRED[f]]


def holder(tree: Tree, place: KeyPath) -> Tree:
    for part in place[:-1]:
        tree = tree[part]
    return tree


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


def attempt(file: str, read: object) -> Intent | InvalidInputError:
    """Load the stack that reads this file; an accepted intent must also be planned, rendered and proven."""
    used = SOURCES | {file: read if isinstance(read, Source) else Source(file, read, SOURCES[file].lines)}
    stack = AWS if file == AWS else DELL
    try:
        intent = load(used[NETWORK], used[stack], "some")
        lock = record(intent, Lock())
    except InvalidInputError as error:
        in_words(error)
        return error
    policy = compile_policy(intent)
    matrix(intent)
    if isinstance(intent.stack, LibvirtStack):
        render(policy, Target(libvirt_plan(intent.stack, lock.of("some")), intent.stack))
    else:
        design(policy, aws_plan(lock.of("some")), intent.stack)
    return intent


def in_words(error: InvalidInputError) -> None:
    assert error.problems
    assert all(p.what and p.rule and p.way_out and p.file for p in error.problems), str(error)
    assert len(str(error)) < 500 * (len(error.problems) + 1), "an error is short"


def named(error: Intent | InvalidInputError, place: KeyPath) -> bool:
    assert isinstance(error, InvalidInputError), f"{dotted(place)} was accepted"
    return any(problem.path == dotted(place) for problem in error.problems)


@tries(400)
@given(where=st.sampled_from(PLACES), value=st.sampled_from(WRONG))
def test_any_value_anywhere_is_accepted_or_refused_in_words(where: tuple[str, KeyPath], value: object) -> None:
    file, place = where
    tree = deepcopy(SOURCES[file].mapping)
    holder(tree, place)[place[-1]] = value
    attempt(file, tree)


@tries(200)
@given(first=st.sampled_from(PLACES), data=st.data())
def test_values_that_changed_places_are_accepted_or_refused_in_words(
    first: tuple[str, KeyPath], data: st.DataObject
) -> None:
    file, place = first
    other = data.draw(st.sampled_from([p for f, p in PLACES if f == file]))
    tree = deepcopy(SOURCES[file].mapping)
    holder(tree, place)[place[-1]] = deepcopy(holder(SOURCES[file].mapping, other)[other[-1]])
    attempt(file, tree)


@tries(200)
@given(where=st.sampled_from(sorted(TEXTS)), data=st.data())
def test_a_damaged_text_is_accepted_or_refused_in_words(folder: Path, where: str, data: st.DataObject) -> None:
    text = TEXTS[where]
    start = data.draw(st.integers(0, len(text)))
    stop = data.draw(st.integers(start, min(start + 12, len(text))))
    scrap = data.draw(st.text(st.sampled_from("{}[]:,-&*!|>'\"%@#\t\n\r \x00 aä0/.~<=?"), max_size=8))
    path = folder / where
    path.write_text(text[:start] + scrap + text[stop:], newline="")
    source = read_yaml(path) if where == NETWORK else stack_source(path)
    assert source.problems or source.mapping
    attempt(where, source)


@tries(200)
@given(text=st.one_of(st.text(max_size=200), st.text(st.sampled_from("{}[]:,-&*! \n'\"ab1"), max_size=60)))
def test_any_text_at_all_is_read_or_refused_in_words(text: str) -> None:
    assert isinstance(read_text(text, "f").mapping, dict)


@pytest.mark.parametrize(
    ("file", "place"), KEYS, ids=lambda value: dotted(value) if isinstance(value, tuple) else value
)
def test_a_misspelt_key_is_refused_by_its_place(file: str, place: KeyPath) -> None:
    tree: Any = deepcopy(SOURCES[file].mapping)
    inner = holder(tree, place)
    wrong = f"{place[-1]}_"
    inner[wrong] = inner.pop(place[-1])
    assert named(attempt(file, tree), (*place[:-1], wrong))


@pytest.mark.parametrize(
    ("file", "place"), SURE, ids=lambda value: dotted(value) if isinstance(value, tuple) else value
)
def test_a_required_key_that_is_lost_is_missed_at_its_place(file: str, place: KeyPath) -> None:
    tree: Any = deepcopy(SOURCES[file].mapping)
    del holder(tree, place)[place[-1]]
    assert named(attempt(file, tree), place)


@pytest.mark.parametrize(
    ("file", "place"), PLACES, ids=lambda value: dotted(value) if isinstance(value, tuple) else value
)
@pytest.mark.parametrize("value", [-1.5, {"surplus": 1}], ids=["number", "mapping"])
def test_a_wrong_type_is_refused_by_its_place(file: str, place: KeyPath, value: object) -> None:
    tree: Any = deepcopy(SOURCES[file].mapping)
    holder(tree, place)[place[-1]] = value
    error = attempt(file, tree)
    assert isinstance(error, InvalidInputError)
    at = dotted(place)
    lists = {dotted(place[:-1])} if isinstance(place[-1], int) else set[str]()  # services are told by their list
    assert any(p.path == at or p.path.startswith(f"{at}.") or p.path in lists for p in error.problems), str(error)


@pytest.mark.parametrize("file", sorted(TEXTS))
def test_a_line_given_twice_is_refused_by_its_key(tmp_path: Path, file: str) -> None:
    lines = TEXTS[file].splitlines(keepends=True)
    for number, line in enumerate(lines):
        key = line.partition(": ")[0].strip().removesuffix(":")
        if not key or line.lstrip().startswith(("#", "-")) or line.rstrip().endswith(":"):
            continue
        path = tmp_path / file
        path.write_text("".join([*lines[:number], line, *lines[number:]]))
        told = [problem.what for problem in read_yaml(path).problems]
        assert any(f"`{key}` is given twice" in what for what in told), line
