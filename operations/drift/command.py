"""The command: a refresh that records nothing, a preview, and what both found."""

import json
import sys
from dataclasses import asdict

from operations.drift.findings import Finding, in_files, on_host
from operations.drift.steps import steps
from operations.project import Project, find_project

QUIET, DRIFT = 0, 1


def drift(stack: str, *, as_json: bool) -> int:
    """Name everything on the host that is not as it was deployed. Changes neither host nor state.

    Args:
        stack: the stack's name.
        as_json: the findings as JSON on standard output.

    Returns:
        0 if all is as deployed, 1 if something differs.

    Raises:
        OperationError: Pulumi or the host could not be asked.
        InvalidInputError: the files are wrong.
    """
    found = look(find_project(stack))
    if as_json:
        print(json.dumps({"stack": stack, "quiet": not found, "findings": [asdict(one) for one in found]}, indent=1))
    elif found:
        print("\n".join(str(one) for one in found))
        print(f"stack {stack}: {len(found)} findings", file=sys.stderr)
    else:
        print(f"stack {stack}: everything is as it was deployed")
    return DRIFT if found else QUIET


def look(project: Project) -> tuple[Finding, ...]:
    """What differs, on the host first.

    Raises:
        OperationError: Pulumi or the host could not be asked.
    """
    host = on_host(steps(project.pulumi("refresh", "--preview-only", "--json")))
    return (*host, *in_files(steps(project.pulumi("preview", "--json")), host))
