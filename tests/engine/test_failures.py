"""Whatever goes wrong, a person can read it: no traceback, one error, exit code not 0, nothing left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.engine import Engine
from tests.engine.project import Project

pytestmark = pytest.mark.engine

UP = ("up", "--yes", "--skip-preview")

RAISES = """\
import pulumi


def inner() -> None:
    raise KeyError("no-such-segment")


def outer() -> None:
    try:
        inner()
    except KeyError as error:
        raise ValueError("the plan is wrong") from error


pulumi.export("before", 1)
outer()
"""
ASYNC = """\
import pulumi


def explode(_value: str) -> str:
    raise ValueError("wrong in apply")


pulumi.export("x", pulumi.Output.from_input("x").apply(explode))
"""
THREAD = """\
import threading


def work() -> None:
    raise ValueError("wrong in a thread")


thread = threading.Thread(target=work, name="worker")
thread.start()
thread.join()
raise ValueError("and then the program")
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (RAISES, ["ValueError: the plan is wrong", "__main__.py, line 12, in outer", "no-such-segment"]),
        (ASYNC, ["ValueError: wrong in apply"]),
        (THREAD, ["thread worker: ValueError: wrong in a thread", "ValueError: and then the program"]),
        ("import pulumi\ndef f(x:\n", ["SyntaxError", "line 2"]),
        ("import no_such_module_here", ["ModuleNotFoundError: No module named 'no_such_module_here'"]),
        ("import sys\nsys.exit(3)", ["sys.exit: exit code 3"]),
        ("import sys\nsys.exit('segment web is twice there')", ["segment web is twice there"]),
        ("import os\nos._exit(7)", ["the program ended with exit code 7"]),
        ("import os\nos.kill(os.getpid(), 9)", ["the program was ended by SIGKILL"]),
        ("import pulumi\nraise pulumi.RunError('said plainly')", ["error: said plainly"]),
        ("raise KeyboardInterrupt", ["error: the program was interrupted"]),
    ],
)
def test_a_program_that_fails_is_shown_once_in_words(project: Project, program: str, expected: list[str]) -> None:
    project.program(program)
    outcome = project.run("preview")
    assert outcome.code != 0
    for text in expected:
        assert text in outcome.text, outcome.text
    assert outcome.clean(), outcome.text
    diagnostics = outcome.text.partition("Diagnostics:")[2]
    assert diagnostics.count("error:") == 1, outcome.text
    assert outcome.text.partition("Diagnostics:")[2].count(expected[0]) == 1


def test_a_program_may_end_itself_well(project: Project) -> None:
    project.program("import sys\nsys.exit(0)")
    outcome = project.run("preview")
    assert outcome.code == 0, outcome.text


THING = """\
import pulumi
from pathlib import Path

Path("started").touch()
pulumi.CustomResource("toy:index:Thing", "one", {PROPERTIES})
"""


def test_a_resource_that_fails_is_shown_once(project: Project) -> None:
    project.program(THING.replace("PROPERTIES", '"broken": True'))
    outcome = project.run(*UP)
    assert outcome.code != 0
    assert outcome.clean(), outcome.text
    diagnostics = outcome.text.partition("Diagnostics:")[2]
    assert diagnostics.count("toy is broken on purpose") == 1
    assert "Resource monitor" not in outcome.text, "an echo of the same failure"


def edited(project: Project, change: Callable[[str], str]) -> None:
    path = project.folder / "Pulumi.yaml"
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (sys.prefix, "no/such/venv", "virtualenv no/such/venv has no"),
        ("toolchain: pip", "toolchain: poetry", "knows no toolchain poetry"),
        ("toolchain: pip", "typechecker: mypy", "knows no option typechecker"),
    ],
)
def test_what_the_host_does_not_do_is_refused(project: Project, old: str, new: str, expected: str) -> None:
    project.program("")
    edited(project, lambda text: text.replace(old, new))
    try:
        outcome = project.run("preview")
    finally:
        edited(project, lambda text: text.replace(new, old))
    assert outcome.code != 0
    assert expected in outcome.text, outcome.text
    assert outcome.clean()


def test_without_a_python_that_has_pulumi_the_launcher_says_so(engine: Engine, tmp_path: Path) -> None:
    launcher = engine.bin / "pulumi-language-python"
    if (launcher.parent / "pulumi-language-python-exec").exists():
        pytest.skip("this engine has the official language host")
    done = subprocess.run(
        [launcher, "127.0.0.1:1"], cwd=tmp_path, env={"PATH": os.defpath}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "no virtualenv with the pulumi package" in done.stderr


@pytest.fixture
def started(project: Project) -> Path:
    path = project.folder / "started"
    path.unlink(missing_ok=True)
    return path


def is_slow(project: Project) -> bool:
    return any("provider.py" in line for line in project.processes())


def gone(project: Project) -> bool:
    return project.processes() == []


def test_ctrl_c_in_a_slow_create(project: Project, started: Path) -> None:
    project.program(THING.replace("PROPERTIES", '"seconds": 60'))
    outcome = project.interrupt(*UP, when=lambda: started.exists() and is_slow(project))
    assert outcome.code != 0
    assert outcome.clean(), outcome.text
    assert project.locks() == [], "a graceful end gives the lock back"
    assert gone(project), project.processes()


SLOW = """\
import subprocess
import time
from pathlib import Path

child = subprocess.Popen(["sleep", "60"])
Path("started").touch()
try:
    time.sleep(60)
finally:
    print("cleaning up")
"""


@pytest.mark.parametrize("command", [("preview",), UP])
def test_ctrl_c_in_a_slow_program(project: Project, started: Path, command: tuple[str, ...]) -> None:
    project.program(SLOW)
    outcome = project.interrupt(*command, when=started.exists)
    assert outcome.code != 0
    assert outcome.clean(), outcome.text
    assert "cancel" in outcome.text
    assert project.locks() == []
    assert gone(project), "the program's own child goes with it"


def test_a_program_that_will_not_end_is_killed(project: Project, started: Path) -> None:
    project.program(
        "import signal, time\nfrom pathlib import Path\n"
        "for one in (signal.SIGTERM, signal.SIGINT):\n    signal.signal(one, signal.SIG_IGN)\n"
        "Path('started').touch()\ntime.sleep(60)\n"
    )
    outcome = project.interrupt(*UP, when=started.exists)
    assert outcome.code != 0
    assert outcome.clean(), outcome.text
    assert gone(project), project.processes()


def test_a_killed_engine_takes_host_and_program_along(project: Project, started: Path) -> None:
    """Nothing can say good-bye here; the lock stays, as it must: its holder cannot vouch for the state."""
    project.program(SLOW)
    outcome = project.interrupt(*UP, when=started.exists, number=signal.SIGKILL)
    assert outcome.code == -signal.SIGKILL
    project.wait_until(lambda: gone(project))
    assert len(project.locks()) == 1
    assert project.run("cancel", "--yes").code == 0
    assert project.locks() == []
