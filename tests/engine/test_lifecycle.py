"""The engine that `ensure()` made really runs programs, from the first preview to the last destroy."""

import json
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.engine.project import Project

pytestmark = pytest.mark.engine

PROGRAM = """\
import pulumi

config = pulumi.Config()
secret = config.require_secret("word")


class Thing(pulumi.CustomResource):
    value: pulumi.Output[str]

    def __init__(self, name: str, value: str) -> None:
        super().__init__("toy:index:Thing", name, {"value": value})


thing = Thing("one", config.get("value") or "first")
pulumi.export("value", thing.value)
pulumi.export("length", secret.apply(len))
pulumi.export("word", secret)
pulumi.export("rehearsal", pulumi.runtime.is_dry_run())
print("the program speaks")
"""
WORD = "hunter2-in-the-clear"


@pytest.fixture(scope="module", autouse=True)
def _written(project: Project) -> None:
    project.program(PROGRAM)
    assert project.run("config", "set", "--secret", "word", WORD).code == 0


def test_preview_plans_and_makes_nothing(project: Project) -> None:
    outcome = project.run("preview")
    assert outcome.code == 0, outcome.text
    assert "+ 2 to create" in outcome.text
    assert outcome.clean()
    assert "from $PATH" not in outcome.text, "no warning about ambient plugins"
    assert json.loads(project.run("stack", "export").text)["deployment"].get("resources") is None


def test_up_creates_through_the_projects_own_provider(project: Project) -> None:
    outcome = project.run("up", "--yes")
    assert outcome.code == 0, outcome.text
    assert "+ 2 created" in outcome.text
    assert "the program speaks" in outcome.text, "what a program prints is shown"
    outputs = json.loads(project.run("stack", "output", "--json").text)
    assert outputs == {"value": "first", "length": "[secret]", "word": "[secret]", "rehearsal": False}
    shown = json.loads(project.run("stack", "output", "--json", "--show-secrets").text)
    assert (shown["word"], shown["length"]) == (WORD, len(WORD)), "the program got the real secret"
    assert WORD not in outcome.text


def test_a_second_up_changes_nothing(project: Project) -> None:
    outcome = project.run("up", "--yes", "--expect-no-changes", "--skip-preview")
    assert outcome.code == 0, outcome.text
    assert "2 unchanged" in outcome.text


def test_refresh_needs_no_program(project: Project) -> None:
    project.program("raise SystemExit('must not run')")
    outcome = project.run("refresh", "--yes", "--skip-preview")
    project.program(PROGRAM)
    assert outcome.code == 0, outcome.text
    assert "must not run" not in outcome.text


def test_destroy_takes_everything_away(project: Project) -> None:
    outcome = project.run("destroy", "--yes", "--skip-preview")
    assert outcome.code == 0, outcome.text
    assert "- 2 deleted" in outcome.text
    assert outcome.clean()
    assert project.locks() == []


def test_no_secret_in_the_clear_in_any_file(project: Project) -> None:
    """State, history, logs, configuration: everything the engine wrote."""
    everything = [path for path in project.folder.parent.rglob("*") if path.is_file()]
    assert len(everything) > 5
    assert [path for path in everything if WORD.encode() in path.read_bytes()] == []


def test_about_names_the_virtualenv(project: Project) -> None:
    outcome = project.run("about")
    assert "bin/python" in outcome.text
    assert "pydantic" in outcome.text


def test_the_plugin_store_holds_each_plugin_at_the_version_asked_for(project: Project, engine: Engine) -> None:
    listed = json.loads(project.run("plugin", "ls", "--json").text)
    assert sorted((one["name"], one["version"]) for one in listed) == [("aws", "7.51.1"), ("libvirt", "0.5.4")]
    store = Path(project.environment["PULUMI_HOME"]) / "plugins/resource-libvirt-v0.5.4"
    assert (store / "pulumi-resource-libvirt").resolve() == engine.plugin.resolve()


def test_libvirt_resources_reach_the_plugin(project: Project) -> None:
    """No libvirtd here: that its connection is refused shows that ours was asked, with the right tokens."""
    project.program("""
import pulumi
import pulumi_libvirt as libvirt

there = libvirt.Provider("nowhere", uri="qemu+unix:///system?socket=/nonexistent/libvirt-sock")
options = pulumi.ResourceOptions(provider=there)
libvirt.Network("n", name="n", mode="open", bridge="br-n", addresses=["10.9.0.0/24"], opts=options)
""")
    outcome = project.run("preview")
    assert outcome.code != 0
    assert "/nonexistent/libvirt-sock" in outcome.text, outcome.text
    assert outcome.clean()
