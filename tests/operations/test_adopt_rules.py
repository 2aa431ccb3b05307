"""What a rule of the owner's in FORWARD means for packets of ours."""

from ipaddress import IPv4Network

import pytest

from operations.adopt.rules import Meaning, Ours, meaning

OURS = Ours(
    frozenset({"br-public", "br-private", "virbr2", "virbr3"}),
    frozenset({"eno1"}),
    (IPv4Network("10.0.1.0/24"), IPv4Network("10.0.2.0/24")),
)


@pytest.mark.parametrize(
    "rule",
    [
        "-s 10.0.1.0/24 -d 10.0.2.0/24 -j DROP",
        "-i virbr2 -o virbr3 -j REJECT --reject-with icmp-port-unreachable",
        "-i br-public -j DROP",
        "-i virbr+ -j DROP",
        "-s 10.0.0.0/16 -o eno1 -j DROP",
        "-d 10.0.2.7/32 -p tcp -m tcp --dport 5432 -j DROP",
        "! -s 192.168.1.0/24 -o br-private -j DROP",
    ],
)
def test_a_drop_that_names_a_bridge_or_block_of_ours_closes_ours(rule: str) -> None:
    assert meaning(f"-A FORWARD {rule}", OURS) is Meaning.CLOSES_OURS


@pytest.mark.parametrize("rule", ["-j DROP", "-m conntrack --ctstate NEW -j REJECT", "! -i docker0 -j DROP"])
def test_a_drop_of_everything_is_not_ours_alone(rule: str) -> None:
    assert meaning(f"-A FORWARD {rule}", OURS) is Meaning.CLOSES_ALL


@pytest.mark.parametrize(
    "rule",
    [
        "-s 172.30.0.0/16 -d 192.168.1.0/24 -j DROP",
        "-i docker0 -j DROP",
        "-i tailscale0 -o docker0 -j DROP",
        "-d 198.51.100.7/32 -j DROP",
        "-j DOCKER-USER",
        "-o docker0 -j ACCEPT",
        "-s 10.0.9.0/24 -j DROP",
    ],
)
def test_what_no_packet_of_ours_can_match_is_nothing_to_us(rule: str) -> None:
    assert meaning(f"-A FORWARD {rule}", OURS) is Meaning.NOTHING


@pytest.mark.parametrize("rule", ["-i virbr2 -o virbr3 -j ACCEPT", "-d 10.0.2.0/24 -j ACCEPT"])
def test_an_accept_opens_nothing(rule: str) -> None:
    assert meaning(f"-A FORWARD {rule}", OURS) is Meaning.OPENS_NOTHING
