"""Storage pools of the host."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_libvirt as libvirt

from components.component import Component
from components.host.resources import WatchedPool

PREFIX = "twin-vpc-"
"""Before every pool's name on the host, whose other pools are the owner's."""


@dataclass(frozen=True)
class StoragePoolsArgs:
    """Which pools there are.

    Attributes:
        folders: folder of each pool on the host, by the pool's name in the stack.
    """

    folders: Mapping[str, str]


class StoragePools(Component):
    """Folders of the host as storage pools, started with it.

    libvirt makes a missing folder and its missing parents (virStorageBackendBuildLocal, src/storage/storage_util.c).
    On destroy the provider has every pool of type dir deleted, which removes its folder and refuses if there is
    anything in it (rmdir(2) in virStorageBackendDeleteLocal). So no disk is lost with its pool; parents stay. By then
    the provider has stopped the pool: `virsh pool-start` or the host's next boot brings it back.

    Attributes:
        names: name of each pool on the host, by its name in the stack; known once it exists.
        watched: each pool by its name on the host, as it should be found there.

    Creates:
        - `libvirt:index/pool:Pool`: one for each folder.
    """

    names: Mapping[str, pulumi.Output[str]]

    def __init__(self, name: str, args: StoragePoolsArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:libvirt:StoragePools", name, opts)
        # Names are fixed, so that an old pool has to go before its successor can come.
        child = pulumi.ResourceOptions.merge(self.child(), pulumi.ResourceOptions(delete_before_replace=True))
        pools = {
            pool: libvirt.Pool(
                f"{name}-{pool}",
                name=PREFIX + pool,
                type="dir",
                target=libvirt.PoolTargetArgs(path=folder),
                opts=child,
            )
            for pool, folder in sorted(args.folders.items())
        }
        self.names = {name: pool.name for name, pool in pools.items()}
        self.watched = {PREFIX + name: WatchedPool(pool.id, args.folders[name]) for name, pool in pools.items()}
        self.register_outputs({"names": self.names})
