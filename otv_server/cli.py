"""``otv-server serve | sweep | check``."""

from __future__ import annotations

import asyncio
import os
import pwd
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import click

from otv_server import logs
from otv_server.network.errors import CantServe
from otv_server.settings import BadSetting, Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from otv_server.domain.ports import Swept

EXIT_SETTINGS = 2


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """One flag a setting; each is also ``OTV_…`` in the environment and a key in the TOML file."""
    for setting in reversed(fields(Settings)):
        command = click.option(
            _flag(setting.name, is_switch=isinstance(setting.default, bool)),
            setting.name,
            default=None,
            help=f"{setting.metadata['help']}  [{_shown(setting.default)}]",
        )(command)
    return click.option("--config", help="a TOML file with the same names  [none]")(command)


def _flag(name: str, *, is_switch: bool) -> str:
    flag = name.replace("_", "-")
    return f"--{flag}/--no-{flag}" if is_switch else f"--{flag}"


def _shown(default: object) -> object:
    if isinstance(default, bool):
        return "on" if default else "off"
    return default or "none"


def _settings(flags: dict[str, Any]) -> Settings:
    config = flags.pop("config", None)
    environment = os.environ if config is None else {**os.environ, "OTV_CONFIG": config}
    return load(environment, flags)


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="one-time-view")
@click.pass_context
def program(context: click.Context) -> None:
    """Keep encrypted files and hand each link's opening out once. Alone, it serves."""
    if context.invoked_subcommand is None:
        context.invoke(serve)


@program.command()
@_with_settings
def serve(**flags: Any) -> None:
    """Serve until stopped. Each flag is also OTV_… in the environment."""
    # --help need not wait for the web framework.
    from otv_server import greeting, serving, starting  # noqa: PLC0415

    settings = _settings(flags)
    _check_data(settings)
    with starting.started(settings) as ready:
        greeting.greet(ready, settings)
        serving.serve(ready.serving)


@program.command()
@_with_settings
def sweep(**flags: Any) -> None:
    """Sweep once, also for blobs that no row names, and say what was done."""
    settings = _settings(flags)
    swept, _ = _with_data(settings, with_strangers=True)
    click.echo(
        f"expired={swept.expired} lapsed={swept.lapsed} uploads_ended={swept.uploads_ended}"
        f" forgotten={swept.forgotten} deleted={swept.deleted}"
    )


@program.command()
@_with_settings
def check(**flags: Any) -> None:
    """Read the settings, reach the database and the blob store, say what is wrong."""
    settings = _settings(flags)
    _check_data(settings, thoroughly=True)
    click.echo("Settings, data folder and database are fine.")


def _check_data(settings: Settings, *, thoroughly: bool = False) -> None:
    """Open everything once, before anything is served or spawned."""
    _, free = _with_data(settings, thoroughly=thoroughly)
    if free is not None and free < settings.min_free_bytes:
        click.echo(
            f"otv: warning: {free} bytes are free on the disk, less than min_free_bytes:"
            " uploads will be refused.",
            err=True,
        )


def _with_data(
    settings: Settings, *, with_strangers: bool = False, thoroughly: bool = False
) -> tuple[Swept, int | None]:
    """Open the data folder, sweep, and close it again; also how many bytes are free.

    ``thoroughly`` reads the whole database.

    Raises:
        BadSetting: the data folder can't be used.
    """
    from otv_server.domain.errors import OtvError  # noqa: PLC0415  # --help need not wait
    from otv_server.storage.database import WrongSchema  # noqa: PLC0415  # as above

    logs.configure()
    _check_owner(settings.data)
    try:
        return asyncio.run(
            _open_once(settings, with_strangers=with_strangers, thoroughly=thoroughly)
        )
    except WrongSchema as error:
        raise BadSetting(str(error)) from None
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    except OtvError:
        reason = "its database is damaged, or can't be read or written"
    raise BadSetting(f"The data folder {settings.data} can't be used: {reason}.")


def _check_owner(folder: Path) -> None:
    """What another user's server wrote is that user's to go on with: else neither can later."""
    try:
        owner = folder.stat().st_uid
    except OSError:
        return  # not there yet; or opening it says what is wrong
    if owner != os.geteuid():
        raise BadSetting(
            f"The data folder {folder} belongs to {_user(owner)}: run otv-server as that user, or"
            " choose another folder with --data."
        )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


async def _open_once(
    settings: Settings, *, with_strangers: bool, thoroughly: bool
) -> tuple[Swept, int | None]:
    from otv_server.app import join  # noqa: PLC0415  # --help need not wait for the web framework
    from otv_server.domain.errors import Unavailable  # noqa: PLC0415  # as above

    parts = join(settings)
    try:
        swept = await parts.open()
        if thoroughly and not await parts.database.is_sound():
            raise Unavailable
        if with_strangers:
            strangers = await parts.sweeping.delete_strangers()
            swept = replace(swept, deleted=swept.deleted + strangers)
        return swept, await parts.blobs.free_bytes()
    finally:
        parts.database.close()


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
