"""What this machine remembers: private, whole or absent, and never the secret of a link."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otv_client.errors import LocalError
from otv_client.records import OpeningRecord, SentLinkRecord, ShareRecord
from otv_client.state import StateFolder, default_path

if TYPE_CHECKING:
    from collections.abc import Callable

SHARE = ShareRecord(
    "https://h", "AAECAwQFBgcICQoL", b"o" * 32, 5, (SentLinkRecord("BBECAwQFBgcICQoL", b"k" * 32),)
)
OPENING = OpeningRecord("https://h", "BBECAwQFBgcICQoL", b"t" * 32, 9, "/d", "p", 3, ("a", "b/c"))


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    """An empty folder of records."""
    return StateFolder(tmp_path / "deep" / "state")


def test_records_come_back_as_they_were(state: StateFolder) -> None:
    """A share could not be revoked, or an opening not be gone on with."""
    state.save_share(SHARE)
    state.save_opening(OPENING)

    assert state.shares() == [SHARE]
    assert state.openings() == [OPENING]
    assert state.opening("https://h", "BBECAwQFBgcICQoL") == OPENING
    assert state.opening("https://other", "BBECAwQFBgcICQoL") is None


def test_records_of_an_earlier_version_are_read(state: StateFolder) -> None:
    """What was sent before an update could not be revoked after it."""
    state.save_share(SHARE)
    (path,) = (state.path / "shares").iterdir()
    written = json.loads(path.read_text())
    for added in ("is_told", "pin", "expires_at"):
        del written[added]
    path.write_text(json.dumps(written))

    assert state.shares() == [SHARE]


def test_an_empty_folder_remembers_nothing(state: StateFolder) -> None:
    """The first use of all would fail."""
    assert state.shares() == []
    assert state.openings() == []
    assert state.opening("https://h", "x") is None
    state.forget_share("x")


def test_forgotten_is_gone(state: StateFolder) -> None:
    """Keys would pile up for ever."""
    state.save_share(SHARE)
    state.save_opening(OPENING)

    state.forget_share(SHARE.id)
    state.forget_opening(OPENING)

    assert [path for path in state.path.rglob("*") if path.is_file()] == []


def test_only_the_user_may_read(state: StateFolder) -> None:
    """Another user could revoke, read ciphertext or forge receipts."""
    state.save_share(SHARE)
    state.save_opening(OPENING)

    paths = [state.path, *state.path.rglob("*")]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o600}
    assert modes == {0o600, 0o700}


def cut(path: Path) -> None:
    """Half of the record."""
    path.write_bytes(path.read_bytes()[:50])


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text("[]"),
        lambda path: path.write_text("[" * 100_000),
        lambda path: path.write_text(
            path.read_text().replace('"created_at": 5', '"created_at": ""')
        ),
        lambda path: path.write_text(path.read_text().replace("b29v", "")),
    ],
)
def test_a_damaged_record_is_skipped_and_named(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """One broken file would hide every other share."""
    told: list[str] = []
    state = StateFolder(tmp_path, warn=told.append)
    state.save_share(SHARE)
    state.save_share(ShareRecord("https://h", "CCECAwQFBgcICQoL", b"o" * 32, 6, ()))
    damage(tmp_path / "shares" / f"{SHARE.id}.json")

    assert [record.created_at for record in state.shares()] == [6]
    assert SHARE.id in told[0]


def test_a_failed_write_leaves_the_old_record(
    state: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk would cost the key to what was sent before."""
    state.save_share(SHARE)

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("otv_client.state.os.fsync", fail)
    with pytest.raises(LocalError):
        state.save_share(ShareRecord("https://h", SHARE.id, b"n" * 32, 7, ()))

    assert state.shares() == [SHARE]
    assert [path.name for path in (state.path / "shares").iterdir()] == [f"{SHARE.id}.json"]


def test_one_opening_belongs_to_one_process(state: StateFolder) -> None:
    """Two of them would write and remove the same files."""
    with (
        state.opening_lock("https://h", "x"),
        pytest.raises(LocalError),
        state.opening_lock("https://h", "x"),
    ):
        pass
    with state.opening_lock("https://h", "x"), state.opening_lock("https://h", "y"):
        assert True

    assert list((state.path / "openings").iterdir()) == []


def test_secrets_are_not_in_the_text_of_a_record() -> None:
    """A log line with a record in it would hand the share over."""
    shown = repr(SHARE) + repr(OPENING)

    assert "ooo" not in shown
    assert "kkk" not in shown
    assert "ttt" not in shown


def test_the_folder_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """State would land where the user's other programs don't keep theirs."""
    monkeypatch.delenv("OTV_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", "/xdg")
    assert default_path() == Path("/xdg/otv-client")

    monkeypatch.setenv("OTV_STATE", "/chosen")
    assert default_path() == Path("/chosen")
