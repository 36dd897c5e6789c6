"""Passwords and tokens: from a prompt, a file or the environment, and never from argv."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from otv_client.errors import LocalError, PasswordMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from otv_client.cli.terminal import Terminal

_LONGEST_LINE = 64 << 10


def first_line(path: str) -> str:
    """The first line of a file, without its end."""
    try:
        with Path(path).open("rb") as file:
            line = file.readline(_LONGEST_LINE)
    except OSError as error:
        raise LocalError(f"can't read {path}: {error.strerror or 'input/output error'}") from error
    try:
        return line.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError(f"the first line of {path} isn't UTF-8") from None  # it holds the secret


def password_to_send(terminal: Terminal, file: str | None, *, ask: bool) -> str | None:
    """The password of a new share, or None: asked twice, from a file, or of ``OTV_PASSWORD``."""
    if ask and file:
        raise UsageError("give either --password or --password-file")
    if file:
        return first_line(file)
    if not ask:
        return from_environment()
    _check_interactive(terminal)
    password = terminal.ask_secret("Password: ")
    if terminal.ask_secret("The same again: ") != password:
        raise UsageError("the two passwords differ")
    return password


def password_to_open(
    terminal: Terminal, file: str | None, *, ask: bool
) -> str | Callable[[], str] | None:
    """The password of a link: given outright, or how to come by one if the link wants it."""
    if ask and file:
        raise UsageError("give either --password or --password-file")
    if file:
        return first_line(file)
    known = None if ask else from_environment()
    if known is not None:
        return lambda: known
    if terminal.is_interactive:
        return lambda: terminal.ask_secret("Password: ")
    if ask:
        _check_interactive(terminal)
    return None


def from_environment() -> str | None:
    """The first line of ``OTV_PASSWORD``; set but empty, it would protect nothing."""
    value = os.environ.get("OTV_PASSWORD")
    if value is None:
        return None
    line = value.partition("\n")[0].removesuffix("\r")
    if not line:
        raise UsageError("OTV_PASSWORD is set but empty")
    return line


def upload_token(file: str | None) -> str | None:
    """Permission to upload, from a file or of ``OTV_UPLOAD_TOKEN``."""
    token = first_line(file) if file else os.environ.get("OTV_UPLOAD_TOKEN")
    if token is None or (not token and not file):
        return None
    token = token.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError("the upload token isn't one: it is empty or holds odd characters")
    return token


def _check_interactive(terminal: Terminal) -> None:
    if not terminal.is_interactive:
        raise PasswordMissing(
            "there is no terminal to ask for the password",
            hint="use --password-file or OTV_PASSWORD",
        )
