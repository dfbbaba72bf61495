from pathlib import Path

import pytest
import zmq

from autofutures.bus.curve import ROLES, ensure_keys, load_keys
from autofutures.domain.errors import BadInput, Refusal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "keys"
    ensure_keys(place)
    return place


def test_every_role_has_a_pair_of_its_own(folder: Path) -> None:
    keys = [load_keys(folder, role) for role in ROLES]
    assert len({pair.public for pair in keys}) == len({pair.secret for pair in keys}) == len(ROLES)
    assert all(zmq.curve_public(pair.secret) == pair.public for pair in keys)


def test_a_pair_knows_the_others_public_keys(folder: Path) -> None:
    assert load_keys(folder, "trader").public_of("gateway") == load_keys(folder, "gateway").public


def test_only_their_user_may_read_the_keys(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.key_secret")} == {0o600}


def test_no_secret_lies_where_the_server_looks_for_public_keys(folder: Path) -> None:
    assert sorted(path.name for path in (folder / "public").iterdir()) == sorted(
        f"{role}.key" for role in ROLES
    )
    secrets = [load_keys(folder, role).secret for role in ROLES]
    public = b"".join(path.read_bytes() for path in (folder / "public").iterdir())
    assert not any(secret in public for secret in secrets)


def test_making_the_keys_again_changes_none_and_makes_what_is_missing(folder: Path) -> None:
    before = {role: load_keys(folder, role).public for role in ROLES}
    (folder / "recorder.key_secret").unlink()
    ensure_keys(folder)
    after = {role: load_keys(folder, role).public for role in ROLES}
    assert [role for role in ROLES if before[role] != after[role]] == ["recorder"]
    assert load_keys(folder, "trader").public_of("recorder") == after["recorder"]


def test_a_folder_that_others_may_read_is_refused(folder: Path) -> None:
    folder.chmod(0o750)
    with pytest.raises(Refusal, match=f"run chmod -R go= {folder}"):
        ensure_keys(folder)


def test_a_secret_that_others_may_read_is_refused(folder: Path) -> None:
    (folder / "trader.key_secret").chmod(0o644)
    with pytest.raises(Refusal, match=r"trader\.key_secret .* run chmod"):
        ensure_keys(folder)


def test_a_key_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(
        BadInput, match=r"there is no key .*nobody\.key_secret: keys are made by `autofutures up`"
    ):
        load_keys(folder, "nobody")
    (folder / "trader.key_secret").write_bytes((folder / "public" / "trader.key").read_bytes())
    with pytest.raises(BadInput, match="holds no secret key"):
        load_keys(folder, "trader")


def test_a_secret_is_never_shown(folder: Path) -> None:
    keys = load_keys(folder, "trader")
    assert keys.secret.decode() not in f"{keys} {keys!r}"
    assert keys.public.decode() in repr(keys)
