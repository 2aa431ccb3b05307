"""The documents name only what exists, and show only what the tool really prints."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from twinvpc.cli.show import matrix_table
from twinvpc.model.aws import AwsStack, Quotas, Usage
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import Docker, Host, LibvirtStack, Sshd, Tailnet
from twinvpc.model.problems import InvalidInputError
from twinvpc.proof.intent import matrix

ROOT = Path(__file__).resolve().parents[2]
ADR = ROOT / "docs" / "adr"
GUIDES = (
    *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "CHANGELOG", "SECURITY")),
    *ROOT.glob("docs/*.md"),
)
RECORDS = sorted(ADR.glob("[0-9]*.md"))
DOCUMENTS = (*GUIDES, ADR / "README.md", *RECORDS)

_FENCE = re.compile(r"^ *```\w*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SUFFIXES = (".py", ".md", ".yaml", ".json", ".toml", ".txt", ".in", ".mod", ".sum", ".sh")
_PATH = re.compile(r"[\w.][\w.*-]*(/[\w.*-]+)*/?")
_SECTIONS = ["Status", "Context", "Decision", "Consequences"]
# Made by `make`, so not there in a fresh checkout.
_MADE = (
    "out/",
    ".venv/",
)


def spans(text: str) -> Iterator[str]:
    """Inline code, and the words of code blocks."""
    for block in _FENCE.findall(text):
        yield from block.split()
    yield from _SPAN.findall(_FENCE.sub("", text))


def unknown_targets(text: str, makefile: str) -> list[str]:
    """`make` targets that a text names and the Makefile has not."""
    code = "\n".join([*_FENCE.findall(text), *_SPAN.findall(_FENCE.sub("", text))])
    named = set(re.findall(r"(?<!install )\bmake ([a-z][a-z-]*)", code))
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    return sorted(named - targets)


def is_path(word: str) -> bool:
    """Whether a word of code speaks of a file or folder of this repository."""
    if not _PATH.fullmatch(word) or word.startswith(_MADE):
        return False
    head, slash, _ = word.partition("/")
    return word.endswith(("/", *_SUFFIXES)) or bool(slash and (ROOT / head).exists())


def missing_paths(text: str, folder: Path) -> list[str]:
    """Files and folders that a text names and that are not there; links are seen from the text's own folder."""
    named = {word for word in spans(text) if is_path(word)}
    missing = [word for word in named if not any(ROOT.glob(word.rstrip("/")))]
    links = {link.partition("#")[0] for link in _LINK.findall(text) if "://" not in link}
    return sorted([*missing, *(link for link in links if not (folder / link).exists())])


def misplaced_names(text: str) -> list[str]:
    """Names of code that a text places in a file, as "`name` in `file`", and that the file does not hold."""
    placed = re.findall(r"`(\w+)`,? in\s+`([\w./-]+\.(?:py|sh|json))`", text)
    return [f"{name} in {file}" for name, file in placed if name not in (ROOT / file).read_text(encoding="utf-8")]


def unknown_settings(text: str) -> list[str]:
    """Settings of ours that no model has."""
    models = {
        "host": Host, "sshd": Sshd, "docker": Docker, "tailnet": Tailnet, "quotas": Quotas, "usage": Usage,
    }  # fmt: skip
    known = {f"twin-vpc:{name}" for name in (*LibvirtStack.model_fields, *AwsStack.model_fields)}
    known |= {f"twin-vpc:{key}.{name}" for key, model in models.items() for name in model.model_fields}
    return sorted(set(re.findall(r"`(twin-vpc:[\w.-]+)`", text)) - known)


def faults(text: str, number: int) -> list[str]:
    """What is wrong with the form of a decision record."""
    found: list[str] = []
    if not text.startswith(f"# {number}. "):
        found.append("the title does not begin with the file's number")
    if re.findall(r"^## (.+)$", text, re.MULTILINE) != _SECTIONS:
        found.append(f"sections are not {', '.join(_SECTIONS)}")
    consequences = text.partition("## Consequences")[2]
    found += [f"consequences without {word}" for word in ("Good:", "Bad:") if word not in consequences]
    if len(text.splitlines()) > 45:
        found.append("longer than 45 lines")
    return found


def unindexed(index: str, records: dict[str, str]) -> list[str]:
    """Records that the index lacks or calls by another title, and lines of the index without a record."""
    lines = dict(re.findall(r"^\| \[\d+\]\(([\w.-]+)\) \| (.+) \|$", index, re.MULTILINE))
    titles = {name: text.splitlines()[0].partition(". ")[2] for name, text in records.items()}
    return sorted({name for name in lines.keys() | titles.keys() if lines.get(name) != titles.get(name)})


def without_lines(text: str) -> str:
    """A report of problems without the lines' numbers, which move with every comment in the files."""
    return re.sub(r"^(\S+\.yaml):\d+(?=  )", r"\1", text, flags=re.MULTILINE)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_a_document_names_only_what_exists(document: Path) -> None:
    text = _read(document)
    assert unknown_targets(text, _read(ROOT / "Makefile")) == []
    assert missing_paths(text, document.parent) == []
    assert misplaced_names(text) == []
    assert unknown_settings(text) == []


@pytest.mark.parametrize("record", RECORDS, ids=_name)
def test_a_decision_has_all_its_parts(record: Path) -> None:
    assert faults(_read(record), int(record.name[:4])) == []


def test_the_index_of_decisions_is_complete() -> None:
    assert len(RECORDS) > 20, "the records were not found"
    assert unindexed(_read(ADR / "README.md"), {record.name: _read(record) for record in RECORDS}) == []


@pytest.mark.parametrize("document", [*DOCUMENTS, ROOT / "requirements.in"], ids=_name)
def test_a_decision_that_is_referred_to_exists(document: Path) -> None:
    referred = {int(number) for number in re.findall(r"\bADR (\d+)", _read(document))}
    assert referred <= {int(record.name[:4]) for record in RECORDS}


def test_the_readme_is_short() -> None:
    assert len(_read(ROOT / "README.md").splitlines()) <= 150


def test_the_readme_shows_the_matrix_of_the_files() -> None:
    console = Console(file=io.StringIO(), width=100, color_system=None)
    console.print(matrix_table(matrix(load_stack(ROOT, "dell")), "title"))
    assert isinstance(console.file, io.StringIO)
    printed = [line.rstrip() for line in console.file.getvalue().splitlines()[1:]]
    assert "\n".join(printed) in _read(ROOT / "README.md")


def test_the_readme_shows_mistakes_as_they_are_told(tmp_path: Path) -> None:
    changes = {
        "network.yaml": ("to: host, services: host-ssh", "to: hsot, services: any"),
        "Pulumi.dell.yaml": ("cidr: 10.0.3.0/24", "cidr: 10.0.2.128/25"),
    }
    for name, (sound, broken) in changes.items():
        text = _read(ROOT / name)
        assert sound in text, "the example no longer changes anything"
        (tmp_path / name).write_text(text.replace(sound, broken), encoding="utf-8")
    with pytest.raises(InvalidInputError) as told:
        load_stack(tmp_path, "dell")
    assert without_lines(str(told.value)) in without_lines(_read(ROOT / "README.md"))


def test_a_wrong_document_is_noticed() -> None:
    """Negative control: each check finds the fault that it is there for."""
    makefile = "up: setup\ntest-fast:\n"
    assert unknown_targets("run `make up`, then `make test-slow`\n```sh\nmake dwon\n```\n", makefile) == [
        "dwon",
        "test-slow",
    ]
    text = "`twinvpc/policy/nftable.py`, `componets/`, [that](docs/gone.md), `sandbox/none`\n```\ncat netwrok.yaml\n```"
    assert missing_paths(text, ROOT) == [
        "componets/", "docs/gone.md", "netwrok.yaml", "sandbox/none", "twinvpc/policy/nftable.py",
    ]  # fmt: skip
    assert misplaced_names("`first_fit` in `twinvpc/addressing/allocate.py`") == [
        "first_fit in twinvpc/addressing/allocate.py"
    ]
    assert unknown_settings("`twin-vpc:host.key-file`, `twin-vpc:hots`, `twin-vpc:host.port`") == [
        "twin-vpc:host.key-file", "twin-vpc:hots",
    ]  # fmt: skip


def test_what_is_no_path_of_ours_is_left_alone() -> None:
    for word in (
        "tcp/5432",
        "/etc/nftables.conf",
        "10.0.0.0/16",
        "~/.ssh/known_hosts",
        "inet twin_vpc",
        ".venv/bin/pytest",
    ):
        assert not is_path(word), word


def test_a_malformed_decision_is_noticed() -> None:
    sound = "# 7. Title\n## Status\n## Context\n## Decision\n## Consequences\nGood: a\n\nBad: b\n"
    assert faults(sound, 7) == []
    assert faults(sound, 8) == ["the title does not begin with the file's number"]
    assert faults(sound.replace("## Context\n", ""), 7) == ["sections are not Status, Context, Decision, Consequences"]
    assert faults(sound.replace("Bad:", "But:"), 7) == ["consequences without Bad:"]
    assert faults(sound + "\n" * 45, 7) == ["longer than 45 lines"]


def test_an_incomplete_index_is_noticed() -> None:
    index = "| [7](0007-a.md) | Title |\n| [9](0009-c.md) | Gone |\n"
    records = {"0007-a.md": "# 7. Title\n", "0008-b.md": "# 8. Other\n"}
    assert unindexed(index, records) == ["0008-b.md", "0009-c.md"]
    assert unindexed(index.replace("Title", "Tilte"), {"0007-a.md": "# 7. Title\n"}) == ["0007-a.md", "0009-c.md"]
