"""The simulated account of a sandbox: started when it is needed, told from every other one, asked what is there."""

import json
import shutil
import sys
from collections.abc import Mapping
from typing import Any

from sandbox.aws.standin.account import LOG_VARIABLE
from sandbox.command import run
from sandbox.dell import daemon
from sandbox.dell.site import SandboxError, Site
from sandbox.paths import ROOT

NAME = "account"
HOST, PORT = "127.0.0.1", 4566
"""In the laptop's own network namespace, so that two sandboxes do not meet."""

_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def ensure(site: Site) -> str:
    """Start the account if it does not run.

    Args:
        site: a sandbox whose laptop is there.

    Returns:
        What tells it from every earlier one: a new account is empty, whatever a state remembers.

    Raises:
        SandboxError: it did not start.
    """
    if daemon.running(site, NAME) is None:
        shutil.rmtree(site.account, ignore_errors=True)
        site.account.mkdir(mode=0o700)
        daemon.start(site, NAME, *_laptop(site), room="sandbox.aws")
    mark = daemon.mark(site, NAME)
    if mark is None:
        raise SandboxError(f"the account ended as soon as it had started; see {site.state / NAME}.out")
    return mark


def end(site: Site) -> None:
    """End the account with everything in it, if it runs.

    Raises:
        SandboxError: it does not end.
    """
    daemon.end(site, NAME)


def environment(site: Site) -> Mapping[str, str]:
    """AWS's own settings on the laptop: this account, and credentials that open nothing else."""
    return {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{PORT}",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        LOG_VARIABLE: str(site.account / "requests.jsonl"),
    }


def described(site: Site, region: str, vpc: str) -> Mapping[str, Any]:
    """Everything that the account says of a VPC's network, as `sandbox.aws.describe` asks it.

    Raises:
        CommandError: the account could not be asked.
    """
    words = (*_laptop(site), sys.executable, "-m", "sandbox.aws.describe", region, vpc)
    said = run(*words, cwd=ROOT, env={"PATH": _PATH, "HOME": str(site.home), **environment(site)})
    return json.loads(said)


def _laptop(site: Site) -> tuple[str, str]:
    return ("nsenter", f"--net={site.netns_path('laptop')}")
