"""Reading the owner's files as they lie in the folder: the adapter for everything that runs without Pulumi."""

from pathlib import Path

from twinvpc.model.load import Intent, load
from twinvpc.model.problems import InvalidInputError, Problem, shown
from twinvpc.model.source import KeyPath, Source, as_mapping
from twinvpc.model.yaml_text import read_text, read_value, unreadable

NETWORK_FILE = "network.yaml"
PREFIX = "twin-vpc:"
LARGEST_FILE = 16 * 1024 * 1024
"""Bytes; a network of 500 fully meshed segments needs 4 MiB."""

_PULUMI = "pulumi:"


def scalar(value: object) -> object:
    """A top-level value as Pulumi's config would give it: text that is read as YAML.

    Pulumi keeps `30` and `"30"` alike as text, so both adapters read it the same way. Text that is not plain YAML stays
    the text it is, and the model judges it.
    """
    return read_value(value) if isinstance(value, str) else value


def read_yaml(path: Path) -> Source:
    """Read one YAML file, with the line of every path and keys given twice as problems.

    A file that is missing, not UTF-8 or not YAML gives a source that holds that problem and an empty mapping.
    """
    try:
        if not path.exists():
            rule, way_out = "the program reads its files from its own folder", "restore it from the last commit"
            return unreadable(path.name, "there is no such file", 0, rule=rule, way_out=way_out)
        if not path.is_file():
            return unreadable(path.name, "not a file", 0)
        if path.stat().st_size > LARGEST_FILE:
            return unreadable(path.name, f"larger than {LARGEST_FILE} bytes", 0)
        data = path.read_bytes()
    except OSError as error:
        return unreadable(path.name, error.strerror or "cannot be read", 0)
    try:
        return read_text(data.decode("utf-8"), path.name)
    except UnicodeDecodeError as error:
        return unreadable(path.name, "not UTF-8 text", data.count(b"\n", 0, error.start) + 1)


def stack_source(path: Path) -> Source:
    """The `twin-vpc:` keys of a Pulumi stack file, without that prefix."""
    whole = read_yaml(path)
    top = as_mapping(whole.mapping) or {}
    config = as_mapping(top.get("config"))
    if whole.problems and not config:
        return whole
    if config is None:
        return unreadable(path.name, "`config` holds no keys", whole.lines.get(("config",), 0))
    own: dict[str, object] = {}
    problems = list(whole.problems)
    for key, value in config.items():
        name = str(key)
        if name.startswith(PREFIX):
            own[name.removeprefix(PREFIX)] = scalar(value)
        elif not name.startswith(_PULUMI):
            what, rule = f"key {shown(name)}", "providers are explicit, so only `twin-vpc:` and `pulumi:` keys are read"
            problems.append(whole.problem(("config", name), what, rule, f"write `{PREFIX}…`, or remove it"))
    return Source(path.name, own, _own_lines(whole), tuple(problems))


def _own_lines(whole: Source) -> dict[KeyPath, int]:
    """Lines by the paths that remain when `config` and the prefix are taken off."""
    return {
        (str(where[1]).removeprefix(PREFIX), *where[2:]): line
        for where, line in whole.lines.items()
        if len(where) > 1 and where[0] == "config" and str(where[1]).startswith(PREFIX)
    }


def stack_names(root: Path) -> tuple[str, ...]:
    """Names of all stacks that have a file in the folder, sorted."""
    files = (path.name for path in root.glob("Pulumi.*.yaml") if path.is_file())
    return tuple(sorted(name.removeprefix("Pulumi.").removesuffix(".yaml") for name in files))


def load_stack(root: Path, stack_name: str) -> Intent:
    """Load network.yaml and the stack's file from a folder.

    Raises:
        InvalidInputError: with every problem in both files; a stack without a file is one of them.
    """
    path = root / f"Pulumi.{stack_name}.yaml"
    if not path.is_file():
        known = ", ".join(stack_names(root)) or "none"
        what = f"there is no stack `{stack_name}`"
        raise InvalidInputError([Problem(path.name, "", what, f"stacks with a file: {known}", "name one")])
    return load(read_yaml(root / NETWORK_FILE), stack_source(path), stack_name)
