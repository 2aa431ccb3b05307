"""What pulumi-libvirt has no field for, as XSLT over the XML that it writes. All of it is in this module.

The provider runs `xsltproc` on the machine that runs Pulumi, and replaces the resource when this text changes
(terraform-provider-libvirt v0.8.3, libvirt/utils_xslt.go, resource_libvirt_network.go). So the text depends on nothing
but the arguments.
"""

from collections.abc import Mapping

from twinvpc.machines.cloud_init import DATA_DISK
from twinvpc.model.libvirt import AddressRange

_COPY = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="@*|node()">
    <xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy>
  </xsl:template>
"""
_FILE = """  <xsl:template match="/domain/devices/disk/source[@pool='{pool}']">
    <source file="{folder}/{{@volume}}"/>
  </xsl:template>
"""
_SECOND = f"""  <xsl:template match="/domain/devices/disk[@device='disk'][2]">
    <xsl:copy>
      <xsl:attribute name="type">file</xsl:attribute>
      <xsl:apply-templates select="@*[name() != 'type']|node()"/>
      <serial>{DATA_DISK}</serial>
    </xsl:copy>
  </xsl:template>
"""
_SEED = """  <xsl:template match="/domain/devices/disk[@device='cdrom']/target">
    <target dev="sda" bus="scsi"/>
  </xsl:template>
  <xsl:template match="/domain/devices">
    <xsl:copy>
      <xsl:apply-templates select="@*|node()"/>
      <controller type="scsi" index="0" model="virtio-scsi"/>
    </xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/os">
    <xsl:copy>
      <xsl:apply-templates select="@*|node()"/>
      <smbios mode="sysinfo"/>
    </xsl:copy>
    <sysinfo type="smbios"><system><entry name="serial">ds=nocloud</entry></system></sysinfo>
  </xsl:template>
"""


def dhcp_range(leased: AddressRange) -> str:
    """Lease these addresses instead of the provider's own idea, which is all of the block but its first and last.

    Should the provider ever write no range, or several, the run fails: a range that silently stayed would lease static
    addresses.
    """
    return f"""{_COPY}  <xsl:template match="/">
    <xsl:if test="count(/network/ip/dhcp/range) != 1">
      <xsl:message terminate="yes">expected one DHCP range in the provider's XML</xsl:message>
    </xsl:if>
    <xsl:apply-templates/>
  </xsl:template>
  <xsl:template match="/network/ip/dhcp/range">
    <range start="{leased.first}" end="{leased.last}"/>
  </xsl:template>
</xsl:stylesheet>
"""


def domain_disks(folders: Mapping[str, str], *, data: bool) -> str:
    """Disks as files, and the cloud-init disk where a q35 machine can read it.

    The provider writes disks as volumes of a pool; AppArmor's helper reads files only, and the guest is denied its own
    disk (libvirt issue 546). It puts the cloud-init disk on an IDE bus, which q35 has not (provider issue 667);
    Debian's cloud kernel has no driver for SATA, so it goes to virtio-scsi, which every cloud image knows. cloud-init
    looks for a seed before a driver may be loaded; the machine's serial number tells it to wait for one. The second
    disk, if there is one, gets a serial number by which the guest knows it. Should the provider ever write other disks
    than these, the run fails.

    Args:
        folders: folder of each pool that the machine has disks in, by the pool's name on the host.
        data: whether there is a second disk.
    """
    cases = "".join(_FILE.format(pool=pool, folder=folder) for pool, folder in sorted(folders.items()))
    known = " or ".join(f"source/@pool='{pool}'" for pool in sorted(folders))
    return f"""{_COPY}  <xsl:template match="/">
    <xsl:if test="count(/domain/devices/disk[@type='volume'][@device='disk'][{known}]) != {1 + data}
                  or count(/domain/devices/disk[@device='cdrom'][@type='file']/target[@bus='ide']) != 1
                  or count(/domain/devices/disk) != {2 + data}">
      <xsl:message terminate="yes">expected {1 + data} volumes of our pools and one IDE CD</xsl:message>
    </xsl:if>
    <xsl:apply-templates/>
  </xsl:template>
  <xsl:template match="/domain/devices/disk[@type='volume']/@type">
    <xsl:attribute name="type">file</xsl:attribute>
  </xsl:template>
{cases}{_SEED}{_SECOND if data else ""}</xsl:stylesheet>
"""
