"""``otv-client verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from otv_client.cli.common import client_for, debug_option, json_option, pin_option
from otv_client.errors import IntegrityError
from otv_client.names import printable

if TYPE_CHECKING:
    from otv_client.cli.terminal import Terminal
    from otv_client.verifying import Verdict

_IN_WORDS = {
    "differs": "is not the release's",
    "missing": "is not served",
    "unlisted": "is named by the page, and not part of the release",
    "headers": "is served with headers that change its meaning",
}


@click.command("verify")
@click.argument("server")
@pin_option
@json_option
@debug_option
@click.pass_obj
def verify_command(terminal: Terminal, server: str, pin: str | None, *, as_json: bool) -> None:
    """Compare the page that SERVER gives to browsers with that of this release.

    Names every file that differs, and ends with 6 if one does. A server can
    still give somebody else another page.
    """
    with client_for(terminal, server, pin=pin) as client:
        verdict = client.verify()
        address = client.server
    if as_json:
        terminal.json_result({"server": address, **_as_json(verdict)})
    else:
        for each in verdict.differences:
            terminal.result(printable(f"{each.path} {_IN_WORDS[each.what]}"))
    if verdict.differences:
        raise IntegrityError(
            f"the page of {address} is not the page of this release",
            hint="is it of another release? Else don't type a secret into it",
        )
    terminal.tell(f"the page of {address} is that of this release: {verdict.files} files compared")


def _as_json(verdict: Verdict) -> dict[str, object]:
    return {
        "files": verdict.files,
        "differences": [{"path": each.path, "what": each.what} for each in verdict.differences],
    }
