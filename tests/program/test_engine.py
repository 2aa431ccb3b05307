"""A mistake in the owner's files, with the real engine: clean words, a non-zero end, and nothing changed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.engine import Engine, ensure
from tests.engine.project import Outcome, Project
from tests.program.checkout import lay_out

pytestmark = pytest.mark.engine

Change = Callable[[Path], None]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return ensure()


def edit(name: str, old: str, new: str) -> Change:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return change


def in_state(project: Project, stack: str) -> list[str]:
    exported = project.run("stack", "export", "--stack", stack)
    assert exported.code == 0, exported.text
    resources = json.loads(exported.text)["deployment"].get("resources") or []
    return [one["type"] for one in resources]


def refusal(project: Project, stack: str) -> Outcome:
    """Run a whole `up` that must fail, and check that it did so cleanly."""
    assert project.run("stack", "init", stack).code == 0
    done = project.run("up", "--yes", "--stack", stack)
    assert done.code != 0
    assert done.clean(), done.text
    assert in_state(project, stack) == []
    return done


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit("network.yaml", "internet: true", "internet: perhaps"), ["5 problems", "network.yaml:9", "perhaps"]),
        (edit("Pulumi.dell.yaml", "port: 2200", "port: 22"), ["Pulumi.dell.yaml:", "port 22", "twin-vpc:host.port"]),
        (edit("Pulumi.dell.yaml", "twin-vpc:pools", "twin-vpc:ponds"), ["unknown key `ponds`"]),
        (
            edit("addresses.lock.json", '"database": "10.0.3.0/24"', '"database": "10.0.9.0/24"'),
            ["`database` would move"],
        ),
        (
            lambda folder: (folder / "network.yaml").unlink(),
            ["network.yaml", "there is no such file", "restore it from the last commit"],
        ),
    ],
    ids=["five at once", "port", "unknown key", "lock", "no file"],
)
def test_a_mistake_ends_in_words_and_changes_nothing(
    engine: Engine, tmp_path: Path, change: Change, words: list[str]
) -> None:
    project = lay_out(engine, tmp_path)
    change(project.folder)
    said = refusal(project, "dell").text
    for word in [*words, "nothing was changed"]:
        assert word in said


def test_a_setting_marked_secret_is_refused_and_never_shown(engine: Engine, tmp_path: Path) -> None:
    project = lay_out(engine, tmp_path)
    assert project.run("stack", "init", "dell").code == 0
    assert project.run("config", "set", "--secret", "twin-vpc:tailnet", "hunter2", "--stack", "dell").code == 0
    done = project.run("preview", "--stack", "dell")
    assert done.code != 0
    assert "`tailnet` is a secret" in done.text
    assert "hunter2" not in done.text
    assert done.clean(), done.text


def test_settings_may_come_from_another_file(engine: Engine, tmp_path: Path) -> None:
    project = lay_out(engine, tmp_path)
    assert project.run("stack", "init", "dell").code == 0
    other = tmp_path / "other.yaml"
    other.write_text((project.folder / "Pulumi.dell.yaml").read_text().replace("port: 2200", "port: 22"))
    before = (project.folder / "Pulumi.dell.yaml").read_bytes()
    done = project.run("preview", "--stack", "dell", "--config-file", str(other))
    assert done.code != 0
    assert "Pulumi.dell.yaml  host.port" in done.text, "with no line, since that file says something else"
    assert "1 problem" in done.text
    assert (project.folder / "Pulumi.dell.yaml").read_bytes() == before


def test_an_aws_stack_that_is_offline_is_not_deployed(engine: Engine, tmp_path: Path) -> None:
    project = lay_out(engine, tmp_path)
    edit("Pulumi.aws.yaml", "  twin-vpc:log_ret", "  twin-vpc:offline: true\n  twin-vpc:log_ret")(project.folder)
    assert project.run("stack", "init", "aws").code == 0
    done = project.run("up", "--yes", "--stack", "aws")
    assert done.code != 0
    assert done.clean(), done.text
    assert "`twin-vpc:offline` is true, so there is no account to deploy to" in done.text
    assert in_state(project, "aws") == ["pulumi:pulumi:Stack"], "nothing but the stack itself"
