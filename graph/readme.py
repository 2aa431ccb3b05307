"""What stands beside an export: how it is used, and what it lacks."""

from graph.terraform import ACKNOWLEDGED, FILE, Export

README = "README.md"

_HEAD = """# Stack {stack} as Terraform

`{file}` says in Terraform's words what `pulumi up --stack {stack}` makes. `make export STACK={stack}` wrote it:
change the project's files and export again, instead of editing it.

    terraform init
    terraform plan

Terraform finds credentials in its usual places; none are in these files. Nothing here knows of what Pulumi has made:
import it (`terraform import`) before you apply, or apply where nothing is yet. One of the two owns a network, never
both.
"""
_OPEN = """
## WHAT IS MISSING: THE POLICY. THESE NETWORKS ARE OPEN WITHOUT IT

Terraform has no counterpart of this project's own provider, so these are not in the file:

{missing}

libvirt filters nothing between the networks as they stand here: EVERY SEGMENT REACHES EVERY OTHER, THE HOST, AND WHAT
THE HOST REACHES. So a plan fails until it is told that you know:

    terraform plan -var {variable}=true

What else only Pulumi does here: it looks at networks and pools on every run, replaces a network where the plugin would
plan a change in place and then do nothing, and names a killed run's remedy.
"""
_OUTPUTS = """
Exports that only the missing resources know, and that are left out: {names}.
"""
_KEPT = """
## What is kept

Pulumi never deletes these, even when the stack is destroyed; Terraform refuses to destroy the whole instead
(`prevent_destroy`):

{kept}
"""


def readme(stack: str, made: Export) -> str:
    """The text, the same for the same export."""
    parts = [_HEAD.format(stack=stack, file=FILE)]
    if made.missing:
        missing = "\n".join(f"- `{name}`: {what}" for what, name in made.missing)
        parts.append(_OPEN.format(missing=missing, variable=ACKNOWLEDGED))
    if made.outputs_left_out:
        parts.append(_OUTPUTS.format(names=", ".join(f"`{name}`" for name in made.outputs_left_out)))
    if made.kept:
        parts.append(_KEPT.format(kept="\n".join(f"- `{address}`" for address in made.kept)))
    return "".join(parts)
