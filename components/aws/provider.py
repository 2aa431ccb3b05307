"""How AWS is reached."""

import pulumi
import pulumi_aws as aws

from twinvpc.model.aws import AwsStack

DUMMY = "offline"
"""Stands for both halves of an access key where there is no account."""


def provider(name: str, stack: AwsStack) -> aws.Provider:
    """The AWS provider of one region; it tags everything (A8).

    Credentials come from where AWS's own tools have them (environment, profile, role), and are never said here. Offline
    there are none: the provider is told not to try them, nor to ask the account who it is.
    """
    tags = {"environment": stack.environment, "project": pulumi.get_project(), "stack": pulumi.get_stack()}
    offline = True if stack.offline else None
    dummy = DUMMY if stack.offline else None
    return aws.Provider(
        name,
        region=stack.aws_region,
        default_tags=aws.ProviderDefaultTagsArgs(tags=tags),
        access_key=dummy,
        secret_key=dummy,
        skip_credentials_validation=offline,
        skip_metadata_api_check=offline,
        skip_region_validation=offline,
        skip_requesting_account_id=offline,
    )
