"""The engine under test, and a project with a provider of its own."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.engine import Engine, ensure
from tests.engine.project import PROJECT, Project


@pytest.fixture(scope="session")
def engine() -> Engine:
    return ensure()


@pytest.fixture(scope="module")
def project(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("toy")
    (folder / "pass").write_text("not a secret")
    environment = engine.environment(folder / "home", folder / "backend", folder / "pass")
    home = folder / "project"
    shutil.copytree(Path(__file__).with_name("toy"), home / "toy")
    (home / "Pulumi.yaml").write_text(PROJECT.format(virtualenv=sys.prefix))
    made = Project(home, environment)
    made.program("")
    outcome = made.run("stack", "init", "dev")
    assert outcome.code == 0, outcome.text
    yield made
    assert made.processes() == [], "a test left processes behind"
