"""Texts as iptables-save writes them, for tests of what a reload of firewalld takes from iptables."""

from providers.host.remote import iptables

THEIRS = iptables.DAEMONS["dockerd"] | iptables.LIBVIRT
BEFORE = """# Generated
*nat
:PREROUTING ACCEPT [1:2]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
[3:4] -A PREROUTING -s 198.51.100.9/32 -j ACCEPT
[0:0] -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
[0:0] -A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
[0:0] -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:INPUT ACCEPT [8:8]
:FORWARD DROP [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-USER - [0:0]
:f2b - [0:0]
[0:0] -A FORWARD -j DOCKER-USER
[0:0] -A FORWARD -s 198.51.100.96/32 -j DROP
[0:0] -A FORWARD -j DOCKER-ISOLATION-STAGE-1
[0:0] -A FORWARD -s 198.51.100.97/32 -j DROP
[1:1] -A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DROP
[0:0] -A DOCKER-ISOLATION-STAGE-1 -j RETURN
[5:6] -A DOCKER-USER -s 198.51.100.99/32 -j DROP
[0:0] -A DOCKER-USER -j f2b
[0:0] -A DOCKER-USER -j RETURN
[7:7] -A f2b -s 198.51.100.98/32 -j DROP
COMMIT
"""
EMPTY = """*nat
:PREROUTING ACCEPT [0:0]
COMMIT
*filter
:FORWARD ACCEPT [0:0]
COMMIT
"""
"""What a reload leaves."""
MARKED = "[0:0] -A DOCKER-USER -m mark --mark 0x1 -m comment --comment twin-vpc -j ACCEPT"


def section(text: str, table: str) -> list[str]:
    return text.split(f"*{table}\n", 1)[1].split("COMMIT", 1)[0].splitlines()


def without(line: str, text: str = BEFORE) -> str:
    assert line in text
    return "".join(one for one in text.splitlines(keepends=True) if line not in one)
