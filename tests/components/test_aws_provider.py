"""How AWS is reached: by its own credentials, or offline by none at all, and then nothing is deployed."""

import json

import pulumi
import pytest

from components.aws.stack import build_aws
from tests.components.aws_site import build, intent, network, recorded, stack
from tests.components.engine import RecordingEngine, run
from twinvpc.model.aws import AwsStack

PROVIDER = "pulumi:providers:aws"
SKIPS = ("skipCredentialsValidation", "skipMetadataApiCheck", "skipRegionValidation", "skipRequestingAccountId")


def test_region_and_tags_of_everything_are_the_providers() -> None:
    (made,) = build().of(PROVIDER).values()
    assert made.inputs["region"] == "ap-northeast-1"
    assert json.loads(made.inputs["defaultTags"]) == {
        "tags": {"environment": "test", "project": "twin-vpc", "stack": "aws"}
    }


def test_nothing_is_said_of_credentials_where_there_is_an_account() -> None:
    (made,) = build().of(PROVIDER).values()
    assert not {"accessKey", "secretKey", "token", "profile"} & made.inputs.keys()
    assert made.inputs.get("skipCredentialsValidation") in {None, "false"}
    assert "skipRequestingAccountId" not in made.inputs


def test_offline_nobody_is_asked_and_a_preview_works() -> None:
    made = build(stack(offline=True), preview=True)
    (provider,) = made.of(PROVIDER).values()
    assert {key: provider.inputs[key] for key in SKIPS} == dict.fromkeys(SKIPS, "true")
    assert [provider.inputs[key]["value"] for key in ("accessKey", "secretKey")] == ["offline", "offline"], "as secrets"
    assert len(made.resources) > 50


def refused(own: dict[str, object]) -> tuple[str, RecordingEngine]:
    wanted, engine = intent(own), RecordingEngine()

    def program() -> None:
        assert isinstance(wanted.stack, AwsStack)
        build_aws(wanted, wanted.stack, recorded(wanted).of("aws"))

    with pytest.raises(pulumi.RunError) as caught:
        run(program, stack="aws", engine=engine)
    return str(caught.value), engine


def test_offline_nothing_is_deployed_and_nothing_registered() -> None:
    said, engine = refused(stack(offline=True))
    assert "nothing was changed: `twin-vpc:offline` is true" in said
    assert "Set it to false" in said
    assert engine.resources == []


def test_what_exceeds_awss_limits_is_refused_before_anything_is_registered() -> None:
    said, engine = refused(stack(quotas={"acl_entries": 3, "subnets": 7}))
    assert "nothing was changed" in said
    assert "8 subnets" in said
    assert "the account has room for 3" in said
    assert "twin-vpc:quotas.acl_entries" in said
    assert engine.resources == []


def test_resources_go_through_that_provider_alone() -> None:
    made = build(stack(), network())
    providers = {one.provider.rsplit("::", 2)[1] for one in made.resources if one.custom and one.type != PROVIDER}
    assert providers == {"aws"}
