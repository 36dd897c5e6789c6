"""``otv-client status``, ``list`` and ``revoke``: what this machine sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from otv_client.cli.common import client_for, debug_option, json_option
from otv_client.client import id_of
from otv_client.errors import Unknown, Unreachable
from otv_client.instants import local_text, rfc3339
from otv_client.names import printable
from otv_client.reporting import GONE, OpeningStatus, ShareStatus, may_live

if TYPE_CHECKING:
    from collections.abc import Callable

    from otv_client.cli.terminal import Terminal
    from otv_client.client import Client
    from otv_client.records import ShareRecord


@click.command("status")
@click.argument("share", metavar="[SHARE|LINK]", required=False)
@json_option
@debug_option
@click.pass_obj
def status_command(terminal: Terminal, share: str | None, *, as_json: bool) -> None:
    """Tell what became of a share, or of everything that this machine sent.

    Receipts are checked. What is over is told once, and then only where it is named.
    """
    show = _show_json if as_json else _show_text
    with client_for(terminal) as client:
        if share is not None:
            show(terminal, client.status(share))
        else:
            _each(terminal, client, lambda record: show(terminal, client.status(record.id)))


@click.command("list")
@json_option
@debug_option
@click.pass_obj
def list_command(terminal: Terminal, *, as_json: bool) -> None:
    """List what this machine sent and has not been told is over."""
    with client_for(terminal) as client:
        show = _row_json if as_json else _row_text
        _each(terminal, client, lambda record: show(terminal, record, client.look(record)))


@click.command("revoke")
@click.argument("share", metavar="SHARE|LINK")
@debug_option
@click.pass_obj
def revoke_command(terminal: Terminal, share: str) -> None:
    """End a share, or one link of it, now: what it held is erased."""
    with client_for(terminal) as client:
        client.revoke(share)
        links = client.status(share).links
    named = [link for link in links if link.id == id_of(share)] or links
    for link in named:
        if link.state != "revoked":
            terminal.tell(f"link {link.id} was over before: {link.state}")
    if not named or any(link.state == "revoked" for link in named):
        terminal.tell("revoked")


def _each(terminal: Terminal, client: Client, show: Callable[[ShareRecord], None]) -> None:
    """Every share; one whose server doesn't answer keeps no other from being shown."""
    silent: dict[str, Unreachable] = {}
    records = client.sent()
    if not records:
        terminal.tell("nothing that this machine sent is open or still to be told")
    for record in records:
        try:
            if record.server in silent:
                raise silent[record.server]  # asked once; it would take as long for each
            show(record)
        except Unreachable as error:
            terminal.tell(f"{record.id}: {error.message}")
            silent[record.server] = error
        except Unknown:
            if may_live(record, datetime.now(UTC)):
                terminal.tell(f"{record.id}: {record.server} doesn't know it now; it is kept here")
            else:
                terminal.tell(f"{record.id}: over long ago; {record.server} has forgotten it")
    for unreached in silent.values():
        raise unreached


# --- text -----------------------------------------------------------------------------------------


def _show_text(terminal: Terminal, status: ShareStatus) -> None:
    now = datetime.now(UTC)
    terminal.result(printable(f"share {status.share}  {status.state}"))
    for link in status.links:
        until = local_text(link.expires_at, now)
        left = f"{link.opens_left} left, until {until}"
        terminal.result(printable(f"  link {link.id}  {link.state:9}  {left}"))
        for opening in link.openings:
            terminal.result(printable(f"    {_opening_text(opening, now)}"))


def _opening_text(opening: OpeningStatus, now: datetime) -> str:
    origin = f" from {opening.address}" if opening.address else ""
    when = local_text(opening.opened_at, now)
    return f"{when}{origin}  {opening.outcome}  receipt: {opening.receipt}"


def _row_text(terminal: Terminal, record: ShareRecord, status: ShareStatus) -> None:
    created = local_text(datetime.fromtimestamp(record.created_at, UTC), datetime.now(UTC))
    states = ", ".join(link.state for link in status.links) or status.state
    over = "  (over; `status` tells)" if status.state == GONE else ""
    terminal.result(printable(f"{record.id}  {created}  {record.server}  {states}{over}"))


# --- JSON -----------------------------------------------------------------------------------------


def _show_json(terminal: Terminal, status: ShareStatus) -> None:
    terminal.json_result(_as_json(status))


def _row_json(terminal: Terminal, record: ShareRecord, status: ShareStatus) -> None:
    created_at = rfc3339(datetime.fromtimestamp(record.created_at, UTC))
    terminal.json_result({**_as_json(status), "server": record.server, "created_at": created_at})


def _as_json(status: ShareStatus) -> dict[str, object]:
    return {
        "share": status.share,
        "state": status.state,
        "links": [
            {
                "id": link.id,
                "state": link.state,
                "opens_left": link.opens_left,
                "expires_at": rfc3339(link.expires_at),
                "openings": [
                    {
                        "opened_at": rfc3339(opening.opened_at),
                        "outcome": opening.outcome,
                        "receipt": opening.receipt,
                        "address": opening.address,
                    }
                    for opening in link.openings
                ],
            }
            for link in status.links
        ],
    }
