"""A VPC of three segments in two zones, with a service each way, and what is intended of it, written out by hand."""

from benchmarks.aws_networks import Shape
from tests.proof.aws.vpcs import VPC, block
from twinvpc.model.services import EVERYTHING, Protocol, Service
from twinvpc.proof.cells import ALL, Cell, Matrix

POSTGRES = Service(Protocol.TCP, 5432, 5432)
SYSLOG = Service(Protocol.UDP, 514, 514)
HTTPS = Service(Protocol.TCP, 443, 443)


def two(first: int, second: int) -> tuple:
    return block(f"10.0.{first}.0/24"), block(f"10.0.{second}.0/24")


SHAPE = Shape(
    VPC,
    {"web": two(1, 2), "app": two(4, 7), "db": two(5, 6)},
    (("web", "app", EVERYTHING), ("app", "db", POSTGRES), ("db", "web", SYSLOG)),
    {"web": (HTTPS,)},
)
GRAPH, PLACES = SHAPE.graph, SHAPE.places
INTENT = Matrix(
    ("web", "app", "db", "internet"),
    {
        ("web", "web"): ALL, ("app", "app"): ALL, ("db", "db"): ALL,
        ("web", "app"): ALL,
        ("app", "db"): Cell(tcp=((5432, 5432),)),
        ("db", "web"): Cell(udp=((514, 514),)),
        ("web", "internet"): Cell(tcp=((443, 443),)),
    },
)  # fmt: skip
