"""Two checkouts are two sandboxes."""

from pathlib import Path

import pytest

from sandbox import paths
from sandbox.dell.site import Site


def test_another_checkout_has_another_sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TWIN_VPC_CACHE", str(tmp_path / "cache"))
    mine = Site(paths.checkout_id()), paths.state_dir()
    assert mine == (Site(paths.checkout_id()), paths.state_dir()), "and one checkout always the same"
    monkeypatch.setattr(paths, "ROOT", tmp_path / "elsewhere")
    assert Site(paths.checkout_id()) != mine[0]
    assert paths.state_dir() != mine[1]
    assert paths.state_dir().parent == mine[1].parent, "while the cache is shared"
