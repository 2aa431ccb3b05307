"""The program as a checkout has it, for the real engine."""

import sys
from pathlib import Path

from sandbox.engine import Engine
from tests.components.engine import ROOT
from tests.components.home import furnish
from tests.engine.project import Project
from tests.program.main import copy


def lay_out(engine: Engine, folder: Path) -> Project:
    """The program in a folder of its own, as a checkout has it, with a state of its own."""
    (folder / "pass").write_text("not a secret")
    home = folder / "twin-vpc"
    home.mkdir()
    copy(home)
    (home / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    for name in ("components", "twinvpc", "providers"):
        (home / name).symlink_to(ROOT / name)
    (home / ".venv").symlink_to(sys.prefix)
    return Project(home, engine.environment(furnish(folder / "home"), folder / "backend", folder / "pass"))
