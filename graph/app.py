"""Commands that need a stack's resources. Exit codes: 0 fine, 1 a difference was found, 2 it could not be done."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from graph.errors import GraphError
from graph.explaining import explained
from graph.landing import SIZES_FROM, SIZES_OF, Landing, landings
from graph.prove import deployed, planned, prove, read_account
from graph.readme import README, readme
from graph.record import record
from graph.terraform import FILE
from graph.terraform import export as translated
from twinvpc.model.files import load_stack
from twinvpc.model.problems import InvalidInputError
from twinvpc.proof.aws.diff import changes
from twinvpc.proof.intent import matrix

DIFFERENT, FAILED = 1, 2

_WIDTH = 120
"""Columns where nobody has a terminal."""

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

Root = Annotated[Path, typer.Option("--root", help="Folder that holds network.yaml and the stack files.")]
Stack = Annotated[str, typer.Option(help="the stack, as in Pulumi.<stack>.yaml")]
Account = Annotated[Path | None, typer.Option(help="JSON file with the account's answers to describe-*")]
Service = Annotated[str | None, typer.Argument(help="such as tcp/5432; each service of the cell without it")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


def main() -> None:
    """Run the tool; an error is told in a sentence, without a traceback."""
    try:
        app()
    except (GraphError, InvalidInputError) as error:
        print(error, file=sys.stderr)
        sys.exit(FAILED)


@app.callback()
def tool() -> None:
    """Look at a stack's resources, from the files alone: no engine, no account, no host."""


@app.command("export")
def export_command(
    stack: Stack,
    out: Annotated[Path, typer.Option(help="folder for the files; made if it is missing")],
    root: Root = Path(),
) -> None:
    """Write the stack as Terraform JSON, and a README that says what it lacks."""
    recording = record(root, stack)
    for message in recording.messages:
        print(message, file=sys.stderr)
    made = translated(recording)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in ((FILE, made.text), (README, readme(stack, made))):
            (out / name).write_text(text, encoding="utf-8")
            print(f"export: {out / name}")
    except OSError as error:
        raise GraphError(f"nothing could be exported: {error}; name another folder with --out") from None


@app.command("landing")
def landing_command(
    stack: Stack,
    to: Annotated[str, typer.Option(help="the AWS stack that the machines would move to")],
    root: Root = Path(),
) -> None:
    """Show where each machine would stand on AWS: subnet, security group, size."""
    found = landings(root, stack, to)
    if not found:
        print(f"stack `{stack}` has no machines")
        return
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(_table(found, f"machines of {stack} on {to}"))


@app.command("prove")
def prove_command(stack: Stack, account: Account = None, root: Root = Path(), *, as_json: AsJson = False) -> None:
    """Compare the intent with the stack's resources, and with an account if its answers are given."""
    verdict = prove(root, stack, read_account(account) if account else None)
    if as_json:
        print(json.dumps({"equal": not verdict.lines, "differences": list(verdict.lines)}, indent=1))
    elif verdict.lines:
        print("\n".join(verdict.lines))
    else:
        said = "graph = account" if account else "graph"
        print(f"✓ {stack}: intent = {said}, every cell and every single wall")
    if verdict.lines:
        raise typer.Exit(DIFFERENT)


@app.command("explain")
def explain_command(
    source: Annotated[str, typer.Argument(help="the node that opens")],
    destination: Annotated[str, typer.Argument(help="the node that is opened to")],
    service: Service = None,
    *,
    stack: Stack,
    account: Account = None,
    root: Root = Path(),
) -> None:
    """Say what an open cell stands on; of a closed one what stops it, and every smallest change that opens it."""
    stage = deployed(root, stack, read_account(account)) if account else planned(root, stack)
    for line in explained(stage, (source, destination), service):
        print(line)


@app.command("diff")
def diff_command(
    stack: Stack,
    before: Annotated[Path, typer.Option("--from", help="folder with the files as they were")],
    root: Root = Path(),
) -> None:
    """Show which cells open and which close between another version of the files and these."""
    found = changes(matrix(load_stack(before, stack)), matrix(load_stack(root, stack)))
    print("\n".join(map(str, found)) if found else f"{stack}: no cell opens or closes")
    if found:
        raise typer.Exit(DIFFERENT)


def _table(found: tuple[Landing, ...], title: str) -> Table:
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("machine", "subnet", "security group", "size", "address", "disks"):
        table.add_column(head, no_wrap=True)
    for one in found:
        address = str(one.address) if one.address else "a new one"
        table.add_row(one.machine, one.subnet, one.group, one.size, address, " + ".join(map(str, one.disks)))
    table.caption = f"sizes of {SIZES_OF}, {SIZES_FROM}"
    table.caption_justify = "left"
    return table
