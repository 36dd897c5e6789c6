"""What several commands share: options, and a client set up for the command line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from otv_client.client import Client
from otv_client.errors import UsageError
from otv_client.retry import Patience
from otv_client.state import StateFolder, default_path
from otv_client.world import World

if TYPE_CHECKING:
    from otv_client.cli.terminal import Terminal

_YES = frozenset({"yes", "y"})

F = TypeVar("F", bound=Callable[..., Any])

PASSWORD_OPTIONS = (
    click.option("--password", is_flag=True, help="Ask for the password."),
    click.option(
        "--password-file",
        metavar="FILE",
        help="Take the password from a file's first line; else OTV_PASSWORD.",
    ),
)


def _debug(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click calls it with positions
    if wanted:
        ctx.obj.debug = True


debug_option = click.option(
    "--debug",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_debug,
    help="Show where an error came from.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
pin_option = click.option(
    "--pin", metavar="PIN", help="Trust the server with this key, as it prints it, and no other."
)


def password_options(command: F) -> F:
    """``--password`` and ``--password-file``."""
    for option in reversed(PASSWORD_OPTIONS):
        command = option(command)
    return command


@contextmanager
def client_for(
    terminal: Terminal,
    server: str | None = None,
    upload_token: str | None = None,
    *,
    pin: str | None = None,
) -> Iterator[Client]:
    """A client that remembers in the user's state folder and speaks through the terminal."""
    client = Client(
        server,
        pin=pin,
        upload_token=upload_token,
        state=state_folder(terminal),
        patience=_patience(),
        world=World(
            tell=terminal.tell, progress=terminal.progress, vouch=partial(_vouch, terminal)
        ),
    )
    with client:
        yield client


def state_folder(terminal: Terminal) -> StateFolder:
    """What this machine remembers."""
    return StateFolder(default_path(), warn=terminal.tell)


def _vouch(terminal: Terminal, server: str, pin: str) -> bool:
    """Ask whether a key that nobody knows is the server's; without a terminal it is not."""
    if not terminal.is_interactive:
        return False
    terminal.tell(f"{server} has a key of its own: no certificate authority vouches for it")
    terminal.tell(f"the pin of this key is {pin}; the server prints its own when it starts")
    question = "Are they the same, and is this key to be trusted from now on? (yes/no) "
    return terminal.ask_line(question) in _YES


def _patience() -> Patience:
    """``OTV_PATIENCE`` in seconds replaces both waits, for scripts that know better."""
    chosen = os.environ.get("OTV_PATIENCE")
    if not chosen:
        return Patience()
    if not chosen.isascii() or not chosen.isdigit():
        raise UsageError("OTV_PATIENCE takes whole seconds")
    return Patience(first_contact_s=float(chosen[:6]), total_s=float(chosen[:6]))


def link_from(terminal: Terminal, given: str | None) -> str:
    """The link that was given, read from standard input for ``-``, or asked for."""
    if given == "-":
        return terminal.line("paste the link and press Enter")
    if given is None:
        if not terminal.is_interactive:
            raise UsageError("no link is given", hint="`-` reads it from standard input")
        return terminal.ask_line("Link: ")
    return given.strip()
