"""What a run says when it meets the traces of one that was killed."""

import pulumi
from pulumi.runtime.proto import resource_pb2_grpc
from pulumi.runtime.settings import get_monitor

_HOOK = "name-the-recovery"
_MADE_ALREADY = "exist"
"""In every message of libvirt's and of its plugin's about a name that is taken."""
_GONE_ALREADY = "not found"


def named_on_error() -> pulumi.ResourceHookBinding | None:
    """Options by which a resource that cannot be made or taken away names the command that heals a killed run.

    The engine itself says only that a name is taken. Pulumi's mocks take no hooks: there are none then.
    """
    if not isinstance(get_monitor(), resource_pb2_grpc.ResourceMonitorStub):
        return None
    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook(_HOOK, _name_recovery)])


def _name_recovery(failed: pulumi.ErrorHookArgs) -> bool:
    """Say it once for each resource; never ask the engine to try again."""
    if said := advice(failed.name, failed.failed_operation, failed.errors[0] if failed.errors else ""):
        pulumi.log.error(said)
    return False


def advice(name: str, operation: str, error: str) -> str:
    """The sentence for an error that a killed run explains, or nothing.

    Args:
        name: the resource.
        operation: `create`, `update` or `delete`.
        error: what its provider said.
    """
    command = f"`make recover STACK={pulumi.get_stack()}`"
    if operation == "create" and _MADE_ALREADY in error:
        return (
            f"{name} is on the host already, and this stack's state does not know it: an earlier run was killed, or "
            f"somebody else has made it. {command} tells which, and takes over what is ours"
        )
    if operation == "delete" and _GONE_ALREADY in error:
        return f"{name} is in this stack's state, and the host no longer has it: {command} brings the two together"
    return ""
