"""What repositories need of a database: whole transactions, and their instant.

A transaction is one plain function over a ``Transaction``. ``sqlite`` runs it in a thread,
``postgres`` in a greenlet over an asynchronous driver (docs/decisions/0002, 0015); the function
can't tell. It may be run again from its beginning, so it touches nothing but its transaction.

Rows are always taken in this order, and the first one before the clock is asked:

    upload_tokens → links → shares → orphans → parts → usage

Whoever follows it never waits for someone who waits for him. ``usage`` is one row that everybody
needs: take it last, and commit. On SQLite, which has one lock, the order costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from otv_server.domain.share import Instant

Result = TypeVar("Result")


class WrongSchema(Exception):
    """The database was made by another version of this program; the message says which."""


class CantOpen(Exception):
    """The database can't be used; the message says which setting is wrong, and what to do."""


class Raced(Exception):
    """Another transaction was first: nothing is done, and the same work is run again at once.

    Where one lock keeps all others out, it never happens. A unique index that refuses a row, and
    whose error ``work`` lets pass, means the same.
    """


class Transaction:
    """One transaction and its instant: every decision in it happens at the same time.

    Args:
        connection: its connection.
        clock: asked once, when ``now`` is first needed. By then the row that the decision is over
            is held: a time from before the wait for it would be older than what the row says.
    """

    __slots__ = ("_clock", "_now", "connection", "has_erased")

    def __init__(self, connection: Connection, clock: Callable[[Connection], Instant]) -> None:
        self.connection = connection
        self.has_erased = False  # a manifest: its bytes must leave the database's files
        self._clock = clock
        self._now: Instant | None = None

    @property
    def now(self) -> Instant:
        """The transaction's instant."""
        if self._now is None:
            self._now = self._clock(self.connection)
        return self._now


def is_postgres(connection: Connection) -> bool:
    """Whether it speaks to PostgreSQL, where a statement has to differ."""
    return connection.dialect.name == "postgresql"


class Database(Protocol):
    """Transactions. Every method may raise ``Unavailable``: nothing was done, or it is done.

    Which of both is not always known, when a connection breaks during a commit; so whatever is
    written must bear being asked for again.
    """

    @property
    def place(self) -> str:
        """Where it is, for its operator; without any password."""
        ...

    async def open(self) -> int:
        """Make the tables, or bring those of an older version up to date, under a lock.

        Returns the version that was found, 0 where there were no tables.

        Raises:
            WrongSchema: made by a newer version, or by another program.
            CantOpen: a setting is wrong.
            OSError: the file may not be written.
        """
        ...

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work``; it commits when it returns, durable, or nothing happened."""
        ...

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run ``work`` on a consistent view, holding nothing; it must not write."""
        ...

    async def erase_traces(self) -> bool:
        """Make what was erased gone from every file; False: try again soon."""
        ...

    async def is_sound(self) -> bool:
        """Whether nothing is found wrong with it. May take long."""
        ...

    async def warnings(self) -> Sequence[str]:
        """What its operator should know, in sentences."""
        ...

    async def close(self) -> None:
        """Finish what runs and close every connection."""
        ...
