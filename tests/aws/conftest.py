"""An account on loopback for each test, and the stand-in as the engine would drive it."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from sandbox.aws.standin.account import LOG_VARIABLE, Client
from tests.aws.driver import REGION, Driver


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    address = f"http://{host}:{port}"
    requests.post(f"{address}/moto-api/reset", timeout=10)  # moto keeps one account for all servers of a process
    yield address
    running.stop()


@pytest.fixture
def account(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Client:
    """EC2 of an empty account, asked without the stand-in."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv(LOG_VARIABLE, str(tmp_path / "requests.jsonl"))
    requests.post(f"{server}/moto-api/reset", timeout=10)
    return boto3.client("ec2", region_name=REGION)


@pytest.fixture
def driver(account: Client, tmp_path: Path) -> Driver:
    del account
    return Driver({"environment": "test"}, tmp_path / "requests.jsonl")
