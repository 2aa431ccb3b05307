"""The account as boto3 sees it, and a record of everything that was asked of it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from sandbox.aws.standin.errors import StandinError

LOG_VARIABLE = "TWIN_VPC_AWS_LOG"
"""Environment variable that names the file of requests; the sandbox sets it."""

_ENDPOINT = "AWS_ENDPOINT_URL"
Client = Any
"""boto3's clients are made at run time; no type knows their methods."""


class Account:
    """Clients for one region, and the default tags that every resource gets.

    Args:
        region: such as `ap-northeast-1`.
        default_tags: of the provider.
    """

    def __init__(self, region: str, default_tags: Mapping[str, str]) -> None:
        self.region = region
        self.default_tags = dict(default_tags)
        self._session: Client = boto3.Session(region_name=region)
        self._clients: dict[str, Client] = {}

    @property
    def ec2(self) -> Client:
        """Networks."""
        return self._client("ec2")

    @property
    def iam(self) -> Client:
        """Roles."""
        return self._client("iam")

    @property
    def logs(self) -> Client:
        """Log groups."""
        return self._client("logs")

    def tagged(self, tags: Mapping[str, str]) -> list[dict[str, str]]:
        """Tags of a resource with the default ones, as most services take them."""
        return [{"Key": key, "Value": value} for key, value in sorted((self.default_tags | dict(tags)).items())]

    def own_tags(self, found: list[dict[str, str]]) -> dict[str, object]:
        """`tags` and `tagsAll` of a resource from all its tags: a default one counts as own only if it differs."""
        whole = {one["Key"]: one["Value"] for one in found}
        own = {key: value for key, value in whole.items() if self.default_tags.get(key) != value}
        return {"tags": own, "tagsAll": whole}

    def _client(self, service: str) -> Client:
        """A client of a service, made when it is first asked: a preview without an account asks nobody.

        Raises:
            StandinError: no account is named; the stand-in never speaks to the real one.
        """
        if not os.environ.get(_ENDPOINT, "").startswith("http://127.0.0.1:"):
            raise StandinError(f"{_ENDPOINT} names no account on this machine, and the stand-in speaks to no other")
        if service not in self._clients:
            client = self._session.client(service)
            client.meta.events.register("provide-client-params.*.*", _record)
            self._clients[service] = client
        return self._clients[service]


def is_missing(error: ClientError) -> bool:
    """Whether the account says that a thing is not there."""
    code = error.response.get("Error", {}).get("Code", "")
    return code.endswith((".NotFound", "NotFoundException", "NoSuchEntity")) or code.startswith("NoSuch")


def sentence(error: Exception) -> str:
    """An account's refusal in one line."""
    if isinstance(error, ClientError | BotoCoreError):
        return " ".join(str(error).split())
    return f"{type(error).__name__}: {error}"


def _record(params: Mapping[str, object], model: Any, **_: object) -> None:
    path = os.environ.get(LOG_VARIABLE)
    if path:
        entry = {"service": model.service_model.service_name, "operation": model.name, "parameters": params}
        with Path(path).open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry, sort_keys=True, default=str) + "\n")
