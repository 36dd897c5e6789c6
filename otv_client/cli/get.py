"""``otv-client get``."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from otv_client.cli.common import (
    client_for,
    debug_option,
    json_option,
    link_from,
    password_options,
    pin_option,
)
from otv_client.cli.secrets import password_to_open
from otv_client.errors import Interrupted, PasswordMissing, UsageError, WrongPassword
from otv_client.receiving import IntoFolder, IntoStream, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otv_client.cli.terminal import Terminal
    from otv_client.client import Client
    from otv_client.opening import Opened, Password

_STDOUT = "-"
_TRIES = 3  # at a prompt
_NAMED_FILES = 20  # of many; the rest is counted


@dataclass(frozen=True)
class _Options:
    """The command's options, as click names them."""

    link: str | None
    output: str | None
    force: bool
    password: bool
    password_file: str | None
    pin: str | None
    as_json: bool


@click.command("get")
@click.argument("link", required=False)
@click.option("-o", "output", metavar="DIR", help="A folder, made if missing; `-` is stdout.")
@click.option("--force", is_flag=True, help="Overwrite files.")
@password_options
@pin_option
@json_option
@debug_option
@click.pass_obj
def get_command(terminal: Terminal, /, **given: Any) -> None:
    """Open a link and save what it holds, in the current folder or with -o elsewhere.

    LINK is the whole link; `-` reads it from standard input, which keeps it out
    of the list of processes. Interrupted, the same command goes on.
    """
    options = _Options(**given)
    if options.as_json and options.output == _STDOUT:
        raise UsageError("--json and -o - both want standard output")
    link = link_from(terminal, options.link)
    password = password_to_open(terminal, options.password_file, ask=options.password)
    with (
        client_for(terminal, pin=options.pin) as client,
        terminal.showing_progress("receiving"),
        _saying_how_to_go_on(),
    ):
        opening = partial(
            _open, terminal=terminal, client=client, options=options, link=link, password=password
        )
        _with_tries(terminal, opening, may_ask_again=terminal.is_interactive and callable(password))


@contextmanager
def _saying_how_to_go_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted("interrupted", hint="run the same command again to go on") from error
    except PasswordMissing as error:
        error.hint = error.hint or "nothing was spent; use --password-file or OTV_PASSWORD"
        raise


def _with_tries(terminal: Terminal, opening: Callable[[], None], *, may_ask_again: bool) -> None:
    """Open; at a prompt a wrong password may be mended."""
    for _ in range(_TRIES - 1 if may_ask_again else 0):
        try:
            opening()
        except WrongPassword as error:
            terminal.error(error.message, error.hint)
        else:
            return
    opening()


def _open(
    terminal: Terminal, client: Client, options: _Options, link: str, password: Password
) -> None:
    client.open(
        link,
        _target(terminal, options.output, force=options.force),
        password=password,
        deliver=partial(_hand_out, terminal, options),
    )


def _target(terminal: Terminal, output: str | None, *, force: bool) -> Target:
    if output == _STDOUT:
        return IntoStream(terminal.stream)
    return IntoFolder(Path(output or "."), force=force, is_chosen=output is not None)


def _hand_out(terminal: Terminal, options: _Options, opened: Opened) -> None:
    """Show what arrived; what isn't the result goes to standard error."""
    if opened.view:
        terminal.tell("the sender asks you to view this, and not to keep it")
    if options.as_json:
        terminal.json_result(_as_json(opened))
        terminal.keep()
        return
    if opened.files:
        if opened.note:
            terminal.note_beside(opened.note)
        _tell_files(terminal, opened)
    elif options.output != _STDOUT:
        terminal.note(opened.note)
        terminal.keep()


def _tell_files(terminal: Terminal, opened: Opened) -> None:
    saved = [file for file in opened.files if file.path is not None]
    for file in saved[:_NAMED_FILES]:
        terminal.tell(f"saved {file.path} ({file.bytes} bytes)")
    if len(saved) > _NAMED_FILES:
        terminal.tell(f"and {len(saved) - _NAMED_FILES} files more")


def _as_json(opened: Opened) -> dict[str, object]:
    return {
        "files": [
            {"path": str(file.path), "bytes": file.bytes, "type": file.type}
            for file in opened.files
        ],
        "note": opened.note,
        "view": opened.view,
    }
