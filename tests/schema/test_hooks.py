"""Pre-commit hooks run what `make check` runs, with the tools of the project's own environment."""

from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
REPOS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
HOOKS = [hook for repo in REPOS for hook in repo["hooks"]]


def test_no_hook_comes_from_elsewhere() -> None:
    assert [repo["repo"] for repo in REPOS] == ["local"]
    assert {hook["language"] for hook in HOOKS} == {"system"}


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hooks_program_is_of_the_projects_environment(hook: dict[str, str]) -> None:
    program = hook["entry"].split()[0]
    assert program.startswith(".venv/bin/")
    assert (ROOT / program).is_file()


def test_every_check_of_make_check_has_its_hook() -> None:
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").split("\ncheck:")[1].split("\n\n")[0]
    entries = " ".join(hook["entry"] for hook in HOOKS)
    for check in ("ruff check", "ruff format --check", "pyright --warnings", "lint-imports"):
        assert f"$(BIN)/{check}" in recipe
        assert check in entries
