"""A way out of the VPC opens nothing that network.yaml closes."""

from pathlib import Path

import pytest

from tests.model.owner import AWS, NETWORK, edited, load_with
from twinvpc.model.aws import AwsStack, Egress
from twinvpc.model.problems import InvalidInputError, Problem


def told(folder: Path, changed: dict[str, str]) -> tuple[Problem, ...]:
    with pytest.raises(InvalidInputError) as caught:
        load_with(folder, changed, "aws")
    return caught.value.problems


def test_a_segment_that_is_not_named_leaves_the_vpc_by_no_way(tmp_path: Path) -> None:
    stack = load_with(tmp_path, {AWS: edited(AWS, ", container: none}", "}")}, "aws").stack
    assert isinstance(stack, AwsStack)
    assert "container" not in stack.egress
    assert stack.egress_of("container") is Egress.NONE


@pytest.mark.parametrize("way", ["endpoints", "nat", "gateway"])
def test_a_way_out_for_a_closed_segment_is_refused(tmp_path: Path, way: str) -> None:
    closed = edited(NETWORK, "data, internet: true", "data, internet: false")
    (problem,) = told(tmp_path, {NETWORK: closed, AWS: edited(AWS, "database: none", f"database: {way}")})
    assert (problem.file, problem.path) == (AWS, "egress.database")
    assert problem.rule == "network.yaml closes the Internet for `database`"


def test_endpoints_need_the_port_on_which_they_answer(tmp_path: Path) -> None:
    ways = edited(AWS, "database: none", "database: endpoints")
    other = edited(NETWORK, "data, internet: true", "data, internet: udp/443")
    (problem,) = told(tmp_path, {NETWORK: other, AWS: ways})
    assert problem.rule == "endpoints answer on tcp/443; `database` may not open that"
    named = edited(NETWORK, "data, internet: true", "data, internet: web") + "services: {web: tcp/400-500}\n"
    load_with(tmp_path, {NETWORK: named, AWS: ways}, "aws")


def test_a_segment_that_cannot_be_read_is_not_taken_for_a_closed_one(tmp_path: Path) -> None:
    (problem,) = told(tmp_path, {NETWORK: edited(NETWORK, "front ends, internet: true", "front ends, internet: 5")})
    assert problem.path == "segments.public.internet"


@pytest.mark.parametrize("name", ["nat", "endpoints"])
def test_names_of_subnets_without_a_segment_are_taken(tmp_path: Path, name: str) -> None:
    network = edited(NETWORK, "  container: {", f"  {name}: {{}}\n  container: {{")
    (problem,) = told(tmp_path, {NETWORK: network})
    assert (problem.file, problem.path) == (NETWORK, f"segments.{name}")


@pytest.mark.parametrize(("old", "new"), [("from: public", "from: aws-services"), ("to: host", "to: aws-services")])
def test_flows_do_not_speak_of_awss_own_services(tmp_path: Path, old: str, new: str) -> None:
    problems = told(tmp_path, {NETWORK: edited(NETWORK, old, new)})
    assert any("`aws-services` in a flow" in problem.what for problem in problems)
