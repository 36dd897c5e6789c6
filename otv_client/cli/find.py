"""``otv-client find``, and the server that ``put`` takes where none is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otv_client.b64 import b64encode
from otv_client.cli.common import debug_option, json_option, state_folder
from otv_client.errors import Unreachable, UsageError
from otv_client.failures import wrong_key
from otv_client.lan import find, reachable
from otv_client.names import printable
from otv_client.pins import parse_pin

if TYPE_CHECKING:
    from otv_client.announcement import Announced
    from otv_client.cli.terminal import Terminal


@click.command("find")
@json_option
@debug_option
@click.pass_obj
def find_command(terminal: Terminal, *, as_json: bool) -> None:
    """List the servers on this network: name, address, and the pin of the key.

    Anybody on a network can announce a server. Compare the pin with the one
    that the server prints when it starts.
    """
    found = _found(terminal)
    if not found:
        raise Unreachable("no server is found on this network", hint="is one running?")
    if as_json:
        terminal.json_result({"servers": [_as_json(server) for server in found]})
    else:
        for server in found:
            terminal.result(_row(server))


def chosen_server(terminal: Terminal, pin: str | None) -> tuple[str, str]:
    """The one server on this network: where it answers, and the pin of its key.

    Where there are several, somebody at a terminal chooses.

    Args:
        terminal: where to ask.
        pin: the only key to be taken, where one was given.

    Raises:
        Unreachable: there is none.
        UsageError: there are several, and nobody to ask.
        WrongKey: this machine knows that address under another key.
    """
    wanted = None if pin is None else parse_pin(pin)
    found = [server for server in _found(terminal) if wanted in (None, server.pin)]
    if not found:
        raise Unreachable(
            "no server is named, and none is found on this network",
            hint="is it running? Its address can be given with --server URL or in OTV_SERVER",
        )
    chosen = found[0] if len(found) == 1 else _asked(terminal, found)
    server = reachable(chosen)
    text = b64encode(chosen.pin)
    known = state_folder(terminal).key(server)
    if wanted is None and known is not None and known.pin != chosen.pin:
        raise wrong_key(server, text)
    terminal.tell(f"sending to {chosen.name} at {server}")
    return server, text


def _found(terminal: Terminal) -> list[Announced]:
    found, odd = find()
    if odd:
        terminal.tell(f"{odd} of this network's announcements can't be read by this version")
    return found


def _asked(terminal: Terminal, found: list[Announced]) -> Announced:
    if not terminal.is_interactive:
        raise UsageError(
            "there are several servers on this network",
            hint="`otv-client find` lists them; name one with --server URL or --pin PIN",
        )
    for number, server in enumerate(found, 1):
        terminal.tell(f"{number}: {_row(server)}")
    answer = terminal.ask_line(f"Which one? (1 to {len(found)}) ")
    if not answer.isascii() or not answer.isdigit() or not 1 <= int(answer[:9]) <= len(found):
        raise UsageError("no server was chosen")
    return found[int(answer[:9]) - 1]


def _row(server: Announced) -> str:
    return printable(f"{server.name}  {server.servers[0]}  {b64encode(server.pin)}")


def _as_json(server: Announced) -> dict[str, object]:
    return {
        "name": server.name,
        "address": server.servers[0],
        "addresses": list(server.servers),
        "pin": b64encode(server.pin),
    }
