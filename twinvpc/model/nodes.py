"""The nodes a cell or a flow can speak of besides the owner's segments."""

from enum import StrEnum, unique


@unique
class Node(StrEnum):
    """Fixed nodes; every other node is a segment, by its name.

    INTERNET: public addresses only, documentation ranges included; never RFC 1918, 100.64.0.0/10, link-local or
        multicast.
    LAN: the home network that the host's uplink stands in.
    HOST: the host itself; for a guest that is its own segment's router address.
    DOCKER0: containers on Docker's default bridge.
    TAILNET: peers of the Tailscale network.
    GATEWAY: the MX gateway on Fargate.
    AWS_SERVICES: what a container task needs of AWS itself, behind endpoints in the VPC; only AWS stacks have it.
    """

    INTERNET = "internet"
    LAN = "lan"
    HOST = "host"
    DOCKER0 = "docker0"
    TAILNET = "tailnet"
    GATEWAY = "gateway"
    AWS_SERVICES = "aws-services"


FIXED_NODES = frozenset(node.value for node in Node)
