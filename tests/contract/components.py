"""What every component keeps to, as findings over the classes themselves and over a run that built them."""

import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from types import ModuleType

import pulumi

import components
from components.component import Component
from tests.components.engine import STACK, RecordingEngine

Kind = type[pulumi.ComponentResource]
_CREATES = re.compile(r"Creates:\n((?:\s+- `[^`]+`: .+(?:\n\s{10,}.+)*\n?)+)\s*\Z")


def modules() -> list[ModuleType]:
    """Every module below components/."""
    found = pkgutil.walk_packages(components.__path__, f"{components.__name__}.")
    return [importlib.import_module(one.name) for one in found]


def all_components(among: Sequence[ModuleType]) -> list[Kind]:
    """Every component class that these modules define, the base apart."""
    return [
        kind
        for module in among
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, pulumi.ComponentResource)
        and kind is not Component
        and kind.__module__ == module.__name__
    ]


def token(kind: Kind) -> str:
    """`twin-vpc:<folder>:<Class>` from where the class stands."""
    return f"twin-vpc:{kind.__module__.split('.')[-2]}:{kind.__name__}"


def findings(kinds: Sequence[Kind], engine: RecordingEngine) -> list[str]:
    """Everything that is wrong with these components as the run built them."""
    return [*_shape(kinds), *_tokens(kinds, engine), *_children(engine), *_outputs(engine), *_inventory(kinds, engine)]


def _shape(kinds: Sequence[Kind]) -> Iterator[str]:
    for kind in kinds:
        first, *rest = list(inspect.signature(kind).parameters.values())
        names = [first.name, *(p.name for p in rest)]
        if names != ["name", "args", "opts"]:
            yield f"{kind.__name__}: takes {names}, not name, args, opts"
        elif rest[-1].kind is not inspect.Parameter.KEYWORD_ONLY or rest[-1].default is not None:
            yield f"{kind.__name__}: opts is not keyword-only, none by default"


def _tokens(kinds: Sequence[Kind], engine: RecordingEngine) -> Iterator[str]:
    expected = {token(kind) for kind in kinds}
    built = {one.type for one in engine.resources if not one.custom}
    for one in sorted(expected - built):
        yield f"{one}: no such component was built"
    for one in sorted(built - expected):
        yield f"{one}: the token of no component class"


def _children(engine: RecordingEngine) -> Iterator[str]:
    for one in engine.resources:
        if not one.custom or one.type.startswith("pulumi:providers:"):
            continue
        if STACK in one.parent.split("::")[2].split("$")[-1]:
            yield f"{one.name}: has no component as its parent"
        if not one.provider:
            yield f"{one.name}: has no explicit provider"


def _outputs(engine: RecordingEngine) -> Iterator[str]:
    times = Counter(urn for urn, _ in engine.outputs)
    for one in engine.resources:
        if not one.custom and times[one.urn] != 1:
            yield f"{one.name}: registered its outputs {times[one.urn]} times"


def _inventory(kinds: Sequence[Kind], engine: RecordingEngine) -> Iterator[str]:
    by_urn = {one.urn: one for one in engine.resources}
    for kind in kinds:
        said = _CREATES.search((kind.__doc__ or "") + "\n")
        if not said:
            yield f"{kind.__name__}: its docstring does not end in what it creates"
            continue
        named = set(re.findall(r"- `([^`]+)`:", said[1]))
        made = {one.type for one in engine.resources if one.parent in by_urn and by_urn[one.parent].type == token(kind)}
        if named != made:
            yield f"{kind.__name__}: says it creates {sorted(named)}, but created {sorted(made)}"
