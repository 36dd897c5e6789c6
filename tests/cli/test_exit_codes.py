"""Every row of the table of exit codes, by a real process against a real server."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from otv_client.announcement import Announced
from otv_client.b64 import b64decode, b64encode
from otv_client.cli.main import run
from otv_client.envelope.keys import derive_access
from otv_client.errors import EXIT_CODES, OtvError
from otv_client.link import Kdf, Link, parse_link
from tests.conftest import RunningServer, running_server
from tests.server.test_tokens import issue, token_command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Otv, Valve


def assert_ended(done: subprocess.CompletedProcess[bytes], code: int) -> None:
    """It ended as the table says, in words, without a traceback and without a result."""
    assert done.returncode == code, done.stderr.decode()
    assert done.stdout == b""
    assert done.stderr.splitlines()[-2:][0].startswith(b"otv: ")
    assert b"otv: error: " in done.stderr
    assert b"Traceback" not in done.stderr


def all_errors(root: type[OtvError] = OtvError) -> set[type[OtvError]]:
    """The tree of errors below ``root``."""
    return {root}.union(*(all_errors(kind) for kind in root.__subclasses__()))


def test_table_is_complete() -> None:
    """A script would get a traceback instead of a code."""
    assert all_errors() - {OtvError} == set(EXIT_CODES)


@pytest.mark.parametrize(
    "args",
    [
        ["put"],
        ["put", "--text", ""],
        ["put", "--text", "a", "--note", "b"],
        ["put", "--text", "a", "--expires", "soon"],
        ["put", "--text", "a", "--at", "yesterday"],
        ["put", "--text", "a", "--opens", "0"],
        ["put", "--text", "a", "--qr-file", "code.gif"],
        ["put", "--text", "a", "--server", "ftp://x"],
        ["put", "--text", "-", "-"],
        ["put", "--nonsense"],
        ["put", "/dev/null"],
        ["get"],
        ["get", "http://127.0.0.1:9/s/AAAAAAAAAAAAAAAA#AQ"],
        ["get", "hello"],
        ["get", "x", "--json", "-o", "-"],
        ["nonsense"],
    ],
)
def test_2_usage(
    args: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A mistake at the keyboard would send something, or say nothing useful."""
    monkeypatch.setenv("OTV_SERVER", "http://127.0.0.1:9")

    code = run(args)  # in this process: it sends nothing, so nothing of it needs another

    out, err = capfdbinary.readouterr()
    assert_ended(subprocess.CompletedProcess(args, code, out, err), 2)


@pytest.mark.parametrize(("servers", "code"), [(0, 3), (2, 2)])
def test_no_server_is_named(
    servers: int,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    """A secret would go to whichever of two servers answered first, or a new user be left alone."""
    found = [Announced(str(pin), ("https://192.0.2.1:8443",), bytes([pin] * 15)) for pin in (1, 2)]
    monkeypatch.delenv("OTV_SERVER", raising=False)
    monkeypatch.setattr("otv_client.cli.find.find", lambda: (found[:servers], 0))

    ended = run(["put", "--text", "x"])

    out, err = capfdbinary.readouterr()
    assert_ended(subprocess.CompletedProcess([], ended, out, err), code)


def test_2_pin_without_tls_is_refused_before_anything_is_sent(otv: Otv, valve: Valve) -> None:
    """A pin that isn't checked is a lie: someone between could take the opening."""
    link = "#".join(
        (
            f"{valve.url}/s/AAECAwQFBgcICQoL",
            "AQEgISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTmErFK4o",
        )
    )
    parsed_pin = _with_right_checksum(link)

    done = otv.run("get", parsed_pin)

    assert_ended(done, 2)
    assert valve.down_bytes == 0


def _with_right_checksum(link: str) -> str:
    address, fragment = link.split("#")
    fields = b64decode(fragment)[:-5]
    id_ = b64decode(address[-16:])
    checksum = hashlib.sha256(b"otv/1 link\0" + id_ + fields).digest()[:5]
    return f"{address}#{b64encode(fields + checksum)}"


def test_3_unreachable(otv: Otv) -> None:
    """A server that is down would look like a link that is over."""
    link = otv.put("--text", "x").replace(otv.server, "http://127.0.0.1:9")
    hasty = otv.using(server="http://127.0.0.1:9", env={"OTV_PATIENCE": "1"})

    assert_ended(hasty.run("put", "--text", "x"), 3)
    assert_ended(hasty.run("get", link), 3)


@pytest.mark.parametrize("ending", ["opened", "revoked", "unknown"])
def test_4_over(otv: Otv, ending: str) -> None:
    """Whoever comes late would not learn why there is nothing."""
    link = otv.put("--text", "x")
    if ending == "opened":
        otv.ok("get", link)
    elif ending == "revoked":
        otv.ok("revoke", link)
    else:
        link = Link(otv.server, b"\0" * 12, parse_link(link).secret, Kdf.NONE).url()

    done = otv.run("get", link)

    assert_ended(done, 4)
    assert ending.encode() in done.stderr or ending == "unknown"


def test_4_status_of_what_was_never_sent(otv: Otv) -> None:
    """A typing error would be reported as a share without openings."""
    assert_ended(otv.run("status", "AAAAAAAAAAAAAAAA"), 4)


def test_5_locked_after_ten_wrong_passwords(otv: Otv) -> None:
    """Guessing would go on for ever, or a locked link look like one that is over."""
    link = otv.using(env={"OTV_PASSWORD": "right"}).put("--text", "x")
    parsed = parse_link(link)
    access = b64encode(derive_access(parsed.id, parsed.secret))
    for _ in range(10):
        httpx.post(
            f"{otv.server}/api/v1/links/{parsed.id_text}/claim",
            headers={"Authorization": f"Bearer {access}"},
            json={"unlock": b64encode(bytes(32)), "lease": b64encode(os.urandom(32))},
        )

    done = otv.using(env={"OTV_PASSWORD": "right"}).run("get", link)

    assert_ended(done, 5)
    assert b"locked" in done.stderr


def test_5_no_terminal_to_ask(otv: Otv) -> None:
    """A script would hang at a prompt that nobody sees."""
    assert_ended(otv.run("put", "--text", "x", "--password"), 5)


def test_6_altered_content_leaves_nothing(otv: Otv, tmp_path: Path) -> None:
    """A server that alters what it keeps would hand out its own file."""
    with running_server(tmp_path, min_free_bytes=0, rate=0) as server:
        mine = otv.using(server=server.url)
        (otv.folder / "secret.bin").write_bytes(os.urandom(100_000))
        link = mine.put("secret.bin")
        _flip_one_bit(server)

        done = mine.run("get", link, "-o", "out")
        remembered = list((otv.state / "openings").iterdir())
        again = mine.run("get", link, "-o", "out")
        (status,) = mine.ok("status", "--json").splitlines()

    assert_ended(done, 6)
    assert_ended(again, 4)
    assert remembered == []
    assert not (otv.folder / "out").exists()
    assert b'"outcome": "rejected"' in status
    assert b'"receipt": "verified"' in status


def _flip_one_bit(server: RunningServer) -> None:
    parts = [path for path in server.data.rglob("*") if path.is_file() and path.stat().st_size]
    blobs = [path for path in parts if "sqlite" not in path.name and ".db" not in path.name]
    (blob,) = [path for path in blobs if 100_000 <= path.stat().st_size <= 120_000]
    content = bytearray(blob.read_bytes())
    content[5000] ^= 1
    blob.chmod(0o600)
    blob.write_bytes(content)


def test_7_refused_by_limits(otv: Otv, tmp_path: Path) -> None:
    """Somebody would wait for an upload that ends in a refusal."""
    (otv.folder / "big").write_bytes(bytes(3_000_000))
    limits = {"max_share_bytes": 1_000_000, "min_free_bytes": 0, "rate": 0}
    with running_server(tmp_path, **limits) as server:
        mine = otv.using(server=server.url)

        assert_ended(mine.run("put", "--text", "x", "--expires", "7d"), 7)
        assert_ended(mine.run("put", "--text", "x", "--opens", "101"), 7)
        assert_ended(mine.run("put", "big"), 7)
        assert_ended(mine.run("put", "-", stdin=bytes(3_000_000)), 7)
        assert mine.ok("list") == b""


@pytest.mark.parametrize("token", ["missing", "wrong", "revoked", "odd"])
def test_7_upload_token(otv: Otv, tmp_path: Path, token: str) -> None:
    """Somebody with a token that was typed wrong, or taken back, would not learn what to do."""
    with running_server(tmp_path, uploads="token", min_free_bytes=0) as server:
        right = issue(server.data, "anna")
        shown = {"missing": None, "wrong": "A" * len(right), "revoked": right, "odd": "ä"}[token]
        mine = otv.using(server=server.url)
        holder = mine.using(env={"OTV_UPLOAD_TOKEN": right})
        assert holder.put("--text", "x")
        if token == "revoked":
            token_command("revoke", "anna", "--data", str(server.data))
        if shown is not None:
            mine = mine.using(env={"OTV_UPLOAD_TOKEN": shown})

        done = mine.run("put", "--text", "x")

    assert_ended(done, 2 if token == "odd" else 7)
    assert b"token" in done.stderr
    assert right.encode() not in done.stderr


def test_8_not_yet(otv: Otv) -> None:
    """A link that opens tonight would look broken this afternoon."""
    at = datetime.now(UTC) + timedelta(hours=1)
    link = otv.put("--text", "x", "--at", at.isoformat())

    assert_ended(otv.run("get", link), 8)


@pytest.mark.section9("a file that exists")
def test_9_file_in_the_way_and_nothing_lost(otv: Otv) -> None:
    """A file of the same name would be overwritten, or the share spent for nothing."""
    (otv.folder / "f").write_bytes(b"sent")
    link = otv.put("f")
    (otv.folder / "f").write_bytes(b"mine")

    in_the_way = otv.run("get", link)
    kept = (otv.folder / "f").read_bytes()
    forced = otv.run("get", link, "--force")

    assert_ended(in_the_way, 9)
    assert b"otv: hint: nothing is lost" in in_the_way.stderr
    assert kept == b"mine"
    assert forced.returncode == 0
    assert (otv.folder / "f").read_bytes() == b"sent"
    assert [path.name for path in otv.folder.iterdir()] == ["f"]


@pytest.mark.section9("a symbolic link in the way")
@pytest.mark.parametrize("flags", [[], ["--force"]])
def test_9_symbolic_link_in_the_way(otv: Otv, tmp_path: Path, flags: list[str]) -> None:
    """What arrives would be written wherever a planted link points."""
    (otv.folder / "d").mkdir()
    (otv.folder / "d" / "f").write_bytes(b"sent")
    link = otv.put("d")
    target = tmp_path / "elsewhere"
    target.mkdir()
    out = otv.folder / "out"
    out.mkdir()
    (out / "d").symlink_to(target)

    done = otv.run("get", link, "-o", "out", *flags)

    assert_ended(done, 9)
    assert list(target.iterdir()) == []
    assert otv.run("get", link, "-o", "other").returncode == 0


def test_9_missing_file(otv: Otv) -> None:
    """A typing error would send an empty share."""
    assert_ended(otv.run("put", "no-such-file"), 9)


def test_130_interrupted_put_takes_back_what_was_sent(
    otv: Otv, server: RunningServer, valve: Valve
) -> None:
    """Ciphertext that the user decided not to send would stay on the server."""
    (otv.folder / "big").write_bytes(bytes(30 << 20))
    valve.limit_up = 10 << 20
    process = otv.using(server=valve.url).start("put", "big")
    assert valve.reached.wait(20)
    (record,) = (otv.state / "shares").glob("*.json")
    sid, owner = record.stem, _field(record, "owner")

    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)

    answer = httpx.get(
        f"{server.url}/api/v1/shares/{sid}", headers={"Authorization": f"Bearer {owner}"}
    )
    assert (process.returncode, stdout) == (130, b"")
    assert b"Traceback" not in stderr
    assert answer.status_code == 404 or answer.json()["state"] == "gone"
    assert list((otv.state / "shares").iterdir()) == []


def _field(record: Path, name: str) -> str:
    value = json.loads(record.read_text())[name]
    assert isinstance(value, str)
    return value
