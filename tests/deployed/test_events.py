"""Closed through everything that happens to a host: a flood at every denied cell, and not one packet arrives.

The sandbox is of these tests' own, as they restart all of it. A sequence is made longer or shorter by nothing but its
list; `TWIN_VPC_ROUNDS` asks for more random orders than the one that every run tries (`make campaign`).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from random import Random

import pytest

from sandbox import dell, engine
from sandbox.dell import World, in_dell
from sandbox.dell.site import Site
from sandbox.flooding import restood
from sandbox.measure import Rig, rig, take_baseline
from sandbox.paths import checkout_id, content_key
from sandbox.probe.flood_seats import Usher
from sandbox.project import Project, forget, project
from tests.deployed.events import (
    EVENTS,
    MENDING,
    REBOOT,
    RULES,
    assert_closed,
    flooded,
    happen,
    mended,
    reboot,
    settled,
    talking,
)
from tests.deployed.test_changes import UP, lock_addresses

pytestmark = pytest.mark.sandbox

SITE = Site(content_key("events", checkout_id())[:8])
ROUNDS = int(os.environ.get("TWIN_VPC_ROUNDS", "1"))
LONG = 5
"""Events of a random sequence."""
SEQUENCES = {
    "daemons": ("firewalld reload", "libvirtd restart", "Docker restart", "firewalld restart"),
    "Debian's flush": ("nftables restart", "libvirtd restart", "Docker restart"),
    "tables": ("table deleted", "second table deleted", "half a file loaded", "holder killed", "tables flushed"),
    "all flushed": ("all flushed by hand", "Docker restart", "firewalld restart"),
    "a reboot in between": ("second table deleted", REBOOT, "firewalld reload", "libvirtd restart", "Docker restart"),
} | {
    f"random order {seed}": tuple(Random(seed).sample(sorted((*EVENTS, REBOOT)), LONG)) for seed in range(1, ROUNDS + 1)
}
TALKING = (("management", "database"), ("public", "database"))


@dataclass
class Stage:
    """The host as it is now; guests stand on it while `ready` is set."""

    world: World
    project: Project
    closing: ExitStack = field(default_factory=ExitStack)
    ready: Rig | None = None

    def seated(self) -> Rig:
        """Guests on every bridge, the same for all tests until somebody takes them away."""
        if self.ready is None:
            self.ready = self.closing.enter_context(rig(self.world, self.project.folder))
        return self.ready

    def leave(self) -> None:
        """Guests go; the next who asks gets new ones."""
        self.closing.close()
        self.ready = None


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    dell.down(SITE)
    forget(SITE)
    world = dell.up(SITE)
    take_baseline(world)
    laid = project(world, engine.ensure())
    laid.pulumi(*UP)
    made = Stage(world, laid)
    yield made
    made.leave()
    dell.down(SITE)
    forget(SITE)


@pytest.mark.parametrize("name", SEQUENCES)
def test_no_denied_packet_arrives_whatever_is_restarted_flushed_or_deleted(
    stage: Stage, name: str, record_property: Callable[[str, object], None]
) -> None:
    record_property("events", ", ".join(SEQUENCES[name]))
    ready = stage.seated()
    booted = REBOOT in SEQUENCES[name]
    with talking(ready, *(() if booted else TALKING)) as surviving:  # a host that boots knows no connection
        with flooded(stage.world, ready) as flood:
            stage.world = happen(stage.world, mended(SEQUENCES[name]), flood, ready)
        assert_closed(flood.report())
        if booted:
            stage.leave()
        else:
            stage.ready = restood(stage.world, ready)
        measured = settled(stage.seated())
        assert not measured.failures, "\n".join(measured.failures)
        assert surviving.broken() == []


def test_a_widened_rule_is_heard_and_its_cell_named(stage: Stage) -> None:
    """The negative control: the flood would have told."""
    ready = stage.seated()
    widened = (
        'add element inet twin_vpc leave_any { "br-database" . "br-public" }\n'
        'add element inet twin_vpc enter_any { 10.0.3.0/24 . "br-public" }'
    )
    with flooded(stage.world, ready) as flood:
        in_dell(stage.world, "nft", "-f", "-", stdin=widened)
    in_dell(stage.world, "systemctl", "reload", "twin-vpc")
    cells = {name.rpartition(" ")[0].split(", heard")[0].rpartition(" ")[0] for name in flood.report().breaches}
    assert cells == {"database → public"}, flood.report().breaches


def test_without_the_held_table_a_flush_by_hand_opens_the_host(stage: Stage) -> None:
    """The other negative control: what ADR 32 closes was open, and the ear inside the host hears it."""
    ready = stage.seated()
    in_dell(stage.world, "systemctl", "stop", "twin-vpc-hold")
    with flooded(stage.world, ready) as flood:
        stage.world = happen(stage.world, ["all flushed by hand", "policy reload", *MENDING], flood, ready)
    in_dell(stage.world, "systemctl", "start", "twin-vpc-hold")
    heard = flood.report().breaches
    assert any("database → host's LAN address tcp/2200" in name for name in heard), heard
    assert all(name.endswith("heard at host") for name in heard), "forwarding stayed closed even then"
    stage.ready = restood(stage.world, ready)


def test_segments_come_grow_change_names_and_go_while_guests_talk(stage: Stage) -> None:
    stage.leave()
    dell_netns = stage.world.places["dell"].netns
    with rig(stage.world, stage.project.folder) as ready, talking(ready, *TALKING) as surviving:
        for change in (add_and_resize, rename_and_remove):
            with (
                flooded(stage.world, ready) as flood,
                Usher(ready.guests, ready.ground.bridges, dell_netns),
            ):
                change(stage.project)
                lock_addresses(stage.project)
                stage.project.pulumi(*UP)
            assert_closed(flood.report())
            assert surviving.broken() == [], "segments that stay are not disturbed"
            if change is add_and_resize:
                measured = settled(ready)
                assert not measured.failures, "\n".join(measured.failures)
    assert not {"br-container", "br-private"} & set(in_dell(stage.world, "ls", "/sys/class/net").split())
    measured = settled(stage.seated())
    assert {"blog", "apps"} < set(measured.matrix.nodes)
    assert not measured.failures, "\n".join(measured.failures)


def add_and_resize(laid: Project) -> None:
    """A sixth segment that management may open to, and a wider block for container: its network is replaced."""
    edit(
        laid,
        "network.yaml",
        ("\nflows:\n", "  blog: {purpose: a blog, internet: true}\n\nflows:\n"),
        ("[public, private, database, container]", "[public, private, database, container, blog]"),
    )
    edit(
        laid,
        "Pulumi.dell.yaml",
        ("container: {cidr: 10.0.4.0/24", "container: {cidr: 10.0.4.0/23"),
        ("  twin-vpc:pools:", "    blog: {cidr: 10.0.9.0/24, ssh_ports: 2281-2290}\n  twin-vpc:pools:"),
    )


def rename_and_remove(laid: Project) -> None:
    """private becomes apps, container goes."""
    edit(
        laid,
        "network.yaml",
        ("private: {purpose: applications", "apps: {renamed_from: private, purpose: applications"),
        ("[public, private, database, container, blog]", "[public, apps, database, blog]"),
        ("[private, database, container]", "[apps, database]"),
        ("from: private, to: [database, container]", "from: apps, to: [database]"),
        ("  container: {purpose: containers and services of the owner's own, internet: true}\n", ""),
    )
    text = (laid.folder / "Pulumi.dell.yaml").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines(keepends=True) if not line.strip().startswith("container: {cidr")]
    laid.write("Pulumi.dell.yaml", "".join(kept).replace("    private: {cidr", "    apps: {cidr"))


def edit(laid: Project, name: str, *changes: tuple[str, str]) -> None:
    text = (laid.folder / name).read_text(encoding="utf-8")
    for old, new in changes:
        assert text.count(old) == 1, f"{name}: {old!r}"
        text = text.replace(old, new)
    laid.write(name, text)


def test_no_denied_packet_arrives_while_the_host_reboots(stage: Stage) -> None:
    through_reboot(stage)
    measured = settled(stage.seated())
    assert not measured.failures, "\n".join(measured.failures)


def test_a_boot_with_a_half_written_rule_set_is_closed_and_the_next_up_heals_it(stage: Stage) -> None:
    stage.seated()
    in_dell(stage.world, "sh", "-c", f"head -c 4000 {RULES} > /run/half; cat /run/half > {RULES}; rm /run/half")
    through_reboot(stage)
    assert "twin_vpc_held" in (tables := in_dell(stage.world, "nft", "list", "tables"))
    assert "twin_vpc_host" not in tables, "the control: the file was refused"
    ready = stage.seated()
    measured = ready.measure()
    assert not [str(d) for d in measured.differences if d.intended == "closed"]
    assert measured.differences, "what is allowed is closed as well"
    stage.project.pulumi(*UP)
    measured = settled(ready)
    assert not measured.failures, "\n".join(measured.failures)


def through_reboot(stage: Stage) -> None:
    ready = stage.seated()
    with flooded(stage.world, ready) as flood:
        stage.world = reboot(stage.world, ready, flood)
    assert_closed(flood.report())
    stage.leave()
