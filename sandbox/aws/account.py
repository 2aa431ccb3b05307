"""The simulated account of a sandbox: started on demand, asked what is really there, forgotten with the sandbox."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.aws.server import NAME, PORT
from sandbox.aws.standin.account import LOG_VARIABLE
from sandbox.command import run
from sandbox.dell import daemon
from sandbox.dell.site import Site
from sandbox.dell.world import World, laptop
from sandbox.paths import ROOT

ENDPOINT = f"http://127.0.0.1:{PORT}"


def ensure(world: World) -> bool:
    """Start the account if it is not running; whether it was: a new one is empty, whatever a state remembers.

    Raises:
        SandboxError: it did not start.
    """
    site = Site(world.id)
    if daemon.running(site, NAME) is not None:
        return True
    daemon.start(site, NAME, *laptop(world), room="sandbox.aws")
    return False


def environment(world: World) -> Mapping[str, str]:
    """What the standard AWS settings are on the laptop: this account, with credentials that open nothing else."""
    return {
        "AWS_ENDPOINT_URL": ENDPOINT,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        LOG_VARIABLE: str(world.state / "aws-requests.jsonl"),
    }


def described(world: World, region: str, vpc: str) -> Mapping[str, Any]:
    """Everything that the account says of a VPC's network; see `sandbox.aws.describe`.

    Raises:
        CommandError: the account could not be asked.
    """
    python = str(ROOT / ".venv" / "bin" / "python")
    words = [*laptop(world), python, "-m", "sandbox.aws.describe", region, vpc]
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    return json.loads(run(*words, cwd=ROOT, env={"PATH": path, **environment(world)}))


def requests(world: World) -> list[Mapping[str, Any]]:
    """Everything that the stand-in has asked of the account, in order."""
    log = world.state / "aws-requests.jsonl"
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
