"""`pulumi up` of the whole stack beside a bare program with the same five networks and no policy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks import stacks
from benchmarks.demands import Demand, at_most
from benchmarks.errors import BenchmarkError
from benchmarks.events import Event, Run, first, last, run
from benchmarks.figures import Figure
from benchmarks.host_steps import tables as host_tables
from benchmarks.report import Table
from sandbox.command import progress
from sandbox.dell import World
from sandbox.engine import Engine
from sandbox.project import Project, project

ALLOWED = 2.0
"""The most that `up` may take, as a multiple of the bare program's."""

_STEPS = {"up": ("up",), "up, no change": ("up",), "destroy": ("destroy",)}
_PROGRAMS = ("bare", "twin-vpc")
_STACK = "pulumi:pulumi:Stack"
_POLICY = "twin-host:index:NetworkPolicy"
_NETWORK = "libvirt:index/network:Network"
_POOL = "libvirt:index/pool:Pool"
_WATCH = "twin-host:index:NetworkWatch"

Runs = Mapping[tuple[str, str], Sequence[Run]]
"""By program and step."""


def tables(world: World, engine: Engine, rounds: int) -> Iterator[Table]:
    """Measure both programs in turns.

    Args:
        world: a sandbox host on which neither is deployed; it is left so.
        engine: whose `pulumi` runs.
        rounds: how often each command of each program is measured.

    Raises:
        BenchmarkError: a second `up` changed something.
        CommandError: a command failed.
    """
    projects = {"bare": stacks.bare(world, engine), "twin-vpc": project(world, engine, "benchmark")}
    runs: dict[tuple[str, str], list[Run]] = {(name, step): [] for name in _PROGRAMS for step in _STEPS}
    for number in range(rounds):
        # The order changes from round to round, so that neither program always finds the caches warm.
        for name in _PROGRAMS if number % 2 else _PROGRAMS[::-1]:
            progress(f"up, {name}: round {number + 1} of {rounds}")
            for step, run_of_step in _round(projects[name]):
                runs[name, step].append(run_of_step)
    yield from tables_of(runs)
    yield from host_tables(world, engine, rounds)


def _round(of: Project) -> Iterator[tuple[str, Run]]:
    for step, argv in _STEPS.items():
        done = run(of, *argv)
        if step == "up, no change" and set(done.changes) != {"same"}:
            raise BenchmarkError(
                f"the second `up` of {of.folder.name} changed something: {done.changes}; see `pulumi up --diff`"
            )
        yield step, done


def _ratios(runs: Runs) -> Table:
    rows: list[tuple[str, ...]] = []
    demands: list[Demand] = []
    for step in _STEPS:
        bare, ours = (Figure(tuple(one.seconds for one in runs[name, step])) for name in _PROGRAMS)
        ratio = ours.over(bare)
        demands += [] if step == "destroy" else [at_most(f"`{step}` beside a bare program", ratio.median, ALLOWED)]
        rows.append((step, str(bare), str(ours), str(ratio), "" if step == "destroy" else demands[-1].cell))
    head = ("command", *_PROGRAMS, "ratio (of the least)", "demand")
    return Table("The whole stack beside the bare program", head, tuple(rows), demands=tuple(demands))


@dataclass(frozen=True)
class _Phase:
    """A stretch of a run.

    Attributes:
        name: for the table.
        end: when it ended, in seconds since the start; none if the run has no such thing.
    """

    name: str
    end: Callable[[Run], float | None]


def _is(wanted: str) -> Callable[[str], bool]:
    return lambda token: token == wanted


def _of_a_plugin(token: str) -> bool:
    """Whether a resource is made by a provider's plugin; components and providers themselves are not."""
    return token in {_POLICY, _NETWORK, _POOL, _WATCH}


def _made_by_libvirt(token: str) -> bool:
    return token in {_NETWORK, _POOL}


def _last_provider(events: Sequence[Event]) -> float | None:
    """Providers are registered before anything that they make."""
    return first(events, "resourcePreEvent", _of_a_plugin)


_PHASES = (
    _Phase("`pulumi` itself, until the preview begins", lambda r: r.preview[0].at),
    _Phase("preview: language host, program's imports", lambda r: first(r.preview, "resourcePreEvent", _is(_STACK))),
    _Phase("preview: program, provider plugins start", lambda r: _last_provider(r.preview)),
    _Phase("preview: all resources", lambda r: last(r.preview, "summaryEvent", _is(""))),
    _Phase("end of the preview", lambda r: r.update[0].at),
    _Phase("update: language host, program's imports", lambda r: first(r.update, "resourcePreEvent", _is(_STACK))),
    _Phase("update: program, provider plugins start", lambda r: _last_provider(r.update)),
    _Phase("update: policy on the host", lambda r: last(r.update, "resOutputsEvent", _is(_POLICY))),
    _Phase("update: networks and pools", lambda r: last(r.update, "resOutputsEvent", _made_by_libvirt)),
    _Phase("update: networks and pools watched", lambda r: last(r.update, "resOutputsEvent", _is(_WATCH))),
    _Phase("end of the update", lambda r: r.seconds),
)
_DESTROY_PHASES = (
    _Phase("`pulumi` itself, until the preview begins", lambda r: r.preview[0].at),
    _Phase("preview: all resources", lambda r: last(r.preview, "summaryEvent", _is(""))),
    _Phase("end of the preview", lambda r: r.update[0].at),
    _Phase("update: provider plugins start", lambda r: _last_provider(r.update)),
    _Phase("update: networks and pools go", lambda r: last(r.update, "resOutputsEvent", _made_by_libvirt)),
    _Phase("update: policy goes", lambda r: last(r.update, "resOutputsEvent", _is(_POLICY))),
    _Phase("end of the update", lambda r: r.seconds),
)


def breakdown(title: str, runs: Runs, steps: Sequence[str], phases: Sequence[_Phase]) -> Table:
    """Where the time of some commands goes, each command of each program in a column of its own."""
    columns = [(name, step) for step in steps for name in _PROGRAMS]
    laps = [[_laps(one, phases) for one in runs[column]] for column in columns]
    rows = tuple(
        (phase.name, *(_middle([lap[index] for lap in column]) for column in laps))
        for index, phase in enumerate(phases)
    )
    head = ("where the time goes, s", *(f"{name}: {step}" for name, step in columns))
    return Table(title, head, rows, "Medians, so that a column need not add up to the table above.")


def tables_of(runs: Runs) -> Iterator[Table]:
    """Ratios, and where the time goes."""
    yield _ratios(runs)
    yield breakdown("Stretches of `up`", runs, ("up", "up, no change"), _PHASES)
    yield breakdown("Stretches of `destroy`", runs, ("destroy",), _DESTROY_PHASES)


def _laps(of: Run, phases: Sequence[_Phase]) -> list[float | None]:
    laps: list[float | None] = []
    before = 0.0
    for phase in phases:
        end = phase.end(of)
        laps.append(None if end is None else max(0.0, end - before))
        before = before if end is None else max(before, end)
    return laps


def _middle(laps: Sequence[float | None]) -> str:
    known = [lap for lap in laps if lap is not None]
    return f"{median(known):.2f}" if known else "–"
