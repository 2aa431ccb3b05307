"""A program's resources as data: all of them, with references where only a deployment knows, and no secret."""

import json
import subprocess
import sys
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_libvirt as libvirt
import pytest

from components.host import resources as own
from graph.errors import GraphError
from graph.monitor import Secret
from graph.record import Recording, record, record_program, settings
from graph.references import references, replace
from tests.components.engine import ROOT, pulumi_config
from tests.graph.small import program
from tests.graph.stacks import STACKS
from tests.program.main import copy, run_main
from twinvpc.model.problems import InvalidInputError
from twinvpc.proof.aws.resources import Reference

VPC = "aws:ec2/vpc:Vpc"


def of(recording: Recording, token: str, name: str) -> dict[str, object]:
    """Inputs of one resource."""
    (found,) = [one for one in recording.resources if (one.token, one.name) == (token, name)]
    return dict(found.inputs)


@pytest.fixture(scope="module")
def small() -> Recording:
    return record_program(program, "test")


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / ".ssh").mkdir()
    for name in ("id_ed25519", "known_hosts"):
        (home / ".ssh" / name).touch()
    return home


@pytest.mark.parametrize("stack", STACKS)
def test_it_is_what_the_program_registers(stack: str, at_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same URNs, inputs and options as `__main__.py` under the engine of the other tests."""
    monkeypatch.setenv("HOME", str(at_home))
    ours = {one.urn: one for one in record(ROOT, stack).registered}
    theirs = {one.urn: one for one in run_main(stack, pulumi_config(stack)).resources}
    assert set(ours) == set(theirs)
    for urn, one in ours.items():
        other = theirs[urn]
        assert (one.parent, one.dependencies, one.protect, one.retain, one.ignored) == (
            other.parent, other.dependencies, other.protect, other.retain_on_delete, other.ignore_changes,
        )  # fmt: skip
        assert one.resource.inputs.keys() == other.inputs.keys()
        if stack == "dell":
            plain = json.loads(replace(json.dumps(one.resource.inputs), lambda to: f"{to.name}-{to.output}", str))
            assert plain == other.inputs


@pytest.mark.parametrize(("stack", "others"), [("dell", "pulumi_aws"), ("aws", "pulumi_libvirt")])
def test_a_stack_loads_its_own_substrates_sdk_only(stack: str, others: str) -> None:
    probe = f"import sys; from pathlib import Path; from graph.record import record; record(Path(), {stack!r}); "
    done = subprocess.run(
        [sys.executable, "-c", f"{probe}print(*sys.modules)"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert others not in loaded
    assert not loaded & {"sandbox", "operations", "providers"}


def test_a_laptop_without_keys_can_record(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert record(ROOT, "dell").resources


@pytest.mark.parametrize("stack", STACKS)
def test_two_runs_record_the_same(stack: str) -> None:
    assert record(ROOT, stack) == record(ROOT, stack)


def test_nothing_of_pulumis_state_is_left_behind() -> None:
    record_program(program, "test")
    with pytest.raises(Exception, match=r"(?i)project|stack|event loop|test mode|not been initialized"):
        pulumi.export("x", pulumi.get_stack())


def test_outputs_are_references(small: Recording) -> None:
    reference = Reference(VPC, "vpc", "id")
    assert of(small, "aws:ec2/internetGateway:InternetGateway", "gateway")["vpcId"] == str(reference)
    assert str(reference) == "ref:aws:ec2/vpc:Vpc::vpc#id"
    assert of(small, "aws:ec2/defaultRouteTable:DefaultRouteTable", "default")["defaultRouteTableId"] == (
        "ref:aws:ec2/vpc:Vpc::vpc#defaultRouteTableId"
    )
    assert small.exports["vpc_id"] == str(reference)


def test_a_reference_inside_a_text_is_found(small: Recording) -> None:
    policy = of(small, "aws:iam/rolePolicy:RolePolicy", "flows")["policy"]
    assert list(references(policy)) == [Reference("aws:cloudwatch/logGroup:LogGroup", "flows", "arn")]
    assert json.loads(str(policy))["Statement"][0]["Resource"].endswith("#arn:*")


def test_what_was_given_is_read_back_as_it_is() -> None:
    def given() -> None:
        vpc = aws.ec2.Vpc("vpc", cidr_block="10.0.0.0/16")
        pulumi.export("block", vpc.cidr_block)
        pulumi.export("dns", vpc.enable_dns_support)

    assert record_program(given, "test").exports == {
        "block": "10.0.0.0/16",
        "dns": "ref:aws:ec2/vpc:Vpc::vpc#enableDnsSupport",
    }


def test_elements_that_nobody_can_count_say_so() -> None:
    def lists() -> None:
        endpoint = aws.ec2.VpcEndpoint("logs", vpc_id="vpc-1", service_name="logs")
        pulumi.export("interfaces", endpoint.network_interface_ids)
        pulumi.export("tags", endpoint.tags_all)

    of_it = "ref:aws:ec2/vpcEndpoint:VpcEndpoint::logs#"
    assert record_program(lists, "test").exports == {
        "interfaces": [f"{of_it}networkInterfaceIds[]"],
        "tags": f"{of_it}tagsAll[]",
    }


def test_order_is_the_same_whatever_arrives_first() -> None:
    def backwards() -> None:
        for name in reversed("abcdefgh"):
            libvirt.Pool(name, type="dir")

    assert [one.name for one in record_program(backwards, "test").resources] == list("abcdefgh")


def test_a_secret_is_kept_nowhere() -> None:
    hidden = "correct horse battery staple"

    def secrets() -> None:
        group = aws.cloudwatch.LogGroup(
            "a", name=pulumi.Output.secret(hidden), tags={"x": pulumi.Output.secret(hidden)}
        )
        aws.cloudwatch.LogGroup("b", name=group.name.apply(lambda name: f"{name}/b"))
        aws.ec2.NetworkAcl("c", vpc_id="vpc-1", subnet_ids=[pulumi.Output.secret(hidden)])
        pulumi.export("name", group.name)

    made = record_program(secrets, "test")
    assert hidden not in repr(made)
    assert of(made, "aws:cloudwatch/logGroup:LogGroup", "a")["name"] == Secret()
    assert of(made, "aws:cloudwatch/logGroup:LogGroup", "b")["name"] == Secret()
    assert of(made, "aws:ec2/networkAcl:NetworkAcl", "c")["subnetIds"] == Secret()
    assert made.exports["name"] == Secret()


class Unknown(pulumi.CustomResource):
    def __init__(self, token: str) -> None:
        super().__init__(token, "stranger", {})


@pytest.mark.parametrize(
    "token", ["moon:index/base:Base", "aws:ec2/vpc:Vcp", "aws:moon/base:Base", "twin-host:index:X"]
)
def test_an_unknown_type_is_refused_by_name(token: str) -> None:
    with pytest.raises(GraphError, match=f"`{token}` is no type of an SDK"):
        record_program(lambda: Unknown(token) and None, "test")


def test_lookups_in_the_account_are_refused() -> None:
    with pytest.raises(GraphError, match=r"calls `aws:index/getRegion:getRegion`; a stack is rendered from the files"):
        record_program(lambda: aws.get_region() and None, "test")
    with pytest.raises(GraphError, match="the program reads `found`"):
        record_program(lambda: aws.ec2.Vpc.get("found", "vpc-1") and None, "test")


def test_a_reference_to_nothing_is_refused() -> None:
    with pytest.raises(GraphError, match=r"a refers to ref:aws:ec2/vpc:Vpc::gone#id, which the program does not"):
        record_program(lambda: aws.ec2.Subnet("a", vpc_id="ref:aws:ec2/vpc:Vpc::gone#id") and None, "test")


def test_two_resources_of_one_name_are_refused() -> None:
    class Group(pulumi.ComponentResource):
        def __init__(self, token: str) -> None:
            super().__init__(token, "group")
            libvirt.Pool("a", type="dir", opts=pulumi.ResourceOptions(parent=self))

    def twice() -> None:
        Group("x:y:A")
        Group("x:y:B")

    with pytest.raises(GraphError, match=r"two resources have one name: a \(libvirt:index/pool:Pool\)"):
        record_program(twice, "test")


def test_an_error_of_the_program_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        record_program(lambda: 1 // 0 and None, "test")


def test_our_own_providers_resources_have_their_outputs() -> None:
    def watched() -> None:
        watch = own.NetworkWatch("watch", own.NetworkWatchArgs({}, {}, []))
        pulumi.export("health", watch.health)

    assert record_program(watched, "test").exports == {"health": "ref:twin-host:index:NetworkWatch::watch#health[]"}


def test_bad_files_are_told_before_anything_runs(tmp_path: Path) -> None:
    root = copy(tmp_path)
    (root / "network.yaml").write_text("segments: 5\n")
    with pytest.raises(InvalidInputError, match=r"network\.yaml"):
        record(root, "dell")
    with pytest.raises(InvalidInputError, match="there is no stack `moon`"):
        record(root, "moon")


def test_a_lock_that_lacks_an_address_is_told(tmp_path: Path) -> None:
    root = copy(tmp_path)
    (root / "addresses.lock.json").unlink()
    with pytest.raises(GraphError, match="make lock-addresses"):
        record(root, "dell")


def test_an_encrypted_setting_is_a_secret(tmp_path: Path) -> None:
    root = copy(tmp_path)
    path = root / "Pulumi.dell.yaml"
    path.write_text(path.read_text() + "  twin-vpc:tailnet: {secure: v1:abc}\n")
    assert settings(root, "dell")[1] == ("twin-vpc:tailnet",)


def test_settings_reach_the_program_as_pulumi_hands_them_over() -> None:
    assert settings(ROOT, "dell") == (pulumi_config("dell"), ())


def test_recording_needs_no_engine_no_root_and_no_network_of_ours() -> None:
    """In a process of its own, whose search path holds no `pulumi`."""
    probe = "from pathlib import Path; from graph.record import record; print(len(record(Path(), 'dell').resources))"
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=ROOT, env={"PATH": "/nowhere"}, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == len(record(ROOT, "dell").resources)


def test_main_builds_by_the_same_path() -> None:
    """`record` repeats what `__main__.py` does; should that ever do more, this says so."""
    code = (ROOT / "__main__.py").read_text()
    assert "read_config(Path(__file__).resolve().parent)" in code
    assert "for name, value in build(deployment).items():\n    pulumi.export(name, value)" in code


def test_warnings_are_kept_and_the_price_of_a_preview_is_not() -> None:
    def warning() -> None:
        pulumi.log.info("it costs nothing")
        pulumi.log.warn("nearly full")

    assert record_program(warning, "test").messages == ("nearly full",)
    assert record(ROOT, "aws").messages == ()
