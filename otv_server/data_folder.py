"""The data folder, opened once for a command: what is wrong with it is one sentence."""

from __future__ import annotations

import asyncio
import os
import pwd
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from otv_server import logs
from otv_server.domain.errors import Conflict, Malformed, OtvError, Unavailable, Unknown
from otv_server.settings import BadSetting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from otv_server.app import Parts
    from otv_server.domain.ports import Swept
    from otv_server.settings import Settings

Result = TypeVar("Result")

# What a person asked for and can't have, as against a database that fails.
_ASKED_WRONGLY = (Conflict, Malformed, Unknown)


def sweep(settings: Settings) -> Swept:
    """Sweep once, also for blobs that no row names."""

    async def work(parts: Parts) -> Swept:
        swept = await parts.open()
        strangers = await parts.sweeping.delete_strangers()
        return replace(swept, deleted=swept.deleted + strangers)

    return _in_folder(settings, work)


def check(settings: Settings, *, thoroughly: bool) -> int | None:
    """Open everything; how many bytes are free. ``thoroughly`` reads the whole database."""

    async def work(parts: Parts) -> int | None:
        await parts.open()
        if thoroughly and not await parts.database.is_sound():
            raise Unavailable
        return await parts.blobs.free_bytes()

    return _in_folder(settings, work)


def run(settings: Settings, ask: Callable[[Parts], Awaitable[Result]]) -> Result:
    """Do one thing with the database, beside a server that may be running."""

    async def work(parts: Parts) -> Result:
        await parts.open()
        return await ask(parts)

    return _in_folder(settings, work)


def _in_folder(settings: Settings, work: Callable[[Parts], Awaitable[Result]]) -> Result:
    """Raises ``BadSetting`` where the data folder can't be used, or the wish not be granted."""
    # --help need not wait for the web framework and the database's library.
    from otv_server.storage.database import WrongSchema  # noqa: PLC0415

    logs.configure()
    _check_owner(settings.data)
    try:
        return asyncio.run(_opened(settings, work))
    except (WrongSchema, *_ASKED_WRONGLY) as error:
        raise BadSetting(str(error)) from None
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    except OtvError:
        reason = "its database is damaged, or can't be read or written"
    raise BadSetting(f"The data folder {settings.data} can't be used: {reason}.")


async def _opened(settings: Settings, work: Callable[[Parts], Awaitable[Result]]) -> Result:
    from otv_server.app import join  # noqa: PLC0415  # as above

    parts = join(settings)
    try:
        return await work(parts)
    finally:
        parts.database.close()


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
