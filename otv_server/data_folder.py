"""Database and blob store, opened once for a command: what is wrong is one sentence."""

from __future__ import annotations

import asyncio
import os
import pwd
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from otv_server import logs
from otv_server.domain.errors import Conflict, Malformed, OtvError, Unavailable, Unknown
from otv_server.service.sweeping import Undeletable
from otv_server.settings import BadSetting

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from otv_server.app import Parts
    from otv_server.domain.ports import Swept
    from otv_server.settings import Settings

Result = TypeVar("Result")

# What a person asked for and can't have, as against a database that fails.
_ASKED_WRONGLY = (Conflict, Malformed, Unknown)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found where nothing was wrong.

    Attributes:
        database, blobs: where they are, without any password.
        free_bytes: of the blob store; None where it has no limit that is known.
        warnings: sentences for the operator.
    """

    database: str
    blobs: str
    free_bytes: int | None
    warnings: Sequence[str]


def sweep(settings: Settings) -> Swept:
    """Sweep once, also for blobs that no row names."""

    async def work(parts: Parts) -> Swept:
        swept = await parts.open(marks=False)
        # A command that lacks the servers' settings would look at another place, and find nothing.
        await parts.ownership.confirm()
        await parts.sweeping.erase_traces()
        deleted = await parts.sweeping.delete_orphans()
        deleted += await parts.sweeping.delete_strangers()
        return replace(swept, deleted=deleted)

    return _in_folder(settings, work)


def check(settings: Settings, *, thoroughly: bool) -> Checked:
    """Open everything. ``thoroughly`` reads the whole database; at blobs it only looks."""

    async def work(parts: Parts) -> Checked:
        await parts.open(marks=not thoroughly)
        if thoroughly and not await parts.database.is_sound():
            raise Unavailable
        return Checked(
            database=parts.database.place,
            blobs=parts.ownership.place,
            free_bytes=await parts.blobs.free_bytes(),
            warnings=await parts.database.warnings(),
        )

    return _in_folder(settings, work)


def upgrade(settings: Settings) -> tuple[int, int]:
    """Bring the schema up to date; its version before, and now."""
    # --help need not wait for the database's library.
    from otv_server.storage.tables import SCHEMA_VERSION  # noqa: PLC0415

    return _in_folder(settings, lambda parts: parts.open_database()), SCHEMA_VERSION


def run(settings: Settings, ask: Callable[[Parts], Awaitable[Result]]) -> Result:
    """Do one thing with the database, beside servers that may be running."""

    async def work(parts: Parts) -> Result:
        await parts.open_database()
        return await ask(parts)

    return _in_folder(settings, work)


def _in_folder(settings: Settings, work: Callable[[Parts], Awaitable[Result]]) -> Result:
    """Raises ``BadSetting`` where the stores can't be used, or the wish not be granted."""
    # --help need not wait for the web framework and the database's library.
    from otv_server.storage.database import CantOpen, WrongSchema  # noqa: PLC0415

    logs.configure()
    _check_owner(settings.data)
    try:
        return asyncio.run(_joined(settings, work))
    except (CantOpen, WrongSchema, *_ASKED_WRONGLY) as error:
        raise BadSetting(str(error)) from None
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    except (Undeletable, OtvError) as error:
        raise BadSetting(_stopped(settings, error)) from None
    raise BadSetting(f"The data folder {settings.data} can't be used: {reason}.")


def _stopped(settings: Settings, error: Exception) -> str:
    """Which of the stores failed after it could be opened, in a sentence."""
    # --help need not wait for the database's library.
    from otv_server.storage.ownership import ForeignBlobs  # noqa: PLC0415

    place = settings.blobs or settings.data / "blobs"
    if isinstance(error.__cause__, ForeignBlobs):
        return f"No server keeps this database's ciphertext in {place}: use the servers' settings."
    if settings.blobs is not None:
        from otv_server.storage.troubles import Trouble  # noqa: PLC0415  # as above

        if isinstance(error.__cause__, Trouble):
            return f"The object store failed ({type(error.__cause__).__name__}): try again later."
    if isinstance(error, Undeletable) and isinstance(error.__cause__, OSError):
        return f"Ciphertext in {place} can't be deleted: {error.__cause__.strerror}."
    if settings.database is not None:
        return "The database stopped answering: see PostgreSQL's own log."
    return (
        f"The data folder {settings.data} can't be used: its database is damaged, or can't be read"
        " or written."
    )


async def _joined(settings: Settings, work: Callable[[Parts], Awaitable[Result]]) -> Result:
    from otv_server.app import join  # noqa: PLC0415  # as above

    parts = join(settings)
    try:
        return await work(parts)
    finally:
        await parts.database.close()


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
