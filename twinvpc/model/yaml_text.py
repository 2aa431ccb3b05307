"""Reading YAML strictly: what YAML would do quietly is told instead.

YAML 1.1 lets aliases and merge keys pull in what stands elsewhere, lets the second of two equal keys win, and reads
keys such as `on` or `1` as something other than text. None of that belongs in files that decide who may talk to whom.
"""

from dataclasses import dataclass, field

import yaml

from twinvpc.model.problems import Problem, shown
from twinvpc.model.source import KeyPath, Source, dotted

DEEPEST = 16
"""How deep keys and lists may stand in each other; the owner's files need 5."""

_TEXT = "tag:yaml.org,2002:str"
_READABLE = "the file is read as YAML: keys and values"


def read_text(text: str, file: str) -> Source:
    """Read the text of one file.

    Args:
        text: YAML.
        file: its name, for the problems.

    Returns:
        What stands in it, with the line of every path. Keys that are given twice or are no text are left out and told
        as problems; a text that is no mapping gives an empty one and one problem.
    """
    node, told = _composed(text)
    if told:
        return unreadable(file, *told)
    if node is None:
        return unreadable(file, "an empty file", 0)
    if not isinstance(node, yaml.MappingNode):
        return unreadable(file, "no keys and values", node.start_mark.line + 1)
    builder = _Builder(file)
    mapping = builder.build(node, ())
    return Source(file, mapping, builder.lines, tuple(builder.problems))


def read_value(text: str) -> object:
    """Read the text of one value; what is not plain YAML stays the text that it is."""
    node, told = _composed(text)
    if told or node is None:
        return text if told else None
    builder = _Builder("")
    value = builder.build(node, ())
    return text if builder.problems else value


def unreadable(file: str, what: str, line: int, *, rule: str = _READABLE, way_out: str = "correct the file") -> Source:
    """A source that holds nothing but the reason."""
    return Source(file, {}, {}, (Problem(file, "", what, rule, way_out, line),))


def _composed(text: str) -> tuple[yaml.Node | None, tuple[str, int] | None]:
    """The text's one document as nodes, or what is wrong with it and in which line."""
    try:
        told = _plain(text)
        return (None, told) if told else (yaml.compose(text, Loader=yaml.SafeLoader), None)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return None, (f"not YAML: {error.problem or error.context}", line)
    except yaml.reader.ReaderError as error:
        return None, (f"the character U+{error.character:04X}", text.count("\n", 0, error.position) + 1)


def _plain(text: str) -> tuple[str, int] | None:
    """What no file of ours needs, with its line: aliases, anchors, tags, and nesting without end."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            return f"an alias (`*{event.anchor}`)", line
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            return f"an anchor (`&{event.anchor}`)", line
        if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            return f"a tag ({shown(event.tag)})", line
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return f"nested deeper than {DEEPEST} levels", line
    return None


@dataclass
class _Builder:
    """Turns YAML nodes into plain values, and keeps what it meets on the way."""

    file: str
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    problems: list[Problem] = field(default_factory=list[Problem])
    constructor: yaml.constructor.SafeConstructor = field(default_factory=yaml.constructor.SafeConstructor)

    def build(self, node: yaml.Node, where: KeyPath) -> object:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, where)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*where, index)) for index, item in enumerate(node.value)]
        try:
            return self.constructor.construct_object(node)  # pyright: ignore[reportUnknownMemberType] - its stub
        except (ValueError, OverflowError, yaml.YAMLError):  # dates like 2026-99-99, integers without end, a lone `=`
            self._tell(where, node, f"{shown(node.value)} cannot be read", "it looks like a number, a date or a mark")
            return None

    def _item(self, node: yaml.Node, where: KeyPath) -> object:
        self.lines[where] = node.start_mark.line + 1
        return self.build(node, where)

    def _mapping(self, node: yaml.MappingNode, where: KeyPath) -> dict[str, object]:
        found: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT:
                quoted = f"key `{key.value}`" if isinstance(key, yaml.ScalarNode) else "a key of several values"
                self._tell(
                    where, key, f"{quoted} is not text", "YAML reads it as a number, a date, a switch or nothing"
                )
            elif key.value in found:
                what = f"key `{key.value}` is given twice"
                rule = "the second would silently win"
                line = key.start_mark.line + 1
                path = dotted((*where, key.value))
                self.problems.append(Problem(self.file, path, what, rule, "keep one of them", line))
            else:
                found[key.value] = self._item(value, (*where, key.value))
                self.lines[*where, key.value] = key.start_mark.line + 1
        return found

    def _tell(self, where: KeyPath, node: yaml.Node, what: str, rule: str) -> None:
        way_out = "put it in quotes if text is meant, or correct it"
        self.problems.append(Problem(self.file, dotted(where), what, rule, way_out, node.start_mark.line + 1))
