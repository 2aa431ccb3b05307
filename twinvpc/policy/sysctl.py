"""Kernel settings that the segments need, and no others: whatever other interfaces have stays as it is."""

from twinvpc.addressing.plan import LibvirtPlan


def settings(plan: LibvirtPlan) -> str:
    """Content of our file in /etc/sysctl.d.

    Forwarding is needed by every segment. Where reverse-path filtering is on (Rocky 9 and systemd's own defaults have
    it), the kernel looks up the way back of every packet, and without its mark (ip-sysctl, src_valid_mark) that
    look-up meets the routing rules that prohibit: nothing would be forwarded at all. The bridges carry no IPv6:
    libvirt switches it off for networks without IPv6 addresses, and a router advertisement of a guest must find
    nobody. A leading `-` makes systemd-sysctl(8) and sysctl(8) pass over bridges that do not exist yet; udev applies
    the line once they do.
    """
    bridges = [segment.bridge for segment in plan.segments]
    return "\n".join(
        [
            "# Written by twin-vpc's host provider.",
            "net.ipv4.ip_forward = 1",
            "net.ipv4.conf.all.src_valid_mark = 1",
            *(f"-net.ipv6.conf.{bridge}.accept_ra = 0" for bridge in bridges),
            *(f"-net.ipv6.conf.{bridge}.disable_ipv6 = 1" for bridge in bridges),
            "",
        ]
    )
