"""The chains of all tables. They never change with the policy: what differs between networks is the sets' data.

A look into a set costs a packet up to ten times as much as any other test (ADR 33), so what most packets need is asked
first.
"""

# Bits that Tailscale (0xff0000), Docker and libvirt leave alone. MARK is the table's sign on packets that it has seen,
# LEFT and ENTERED are the gates' seals on packets that they have let through, GENUINE the guard's on what comes from
# its own bridge.
MARK = 0x1000000
LEFT = 0x2000000
ENTERED = 0x4000000
GENUINE = 0x8000000

_INSIDE = "iifname . oifname @same_segment accept"


# A connection whose flow was taken away is reset: an ICMP error would leave it hanging until its own time-outs.
def _refuse(*first: str) -> str:
    return "\n".join(
        (
            "",
            "chain refuse {",
            *(f"    {rule}" for rule in first),
            "    iifname $uplinks counter drop",
            "    meta pkttype { broadcast, multicast } counter drop",
            '    limit rate 5/second log prefix "twin-vpc deny "',
            "    ct state established meta l4proto tcp counter reject with tcp reset",
            "    counter reject with icmpx admin-prohibited",
            "}",
        )
    )


# A live connection is no excuse for a false source, so this stands before connection tracking. A segment's source
# address that comes in anywhere but on its bridge is false as well: what is legal has passed before that is asked.
def _guard(priority: str, legal: str) -> str:
    return f"""
chain guard {{
    type filter hook prerouting priority {priority}; policy accept;
    iifname . ip saddr @legal_source {legal}
    iifname @retired counter drop
    iifname @segments ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
    iifname @segments meta nfproto ipv4 counter drop
    iifname != "lo" ip saddr @networks counter drop
}}
"""


_GUARD = _guard("raw", f"meta mark set meta mark | {GENUINE:#x} accept")
_GUARD_AGAIN = _guard("raw + 1", "accept")

# After destination NAT is undone (dstnat + 10) and before routing: policy routing lets nothing of ours pass unsigned.
# So nothing is routed out of a segment that the guard has not found genuine.
_SIGN = f"""
chain sign {{
    type filter hook prerouting priority dstnat + 10; policy accept;
    meta mark & {GENUINE:#x} != 0 meta mark set meta mark | {MARK:#x} accept
    ip daddr @networks meta mark set meta mark | {MARK:#x}
}}
"""

# Before libvirt and Docker (filter) and firewalld (filter + 10). What touches neither bridges nor blocks of ours is not
# judged. A bridge that is down has no route, so its packets would follow the default route: nobody else gets them.
_FORWARD = """
chain forward {
    type filter hook forward priority filter - 10; policy accept;
    iifname @segments goto outward
    iifname @retired counter drop
    oifname @segments goto enter
    oifname @retired counter drop
    ip daddr @blocks goto refuse
}

chain outward {
    jump leave
    oifname @segments goto enter
    oifname @retired counter drop
    ip daddr @blocks goto refuse
}
"""

# Uplinks come first: whatever an interface is besides, a way to LAN and Internet is judged as one. Untracked packets
# would leave without NAT and come back as strangers. Of what is related only ICMP errors pass: the data connections
# that a conntrack helper expects (FTP, SIP) are permissions nobody gave, so they are judged as new ones.
#
# A live connection has no leave of its own: every packet of its opener is judged like the first one, and every answer
# asks whether its opener may still open it. The connection tracking says only which of the two a packet is. So a flow
# that is taken away is cut with the very transaction that takes it away, whatever conntrack remembers (ADR 33).
# An answer leaves where its opener would enter, so `leave_answer` is `enter` with both ends exchanged.
#
# What stays inside a segment is free. Hardly a packet does that here, past a bridge, so it is asked last: of what would
# be refused.
_LEAVE = f"""
chain left {{
    meta mark set meta mark | {LEFT:#x}
}}

chain unjudged {{
    {_INSIDE}
    counter drop
}}

chain leave {{
    meta nfproto ipv6 goto unjudged
    ct state related meta l4proto icmp goto left
    ct state invalid,untracked goto unjudged
    ct direction reply goto leave_answer
    oifname $uplinks goto leave_outside
    iifname . oifname @leave_any goto left
    meta l4proto icmp iifname . oifname @leave_icmp goto left
    iifname . oifname . meta l4proto . th dport @leave_ports goto left
    goto refuse
}}

chain leave_outside {{
    ip daddr @lan goto leave_lan
    ip daddr != @not_public goto leave_internet
    goto refuse
}}

chain leave_lan {{
    iifname @leave_lan_any goto left
    meta l4proto icmp iifname @leave_lan_icmp goto left
    iifname . meta l4proto . th dport @leave_lan_ports goto left
    goto refuse
}}

chain leave_internet {{
    iifname @leave_internet_any goto left
    meta l4proto icmp iifname @leave_internet_icmp goto left
    iifname . meta l4proto . th dport @leave_internet_ports goto left
    goto refuse
}}

chain leave_answer {{
    oifname @segments goto leave_answer_inner
    oifname $uplinks ip daddr @lan goto leave_answer_lan
    oifname $uplinks goto refuse
    oifname . iifname @enter_foreign_any goto left
    meta l4proto icmp oifname . iifname @enter_foreign_icmp goto left
    oifname . iifname . meta l4proto . th sport @enter_foreign_ports goto left
    goto refuse
}}

chain leave_answer_inner {{
    ip daddr . iifname @enter_any goto left
    meta l4proto icmp ip daddr . iifname @enter_icmp goto left
    ip daddr . iifname . meta l4proto . th sport @enter_ports goto left
    goto refuse
}}

chain leave_answer_lan {{
    iifname @enter_lan_any goto left
    meta l4proto icmp iifname @enter_lan_icmp goto left
    iifname . meta l4proto . th sport @enter_lan_ports goto left
    goto refuse
}}
"""

# Segments are known by their addresses here, which the guard has checked, and everybody else by the interface: the
# two gates read different things, so one that errs is held by the other. Only what comes from a segment has left one.
_ENTER = f"""
chain entered {{
    meta mark set meta mark | {ENTERED:#x}
}}

chain enter {{
    meta nfproto ipv6 counter drop
    ct state related meta l4proto icmp goto entered
    ct state invalid,untracked counter drop
    ct direction reply goto enter_answer
    meta mark & {LEFT:#x} != 0 goto enter_inner
    iifname $uplinks ip saddr @lan goto enter_lan
    iifname $uplinks goto refuse
    iifname . oifname @enter_foreign_any goto entered
    meta l4proto icmp iifname . oifname @enter_foreign_icmp goto entered
    iifname . oifname . meta l4proto . th dport @enter_foreign_ports goto entered
    goto refuse
}}

chain enter_inner {{
    ip saddr . oifname @enter_any goto entered
    meta l4proto icmp ip saddr . oifname @enter_icmp goto entered
    ip saddr . oifname . meta l4proto . th dport @enter_ports goto entered
    goto refuse
}}

chain enter_lan {{
    oifname @enter_lan_any goto entered
    meta l4proto icmp oifname @enter_lan_icmp goto entered
    oifname . meta l4proto . th dport @enter_lan_ports goto entered
    goto refuse
}}

chain enter_answer {{
    iifname $uplinks goto enter_answer_outside
    oifname . iifname @leave_any goto entered
    meta l4proto icmp oifname . iifname @leave_icmp goto entered
    oifname . iifname . meta l4proto . th sport @leave_ports goto entered
    goto refuse
}}

chain enter_answer_outside {{
    ip saddr @lan goto enter_answer_lan
    ip saddr != @not_public goto enter_answer_internet
    goto refuse
}}

chain enter_answer_lan {{
    oifname @leave_lan_any goto entered
    meta l4proto icmp oifname @leave_lan_icmp goto entered
    oifname . meta l4proto . th sport @leave_lan_ports goto entered
    goto refuse
}}

chain enter_answer_internet {{
    oifname @leave_internet_any goto entered
    meta l4proto icmp oifname @leave_internet_icmp goto entered
    oifname . meta l4proto . th sport @leave_internet_ports goto entered
    goto refuse
}}
"""


def _input(priority: str) -> str:
    """Guest → host, and anybody → router address: every router address is local, so the forward hook sees neither.

    A guest whose lease could not be renewed asks everybody, from its own address (RFC 2131, REBINDING). Only answers to
    what the host itself has opened need no permission; a guest's own live connection is judged packet by packet.
    """
    return f"""
chain input {{
    type filter hook input priority {priority}; policy accept;
    iifname @retired counter drop
    iifname @segments goto to_host
    iifname != "lo" ip daddr @blocks goto to_router
}}

chain to_host {{
    meta nfproto ipv6 counter drop
    iifname @leasing ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept
    ct state established ct direction reply accept
    ct state related meta l4proto icmp accept
    ct state invalid counter drop
    iifname @leasing iifname . ip daddr @own_router udp dport 67 accept
    iifname . ip daddr @own_router meta l4proto {{ tcp, udp }} th dport 53 accept
    iifname . ip daddr @own_router icmp type echo-request accept
    iifname . ip daddr @own_router iifname . meta l4proto . th dport @host_ports accept
    goto refuse
}}

chain to_router {{
    ct state established ct direction reply accept
    ct state related meta l4proto icmp accept
    goto refuse
}}
"""


# What a gate has let through carries its seal. Whoever empties a chain of the main table, or takes it away, leaves
# packets without: this chain stands in the other table, behind everybody else's.
_SEAL = f"""
chain seal {{
    type filter hook forward priority filter + 20; policy accept;
    meta mark & {LEFT | ENTERED:#x} == {LEFT | ENTERED:#x} accept
    iifname @retired counter drop
    oifname @retired counter drop
    {_INSIDE}
    iifname @segments meta mark & {LEFT:#x} == 0 counter drop
    oifname @segments meta mark & {ENTERED:#x} == 0 counter drop
}}
"""

_SOURCE_NAT = """
chain source_nat {
    type nat hook postrouting priority srcnat; policy accept;
    oifname $uplinks ip saddr @networks masquerade
}
"""


def _lines(*blocks: str) -> tuple[str, ...]:
    return tuple(line for block in blocks for line in block.rstrip("\n").split("\n"))


MAIN = _lines(_refuse(_INSIDE), _GUARD, _SIGN, _LEAVE, _ENTER, _FORWARD, _input("filter - 10"), _SOURCE_NAT)
HOST = _lines(_refuse(), _SEAL, _input("filter - 9"))
HELD = _lines(_refuse(), _GUARD_AGAIN, _input("filter - 8"))
