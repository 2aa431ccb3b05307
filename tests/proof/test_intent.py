"""The intent matrix, read from the files, is the owner's own table (N2, N3, N4), written out by hand."""

from dataclasses import replace

import pytest

from tests.policy.networks import CHANGED, OWNER, PORTS, ROOT, Case
from twinvpc.model.aws import AwsStack, Egress
from twinvpc.model.files import load_stack
from twinvpc.model.network import Segment
from twinvpc.model.services import Protocol
from twinvpc.proof.cells import Matrix
from twinvpc.proof.intent import fixed_nodes, matrix

# R: what every guest may ask of its own router address. D: the same without DHCP. S: with the host's SSH.
WORDS = {
    "R": "icmp tcp/53 udp/53 udp/67",
    "D": "icmp tcp/53 udp/53",
    "S": "icmp tcp/53 tcp/2200 udp/53 udp/67",
    "-": "–",
    ".": "·",
}
DELL = """
             management public private database container internet lan host docker0
management   all        all    all     all      all       all      -   S    -
public       -          all    all     all      all       all      -   R    -
private      -          -      all     all      all       all      -   R    -
database     -          -      -       all      -         all      -   D    -
container    -          -      -       -        all       all      -   R    -
internet     -          -      -       -        -         .        .   .    .
lan          -          -      -       -        -         .        .   .    .
host         all        all    all     all      all       .        .   .    .
docker0      -          -      -       -        -         .        .   .    .
"""
AWS = """
             management public private database container internet
management   all        all    all     all      all       -
public       -          all    all     all      all       all
private      -          -      all     all      all       -
database     -          -      -       all      -         -
container    -          -      -       -        all       -
internet     -          -      -       -        -         .
"""


def table(text: str) -> tuple[tuple[str, ...], dict[tuple[str, str], str]]:
    head, *rows = (line.split() for line in text.strip().splitlines())
    cells = {(row[0], node): WORDS.get(word, word) for row in rows for node, word in zip(head, row[1:], strict=True)}
    return tuple(head), cells


def read(found: Matrix) -> tuple[tuple[str, ...], dict[tuple[str, str], str]]:
    return found.nodes, {(s, d): str(found.cell(s, d)) for s in found.nodes for d in found.nodes}


@pytest.mark.parametrize(("stack", "written"), [("dell", DELL), ("aws", AWS), ("staging", AWS)])
def test_the_matrix_of_the_owners_files_is_the_owners_table(stack: str, written: str) -> None:
    assert read(matrix(load_stack(ROOT, stack))) == table(written)


@pytest.mark.parametrize("case", [OWNER, PORTS], ids=["owner", "ports"])
def test_nobody_opens_anything_from_the_internet_and_nothing_is_opened_on_tailnet_or_gateway(case: Case) -> None:
    found = matrix(case.intent)
    assert not [pair for pair in found.permitted if pair[0] == "internet" or pair[1] in {"tailnet", "gateway"}]


def test_port_level_cells_are_what_the_file_says() -> None:
    found = matrix(PORTS.intent)
    assert str(found.cell("web", "api")) == "tcp/8080-8081"
    assert str(found.cell("api", "db")) == "icmp tcp/5432"
    assert str(found.cell("web", "internet")) == "tcp/443 udp/123"
    assert str(found.cell("api", "internet")) == "–"
    assert str(found.cell("web", "lan")) == "tcp/6514 udp/514"
    assert str(found.cell("lan", "web")) == "tcp/443"
    assert str(found.cell("docker0", "db")) == "tcp/3306"
    assert str(found.cell("admin", "host")) == "icmp tcp/53 tcp/2200 udp/53 udp/67"
    assert str(found.cell("api", "web")) == "–"


def test_the_tailnet_is_a_node_only_where_the_host_has_one() -> None:
    assert "tailnet" not in fixed_nodes(PORTS.intent)
    assert fixed_nodes(CHANGED.intent) == ("internet", "lan", "host", "docker0", "tailnet")
    assert str(matrix(CHANGED.intent).cell("tailnet", "web")) == "tcp/443"


def test_one_line_closes_the_internet_of_a_segment() -> None:
    network = OWNER.intent.network
    closed = {**network.segments, "database": Segment(internet=False)}
    found = matrix(replace(OWNER.intent, network=network.model_copy(update={"segments": closed})))
    assert str(found.cell("database", "internet")) == "–"
    assert found.cell("private", "internet").allows(Protocol.TCP, 443)


def on_aws(egress: dict[str, Egress]) -> Matrix:
    intent = load_stack(ROOT, "aws")
    assert isinstance(intent.stack, AwsStack)
    return matrix(replace(intent, stack=intent.stack.model_copy(update={"egress": egress})))


def test_what_a_stack_gives_no_way_out_is_denied_and_declared() -> None:
    found = on_aws({"public": Egress.GATEWAY, "private": Egress.NAT, "container": Egress.ENDPOINTS})
    assert {str(found.cell(name, "internet")) for name in ("public", "private")} == {"all"}
    assert {str(found.cell(name, "internet")) for name in ("management", "database", "container")} == {"–"}
    assert found.declared == {
        ("management", "internet"): "egress.management: none",
        ("database", "internet"): "egress.database: none",
        ("container", "internet"): "egress.container: endpoints",
    }


def test_awss_own_services_are_a_node_only_where_endpoints_lead_to_them() -> None:
    assert "aws-services" not in on_aws({"public": Egress.GATEWAY}).nodes
    found = on_aws({"container": Egress.ENDPOINTS, "private": Egress.NONE})
    assert found.nodes[-2:] == ("internet", "aws-services")
    assert str(found.cell("container", "aws-services")) == "tcp/443"
    assert str(found.cell("private", "aws-services")) == "–"
    assert str(found.cell("aws-services", "container")) == "–"


def test_what_network_yaml_closes_is_denied_on_aws_without_being_declared() -> None:
    intent = load_stack(ROOT, "aws")
    closed = {name: Segment(internet=False) for name in intent.network.segments}
    network = intent.network.model_copy(update={"segments": closed})
    found = matrix(replace(intent, network=network))
    assert str(found.cell("database", "internet")) == "–"
    assert found.declared == {}
