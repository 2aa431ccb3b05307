"""The checkout's own sandbox is left as it was found: down if it was down."""

import os
from collections.abc import Iterator

import pytest

from sandbox import dell


@pytest.fixture(scope="session", autouse=True)
def as_found() -> Iterator[None]:
    if os.geteuid() != 0:
        yield
        return
    try:
        dell.current()
    except dell.SandboxDownError:
        yield
        dell.down()
    else:
        yield
