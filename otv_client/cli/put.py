"""``otv-client put``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from otv_client.cli.codes import check_code_file, numbered_path, save_code, terminal_code
from otv_client.cli.common import (
    client_for,
    debug_option,
    json_option,
    password_options,
    pin_option,
)
from otv_client.cli.find import chosen_server
from otv_client.cli.secrets import password_to_send, upload_token
from otv_client.cli.times import parse_duration, parse_instant
from otv_client.errors import UsageError
from otv_client.instants import local_text, rfc3339
from otv_client.parcel import Terms
from otv_client.pins import parse_pin

if TYPE_CHECKING:
    from otv_client.cli.terminal import Terminal
    from otv_client.client import Client
    from otv_client.sending import SentShare

_STDIN = "-"
_LONGEST_TEXT = 65_536  # protocol section 5: bytes of a note


@dataclass(frozen=True)
class _Options:
    """The command's options, as click names them."""

    paths: tuple[str, ...]
    name: str
    text: str | None = field(repr=False)
    note: str | None = field(repr=False)
    expires: str | None
    at: str | None
    password: bool
    password_file: str | None
    opens: int
    links: int
    view_only: bool
    qr: bool
    qr_file: Path | None
    server: str | None
    pin: str | None
    upload_token_file: str | None
    as_json: bool


@click.command("put")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--name", default="stdin", metavar="NAME", help="What `-` is called; default stdin.")
@click.option("--text", metavar="TEXT", help="A secret text; `-` reads it from standard input.")
@click.option("--note", metavar="TEXT", help="A message beside the files.")
@click.option("--expires", metavar="TIME", help="600, 90s, 10m, 2h or 7d; else the server's own.")
@click.option("--at", metavar="TIME", help="Open from 21:00 or 2026-12-01T21:00+01:00 on.")
@password_options
@click.option("--opens", default=1, type=click.IntRange(1), help="Each link opens so many times.")
@click.option("--links", default=1, type=click.IntRange(1), help="So many personal links.")
@click.option("--view-only", is_flag=True, help="Ask for viewing, not keeping.")
@click.option("--qr", is_flag=True, help="Show the link as a QR code, too.")
@click.option("--qr-file", type=click.Path(path_type=Path), help="Save the QR code (.png, .svg).")
@click.option("--server", envvar="OTV_SERVER", metavar="URL", help="Where to; else OTV_SERVER.")
@pin_option
@click.option("--upload-token-file", metavar="FILE", help="Else OTV_UPLOAD_TOKEN.")
@json_option
@debug_option
@click.pass_obj
def put_command(terminal: Terminal, /, **given: Any) -> None:
    """Send files, folders or a text; print a link that opens once.

    `-` reads one file from standard input. Each link stands on a line of its
    own on standard output. Where no server is named, it is the one on this network.
    """
    options = _Options(**given)
    _check(options)
    text = _text(terminal, options)
    terms = _terms(terminal, options, text)
    token = upload_token(options.upload_token_file)
    server, pin = options.server, options.pin
    if not server:
        server, pin = chosen_server(terminal, pin)
    with client_for(terminal, server, token, pin=pin) as client:
        sent = _send(terminal, client, options, terms)
        try:
            _hand_out(terminal, options, sent)
        except BaseException:
            # Nobody has the link, so nobody can use the share.
            client.revoke(sent)
            raise


def _check(options: _Options) -> None:
    """Refuse what makes no sense before anything is read, asked or sent."""
    if "" in options.paths:
        raise UsageError("a path is empty", hint="is a variable of a script unset?")
    if options.text is not None and options.note is not None:
        raise UsageError("--text is sent as the note; give one of --text and --note")
    if [options.text, *options.paths].count(_STDIN) > 1:
        raise UsageError("standard input can be read once")
    if not options.paths and options.text is None and not options.note:
        raise UsageError("there is nothing to send", hint="name files or folders, or give --text")
    if options.pin is not None:
        parse_pin(options.pin)
    if options.qr_file:
        for number in range(1, options.links + 1):
            check_code_file(numbered_path(options.qr_file, number, options.links))


def _text(terminal: Terminal, options: _Options) -> str:
    if options.text != _STDIN:
        return options.text if options.text is not None else options.note or ""
    raw = terminal.input().read(_LONGEST_TEXT + 1)
    if len(raw) > _LONGEST_TEXT:
        raise UsageError(f"a text has at most {_LONGEST_TEXT} bytes", hint="send it as a file: `-`")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UsageError("the text isn't UTF-8", hint="send it as a file: `-`") from None


def _terms(terminal: Terminal, options: _Options, text: str) -> Terms:
    if options.text is not None and not text:
        raise UsageError("the text is empty")
    return Terms(
        expires_s=parse_duration(options.expires) if options.expires is not None else None,
        opens_at=parse_instant(options.at, datetime.now(UTC)) if options.at is not None else None,
        opens=options.opens,
        links=options.links,
        password=password_to_send(terminal, options.password_file, ask=options.password),
        view_only=options.view_only,
        note=text,
    )


def _send(terminal: Terminal, client: Client, options: _Options, terms: Terms) -> SentShare:
    paths = [os.fsdecode(path) for path in options.paths if path != _STDIN]
    stream = terminal.input() if _STDIN in options.paths else None
    with terminal.showing_progress("sending"):
        return client.send_paths(paths, terms, stream=stream, name=options.name)


def _hand_out(terminal: Terminal, options: _Options, sent: SentShare) -> None:
    """Files first: what fails then hasn't printed a link yet."""
    if options.qr_file:
        for number, link in enumerate(sent.links, 1):
            save_code(link.link, numbered_path(options.qr_file, number, len(sent.links)))
    if options.as_json:
        terminal.json_result(_as_json(sent))
    else:
        for link in sent.links:
            terminal.result(link.link)
    if options.qr:
        for link in sent.links:
            terminal.text(terminal_code(link.link))
    if terminal.is_interactive:
        _explain(terminal, options, sent)


def _explain(terminal: Terminal, options: _Options, sent: SentShare) -> None:
    now, first = datetime.now(UTC), sent.links[0]
    times = "once" if options.opens == 1 else f"{options.opens} times"
    start = f" from {local_text(first.opens_at, now)}" if first.opens_at > now else ""
    terminal.tell(f"opens {times}{start}, until {local_text(first.expires_at, now)}")
    terminal.tell(f"`otv-client status {sent.share}` tells what became of it")


def _as_json(sent: SentShare) -> dict[str, object]:
    return {
        "share": sent.share,
        "links": [
            {
                "link": link.link,
                "id": link.id,
                "expires_at": rfc3339(link.expires_at),
                "opens_at": rfc3339(link.opens_at),
            }
            for link in sent.links
        ],
        "bytes": sent.bytes,
        "files": sent.files,
    }
