"""``otv-server token new | list | revoke``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from otv_server import data_folder
from otv_server.cli_options import Duration, settings_of, with_config
from otv_server.domain.tokens import TokenTerms

if TYPE_CHECKING:
    from collections.abc import Callable

    from otv_server.domain.share import Instant
    from otv_server.domain.tokens import UploadToken


@click.group()
def token() -> None:
    """Hand out, list and revoke upload tokens: with one, people send who else may not."""


def _with_database(command: Callable[..., None]) -> Callable[..., None]:
    """Tokens need no setting but where the database is."""
    command = click.option("--database", help="postgresql://…, better as OTV_DATABASE  [none]")(
        command
    )
    return with_config(click.option("--data", help="folder of the database  [uploads]")(command))


@token.command()
@click.argument("name")
@click.option("--share-bytes", type=click.IntRange(1), help="ciphertext of one share  [no limit]")
@click.option("--per-hour", type=click.IntRange(1, 3600), help="shares an hour  [no limit]")
@click.option("--expires", type=Duration(), help="how long it is good for: 12h, 30d  [for ever]")
@_with_database
def new(
    name: str, share_bytes: int | None, per_hour: int | None, expires: int | None, **flags: Any
) -> None:
    """Make a token called NAME. It is printed once; the server keeps its hash."""
    terms = TokenTerms(name, share_bytes, per_hour, expires)
    made, text = data_folder.run(settings_of(flags), lambda parts: parts.tokens.issue(terms))
    click.echo(text)
    click.echo(f"This is token {made.key}, {made.name!r}. It is not shown again.", err=True)


@token.command("list")
@_with_database
def list_(**flags: Any) -> None:
    """A line for each token: number, name, state, shares sent, and its limits; tabs between."""
    found, now = data_folder.run(settings_of(flags), lambda parts: parts.tokens.every())
    for each in found:
        click.echo("\t".join(described(each, now)))


def described(token: UploadToken, now: Instant) -> list[str]:
    """What a list says of a token."""
    said = [str(token.key), token.name, token.state_at(now), f"{token.shares} shares"]
    if token.share_bytes is not None:
        said.append(f"{token.share_bytes} bytes a share")
    if token.shares_per_hour is not None:
        said.append(f"{token.shares_per_hour} an hour")
    if token.expires_at is not None:
        ends = datetime.fromtimestamp(token.expires_at / 1000, UTC)
        said.append(f"until {ends:%Y-%m-%dT%H:%M:%SZ}")
    return said


@token.command()
@click.argument("which", metavar="NUMBER|NAME")
@_with_database
def revoke(which: str, **flags: Any) -> None:
    """Refuse a token from now on. What was sent with it stays."""
    gone = data_folder.run(settings_of(flags), lambda parts: parts.tokens.revoke(which))
    click.echo(f"Token {gone.key}, {gone.name!r}, is revoked.", err=True)
