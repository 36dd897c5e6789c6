"""Whose the blobs of a place are.

A server deletes what lies at its place and its database knows nothing of, so two databases on one
place would delete each other's files; and a server that is led to another place than before would
take the files of live links for deleted. A marker at the place says whose it is, and only the
first server of a database marks a place by itself: where several share it, the next one may be
led to a place that is as empty and the wrong one.
"""

from __future__ import annotations

from contextlib import aclosing
from enum import Enum, auto
from typing import TYPE_CHECKING

from sqlalchemy import select

from otv_server.domain.errors import Unavailable
from otv_server.storage.blobs import MARKER
from otv_server.storage.places import WrongPlace
from otv_server.storage.schema import database_id, forget_database_id, known_database_id
from otv_server.storage.tables import parts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from otv_server.storage.blobs import DiskBlobs
    from otv_server.storage.database import Database
    from otv_server.storage.object_store import ObjectBlobs

# Another server may be about to mark the place, where all are started at once.
LOOKS, LOOK_S = 10, 0.5

_ANY_PART = select(parts.c.blob).limit(1)
_STILL_A_PART = select(parts.c.blob)


class ForeignBlobs(Exception):
    """The place has become another database's, or lost what shows that it is this one's."""


class Files(Enum):
    """What is known of the files of live links."""

    HERE = auto()
    ELSEWHERE = auto()
    NONE = auto()  # no link with files lives


class Ownership:
    """Of one place by one database.

    Args:
        place: how the settings name it.
        proposed: names the database, where it has no name yet.
        is_shared: servers on other machines may use the database.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        database: Database,
        blobs: DiskBlobs | ObjectBlobs,
        place: str,
        *,
        proposed: str,
        is_shared: bool,
        pause: Callable[[float], Awaitable[object]],
    ) -> None:
        self._database = database
        self._blobs = blobs
        self.place = place
        self._proposed = proposed
        self._is_shared = is_shared
        self._pause = pause

    async def check(self, *, marks: bool) -> None:
        """See that the place is this database's, or nobody's; ``marks``: from here on its own.

        Raises:
            WrongPlace: it is another's, or this database's is elsewhere.
            OSError, Unavailable: it can't be told or written now.
        """
        mine, owner = await self._known_and_owner()
        if owner is None:
            mine, owner = await self._of_unmarked(mine, marks=marks)
        if owner != mine:
            raise WrongPlace(
                f"blobs, {self.place}: what is there belongs to another database, and this server"
                " would delete it. Choose another prefix or folder. If that database is gone for"
                f" good, delete everything there instead, the file `{MARKER}` too."
            )

    async def confirm(self) -> None:
        """See it once more, before what nobody knows is deleted.

        A marker that went is put again where files of live links show whose the place is.

        Raises:
            Unavailable: it is another's by now, or nothing shows whose, or it can't be told.
        """
        mine, owner = await self._known_and_owner()
        if owner is None and mine is not None and await self._files() is Files.HERE:
            owner = await self._marked(mine)
        if owner is None or owner != mine:
            raise Unavailable from ForeignBlobs()

    async def _of_unmarked(
        self, known: str | None, *, marks: bool
    ) -> tuple[str | None, str | None]:
        """The database's name, and the owner that a place without a marker has or gets."""
        files = await self._files()
        if files is Files.ELSEWHERE:
            raise self._elsewhere(known)
        if not marks and known is None:
            return None, None
        mine = known or await self._named()
        if known is None and mine == self._proposed:
            return mine, await self._marked_first(mine)
        if self._is_shared and files is Files.NONE:
            return mine, await self._marked_by_another(mine)
        return mine, await self._marked(mine) if marks else mine

    async def _marked_first(self, mine: str) -> str | None:
        """As ``_marked``; a name that never came to a place would keep every server out."""
        try:
            return await self._marked(mine)
        except (OSError, Unavailable):
            if await self._blobs.owner() is None:
                await self._database.write(lambda tx: forget_database_id(tx, mine))
            raise

    async def _marked_by_another(self, mine: str) -> str:
        for _ in range(LOOKS):
            if (owner := await self._blobs.owner()) is not None:
                return owner
            await self._pause(LOOK_S)
        raise self._elsewhere(mine)

    async def _marked(self, mine: str) -> str | None:
        """Whose it is once this database has marked it: somebody may have been first."""
        await self._blobs.mark(mine)
        return await self._blobs.owner()

    def _elsewhere(self, known: str | None) -> WrongPlace:
        advice = (
            f" Where this one is to take over, put a file `{MARKER}` there that says {known}: when"
            " no link lives, or all files are lost, or the first start was broken off."
        )
        return WrongPlace(
            f"blobs, {self.place}: this database's ciphertext is not kept there. Name the place"
            f" where its servers keep it.{advice if known else ''}"
        )

    async def _known_and_owner(self) -> tuple[str | None, str | None]:
        # In this order: a server that starts beside this one names the database, then marks.
        owner = await self._blobs.owner()
        return await self._database.read(known_database_id), owner

    async def _named(self) -> str:
        return await self._database.write(lambda tx: database_id(tx, self._proposed))

    async def _files(self) -> Files:
        """Where the files of live links are, by one of them."""
        blob = await self._database.read(lambda tx: tx.connection.scalar(_ANY_PART))
        if blob is None:
            return Files.NONE
        try:
            async with aclosing(self._blobs.read(blob, 0, 1)) as chunks:
                await anext(chunks)
        except Unavailable:
            # Another server may have deleted it just now.
            still = _STILL_A_PART.where(parts.c.blob == blob)
            is_alive = await self._database.read(lambda tx: tx.connection.scalar(still))
            return Files.NONE if is_alive is None else Files.ELSEWHERE
        return Files.HERE
