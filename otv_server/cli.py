"""``otv-server serve | sweep | check | upgrade | token``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from otv_server import data_folder
from otv_server.cli_options import settings_of, with_settings
from otv_server.cli_tokens import token
from otv_server.network.errors import CantServe
from otv_server.settings import BadSetting, tunnel_token

if TYPE_CHECKING:
    from otv_server.settings import Settings

EXIT_SETTINGS = 2


class _ServesByDefault(click.Group):
    """Whoever names no command means ``serve``, with its flags."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in front of flags that aren't the program's own."""
        own = {flag for each in self.get_params(ctx) for flag in each.opts}
        if not args or (args[0].startswith("-") and args[0] not in own):
            args = [serve.name or "", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ServesByDefault, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="one-time-view")
def program() -> None:
    """Keep encrypted files and hand each link's opening out once.

    Where no command is named it serves: `otv-server serve --help` lists every
    setting.
    """


@program.command()
@with_settings
def serve(**flags: Any) -> None:
    """Serve until stopped. Each flag is also OTV_… in the environment."""
    # --help need not wait for the web framework.
    from otv_server import greeting, serving, starting  # noqa: PLC0415

    settings = settings_of(flags)
    _check_data(settings)
    with starting.started(settings, tunnel_token(os.environ)) as ready:
        greeting.greet(ready)
        serving.serve(ready.serving)


@program.command()
@with_settings
def sweep(**flags: Any) -> None:
    """Sweep once, also for blobs that no row names, and say what was done."""
    swept = data_folder.sweep(settings_of(flags))
    click.echo(
        f"expired={swept.expired} lapsed={swept.lapsed} uploads_ended={swept.uploads_ended}"
        f" forgotten={swept.forgotten} deleted={swept.deleted}"
    )


@program.command()
@with_settings
def check(**flags: Any) -> None:
    """Read the settings, reach the database and the blob store, say what is wrong."""
    settings = settings_of(flags)
    found = _check_data(settings, thoroughly=True)
    if settings.is_lan_served:
        from otv_server import starting  # noqa: PLC0415  # --help need not wait

        starting.identity_of(settings)
    click.echo(f"Settings, database ({found.database}) and blob store ({found.blobs}) are fine.")


@program.command()
@with_settings
def upgrade(**flags: Any) -> None:
    """Bring the database up to this version's schema, as each start does, and serve nothing."""
    found, current = data_folder.upgrade(settings_of(flags))
    click.echo(f"schema={current} before={found}")


def _check_data(settings: Settings, *, thoroughly: bool = False) -> data_folder.Checked:
    """Open everything once, before anything is served or spawned."""
    found = data_folder.check(settings, thoroughly=thoroughly)
    for warning in found.warnings:
        click.echo(f"otv: warning: {warning}", err=True)
    if found.free_bytes is not None and found.free_bytes < settings.min_free_bytes:
        click.echo(
            f"otv: warning: {found.free_bytes} bytes are free on the disk, less than"
            " min_free_bytes: uploads will be refused.",
            err=True,
        )
    return found


program.add_command(token)


def main() -> None:
    """The program: one clear sentence for what is wrong, no traceback."""
    try:
        program(standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"otv: error: {error.format_message()}", err=True)
        sys.exit(error.exit_code)
    except (BadSetting, CantServe) as error:
        click.echo(f"otv: error: {error}", err=True)
        sys.exit(EXIT_SETTINGS)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
