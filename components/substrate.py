"""Which substrate a stack is built on."""

from collections.abc import Mapping

import pulumi

from components.config import Deployment
from twinvpc.model.libvirt import LibvirtStack


def build(deployment: Deployment) -> Mapping[str, pulumi.Input[object]]:
    """Register the stack's resources and return what it exports, by name.

    Raises:
        pulumi.RunError: the stack cannot be built; nothing was registered.
    """
    intent = deployment.intent
    if isinstance(intent.stack, LibvirtStack):
        from components.libvirt.stack import build_libvirt  # noqa: PLC0415 - a stack loads its own substrate's SDK only

        return build_libvirt(intent, intent.stack, deployment.recorded)
    raise pulumi.RunError(
        f"stack `{intent.stack_name}`: the AWS substrate is not built yet; `make plan` shows its addresses and matrix"
    )
