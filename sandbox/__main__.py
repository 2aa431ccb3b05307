"""`python -m sandbox prepare|up|down|matrix`: the main job on the sandbox, from nothing to a proven matrix."""

import argparse
import json
import os
import subprocess
import sys
from dataclasses import asdict

from rich.console import Console

from graph.errors import GraphError
from sandbox import checkov, dell, engine, guest, pinned, prowler
from sandbox.aws import stack as cloud
from sandbox.command import CommandError, progress
from sandbox.dell import SandboxError, image
from sandbox.engine.parts import EngineError
from sandbox.gate import Gate
from sandbox.measure import rig, take_baseline
from sandbox.measured import show_tries
from sandbox.paths import ROOT
from sandbox.probe.attempts import MeasurementError
from sandbox.probe.guests import GuestError
from sandbox.project import STACK, Project, forget, project
from twinvpc.addressing.lock import read_lock
from twinvpc.cli.app import granted, load_all
from twinvpc.cli.pictures import FOLDER, Format, write_pictures
from twinvpc.model.problems import InvalidInputError

_UP = ("up", "--yes", "--skip-preview", "--stack", STACK)
EQUAL, DIFFERENT, FAILED, INTERRUPTED = 0, 1, 2, 130

_TOLD = (SandboxError, EngineError, CommandError, InvalidInputError, MeasurementError, GuestError, GraphError)
"""Errors that say by themselves what is wrong and what to do."""

NEXT = """
What to look at next:
  make plan                     addresses and intended matrix of every stack
  make matrix                   measure again, e.g. after you changed network.yaml and ran `make up`
  .venv/bin/python -m graph explain public database --stack aws     the rules this cell stands on, on AWS; with
                                `--account FILE` as the account has them, FILE being its answers above
  python -m sandbox.dell exec -- nft list table inet twin_vpc       the rules in force on the host
  python -m sandbox.dell exec -- ip rule                            the second wall
  python -m sandbox.dell exec -- virsh net-dumpxml public           a network as libvirt has it
  make down                     take it all away
"""


def main() -> int:
    """Run a command. Exit codes: 0 as intended, 1 a cell differs, 2 it could not be done, 130 Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("command", choices=("prepare", "up", "down", "matrix"))
    parser.add_argument("--json", action="store_true", help="the measurement as JSON")
    given = parser.parse_args()
    commands = {"prepare": prepare, "up": up, "down": down, "matrix": lambda: matrix(as_json=given.json)}
    try:
        return commands[given.command]()
    except _TOLD as error:
        print(error, file=sys.stderr)
    except (subprocess.TimeoutExpired, OSError) as error:
        print(f"the sandbox could not go on: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("interrupted; the next `make up` or `make down` clears away what is half done", file=sys.stderr)
        return INTERRUPTED
    return FAILED


def prepare() -> int:
    """Make what takes long and is kept in the cache: engine, scanners and, for root, images of host and machines."""
    progress(f"engine: {engine.ensure().way}")
    checkov.ensure()
    progress("checkov: its environment is there")
    pinned.ensure(prowler.NAME, prowler.REQUIREMENTS)
    progress("prowler: its environment is there")
    if os.geteuid() == 0:
        image.ensure()
        progress("sandbox host: its image is there")
        guest.ensure()
        progress("machines: their image is there")
    return EQUAL


def up() -> int:
    """Bring the sandbox up, deploy both stacks with the repo's own files, measure every cell, and ask the account."""
    made = engine.ensure()
    progress(f"engine: {made.way}")
    world = dell.up()
    laid = project(world, made)
    take_baseline(world)
    if not _whole(laid):
        return FAILED
    progress(f"pulumi up --stack {STACK}, from the laptop {world.places['laptop'].address} over SSH")
    if laid.show(*_UP) != 0 and not (_mended(laid) and laid.show(*_UP) == 0):
        return FAILED
    there = cloud.on_account(laid)
    progress(f"pulumi up --stack {cloud.STACK}, from the laptop to a simulated account there")
    progress(f"stack {cloud.STACK}, resources: {cloud.up(there)}")
    progress("measuring every cell with real packets")
    measured = matrix(as_json=False)
    progress(f"asking the account what stands there; its answers: {cloud.answers(there)}")
    gate = Gate(measured == EQUAL, cloud.differences(there, ROOT))
    gate.show(Console())
    intents = load_all(ROOT, None)
    drawn = write_pictures(intents, granted(intents, read_lock(ROOT)), ROOT / FOLDER, Format)
    progress(f"pictures: {', '.join(map(str, drawn))}")
    if gate.equal:
        print(NEXT)
    return EQUAL if gate.equal else DIFFERENT


def _whole(laid: Project) -> bool:
    """Heal what a run that was killed has left, by the owner's own command; quick when there is nothing."""
    healed = laid.operate("recover", "--if-killed", "--stack", STACK)
    print(healed.stderr, end="", file=sys.stderr)
    return healed.returncode == 0


def _mended(laid: Project) -> bool:
    """Whether the recovery found something to put right after a run that failed: then it is worth another try."""
    healed = laid.operate("recover", "--json", "--stack", STACK)
    print(healed.stderr, end="", file=sys.stderr)
    return healed.returncode == 0 and any(json.loads(healed.stdout)[key] for key in ("mended", "adopted"))


def matrix(*, as_json: bool) -> int:
    """Measure every cell of the running sandbox."""
    with rig(dell.current(), ROOT) as here:
        measured = here.measure()
        tries = here.tries()
    if as_json:
        print(json.dumps(measured.as_data() | {"tries": [asdict(one) for one in tries]}, indent=1))
    else:
        measured.show(Console())
        show_tries(Console(), tries)
    return EQUAL if not measured.failures and all(one.right for one in tries) else DIFFERENT


def down() -> int:
    """Take the sandbox away: host, namespaces, and Pulumi's record of what was on the host."""
    dell.down()
    forget()
    progress("the sandbox is gone; engine and host image stay in the cache")
    return EQUAL


sys.exit(main())
