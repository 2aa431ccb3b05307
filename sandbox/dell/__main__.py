"""Command line of the sandbox host: `python -m sandbox.dell up|down|status|exec -- COMMAND`."""

import argparse
import os
import subprocess
import sys

from sandbox.command import CommandError
from sandbox.dell import container, lifecycle, world
from sandbox.dell.site import SandboxDownError, SandboxError

DOWN = 3
"""Exit code of `status` and `exec` when the sandbox is not up."""
_INTERRUPTED = 130
_UNREAD = 141
"""As a shell counts a program whose reader went away (`up | head -1`)."""


def main(words: list[str]) -> int:
    """Run one command and return the exit code: 0 done, 1 failed, 2 wrong words, 3 not up."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.dell", description="the sandbox host `dell`")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="bring it up; quick when it is up")
    commands.add_parser("down", help="take it down and leave nothing behind")
    commands.add_parser("status", help="say whether it is up, and what is where")
    inside = commands.add_parser("exec", help="run a command inside the host")
    inside.add_argument("argv", nargs="+", metavar="COMMAND")
    said = parser.parse_args(words)
    try:
        return _run(said)
    except SandboxDownError as error:
        print(error, file=sys.stderr)
        return DOWN
    except (SandboxError, CommandError, subprocess.TimeoutExpired) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next `up` or `down` clears away what is half done", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return _UNREAD


def _run(said: argparse.Namespace) -> int:
    if said.command == "up":
        _show(lifecycle.up())
    elif said.command == "down":
        lifecycle.down()
    elif said.command == "status":
        _show(world.current())
    else:
        inside = (*container.nsenter(world.current().dell_pid), *said.argv)
        os.execvp(inside[0], inside)  # noqa: S606 - no shell: the command takes over this process and its terminal
    return 0


def _show(shown: world.World) -> None:
    lines = [f"twin-{shown.id} is up; the host's PID 1 is {shown.dell_pid}, files are in {shown.state}"]
    lines += [f"  {place.name:<9} {place.address!s:<15} {place.netns}" for place in shown.places.values()]
    print("\n".join(lines))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
