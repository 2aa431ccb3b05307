"""Commands for a live stack. Exit codes: 0 fine, 1 a difference was found or work is left, 2 it could not be done."""

import sys
from typing import Annotated

import typer

from operations.errors import OperationError
from operations.recover.command import recover
from twinvpc.model.problems import InvalidInputError

FAILED = 2
"""Exit code when it could not be done."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

Stack = Annotated[str, typer.Option(help="the stack, as in Pulumi.<stack>.yaml")]
AsJson = Annotated[bool, typer.Option("--json", help="the result as JSON on standard output")]


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
def recover_command(stack: Stack, *, as_json: AsJson = False) -> None:
    """After a killed run: take a dead process's lock away, clear what was pending, adopt what was made."""
    raise typer.Exit(recover(stack, as_json=as_json))
