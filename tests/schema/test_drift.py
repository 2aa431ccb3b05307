"""The schemas in the project are what the models say, and stay so."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
from pydantic import BeforeValidator

from twinvpc.model.base import ConfigModel
from twinvpc.schema import generate
from twinvpc.schema.rules import RULES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", generate.FILES)
def test_a_schema_made_anew_is_the_committed_one(name: str) -> None:
    made, committed = generate.FILES[name](), (ROOT / "schemas" / name).read_text(encoding="utf-8")
    assert made == committed, "run `make schema` and commit it with the change of the models"


def tool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "twinvpc.cli", "schema", "--root", str(folder), *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_the_tool_names_a_stale_schema_and_writes_it_only_when_asked(tmp_path: Path) -> None:
    assert tool(tmp_path, "--check").returncode == 1, "none is there yet"
    assert tool(tmp_path).returncode == 0
    assert tool(tmp_path, "--check").returncode == 0
    stale = tmp_path / "schemas" / "stack.schema.json"
    stale.write_text(stale.read_text().replace("2200", "22"))
    before = stale.read_bytes()
    told = tool(tmp_path, "--check")
    assert told.returncode == 1
    assert "stack.schema.json" in told.stderr
    assert "network.schema.json" not in told.stderr
    assert stale.read_bytes() == before
    assert "stack.schema.json: written" in tool(tmp_path).stdout
    assert "written" not in tool(tmp_path).stdout


def test_a_folder_that_cannot_be_written_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "schemas").write_text("")
    told = tool(tmp_path)
    assert told.returncode == 2
    assert "Traceback" not in told.stderr
    assert "schemas" in told.stderr


def test_a_validator_without_a_rule_stops_the_making() -> None:
    def _odd(value: object) -> object:
        return value

    class Odd(ConfigModel):
        """A model with a validator that nobody knows."""

        key: Annotated[str, BeforeValidator(_odd)]

    with pytest.raises(generate.UnknownRuleError, match="_odd"):
        Odd.model_json_schema(schema_generator=generate._Generator)


def test_every_rule_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = "".join(made() for made in generate.FILES.values())
    for name in RULES:
        monkeypatch.setattr(generate, "RULES", {**RULES, name: {"type": "string", "pattern": "never-said"}})
        assert "".join(made() for made in generate.FILES.values()) != whole, f"rule `{name}` is of no use"


def keys(node: object, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "properties" and "/if" not in path:
                found += [(f"{path}/{name}", own) for name, own in value.items()]
            found += keys(value, f"{path}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            found += keys(value, f"{path}/{i}")
    return found


@pytest.mark.parametrize("name", generate.FILES)
def test_every_key_has_a_title_and_a_description_of_one_line(name: str) -> None:
    found = keys(json.loads(generate.FILES[name]()))
    assert len(found) >= 11
    for path, own in found:
        assert own.get("title") == path.rsplit("/", 1)[1], path
        assert re.fullmatch(r"[A-Z].{5,}", own.get("description", "")), path
