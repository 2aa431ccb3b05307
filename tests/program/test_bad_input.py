"""Files broken at random: the program builds everything or nothing, and says why in words."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pulumi
import pytest
import yaml

from tests.components.engine import RecordingEngine, pulumi_config
from tests.program.main import copy, run_main

Yaml: TypeAlias = Any
"""What can stand in a YAML file."""

FILES = ("network.yaml", "Pulumi.dell.yaml", "addresses.lock.json")
JUNK: tuple[Yaml, ...] = (
    None, True, False, 0, -1, 22, 65536, 10**30, 1.5, float("nan"), "", " ", "any", "host", "10.0.0.0/8", "10.0.1.5/24",
    "300.1.1.1/24", "::1/64", "10.0.1.200-10.0.1.100", "2201-", "eno1; reboot", "br-public", "../etc", "ü" * 40, "a\nb",
    "\u202e", "<x/>", "$(id)", [], {}, [[]], {"a": {"b": []}}, ["any", 5], {"from": "public"}, [None],
)  # fmt: skip
RUNS, SHARES = 240, 3
"""How many seeds, and into how many tests they are dealt, so that several processes share them."""


def paths(value: Yaml, here: tuple[Yaml, ...] = ()) -> Iterator[tuple[Yaml, ...]]:
    """Every path to something inside, outermost first."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*here, key)
        yield from paths(inner, (*here, key))


def break_one(value: Yaml, chance: random.Random) -> str:
    """Change one thing at random in place, and say what."""
    path = chance.choice(list(paths(value)))
    for step in path[:-1]:
        value = value[step]
    last, how = path[-1], chance.choice(("replace", "remove", "rename", "copy"))
    if how == "remove":
        del value[last]
    elif how == "rename" and isinstance(value, dict):
        value[chance.choice(("x", "Public", "kind", "host", "1", f"{last}s", "from"))] = value.pop(last)
    elif how == "copy":
        value[last] = chance.choice(list(value.values() if isinstance(value, dict) else value))
    else:
        value[last] = chance.choice(JUNK)
    return f"{how} at {path}"


def broken(root: Path, seed: int) -> str:
    """Break one to three things in the files of a folder, and say what."""
    chance = random.Random(seed)
    changes: list[str] = []
    for _ in range(chance.randint(1, 3)):
        path = root / chance.choice(FILES)
        content = yaml.safe_load(path.read_text())
        # A stack file without `config` is Pulumi's own to refuse.
        changes.append(f"{path.name}: {break_one(content.get('config', content), chance)}")
        as_json = path.suffix == ".json"
        path.write_text(json.dumps(content) if as_json else yaml.safe_dump(content, allow_unicode=True))
    return "; ".join(changes)


def outcome(root: Path) -> str:
    """`built`, or why nothing was; anything but a clean refusal fails here."""
    engine = RecordingEngine()
    try:
        run_main("dell", pulumi_config(root=root), root=root, engine=engine)
    except pulumi.RunError as refused:
        assert engine.resources == [], "a refusal comes before anything is registered"
        return str(refused)
    return "built"


@pytest.mark.slow
@pytest.mark.parametrize("share", range(SHARES))
def test_broken_files_never_end_in_a_traceback_or_half_a_stack(tmp_path: Path, share: int) -> None:
    refused = 0
    for seed in range(share, RUNS, SHARES):
        root = tmp_path / str(seed)
        root.mkdir()
        changes = broken(copy(root), seed)
        try:
            said = outcome(root)
        except Exception as error:  # noqa: BLE001 - the mistake that led to it has to be named
            pytest.fail(f"seed {seed}, {changes}: {type(error).__name__}: {error}")
        if said != "built":
            refused += 1
            assert "nothing was changed" in said, changes
            assert len(said.splitlines()) > 1, changes
    assert refused * SHARES >= 200, "most mistakes must be mistakes, or this test shows nothing"
