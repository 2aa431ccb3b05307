"""The house's own rules: who may import whom, how long things may be, and what no file may hold."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("twinvpc", "components", "providers", "operations", "graph", "sandbox")
LONGEST_MODULE, LONGEST_FUNCTION, LONGEST_MAIN = 400, 40, 60
# In two parts, or this file would name them itself.
MACHINE_PATHS = ("/work" + "/", "/root" + "/", "/tmp" + "/w", "/opt" + "/wheels")  # noqa: S108 - named, not used
INDEX_LINES = ("--index" + "-url", "--find" + "-links", "--extra-" + "index", "GOPROXY" + "=", "deb." + "debian.org")
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X")


def tracked(*endings: str) -> list[Path]:
    """Files of the repository, as git knows them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file() and path.name.endswith(endings or ("",))]


MODULES = tracked(".py")
PRODUCTION = [path for path in MODULES if path.relative_to(ROOT).parts[0] in PACKAGES]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on a folder, its packages taken from there and from nowhere else."""
    program = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_go_down_only() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_a_copy_keeps_every_contract(copied: Path) -> None:
    """So what breaks below is the import that was added."""
    assert lint_imports(copied).returncode == 0


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("twinvpc/policy/terms.py", "import pulumi", "The pure core imports no Pulumi"),
        ("twinvpc/model/load.py", "import twinvpc.policy.terms", "Inside the core imports go down only"),
        ("twinvpc/policy/terms.py", "import twinvpc.proof.cells", "Inside the core imports go down only"),
        ("twinvpc/price/bill.py", "import twinvpc.policy.aws", "Inside the core imports go down only"),
        ("twinvpc/price/bill.py", "import components.aws.endpoints", "The pure core imports no Pulumi"),
        ("twinvpc/cli/app.py", "import sandbox.paths", "Production never depends on the sandbox"),
        ("components/host/render.py", "import twinvpc.proof.cells", "The proof is not a part of what it proves"),
        (
            "twinvpc/proof/aws/paths.py",
            "import twinvpc.policy.terms",
            "The proof of AWS shares nothing with the renderers",
        ),
        ("components/config.py", "import graph.errors", "The graph of a stack stands above what builds it"),
        ("graph/errors.py", "import operations.errors", "The graph of a stack touches no live one"),
        ("graph/errors.py", "import sandbox.paths", "Production never depends on the sandbox"),
        ("components/aws/vpc.py", "import twinvpc.proof.cells", "The proof is not a part of what it proves"),
        ("components/aws/vpc.py", "import components.libvirt.vpc", "What is on AWS knows nothing of the Dell"),
        ("components/libvirt/vpc.py", "import pulumi_aws", "What is on the Dell knows nothing of AWS"),
        ("providers/host/__init__.py", "import twinvpc.model.load", "The host provider takes no policy decisions"),
    ],
)
def test_a_forbidden_import_is_found(copied: Path, module: str, line: str, contract: str) -> None:
    path = copied / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    done = lint_imports(copied)
    assert done.returncode == 1, done.stderr
    assert contract in done.stdout.partition("Broken contracts")[2]


def test_the_owners_tool_starts_without_pulumi_pyinfra_and_the_sandbox() -> None:
    program = "import sys, twinvpc.cli.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "twinvpc" in loaded
    above = {"components", "providers", "graph", "sandbox"}
    assert not loaded & {"pulumi", "pulumi_libvirt", "pulumi_aws", "pyinfra", "grpc", "gevent", *above}


@pytest.mark.parametrize("path", PRODUCTION, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_and_its_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_MODULE
    long = {f"{name}: {lines}" for name, lines in functions(ast.parse(text)) if lines > LONGEST_FUNCTION}
    assert not long, f"functions have at most {LONGEST_FUNCTION} lines: {sorted(long)}"


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def test_a_long_function_is_found() -> None:
    body = "\n".join(["    pass"] * LONGEST_FUNCTION)
    assert dict(functions(ast.parse(f"def f():\n{body}\nclass C:\n    async def g(self): pass\n"))) == {"f": 41, "g": 1}


def test_the_program_is_a_table_of_contents() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) <= LONGEST_MAIN


def test_no_module_is_called_utils() -> None:
    assert not [path for path in MODULES if path.stem in {"utils", "util", "helpers", "misc", "common"}]


@pytest.mark.parametrize(
    "words", [UNFINISHED, MACHINE_PATHS, INDEX_LINES], ids=["unfinished", "machine paths", "registries"]
)
def test_no_file_holds_what_was_to_be_done_or_where_it_was_written(words: tuple[str, ...]) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if any(word in line for word in words)
    ]
    assert not found


def test_every_test_file_is_collected() -> None:
    """A file of tests that does not begin with `test_` would never run."""
    for path in tracked(".py"):
        if path.relative_to(ROOT).parts[0] == "tests" and not path.name.startswith("test_"):
            names = [name for name, _ in functions(ast.parse(path.read_text()))]
            assert not [name for name in names if name.startswith("test_")], path
