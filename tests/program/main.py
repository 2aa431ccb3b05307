"""The real `__main__.py`, run under the recording engine."""

import runpy
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.components.engine import ROOT, RecordingEngine, run

STACKS = ("dell", "aws", "staging")
FILES = ("__main__.py", "network.yaml", "addresses.lock.json", *(f"Pulumi.{stack}.yaml" for stack in STACKS))


def run_main(
    stack: str,
    config: Mapping[str, str],
    *,
    root: Path = ROOT,
    preview: bool = False,
    secret_keys: tuple[str, ...] = (),
    engine: RecordingEngine | None = None,
) -> RecordingEngine:
    """Run a folder's program for a stack; pass an engine to see what was registered before an error."""

    def program() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")

    return run(program, stack=stack, config=config, preview=preview, secret_keys=secret_keys, engine=engine)


def copy(to: Path) -> Path:
    """The program and the owner's files in a folder where a test may change them."""
    for name in FILES:
        shutil.copyfile(ROOT / name, to / name)
    return to
