"""What a rule of the owner's in FORWARD means for packets of ours."""

from ipaddress import IPv4Network

import pytest

from operations.adopt.rules import Meaning, Ours, by_chain, closing, filter_rules, meaning, narrowed

OURS = Ours(
    bridges=frozenset({"br-public", "br-private", "virbr2", "virbr3"}),
    links=frozenset({"eno1"}),
    blocks=(IPv4Network("10.0.1.0/24"), IPv4Network("10.0.2.0/24"), IPv4Network("10.0.3.0/24")),
    beyond=(IPv4Network("192.168.1.0/24"),),
)


def means(rule: str, *chains: str) -> Meaning:
    return meaning(f"-A FORWARD {rule}", OURS, by_chain(chains))


WITHIN = [
    "-s 10.0.1.0/24 -d 10.0.2.0/24 -j DROP",
    "-i virbr2 -o virbr3 -j REJECT --reject-with icmp-port-unreachable",
    "-i br-public -j DROP",
    "-s 10.0.2.0/23 -o eno1 -j DROP",
    "-d 10.0.2.7/32 -p tcp -m tcp --dport 5432 -j DROP",
    "! -s 192.168.1.0/24 -o br-private -j DROP",
    "-s 10.0.2.0/24 -d 192.168.1.0/24 -j DROP",
    "-s 10.0.0.0/8 -d 10.0.1.0/24 -j DROP",
    "-i br-public -j NFQUEUE --queue-num 0",
]


@pytest.mark.parametrize("rule", WITHIN)
def test_a_drop_whose_every_packet_is_of_a_bridge_or_block_of_ours_closes_ours_and_nothing_else(rule: str) -> None:
    assert means(rule) is Meaning.CLOSES_OURS


WIDER = [
    "-j DROP",
    "-m conntrack --ctstate NEW -j REJECT",
    "! -i docker0 -j DROP",
    "-s 10.0.0.0/8 -j DROP",
    "-s 10.0.0.0/22 -j DROP",
    "-s 10.0.0.0/16 -o eno1 -j DROP",
    "! -s 10.0.1.0/24 -j DROP",
    "-i virbr+ -j DROP",
    "-i virbr+ -o eno1 -j DROP",
    "! -i br-public -j DROP",
    "-i eno1 -m conntrack --ctstate INVALID,NEW -j DROP",
    "-d 198.51.100.7/32 -j DROP",
    "-d 192.168.1.0/24 -j DROP",
    "-o eno1 -p tcp -m tcp --dport 25 -j DROP",
    "-m mark ! --mark 0x2/0x2 -j DROP",
    "-m connmark ! --mark 0x1000000/0x1000000 -j DROP",
]


@pytest.mark.parametrize("rule", WIDER)
def test_a_drop_that_others_feel_too_is_not_ours_alone(rule: str) -> None:
    """To take it away would open the owner's VPN, or his other machines."""
    assert means(rule) is Meaning.CLOSES_MORE


@pytest.mark.parametrize("rule", WIDER[:-2])
def test_narrowed_by_our_sign_it_closes_nothing_of_ours(rule: str) -> None:
    text = narrowed(f"-A FORWARD {rule}")
    assert meaning(text, OURS, {}) is Meaning.NOTHING
    jump, chains = text.replace("DROP", "CHAIN"), by_chain(["-A CHAIN -j DROP"])
    assert meaning(jump, OURS, chains) is Meaning.NOTHING


@pytest.mark.parametrize(
    "rule",
    [
        "-s 172.30.0.0/16 -d 192.168.1.0/24 -j DROP",
        "-i docker0 -j DROP",
        "-i tailscale0 -o docker0 -j DROP",
        "-s 10.0.0.0/8 -d 172.30.0.0/16 -j DROP",
        "-i virbr2 -o virbr9 -j DROP",
        "-j DOCKER-USER",
        "-o docker0 -j ACCEPT",
        "-i br-1cd8eade7158 ! -o br-1cd8eade7158 -j ACCEPT",
        "-s 10.0.9.0/24 -j DROP",
        "-m conntrack --ctstate INVALID -j DROP",
        "-m mark --mark 0x0/0x1000000 -j DROP",
        "-j LOG --log-prefix x",
        "-j OWNER",
    ],
)
def test_what_no_packet_of_ours_can_match_is_nothing_to_us(rule: str) -> None:
    assert means(rule) is Meaning.NOTHING


@pytest.mark.parametrize("rule", ["-i virbr2 -o virbr3 -j ACCEPT", "-d 10.0.2.0/24 -j ACCEPT"])
def test_an_accept_opens_nothing(rule: str) -> None:
    assert means(rule) is Meaning.OPENS_NOTHING


@pytest.mark.parametrize("jump", ["-j", "-g"])
def test_a_jump_means_what_it_leads_to(jump: str) -> None:
    chains = ("-A OWNER -p tcp -j DEEPER", "-A DEEPER -s 10.0.2.0/24 -j DROP", "-A DEEPER -j OWNER")
    assert means(f"{jump} OWNER", *chains) is Meaning.CLOSES_MORE
    assert means(f"-s 10.0.2.0/24 {jump} OWNER", *chains) is Meaning.CLOSES_OURS
    assert means(f"-s 10.0.1.0/24 {jump} OWNER", "-A OWNER -i virbr2 -j RETURN") is Meaning.NOTHING
    assert means(f"-i docker0 {jump} OWNER", *chains) is Meaning.NOTHING
    assert means(f"-s 172.30.0.0/16 {jump} OWNER", *chains) is Meaning.NOTHING
    assert closing(f"-A FORWARD {jump} OWNER", OURS, by_chain(chains)) == ("-A DEEPER -s 10.0.2.0/24 -j DROP",)


def test_chains_that_docker_and_libvirt_keep_are_theirs_but_for_the_one_that_is_the_owners() -> None:
    for chain in ("DOCKER-ISOLATION-STAGE-2", "LIBVIRT_FWI"):
        assert means(f"-j {chain}", f"-A {chain} -o virbr2 -j REJECT") is Meaning.NOTHING
    assert means("-j DOCKER-USER", "-A DOCKER-USER -i eno1 -j DROP") is Meaning.CLOSES_MORE


def test_a_file_is_read_without_counters_and_for_its_table_filter_alone() -> None:
    lines = ["*mangle", "-A FORWARD -j DROP", "COMMIT", "*filter", ":FORWARD ACCEPT [0:0]", "[3:4] -A FORWARD -j X"]
    assert filter_rules(lines) == ("-A FORWARD -j X",)
