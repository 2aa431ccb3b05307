"""A virtual machine on libvirt."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_libvirt as libvirt

from components.component import Component
from components.libvirt import xslt
from components.libvirt.pools import PREFIX
from twinvpc.addressing.plan import MachinePlan
from twinvpc.machines.cloud_init import Birth
from twinvpc.model.machines import DataDisk, Machine

# The provider plans a change of these in place and then does nothing, or puts the new cloud-init disk on a bus that
# q35 has not (terraform-provider-libvirt v0.8.3, resourceLibvirtDomainUpdate).
REPLACED = (
    "arch",
    "bootDevices",
    "cloudinit",
    "consoles",
    "cpu",
    "disks",
    "emulator",
    "machine",
    "networkInterfaces[*].hostname",
    "networkInterfaces[*].mac",
    "networkInterfaces[*].networkId",
    "qemuAgent",
    "video",
)

LONGEST_BOOT = "15m"
"""How long a machine may take to its first lease: minutes where it is emulated."""

# What an emulated processor can do is `maximum`; what the host's own can do is handed through.
_CPU_MODE = {"kvm": "host-passthrough", "qemu": "maximum"}


@dataclass(frozen=True)
class Pool:
    """A storage pool.

    Attributes:
        name: its name on the host, once it exists.
        folder: its folder.
    """

    name: pulumi.Input[str]
    folder: str


@dataclass(frozen=True)
class MachineArgs:
    """What a machine is to be.

    Attributes:
        machine: as the owner says it.
        place: where it is found.
        birth: what it is born with.
        leased: whether it gets its address by DHCP; else it was told at birth.
        network: id of its segment's network.
        base: the volume that its root disk starts from.
        pools: storage pools, by their names in the stack.
        virtualization: `kvm`, or `qemu` alone.
    """

    machine: Machine
    place: MachinePlan
    birth: Birth
    leased: bool
    network: pulumi.Input[str]
    base: pulumi.Input[str]
    pools: Mapping[str, Pool]
    virtualization: str


class VirtualMachine(Component):
    """A machine: an overlay of its image, cloud-init's disk, perhaps a data disk, and the domain that uses them.

    Root disk and cloud-init's disk are named by the machine's birth: another birth is a new disk beside the old one,
    the domain moves over, then the old one goes. The data disk is named by the machine alone; Pulumi never deletes it.

    A pool's disks are made one after another: the provider reads cloud-init's disk back as soon as it is written, and
    gets nothing while libvirt looks through the pool for what another one has changed there ("corrupted-image: EOF").

    Attributes:
        id: the domain's id.
        disks: all its disks, for the next machine to wait for.

    Creates:
        - `libvirt:index/volume:Volume`: the root disk, and the data disk where there is one.
        - `libvirt:index/cloudInitDisk:CloudInitDisk`: one.
        - `libvirt:index/domain:Domain`: one.
    """

    id: pulumi.Output[str]
    disks: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: MachineArgs, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("twin-vpc:libvirt:VirtualMachine", name, opts)
        pool = args.pools[args.machine.pool]
        root = libvirt.Volume(
            f"{name}-root",
            name=f"{args.birth.instance}.qcow2",
            pool=pool.name,
            format="qcow2",
            size=args.machine.disk.octets,
            base_volume_id=args.base,
            opts=self.child(),
        )
        data = self._data(name, args.place.name, args.machine.data, args.pools)
        volumes = [root, data] if data else [root]
        seed = libvirt.CloudInitDisk(
            f"{name}-seed",
            name=f"{args.birth.instance}.iso",
            pool=pool.name,
            user_data=args.birth.user_data,
            meta_data=args.birth.meta_data,
            network_config=args.birth.network_config,
            opts=pulumi.ResourceOptions.merge(self.child(), pulumi.ResourceOptions(depends_on=volumes)),
        )
        domain = self._domain(name, args, [volume.id for volume in volumes], seed.id)
        self.id = domain.id
        self.disks = (*volumes, seed)
        self.register_outputs({"id": self.id})

    def _data(self, name: str, machine: str, data: DataDisk | None, pools: Mapping[str, Pool]) -> libvirt.Volume | None:
        if data is None:
            return None
        kept = pulumi.ResourceOptions(delete_before_replace=True, protect=True, retain_on_delete=True)
        return libvirt.Volume(
            f"{name}-data",
            name=f"{machine}-data.qcow2",
            pool=pools[data.pool].name,
            format="qcow2",
            size=data.size.octets,
            opts=pulumi.ResourceOptions.merge(self.child(), kept),
        )

    def _domain(
        self, name: str, args: MachineArgs, disks: list[pulumi.Output[str]], seed: pulumi.Output[str]
    ) -> libvirt.Domain:
        machine, place = args.machine, args.place
        used = {machine.pool, *([machine.data.pool] if machine.data else [])}
        folders = {PREFIX + pool: args.pools[pool].folder for pool in used}
        return libvirt.Domain(
            f"{name}-domain",
            name=place.name,
            type=args.virtualization,
            machine="q35",
            cpu=libvirt.DomainCpuArgs(mode=_CPU_MODE[args.virtualization]),
            vcpu=machine.vcpu,
            memory=machine.memory.mebibytes,
            autostart=True,
            disks=[libvirt.DomainDiskArgs(volume_id=disk) for disk in disks],
            cloudinit=seed,
            network_interfaces=[_interface(args)],
            # A socket in a folder of the machine's own: on a port, each user of the host would have the screen.
            graphics=libvirt.DomainGraphicsArgs(type="vnc", listen_type="socket"),
            video=libvirt.DomainVideoArgs(type="virtio"),
            consoles=[libvirt.DomainConsoleArgs(type="pty", target_port="0", target_type="serial")],
            xml=libvirt.DomainXmlArgs(xslt=xslt.domain_disks(folders, data=machine.data is not None)),
            opts=pulumi.ResourceOptions.merge(
                self.child(),
                pulumi.ResourceOptions(
                    # Its name is fixed, its MAC and its disks are its own: the old one has to go first.
                    delete_before_replace=True,
                    replace_on_changes=list(REPLACED),
                    custom_timeouts=pulumi.CustomTimeouts(create=LONGEST_BOOT),
                ),
            ),
        )


def _interface(args: MachineArgs) -> libvirt.DomainNetworkInterfaceArgs:
    return libvirt.DomainNetworkInterfaceArgs(
        network_id=args.network,
        mac=args.place.mac,
        hostname=args.place.name,
        # The provider reserves the address in the network, in place. Nobody else may do so.
        addresses=[str(args.place.address)] if args.leased else None,
        # Without a lease the provider would record no address, and plan a change at the next run.
        wait_for_lease=args.leased,
    )
