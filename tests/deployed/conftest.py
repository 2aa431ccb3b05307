"""A sandbox of the tests' own, beside the one that `make up` brings up, so that neither disturbs the other."""

from collections.abc import Iterator

import pytest

from sandbox import dell, engine
from sandbox.dell.site import Site
from sandbox.measure import Rig, rig, take_baseline
from sandbox.paths import checkout_id, content_key
from sandbox.project import STACK, Project, forget, project

SITE = Site(content_key("tests", checkout_id())[:8])


@pytest.fixture(scope="session")
def world() -> Iterator[dell.World]:
    dell.down(SITE)
    forget(SITE)  # whatever an interrupted run has left
    yield dell.up(SITE)
    dell.down(SITE)
    forget(SITE)


@pytest.fixture(scope="session")
def bare(world: dell.World) -> dell.World:
    """The host before the stack was ever there, its foreign cells recorded."""
    take_baseline(world)
    return world


@pytest.fixture(scope="session")
def deployed(bare: dell.World) -> Project:
    """The repo's own stack on the host."""
    laid = project(bare, engine.ensure())
    laid.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
    return laid


@pytest.fixture(scope="module")
def measuring(deployed: Project) -> Iterator[Rig]:
    """Guests on every bridge of the deployed stack."""
    with rig(deployed.world, deployed.folder) as ready:
        yield ready


@pytest.fixture
def edited(deployed: Project) -> Iterator[Project]:
    """The stack's files may be changed and applied; afterwards they and the host are as they were."""
    names = ("network.yaml", "Pulumi.dell.yaml", "addresses.lock.json")
    before = {name: (deployed.folder / name).read_text(encoding="utf-8") for name in names}
    yield deployed
    for name, text in before.items():
        deployed.write(name, text)
    deployed.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
