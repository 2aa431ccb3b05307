"""Where the time of a run goes, read from the engine's events."""

import pytest

from benchmarks.events import Event, Run
from benchmarks.up import Runs, tables_of

STACK, POLICY = "pulumi:pulumi:Stack", "twin-host:index:NetworkPolicy"
NETWORK, POOL, WATCH = "libvirt:index/network:Network", "libvirt:index/pool:Pool", "twin-host:index:NetworkWatch"
PREVIEW = (Event(1, "preludeEvent"), Event(2, "resourcePreEvent", STACK), Event(3, "summaryEvent"))


def made(seconds: float = 20) -> Run:
    ends = ((POLICY, 7), (NETWORK, 8), (POOL, 8.5), (WATCH, 10))
    update = [Event(4, "preludeEvent"), Event(5, "resourcePreEvent", STACK), Event(6, "resourcePreEvent", POLICY)]
    return Run(seconds, PREVIEW, (*update, *(Event(at, "resOutputsEvent", of) for of, at in ends)), {})


def gone(seconds: float = 20) -> Run:
    ends = ((WATCH, 6), (POOL, 7), (NETWORK, 8), (POLICY, 11))
    update = (Event(4, "preludeEvent"), Event(5, "resourcePreEvent", WATCH))
    return Run(seconds, PREVIEW, (*update, *(Event(at, "resOutputsEvent", of) for of, at in ends)), {})


def runs(ours: float) -> Runs:
    steps = {"up": made, "up, no change": made, "destroy": gone}
    return {
        (name, step): [make(seconds)]
        for name, seconds in (("bare", 10.0), ("twin-vpc", ours))
        for step, make in steps.items()
    }


def column(title: str, number: int) -> dict[str, str]:
    table = next(table for table in tables_of(runs(20)) if table.title == title)
    return {row[0]: row[number] for row in table.rows}


def test_watching_the_networks_is_a_stretch_of_its_own() -> None:
    found = column("Stretches of `up`", 2)
    assert found["update: policy on the host"] == "1.00"
    assert found["update: networks and pools"] == "1.50"
    assert found["update: networks and pools watched"] == "1.50"
    assert found["end of the update"] == "10.00"


def test_destroy_has_stretches_of_its_own() -> None:
    found = column("Stretches of `destroy`", 2)
    assert found["update: networks and pools go"] == "3.00"
    assert found["update: policy goes"] == "3.00"
    assert found["end of the update"] == "9.00"


@pytest.mark.parametrize(("ours", "signs"), [(20.0, ["✓", "✓"]), (20.1, ["✗", "✗"])])
def test_up_and_no_change_are_demanded_and_destroy_is_not(ours: float, signs: list[str]) -> None:
    ratios = next(tables_of(runs(ours)))
    assert [demand.sign for demand in ratios.demands] == signs
    assert ratios.rows[-1][-1] == ""
