"""Commands for a live stack. Exit codes: 0 fine, 1 a difference was found or work is left, 2 it could not be done."""

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)


def main() -> None:
    """Run the tool."""
    app()


@app.callback()
def tool() -> None:
    """Look after a deployed stack."""
