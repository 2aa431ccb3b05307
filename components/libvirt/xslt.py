"""What pulumi-libvirt has no field for, as XSLT over the XML that it writes. All of it is in this module.

The provider runs `xsltproc` on the machine that runs Pulumi, and replaces the resource when this text changes
(terraform-provider-libvirt v0.8.3, libvirt/utils_xslt.go, resource_libvirt_network.go). So the text depends on nothing
but the arguments.
"""

from twinvpc.model.libvirt import AddressRange


def dhcp_range(leased: AddressRange) -> str:
    """Lease these addresses instead of the provider's own idea, which is all of the block but its first and last.

    Should the provider ever write no range, or several, the run fails: a range that silently stayed would lease static
    addresses.
    """
    return f"""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:template match="@*|node()">
    <xsl:copy><xsl:apply-templates select="@*|node()"/></xsl:copy>
  </xsl:template>
  <xsl:template match="/">
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
