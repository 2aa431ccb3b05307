"""The two Pulumi programs that are compared, on a sandbox of the benchmarks' own."""

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from components.libvirt.provider import uri
from sandbox.command import progress
from sandbox.dell import World, down, up
from sandbox.dell.site import Site, here
from sandbox.engine import Engine, ensure
from sandbox.paths import ROOT, content_key
from sandbox.project import STACK, Project
from twinvpc.model.files import load_stack
from twinvpc.model.libvirt import LibvirtStack

_BARE = Path(__file__).parent / "bare"


@contextmanager
def own_sandbox() -> Generator[tuple[World, Engine]]:
    """A sandbox beside the checkout's own, so that what `make up` has built stays untouched; gone afterwards."""
    site = Site(content_key("benchmarks", here().id)[:8])
    engine = ensure()
    progress(f"engine: {engine.way}")
    try:
        yield up(site), engine
    finally:
        down(site)
        shutil.rmtree(site.state)


def bare(world: World, engine: Engine) -> Project:
    """The bare program on the laptop, with a state of its own, reaching libvirt in the same way as ours."""
    base = world.state / "bare"
    folder = base / "program"
    folder.mkdir(parents=True)
    for file in ("Pulumi.yaml", "__main__.py"):
        shutil.copyfile(_BARE / file, folder / file)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    passphrase = base / "passphrase"
    with os.fdopen(os.open(passphrase, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as secret:
        secret.write(secrets.token_urlsafe(32))
    laid = Project(world, engine, folder, engine.environment(world.state / "home", base / "state", passphrase))
    laid.pulumi("stack", "init", STACK)
    laid.pulumi("config", "set", "libvirt:uri", _uri(world))
    return laid


def _uri(world: World) -> str:
    stack = load_stack(ROOT, STACK).stack
    if not isinstance(stack, LibvirtStack):
        raise TypeError("the stack `dell` is a libvirt stack")
    home = str(world.state / "home")
    host = stack.host.model_copy(
        update={
            "key_file": stack.host.key_file.replace("~", home),
            "known_hosts": stack.host.known_hosts.replace("~", home),
        }
    )
    return uri(host)
