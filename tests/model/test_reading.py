"""Files that YAML would read somehow are read strictly or refused in words, and never with a traceback."""

import os
from pathlib import Path

import pytest

from tests.model.owner import DELL, NETWORK, TEXTS, edited, lay_out, load_with
from twinvpc.model.files import LARGEST_FILE, load_stack, read_yaml, scalar, stack_names, stack_source
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.problems import InvalidInputError, Problem, shown
from twinvpc.model.source import dotted
from twinvpc.model.yaml_text import DEEPEST, read_text

DAMAGED: dict[str, tuple[bytes, str, int]] = {
    "empty": (b"", "an empty file", 0),
    "only a comment": (b"# nothing\n", "an empty file", 0),
    "a list": (b"\n- domain\n", "no keys and values", 2),
    "a text": (b"domain", "no keys and values", 1),
    "null byte": (b"domain: lab.local\ncidr: \x00\n", "the character U+0000", 2),
    "escape": (b"domain: \x1b[2J\n", "the character U+001B", 1),
    "tab": (b"domain: lab.local\nsegments:\n\tpublic: {}\n", "not YAML: found character '\\t'", 3),
    "latin-1": (b"domain: lab.local\npurpose: \xe4\n", "not UTF-8 text", 2),
    "utf-16": ("domain: lab.local\n".encode("utf-16"), "not UTF-8 text", 1),
    "lone surrogate": (b"domain: \xed\xa0\x80\n", "not UTF-8 text", 1),
    "alias": (b"a: &x [1]\nb: *x\n", "an anchor (`&x`)", 1),
    "alias to nothing": (b"a: 1\nb: *x\n", "an alias (`*x`)", 2),
    "anchor alone": (b"a: &x 1\n", "an anchor (`&x`)", 1),
    "bomb": (b"a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]\n", "an anchor", 1),
    "tag": (b"a: !!python/object/apply:os.system [ls]\n", "a tag", 1),
    "tag of a set": (b"a: !!set {x: null}\n", "a tag", 1),
    "two documents": (b"a: 1\n---\nb: 2\n", "not YAML: but found another document", 2),
    "unclosed": (b"a: {b: 1\n", "not YAML", 2),
    "deep": (b"a: " + b"[" * 5000 + b"]" * 5000, f"nested deeper than {DEEPEST}", 1),
    "deep mapping": (b"{a: " * 5000, f"nested deeper than {DEEPEST}", 1),
    "percent": (b"%YAML 9.9\n---\na: 1\n", "not YAML", 1),
}


def only(path: Path) -> Problem:
    source = read_yaml(path)
    assert source.mapping == {}
    (problem,) = source.problems
    return problem


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_file_is_one_problem_with_its_line(tmp_path: Path, name: str) -> None:
    data, what, line = DAMAGED[name]
    path = tmp_path / NETWORK
    path.write_bytes(data)
    problem = only(path)
    assert what in problem.what
    assert problem.line == line


def test_a_folder_a_missing_file_and_a_pipe_are_refused(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "folder.yaml", tmp_path / "pipe.yaml"
    folder.mkdir()
    os.mkfifo(pipe)
    assert only(folder).what == only(pipe).what == "not a file"
    absent = only(tmp_path / "absent.yaml")
    assert (absent.what, absent.way_out) == ("there is no such file", "restore it from the last commit")


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / NETWORK
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    assert "larger than" in only(path).what


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf", b""], ids=["with BOM", "without"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_line_endings_and_a_byte_order_mark_change_nothing(tmp_path: Path, data: bytes, ending: str) -> None:
    files = {name: data + text.replace("\n", ending).encode() for name, text in TEXTS.items()}
    assert load_with(tmp_path, files) == load_with(tmp_path, {})


@pytest.mark.parametrize("word", ["yes", "On", "TRUE", "true", "no", "off", "FALSE"])
def test_the_switch_knows_yamls_own_words(tmp_path: Path, word: str) -> None:
    text = edited(NETWORK, "{purpose: data, internet: true}", f"{{internet: {word}}}")
    assert load_with(tmp_path, {NETWORK: text}).network.segments["database"].internet is (
        word not in {"no", "off", "FALSE"}
    )


def test_equal_keys_in_other_words_do_not_overwrite_each_other() -> None:
    """`yes` and `on`, `0x10` and `16` are one key to Python; the second must not win over the first unseen."""
    source = read_text("yes: 1\non: 2\n0x10: 3\n16: 4\n~: 5\nnull: 6\n1.0: 7\n2026-01-01: 8\n", "f")
    assert source.mapping == {}
    assert len(source.problems) == 8


def test_a_merge_key_pulls_nothing_in() -> None:
    source = read_text("<<: {internet: true}\npurpose: x\n", "f")
    assert source.mapping == {"purpose": "x"}
    assert [p.what for p in source.problems] == ["key `<<` is not text"]


def test_the_second_of_two_keys_is_told_and_not_taken() -> None:
    source = read_text("a: {b: 1, b: 2}\na: 3\n", "f")
    assert source.mapping == {"a": {"b": 1}}
    assert [(p.path, p.line) for p in source.problems] == [("a.b", 1), ("a", 2)]


def test_lines_are_known_for_keys_and_items() -> None:
    lines = read_text("a:\n  - x\n  - b: 1\n    c: 2\n", "f").lines
    assert lines == {("a",): 1, ("a", 0): 2, ("a", 1): 3, ("a", 1, "b"): 3, ("a", 1, "c"): 4}


READ = {
    "30": 30,
    "libvirt": "libvirt",
    "10.0.0.0/16": "10.0.0.0/16",
    '{"a": [1, "x"]}': {"a": [1, "x"]},
    "true": True,
    "": None,
}
KEPT = (
    "a: b: c", "*x", "&x 1", "{a: 1, a: 2}", "!!python/name:os", "2026-99-99", "\x00", "[" * 99, "a\nb: [",
    5, [1], None,
)  # fmt: skip


@pytest.mark.parametrize(("text", "value"), [*READ.items(), *((value, value) for value in KEPT)])
def test_a_setting_is_read_as_pulumi_keeps_it_and_odd_text_stays_text(text: object, value: object) -> None:
    assert scalar(text) == value


def test_settings_written_as_text_mean_the_same(tmp_path: Path) -> None:
    pools = "{ssd: /var/lib/libvirt/images/twin-vpc, hdd: /data/kvm/images/twin-vpc}"
    head = TEXTS[DELL].split("  twin-vpc:pools:")[0]
    assert load_with(tmp_path, {DELL: f"{head}  twin-vpc:pools: '{pools}'\n"}) == load_with(tmp_path, {})


@pytest.mark.parametrize("text", ["config: 5\n", "config:\n", "confg: {}\n", "config: []\n"])
def test_a_stack_file_without_settings_is_told(tmp_path: Path, text: str) -> None:
    path = tmp_path / DELL
    path.write_text(text)
    assert [p.what for p in stack_source(path).problems] == ["`config` holds no keys"]


def test_a_stack_without_a_file_is_told_with_those_that_have_one(tmp_path: Path) -> None:
    lay_out(tmp_path, {})
    (tmp_path / "Pulumi.folder.yaml").mkdir()
    assert stack_names(tmp_path) == ("aws", "dell")
    for name in ("folder", "prod", "../dell", ""):
        with pytest.raises(InvalidInputError, match="stacks with a file: aws, dell"):
            load_stack(tmp_path, name)


def test_the_owners_files_are_what_the_requirements_say(tmp_path: Path) -> None:
    dell = load_with(tmp_path, {})
    assert isinstance(dell.stack, LibvirtStack)
    table = {name: (str(s.cidr), str(s.dhcp), str(s.ssh_ports)) for name, s in dell.stack.segments.items()}
    assert table == {
        "management": ("10.0.0.0/24", "10.0.0.10-10.0.0.50", "2201-2210"),
        "public": ("10.0.1.0/24", "10.0.1.100-10.0.1.200", "2211-2230"),
        "private": ("10.0.2.0/24", "10.0.2.100-10.0.2.200", "2231-2250"),
        "database": ("10.0.3.0/24", "None", "2251-2260"),
        "container": ("10.0.4.0/24", "10.0.4.100-10.0.4.200", "2261-2280"),
    }
    assert dell.network.domain == "lab.local"
    assert load_with(tmp_path, {}, "aws").network == dell.network


def test_errors_quote_what_cannot_be_printed() -> None:
    assert shown("\u0440ublic\x1b") == r"'\u0440ublic\x1b'"
    assert shown(None) == "null"
    assert shown(16**9000) == "a value too large to show"
    assert len(shown("x" * 10_000)) == 60
    assert dotted(("a", 2, "b\x1b[0m", "c")) == r"a[2].'b\x1b[0m'.c"
