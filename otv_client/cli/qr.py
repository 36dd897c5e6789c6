"""``otv-client qr``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from otv_client.cli.codes import save_code, terminal_code
from otv_client.cli.common import debug_option, link_from
from otv_client.link import parse_link

if TYPE_CHECKING:
    from otv_client.cli.terminal import Terminal


@click.command("qr")
@click.argument("link")
@click.option(
    "-o", "output", metavar="FILE", type=click.Path(path_type=Path), help="A new .png or .svg file."
)
@debug_option
@click.pass_obj
def qr_command(terminal: Terminal, link: str, output: Path | None) -> None:
    """Make a QR code of a link, on this machine; `-` reads the link from standard input."""
    text = parse_link(link_from(terminal, link)).url()
    if output is None:
        terminal.result(terminal_code(text))
    else:
        save_code(text, output)
