"""A person at a terminal: prompts, help, and what an untrusted text may do there."""

from __future__ import annotations

import os
import pty
import select
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import png  # type: ignore[import-untyped]  # it ships no types
import pytest

from otv_client.cli.codes import save_code, terminal_code
from otv_client.cli.main import run
from otv_client.cli.terminal import redacted
from otv_client.cli.times import parse_duration, parse_instant
from otv_client.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Otv

NOW = datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


def at_terminal(
    otv: Otv, args: list[str], answers: list[str], prompt: str = ": "
) -> tuple[int, str]:
    """Run a command on a pseudo-terminal, answer each prompt; exit code and screen."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(otv.folder)
        command = otv.command(*args)
        os.execvpe(command[0], command, otv.environment())  # noqa: S606 - the child becomes the program
    screen, waiting = "", list(answers)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            screen += os.read(terminal, 4096).decode(errors="replace")
        except OSError:
            break
        if waiting and screen.endswith(prompt):
            os.write(terminal, waiting.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), screen


def test_password_is_asked_twice_to_send_and_may_be_mended_to_open(otv: Otv) -> None:
    """A typing error nobody sees would lock the file for good."""
    sent, screen = at_terminal(otv, ["put", "--text", "x", "--password"], ["pw", "pw"])
    (link,) = [line.strip() for line in screen.splitlines() if line.startswith("http")]

    opened, opening_screen = at_terminal(otv, ["get"], [link, "oops", "pw"])

    assert (sent, opened) == (0, 0)
    assert "wrong password" in opening_screen
    assert "pw" not in screen.replace(link, "")
    assert opening_screen.rstrip().endswith("x")


def test_two_different_passwords_send_nothing(otv: Otv) -> None:
    """The sender would not know which one was taken."""
    code, _ = at_terminal(otv, ["put", "--text", "x", "--password"], ["one", "two"])

    assert code == 2
    assert not otv.state.exists()


@pytest.mark.section9("what a terminal shows is escaped")
def test_a_note_can_not_drive_the_terminal(otv: Otv) -> None:
    """A note could clear the screen and write a false prompt, or turn a name around."""
    link = otv.put("--text", "a\x1b[2Jb\u202ec\nd")

    _, screen = at_terminal(otv, ["get", link], [])

    assert "a\\u001b[2Jb\\u202ec" in screen
    assert "\x1b[2J" not in screen


@pytest.mark.section9("what a terminal shows is escaped")
def test_a_stream_to_a_terminal_can_not_drive_it_either(otv: Otv) -> None:
    """`-o -` is for pipes; typed without one, it would hand the terminal to the sender."""
    (otv.folder / "f").write_bytes(b"a\x1b]0;title\x07b\xe2\x80\xaec\xff")
    link = otv.put("f")

    _, screen = at_terminal(otv, ["get", link, "-o", "-"], [])

    assert "a\\u001b]0;title\\u0007b\\u202ec\\xff" in screen
    assert "\x1b]0" not in screen


def test_typed_text_ends_with_one_end(otv: Otv) -> None:
    """Who types a secret would press Ctrl-D and wait, and wonder."""
    code, screen = at_terminal(otv, ["put", "--text", "-"], ["hello\n\x04"], prompt="own\r\n")

    assert code == 0
    assert "/s/" in screen


def test_help_loads_no_heavy_library() -> None:
    """Completion and curiosity would wait for cryptography to load."""
    script = (
        "import sys, otv_client.errors, otv_client.cli.main as m; m.run(['--help']);"
        "print([x for x in ('httpx', 'rich', 'cryptography', 'qrcode') if x in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "[]"
    assert "put" in done.stdout


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """A command in the list that doesn't load would be found by a user."""
    codes = [run([name, "--help"]) for name in ("put", "get", "status", "list", "revoke", "qr")]

    assert codes == [0] * 6
    assert capsys.readouterr().out.count("Usage: otv-client") == 6


def test_version(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """A report of a fault could not say of which version."""
    assert run(["--version"]) == 0
    assert capfdbinary.readouterr().out.startswith(b"otv-client ")


def test_pictures_and_blocks_are_the_same_code(tmp_path: Path) -> None:
    """A phone would scan nothing, or something else than the link."""
    text = "https://h.example/s/AAECAwQFBgcICQoL#AQAgISIjJCUmJygpKissLS4v"
    save_code(text, tmp_path / "code.png")
    width, _, rows, _ = png.Reader(bytes=(tmp_path / "code.png").read_bytes()).read()
    pixels = [list(row) for row in rows]
    halves = {"\u2588": (0, 0), "\u2580": (0, 1), "\u2584": (1, 0), " ": (1, 1)}

    lines = terminal_code(text).splitlines()
    upper_lower = [[halves[block] for block in line] for line in lines]
    drawn = [[pair[half] for pair in line] for line in upper_lower for half in (0, 1)]

    modules = len(drawn[0])
    scale = width // modules
    pictured = [[1 - pixels[y * scale][x * scale] for x in range(modules)] for y in range(modules)]
    assert drawn[:modules] == pictured
    assert pictured[3][:11] == [0] * 11  # the quiet zone, then the corner that a scanner seeks
    assert pictured[4][3:12] == [0, 1, 1, 1, 1, 1, 1, 1, 0]
    assert stat.S_IMODE((tmp_path / "code.png").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10s", 10), ("600", 600), ("90s", 90), ("10m", 600), ("2h", 7200), ("7d", 604_800)],
)
def test_durations(text: str, seconds: int) -> None:
    """A link would live for another time than was asked for."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0m", "-5", "1.5h", "10 m", "m", "1w", "\u0661h", "9" * 10]
)
def test_durations_that_are_none(text: str) -> None:
    """A typing error would be taken for some number."""
    with pytest.raises(UsageError):
        parse_duration(text)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A local time that isn't UTC."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("21:00", datetime(2026, 11, 22, 20, 0, tzinfo=UTC)),
        ("9:15", datetime(2026, 11, 23, 8, 15, tzinfo=UTC)),
        ("16:30", datetime(2026, 11, 23, 15, 30, tzinfo=UTC)),
        ("2026-12-01T21:00+01:00", datetime(2026, 12, 1, 20, 0, tzinfo=UTC)),
        ("2026-12-01T21:00", datetime(2026, 12, 1, 20, 0, tzinfo=UTC)),
    ],
)
def test_instants(text: str, expected: datetime) -> None:
    """A link would open at another hour than the sender's own."""
    assert parse_instant(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "25:00", "21", "tomorrow", "2020-01-01T00:00Z", "9" * 40])
def test_instants_that_are_none(text: str) -> None:
    """A typing error would open a link now."""
    with pytest.raises(UsageError):
        parse_instant(text, NOW)


def test_delay_is_whole_seconds_up() -> None:
    """A link would open a moment too early."""
    from otv_client.parcel import delay_until  # noqa: PLC0415 - see the test above on loading

    assert delay_until(NOW + timedelta(seconds=1, milliseconds=1), NOW) == 2
    assert delay_until(NOW - timedelta(hours=1), NOW) == 0
    assert delay_until(None, NOW) == 0


def test_what_was_typed_is_told_without_the_key() -> None:
    """A mistyped command would put the link's key on the screen and into logs."""
    said = redacted("unexpected argument (https://h/s/AAAAAAAAAAAAAAAA#AQAgISIjJCUmJygp-_x)")

    escaped = redacted("no such link https://h/s/AAAAAAAAAAAAAAAA%23AQAgISIjJCUmJygp-_x")

    assert "AQAg" not in said + escaped
    assert "https://h/s/AAAAAAAAAAAAAAAA#" in said
