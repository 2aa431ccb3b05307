import pulumi
import pytest

from components.libvirt.pools import StoragePools, StoragePoolsArgs
from components.libvirt.provider import provider
from tests.components.engine import POOL, RecordingEngine, run
from tests.components.site import stack


def build(folders: dict[str, str], *, preview: bool = False) -> RecordingEngine:
    def program() -> None:
        options = pulumi.ResourceOptions(providers=[provider("libvirt", stack().host)])
        StoragePools("pools", StoragePoolsArgs(folders), opts=options)

    return run(program, preview=preview)


@pytest.mark.parametrize("preview", [True, False])
def test_every_folder_is_one_pool_with_a_name_and_path_of_its_own(*, preview: bool) -> None:
    made = build({"ssd": "/fast", "hdd": "/large"}, preview=preview).of(POOL)
    assert {name: one.inputs for name, one in made.items()} == {
        "pools-ssd": {"name": "twin-vpc-ssd", "type": "dir", "target": {"path": "/fast"}},
        "pools-hdd": {"name": "twin-vpc-hdd", "type": "dir", "target": {"path": "/large"}},
    }
    assert all(one.delete_before_replace for one in made.values()), "two pools cannot have one name"


def test_names_on_the_host_are_given_out() -> None:
    outputs = dict(build({"ssd": "/fast"}).outputs)
    (pools,) = [values for urn, values in outputs.items() if "StoragePools" in urn]
    assert pools == {"names": {"ssd": "twin-vpc-ssd"}}


def test_no_folders_make_no_pools() -> None:
    assert build({}).of(POOL) == {}
