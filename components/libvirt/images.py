"""Images on the host, from which machines' root disks start."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_libvirt as libvirt

from components.component import Component
from components.host.images import location
from twinvpc.model.machines import Image

_NAMED_BY = 16  # digits of the digest in names


@dataclass(frozen=True)
class BaseImagesArgs:
    """Which images lie in which pools.

    Attributes:
        wanted: images by the pool that holds them, the pool by its name in the stack.
        pools: name of each pool on the host, by its name in the stack.
    """

    wanted: Mapping[str, tuple[Image, ...]]
    pools: Mapping[str, pulumi.Input[str]]


class BaseImages(Component):
    """Images as volumes that nobody writes to: root disks are overlays of them.

    A volume is named by what is in it, in the state and on the host. So another source of the same content changes
    nothing, and new content is a new volume beside the old one, which goes when no machine starts from it any more.

    Attributes:
        volumes: the volume of each image in each pool, by pool and digest; known once it is uploaded.

    Creates:
        - `libvirt:index/volume:Volume`: one for each image in each pool that needs it.
    """

    volumes: Mapping[tuple[str, str], pulumi.Output[str]]

    def __init__(self, name: str, args: BaseImagesArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:libvirt:BaseImages", name, opts)
        self.volumes = {
            (pool, image.sha256): self._volume(f"{name}-{pool}-{image.sha256[:_NAMED_BY]}", image, args.pools[pool])
            for pool, images in sorted(args.wanted.items())
            for image in images
        }
        self.register_outputs({})

    def _volume(self, name: str, image: Image, pool: pulumi.Input[str]) -> pulumi.Output[str]:
        return libvirt.Volume(
            name,
            name=f"base-{image.sha256[:_NAMED_BY]}.{image.format}",
            pool=pool,
            source=location(image),
            format=image.format,
            # The content has its name; where it came from is no reason to upload it again under running machines.
            opts=pulumi.ResourceOptions.merge(
                self.child(), pulumi.ResourceOptions(delete_before_replace=True, ignore_changes=["source"])
            ),
        ).id
