"""Route tables, routes, and which subnet uses which."""

import hashlib
from typing import Any

from sandbox.aws.standin.errors import StandinError
from sandbox.aws.standin.kind import Ec2Kind, Kind, one
from sandbox.aws.standin.values import Props
from sandbox.aws.standin.vpcs import of_id

_TARGETS = {"gatewayId": "GatewayId", "natGatewayId": "NatGatewayId"}


class RouteTable(Ec2Kind):
    """`aws_route_table`, without inline routes."""

    token = "aws:ec2/routeTable:RouteTable"
    taken = frozenset({"vpcId", "tags"})
    fixed = frozenset({"vpcId"})

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.create_route_table(
            VpcId=inputs["vpcId"], TagSpecifications=self.specification("route-table", inputs)
        )
        return str(made["RouteTable"]["RouteTableId"])

    def read(self, identity: str, state: Props) -> Props | None:
        found = self.described(identity)
        return {
            "arn": f"arn:aws:ec2:{self.account.region}:{found['OwnerId']}:route-table/{identity}",
            "ownerId": found["OwnerId"],
            "vpcId": found["VpcId"],
            **self.tags(found),
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.delete_route_table(RouteTableId=identity)

    def described(self, identity: str) -> Any:
        """What the account says of a table."""
        return one(self.account.ec2.describe_route_tables(RouteTableIds=[identity])["RouteTables"])


class DefaultRouteTable(RouteTable):
    """`aws_default_route_table`: the VPC's own, taken over and emptied. It goes with its VPC, never by itself."""

    token = "aws:ec2/defaultRouteTable:DefaultRouteTable"
    taken = frozenset({"defaultRouteTableId", "routes", "tags"})
    fixed = frozenset({"defaultRouteTableId"})

    def create(self, inputs: Props) -> str:
        identity = str(inputs["defaultRouteTableId"])
        self._empty(identity, inputs)
        self.retag(identity, {}, inputs)
        return identity

    def read(self, identity: str, state: Props) -> Props | None:
        found = super().read(identity, state)
        routes = [
            {"cidrBlock": route.get("DestinationCidrBlock", "")} for route in _added(self.described(identity)["Routes"])
        ]
        return None if found is None else {**found, "defaultRouteTableId": identity, "routes": routes}

    def update(self, identity: str, old: Props, new: Props) -> None:
        self._empty(identity, new)
        self.retag(identity, old, new)

    def delete(self, identity: str, state: Props) -> None:
        """Nothing: the official provider forgets it as well."""

    def _empty(self, identity: str, inputs: Props) -> None:
        if inputs.get("routes"):
            raise StandinError(f"{self.token}: only an empty list of routes is implemented")
        for route in _added(self.described(identity)["Routes"]):
            self.account.ec2.delete_route(RouteTableId=identity, DestinationCidrBlock=route["DestinationCidrBlock"])


class Route(Kind):
    """`aws_route` to an Internet or a NAT gateway."""

    token = "aws:ec2/route:Route"
    taken = frozenset({"routeTableId", "destinationCidrBlock", *_TARGETS})
    fixed = frozenset({"routeTableId", "destinationCidrBlock"})

    def create(self, inputs: Props) -> str:
        self.account.ec2.create_route(
            RouteTableId=inputs["routeTableId"], DestinationCidrBlock=inputs["destinationCidrBlock"], **_target(inputs)
        )
        digest = hashlib.sha256(str(inputs["destinationCidrBlock"]).encode()).hexdigest()[:8]
        return f"r-{inputs['routeTableId']}{digest}"

    def read(self, identity: str, state: Props) -> Props | None:
        table = one(self.account.ec2.describe_route_tables(RouteTableIds=[state["routeTableId"]])["RouteTables"])
        wanted = state["destinationCidrBlock"]
        found = one([route for route in table["Routes"] if route.get("DestinationCidrBlock") == wanted])
        if found is None:
            return None
        targets = {name: found.get(wire, "") for name, wire in _TARGETS.items()}
        return {
            "routeTableId": table["RouteTableId"],
            "destinationCidrBlock": wanted,
            "state": found["State"],
            "origin": found["Origin"],
            **targets,
        }

    def update(self, identity: str, old: Props, new: Props) -> None:
        self.account.ec2.replace_route(
            RouteTableId=new["routeTableId"], DestinationCidrBlock=new["destinationCidrBlock"], **_target(new)
        )

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.delete_route(
            RouteTableId=state["routeTableId"], DestinationCidrBlock=state["destinationCidrBlock"]
        )


class RouteTableAssociation(Kind):
    """`aws_route_table_association` of a subnet."""

    token = "aws:ec2/routeTableAssociation:RouteTableAssociation"
    taken = frozenset({"subnetId", "routeTableId"})
    # The official provider exchanges the table in place, under a new id, which this protocol cannot say.
    fixed = frozenset({"subnetId", "routeTableId"})

    def create(self, inputs: Props) -> str:
        made = self.account.ec2.associate_route_table(SubnetId=inputs["subnetId"], RouteTableId=inputs["routeTableId"])
        return str(made["AssociationId"])

    def read(self, identity: str, state: Props) -> Props | None:
        tables = self.account.ec2.describe_route_tables(
            Filters=of_id("association.route-table-association-id", identity)
        )
        found = [
            {"subnetId": link["SubnetId"], "routeTableId": table["RouteTableId"]}
            for table in tables["RouteTables"]
            for link in table["Associations"]
            if link["RouteTableAssociationId"] == identity
        ]
        return one(found)

    def delete(self, identity: str, state: Props) -> None:
        self.account.ec2.disassociate_route_table(AssociationId=identity)


def _target(inputs: Props) -> dict[str, object]:
    given = {wire: inputs[name] for name, wire in _TARGETS.items() if inputs.get(name)}
    if len(given) != 1:
        raise StandinError(f"a route has one target of {', '.join(_TARGETS)}; given: {len(given)}")
    return given


def _added(routes: list[Any]) -> list[Any]:
    """Routes beside the VPC's own."""
    return [route for route in routes if route.get("GatewayId") != "local"]
