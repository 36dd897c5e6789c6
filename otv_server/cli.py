"""``otv-server serve | sweep | check``."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import click

from otv_server import logs
from otv_server.settings import BadSetting, Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from otv_server.domain.ports import Swept
    from otv_server.serving import Listener

EXIT_SETTINGS = 2


def _with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """One flag a setting; each is also ``OTV_…`` in the environment and a key in the TOML file."""
    for setting in reversed(fields(Settings)):
        shown = "none" if setting.default is None else setting.default
        command = click.option(
            "--" + setting.name.replace("_", "-"),
            setting.name,
            help=f"{setting.metadata['help']}  [{shown}]",
        )(command)
    return click.option("--config", help="a TOML file with the same names  [none]")(command)


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
    from otv_server import serving  # noqa: PLC0415  # --help need not wait for the web framework

    settings = _settings(flags)
    _check_data(settings)
    listeners = serving.bind(settings)
    _announce(listeners, settings)
    serving.serve(settings, listeners)


def _announce(listeners: list[Listener], settings: Settings) -> None:
    for listener in listeners:
        click.echo(f"One-Time View serves {listener.url}")
    click.echo(f"Data in {settings.data.resolve()}. Stop with Ctrl-C.", err=True)
    if sys.stdout.isatty():
        _show_qr(listeners[0].url)
    sys.stdout.flush()


def _show_qr(url: str) -> None:
    import qrcode  # noqa: PLC0415  # only where a terminal shows it

    code = qrcode.QRCode(border=2)
    code.add_data(url)
    code.print_ascii(out=sys.stdout, tty=False, invert=True)


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
    click.echo("Settings, database and blob store are fine.")


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
            deleted = await parts.sweeping.delete_orphans()
            deleted += await parts.sweeping.delete_strangers()
            swept = replace(swept, deleted=deleted)
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
    except BadSetting as error:
        click.echo(f"otv: error: {error}", err=True)
        sys.exit(EXIT_SETTINGS)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
