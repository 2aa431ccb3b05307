"""Programs under test find the owner's key where the stack file says it is."""

from collections.abc import Iterator

import pytest

from tests.components.home import furnish


@pytest.fixture(scope="module", autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(furnish(tmp_path_factory.mktemp("home"))))
        yield
