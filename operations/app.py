"""Commands for a live stack. Exit codes: 0 fine, 1 a difference was found or work is left, 2 it could not be done."""

import sys
from typing import Annotated

import typer

from operations.adopt.command import adopt, reattach
from operations.apply import apply
from operations.drift.command import drift
from operations.errors import OperationError
from operations.recover.command import recover
from twinvpc.model.problems import InvalidInputError

FAILED = 2
"""Exit code when it could not be done."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

Stack = Annotated[str, typer.Option(help="the stack, as in Pulumi.<stack>.yaml")]
AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on standard output")]

IfKilled = Annotated[bool, typer.Option("--if-killed", help="end at once when no killed run has left a trace")]

_PULUMIS_OWN = {"allow_extra_args": True, "ignore_unknown_options": True}


def main() -> None:
    """Run the tool; an error is told in a sentence, without a traceback."""
    try:
        app()
    except (OperationError, InvalidInputError) as error:
        print(error, file=sys.stderr)
        sys.exit(FAILED)


@app.callback()
def tool() -> None:
    """Look after a deployed stack."""


@app.command("recover")
def recover_command(stack: Stack, *, as_json: AsJson = False, if_killed: IfKilled = False) -> None:
    """After a killed run: take a dead process's lock away, clear what was pending, adopt what was made."""
    raise typer.Exit(recover(stack, as_json=as_json, if_killed=if_killed))


@app.command("up", context_settings=_PULUMIS_OWN)
def up_command(stack: Stack, more: typer.Context) -> None:
    """`pulumi up`, which tells what a killed run has left and how to heal it; further options are Pulumi's."""
    raise typer.Exit(apply(stack, "up", more.args))


@app.command("destroy", context_settings=_PULUMIS_OWN)
def destroy_command(stack: Stack, more: typer.Context) -> None:
    """`pulumi destroy`, in the same way."""
    raise typer.Exit(apply(stack, "destroy", more.args))


@app.command("adopt")
def adopt_command(
    stack: Stack,
    move: Annotated[list[str] | None, typer.Option(help="machine=segment: where a machine of `default` goes")] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="only show; so it is without --yes, too")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do it: back up, take away, `pulumi up`, plug in again")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="go back to the backup, with --yes")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="with --undo: files that you changed since stay so")] = False,
    as_json: AsJson = False,
) -> None:
    """Take over a host whose networks were made by hand: shows every conflict; nothing is changed without --yes."""
    raise typer.Exit(adopt(stack, move or [], yes=yes and not check, undo=undo, keep=keep, as_json=as_json))


@app.command("reattach")
def reattach_command(stack: Stack) -> None:
    """Plug running machines into their networks again, after a network was stopped or made anew by hand."""
    raise typer.Exit(reattach(stack))


@app.command("drift")
def drift_command(stack: Stack, *, as_json: AsJson = False) -> None:
    """Name everything on the host that somebody changed by hand; changes nothing."""
    raise typer.Exit(drift(stack, as_json=as_json))
