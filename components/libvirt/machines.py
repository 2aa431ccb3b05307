"""All machines of a libvirt stack, from the plan to components."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.libvirt.images import BaseImages, BaseImagesArgs
from components.libvirt.machine import MachineArgs, Pool, VirtualMachine
from components.libvirt.pools import StoragePools
from components.libvirt.vpc import Vpc
from twinvpc.addressing.plan import LibvirtPlan
from twinvpc.machines.cloud_init import birth
from twinvpc.model.check_machines import memory_warning
from twinvpc.model.libvirt import LibvirtStack
from twinvpc.model.machines import Image


@dataclass(frozen=True)
class Ground:
    """What machines stand on.

    Attributes:
        plan: addresses of segments and machines.
        domain: DNS domain of all of them.
        vpc: the networks.
        pools: the storage pools.
    """

    plan: LibvirtPlan
    domain: str
    vpc: Vpc
    pools: StoragePools


def build_machines(stack: LibvirtStack, ground: Ground, opts: pulumi.ResourceOptions) -> None:
    """Register every machine, and the images they start from; nothing where there are none."""
    if not stack.machines:
        return
    if warning := memory_warning(stack):
        pulumi.log.warn(warning)
    pools = {name: Pool(ground.pools.names[name], folder) for name, folder in stack.pools.items()}
    names = {name: pool.name for name, pool in pools.items()}
    images = BaseImages("images", BaseImagesArgs(wanted_images(stack), names), opts=opts)
    segments = {segment.name: segment for segment in ground.plan.segments}
    before: tuple[pulumi.Resource, ...] = ()
    for place in ground.plan.machines:
        machine, segment = stack.machines[place.name], segments[place.segment]
        image = stack.images[machine.image]
        before = VirtualMachine(
            f"machine-{place.name}",
            MachineArgs(
                machine=machine,
                place=place,
                birth=birth(machine, image, place, segment, ground.domain),
                leased=segment.dhcp is not None,
                network=ground.vpc.network_ids[place.segment],
                base=images.volumes[machine.pool, image.sha256],
                pools=pools,
                virtualization=stack.host.virtualization,
            ),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=before)),
        ).disks


def wanted_images(stack: LibvirtStack) -> Mapping[str, tuple[Image, ...]]:
    """Images by the pool that needs them, each content once and in one order."""
    wanted: dict[str, dict[str, Image]] = {}
    for _, machine in sorted(stack.machines.items()):
        image = stack.images[machine.image]
        wanted.setdefault(machine.pool, {}).setdefault(image.sha256, image)
    return {pool: tuple(images[digest] for digest in sorted(images)) for pool, images in sorted(wanted.items())}
