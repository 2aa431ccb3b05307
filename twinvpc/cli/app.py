"""Commands of the owner's tool. Exit codes: 0 fine, 1 a difference was found, 2 the files cannot be used."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from twinvpc.addressing.lock import LOCK_FILE, Lock, read_lock
from twinvpc.addressing.plan import aws_plan, record
from twinvpc.cli import prices, show
from twinvpc.cli.pictures import FOLDER, Format, write_pictures
from twinvpc.cli.schemas import stale, write_schemas
from twinvpc.model.aws import AwsStack
from twinvpc.model.files import load_stack, stack_names
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.load import Intent
from twinvpc.model.problems import InvalidInputError, Problem
from twinvpc.policy.aws import design
from twinvpc.policy.aws_limits import excess
from twinvpc.policy.labels import selinux_module
from twinvpc.policy.terms import compile_policy
from twinvpc.proof.intent import matrix

DIFFERENT, BAD_INPUT = 1, 2

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
Folder = Annotated[Path, typer.Option("--root", help="Folder that holds network.yaml and the stack files.")]
Stack = Annotated[str | None, typer.Option("--stack", help="Only this stack; all of them without it.")]
Out = Annotated[Path | None, typer.Option("--out", help="Folder for the files; `out` in the project without it.")]
Form = Annotated[
    Format | None, typer.Option("--format", help="SVG to look at or Mermaid for a README; both without it.")
]
Check = Annotated[bool, typer.Option("--check", help="Show and write nothing; exit code 1 if a file is stale.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON for programs instead of tables for people.")]


def main() -> None:
    """Run the tool; bad input ends it with every problem on standard error and exit code 2."""
    try:
        app()
    except InvalidInputError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_INPUT)


@app.callback()
def tool() -> None:
    """Show what network.yaml and the stack files mean."""


@app.command()
def plan(root: Folder = Path(), stack: Stack = None, *, as_json: AsJson = False, check: Check = False) -> None:
    """Addresses, reachability matrix and price of every stack, from the files alone."""
    intents = load_all(root, stack)
    lock = read_lock(root)
    after = granted(intents, lock)
    within_limits(intents, after)
    if check:
        if after != lock:
            print(f"{LOCK_FILE} lacks addresses; run `make lock-addresses` and commit it", file=sys.stderr)
            raise typer.Exit(DIFFERENT)
        return
    if as_json:
        found = {i.stack_name: show.as_data(i, after.of(i.stack_name), matrix(i)) for i in intents}
        print(json.dumps(found, indent=2))
        return
    console = Console()
    for intent in intents:
        show.stack(console, intent, after.of(intent.stack_name), matrix(intent))
    if after != lock:
        console.print(f"[yellow]{LOCK_FILE} does not hold all of these yet: `make lock-addresses` records them.")


@app.command()
def cost(root: Folder = Path(), stack: Stack = None, *, as_json: AsJson = False) -> None:
    """Price of every stack a month, of the other ways out of its VPC, and the source of each price."""
    intents = load_all(root, stack)
    if as_json:
        print(json.dumps({i.stack_name: prices.as_data(i) for i in intents}, indent=2))
        return
    for intent in intents:
        print("\n".join((f"stack {intent.stack_name} ({intent.stack.kind})", *prices.lines(intent), "")))
    print("\n".join(prices.sources(intents)))


@app.command("lock-addresses")
def lock_addresses(root: Folder = Path()) -> None:
    """Record every stack's addresses in the lock file, which is committed with the change that needs them."""
    lock = read_lock(root)
    after = granted(load_all(root, None), lock)
    if after == lock:
        print(f"{LOCK_FILE}: nothing new")
        return
    for line in show.lock_changes(lock, after):
        print(line)
    path = root / LOCK_FILE
    fresh = path.with_suffix(".new")
    fresh.write_text(after.text(), encoding="utf-8")
    fresh.replace(path)
    print(f"{LOCK_FILE}: written; commit it together with the change")


@app.command()
def picture(
    root: Folder = Path(),
    stack: Stack = None,
    out: Out = None,
    form: Form = None,
) -> None:
    """Draw segments, addresses and allowed flows of every stack, all in one layout: lay them side by side."""
    intents = load_all(root, stack)
    after = granted(intents, read_lock(root))
    try:
        written = write_pictures(intents, after, out or root / FOLDER, (form,) if form else tuple(Format))
    except OSError as error:
        print(f"no picture could be written: {error}; name another folder with --out", file=sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
    for path in written:
        print(f"picture: {path}")


@app.command()
def labels(root: Folder = Path(), stack: Stack = None) -> None:
    """Labels that a host with SELinux needs for the machines' disks, as a module for `semodule -i`."""
    for intent in load_all(root, stack):
        if isinstance(intent.stack, LibvirtStack):
            print(selinux_module(intent.stack.pools.values()), end="")


@app.command()
def schema(root: Folder = Path(), *, check: Check = False) -> None:
    """Write the JSON Schemas by which editors help with network.yaml and the stack files."""
    try:
        names = stale(root) if check else write_schemas(root)
    except OSError as error:
        print(f"the schemas could not be written: {error}", file=sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
    if check and names:
        print(f"{', '.join(names)}: not what the models say; run `make schema` and commit it", file=sys.stderr)
        raise typer.Exit(DIFFERENT)
    for name in names:
        print(f"{name}: written; commit it together with the change of the models")


def load_all(root: Path, stack: str | None) -> list[Intent]:
    """Load one stack or all; the problems of all of them are raised together."""
    names = (stack,) if stack else stack_names(root)
    intents: list[Intent] = []
    problems = [] if stack else lost_stacks(read_lock(root), names)
    for name in names:
        try:
            intents.append(load_stack(root, name))
        except InvalidInputError as error:
            problems += error.problems
    if not names:
        problems.append(Problem("Pulumi.<stack>.yaml", "", "no stack file", "a stack has a file", "run in the project"))
    if problems:
        raise InvalidInputError(problems)
    return intents


def lost_stacks(lock: Lock, names: Iterable[str]) -> list[Problem]:
    """Stacks that the lock records and that have no file any more: they would silently be missing from every table."""
    return [
        Problem(
            f"Pulumi.{name}.yaml",
            "",
            "there is no such file",
            f"{LOCK_FILE} records addresses of stack `{name}`",
            f"restore it from the last commit, or delete `{name}` from the lock if the stack was destroyed for good",
        )
        for name in sorted(lock.stacks.keys() - set(names))
    ]


def granted(intents: list[Intent], lock: Lock) -> Lock:
    """The lock after every stack was granted its addresses; refusals of all stacks are raised together."""
    problems: list[Problem] = []
    for intent in intents:
        try:
            lock = record(intent, lock)
        except InvalidInputError as error:
            problems += error.problems
    if problems:
        raise InvalidInputError(problems)
    return lock


def within_limits(intents: list[Intent], recorded: Lock) -> None:
    """Refuse what AWS would: what all stacks exceed is raised together."""
    problems: list[Problem] = []
    for intent in intents:
        if isinstance(intent.stack, AwsStack):
            plan = aws_plan(recorded.of(intent.stack_name))
            wanted = design(compile_policy(intent), plan, intent.stack)
            problems += excess(wanted, intent.stack.quotas, f"Pulumi.{intent.stack_name}.yaml")
    if problems:
        raise InvalidInputError(problems)
