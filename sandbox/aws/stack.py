"""Stack `aws` on the sandbox's account: the state kept in step with an account that forgets when it dies."""

import json
from dataclasses import replace
from pathlib import Path

from graph.prove import prove
from operations.recover import locks
from sandbox.aws import lifecycle
from sandbox.command import progress
from sandbox.dell.site import SandboxError, Site
from sandbox.project import Project
from twinvpc.model.aws import AwsStack
from twinvpc.model.files import load_stack

STACK = "aws"
_MARK = "account"
"""File beside the project's state: the account that the state speaks of."""


def on_account(laid: Project) -> Project:
    """The project with an account to deploy to, and a state of stack `aws` that speaks of this account (ADR 61).

    An account that is new is empty, so what the state says of a former one is forgotten. What a killed run has made
    there without writing it down is nowhere but in the account, so account and state are thrown away together.

    Raises:
        SandboxError: the account does not start or end, or another run holds the stack.
    """
    site = Site(laid.world.id)
    if _is_broken_off(laid):
        progress(f"stack {STACK}: a run was broken off, so its account is thrown away")
        lifecycle.end(site)
    mark, noted = lifecycle.ensure(site), laid.folder.parent / _MARK
    if not noted.exists() or noted.read_text(encoding="utf-8") != mark:
        if laid.forget(STACK):
            progress(f"stack {STACK}: the account is a new one and empty; what is known of the former one is forgotten")
        noted.write_text(mark, encoding="utf-8")
    there = replace(laid, environment={**laid.environment, **lifecycle.environment(site)})
    there.init(STACK)
    return there


def up(there: Project) -> str:
    """Deploy the stack; return how many resources were made, changed or left, as `pulumi` counts them.

    Raises:
        CommandError: it could not be deployed; the message holds what `pulumi` said.
    """
    said = there.ask("up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", STACK)
    counted = said.partition("\nResources:\n")[2].partition("\n\n")[0]
    return ", ".join(line.strip() for line in counted.splitlines())


def differences(there: Project, root: Path) -> tuple[str, ...]:
    """Compare the intent with the program's resources and with what the account says; a sentence each, none if equal.

    Args:
        there: the project on its account, deployed.
        root: folder of the files that say what is intended.

    Raises:
        CommandError: the stack has no VPC, or the account could not be asked.
        GraphError: what is there cannot be judged.
    """
    vpc = there.ask("stack", "output", "vpc_id", "--stack", STACK).strip()
    said = lifecycle.described(Site(there.world.id), _region(root), vpc)
    answers(there).write_text(json.dumps(said, indent=1), encoding="utf-8")
    return prove(root, STACK, said).lines


def answers(there: Project) -> Path:
    """File of what the account said when it was last asked, for `python -m graph … --account FILE`."""
    return Site(there.world.id).account / "answers.json"


def _region(root: Path) -> str:
    stack = load_stack(root, STACK).stack
    if not isinstance(stack, AwsStack):
        raise SandboxError(f"stack `{STACK}` is not on AWS (twin-vpc:kind); the sandbox's account is asked by region")
    return stack.aws_region


def _is_broken_off(laid: Project) -> bool:
    """Whether a run that is dead holds the stack, or had begun something and not ended it."""
    held = locks.read(laid.lock_folder(STACK))
    if living := [lock for lock in held if not locks.is_dead(lock)]:
        raise SandboxError(f"stack {STACK} is {locks.why_kept(living[0])}")
    state = laid.checkpoint(STACK)
    if held or not state.exists():
        return bool(held)
    return bool(json.loads(state.read_text(encoding="utf-8"))["checkpoint"]["latest"].get("pending_operations"))
