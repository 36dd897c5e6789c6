"""Whose the blobs of a place are.

A server deletes what lies at its place and its database knows nothing of, so two databases on one
place would delete each other's files; and a server that is led to another place than before would
take the files of live links for deleted. A marker at the place says whose it is.
"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

from sqlalchemy import select

from otv_server.domain.errors import Unavailable
from otv_server.storage.blobs import MARKER
from otv_server.storage.places import WrongPlace
from otv_server.storage.schema import database_id
from otv_server.storage.tables import parts

if TYPE_CHECKING:
    from otv_server.storage.blobs import DiskBlobs
    from otv_server.storage.database import Database
    from otv_server.storage.object_store import ObjectBlobs

_ANY_PART = select(parts.c.blob).limit(1)
_STILL_A_PART = select(parts.c.blob)


class ForeignBlobs(Exception):
    """The place has become another database's."""


class Ownership:
    """Of one place by one database.

    Args:
        place: how the settings name it.
        proposed: names the database, where it has no name yet.
    """

    def __init__(
        self, database: Database, blobs: DiskBlobs | ObjectBlobs, place: str, proposed: str
    ) -> None:
        self._database = database
        self._blobs = blobs
        self.place = place
        self._proposed = proposed

    async def check(self, *, marks: bool) -> None:
        """See that the place is this database's, or nobody's; ``marks``: from here on its own.

        Raises:
            WrongPlace: it is another's, or lacks what this database knows of.
            OSError, Unavailable: it can't be told or written now.
        """
        mine = await self._mine()
        owner = await self._blobs.owner()
        if owner is None:
            if await self._is_elsewhere():
                raise WrongPlace(
                    f"blobs, {self.place}: the files of links that live are not there. Name the"
                    " place where this database's servers kept them; another one can be taken"
                    f" when no link lives. If they are lost, put a file `{MARKER}` there that says"
                    f" {mine}."
                )
            owner = await self._marked(mine) if marks else mine
        if owner != mine:
            raise WrongPlace(
                f"blobs, {self.place}: what is there belongs to another database, and this server"
                " would delete it. Choose another prefix or folder. If that database is gone for"
                f" good, delete everything there instead, the file `{MARKER}` too."
            )

    async def confirm(self) -> None:
        """See it once more, before what nobody knows is deleted; a marker that went is put again.

        Raises:
            Unavailable: it is another's by now, or can't be told.
        """
        mine = await self._mine()
        if (await self._blobs.owner() or await self._marked(mine)) != mine:
            raise Unavailable from ForeignBlobs()

    async def _marked(self, mine: str) -> str | None:
        """Whose it is once this database has marked it: somebody may have been first."""
        await self._blobs.mark(mine)
        return await self._blobs.owner()

    async def _mine(self) -> str:
        return await self._database.write(lambda tx: database_id(tx, self._proposed))

    async def _is_elsewhere(self) -> bool:
        """Whether a part that the database names can't be read here."""
        blob = await self._database.read(lambda tx: tx.connection.scalar(_ANY_PART))
        if blob is None:
            return False
        try:
            async with aclosing(self._blobs.read(blob, 0, 1)) as chunks:
                return await anext(chunks, None) is None
        except Unavailable:
            # Another server may have deleted it just now.
            still = _STILL_A_PART.where(parts.c.blob == blob)
            return await self._database.read(lambda tx: tx.connection.scalar(still)) is not None
