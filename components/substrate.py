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
    from components.aws.stack import build_aws  # noqa: PLC0415 - likewise

    return build_aws(intent, intent.stack, deployment.recorded)
