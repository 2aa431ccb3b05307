"""Asking the host: our program travels there, runs by the host's own Python, and is gone again when it has ended."""

import base64
import io
import json
import zipfile
from pathlib import Path

from operations.errors import OperationError
from operations.host import Remote

_SECONDS = 600
_START = """
import base64, os, sys, tempfile
with tempfile.TemporaryDirectory(dir="/run", prefix="twin-vpc-") as folder:
    path = os.path.join(folder, "program.zip")
    with open(path, "wb") as file:
        file.write(base64.b64decode(sys.stdin.readline()))
    sys.path.insert(0, path)
    from operations.adopt.remote.main import main
    main(sys.stdin.read())
"""
"""Unpacks nothing: Python reads modules from an archive."""


def ask(remote: Remote, verb: str, **words: object) -> object:
    """Have one thing done on the host.

    Args:
        remote: the host.
        verb: one of `remote.main.VERBS`.
        words: its arguments, as JSON can carry them.

    Raises:
        OperationError: the host cannot be reached, or it could not be done; the message says why.
    """
    stdin = f"{_archive()}\n{json.dumps({'verb': verb, 'words': words})}"
    done = remote.run("python3", "-Es", "-c", _START, stdin=stdin, timeout=_SECONDS)
    lines = done.stdout.splitlines()
    if done.code != 0 or not lines:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise OperationError(f"{remote.label}: {said}; adopt needs root there, and Python 3.9 or later as `python3`")
    answer: dict[str, object] = json.loads(lines[-1])
    if "error" in answer:
        raise OperationError(f"{remote.label}: {answer['error']}")
    return answer["answer"]


def _archive() -> str:
    """The program as a zip archive in base64."""
    root = Path(__file__).resolve().parents[2]
    remote = root / "operations" / "adopt" / "remote"
    parents = [root / "operations" / "__init__.py", root / "operations" / "adopt" / "__init__.py"]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in (*parents, *sorted(remote.glob("*.py"))):
            archive.writestr(str(path.relative_to(root)), path.read_text(encoding="utf-8"))
    return base64.b64encode(buffer.getvalue()).decode()
