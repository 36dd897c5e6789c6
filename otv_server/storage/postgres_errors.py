"""What PostgreSQL's errors mean: for one transaction, and for whoever set the database.

Codes are those of PostgreSQL's manual, appendix A. Nothing that the server says is repeated: it
may quote what was asked.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import Enum, auto

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

PORT = 5432


class Trouble(Enum):
    """Why a transaction failed that is no bug."""

    RACED = auto()  # it was undone for the sake of another one; nothing is wrong with it
    LOST = auto()  # the connection broke: undone, unless it was about to be committed
    NOT_NOW = auto()  # no connection, too slow, full, shutting down, read only


_LOCKED = "55P03"  # lock_not_available: longer than lock_timeout
_DEADLOCKED = "40P01"  # deadlock_detected
_RACED = (
    "40001",  # serialization_failure
    _DEADLOCKED,
    "23505",  # unique_violation that nobody took for a conflict: a row that came meanwhile
)
# Connections, room, locks, operators, the system, damage; a standby that must not be written.
_READ_ONLY = "25006"
_NOT_NOW = ("08", "53", _LOCKED, "57", "58", "XX", _READ_ONLY, "25P03")


def trouble_of(error: BaseException) -> Trouble | None:
    """What it means for the transaction; None for a bug, or an error of this program's own."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Trouble.LOST
    code = _code_of(error)
    if code.startswith(_RACED):
        return Trouble.RACED
    if code.startswith(_NOT_NOW) or isinstance(error, OSError | PoolTimeoutError):
        return Trouble.NOT_NOW
    if isinstance(error, asyncpg.InterfaceError) or _code_of(error) in _WORDS:
        return Trouble.NOT_NOW  # it could not even connect
    return None


def is_in_the_way(error: BaseException) -> bool:
    """Whether others only held what this transaction wanted: it was undone, and may come again."""
    return _code_of(error) in (_LOCKED, _DEADLOCKED)


def _code_of(error: BaseException) -> str:
    found = error.orig if isinstance(error, DBAPIError) else error
    # Found out before a statement could; SQLAlchemy, which knows no such error, has it as cause.
    if isinstance(getattr(found, "__cause__", None), asyncpg.TargetServerAttributeNotMatched):
        return _READ_ONLY
    return getattr(found, "sqlstate", None) or ""


@dataclass(frozen=True, slots=True)
class Place:
    """Which database is meant, without its password."""

    server: str
    user: str
    database: str

    @classmethod
    def of(cls, url: str) -> Place:
        """From the setting."""
        parts = make_url(url)
        host = parts.host or str(parts.query.get("host", "this machine"))
        database = parts.database or parts.username or "postgres"
        return cls(f"{host}:{parts.port or PORT}", parts.username or "its default user", database)


_UNREACHABLE = (
    "The database at {server} does not answer: start PostgreSQL there, or set `database` to where"
    " it is."
)
_NO_TLS = (
    "No TLS with the database at {server}: see its certificate, and sslmode and sslrootcert in"
    " `database`."
)
_NOT_THERE = (
    "What `database` names is not there: a socket of PostgreSQL's, or a file that stands after ?."
)
_MISPUT = (
    "What stands after ? in `database` makes no sense to this program or to PostgreSQL at"
    " {server}: see sslmode, sslrootcert and the others in docs/operating.md."
)
_WORDS = {
    "28P01": (
        "The database at {server} refuses the password of {user}: set the right one in `database`"
        " (OTV_DATABASE keeps it out of the process list), or in PGPASSFILE."
    ),
    "28000": (
        "The database at {server} does not let {user} in: name another user in `database`, or"
        " allow this one in pg_hba.conf."
    ),
    "3D000": (
        "There is no database {database} at {server}: make it with createdb, or name another one"
        " in `database`."
    ),
    "42501": (
        "{user} may not make tables in the database {database} at {server}: make {user} its owner."
    ),
    "42704": _MISPUT,
    _READ_ONLY: (
        "The database at {server} is a standby that only reads: set `database` to the primary."
    ),
    "53300": (
        "The database at {server} has no connection left: raise its max_connections, or run fewer"
        " servers and workers."
    ),
    _LOCKED: (
        "Someone uses the tables in the database {database} at {server} all the time, maybe a"
        " backup: bring them up to date when that is over."
    ),
    "57P03": "The database at {server} is still starting, or shutting down: try again soon.",
}


def not_owner(place: Place) -> str:
    """The words for tables that are another role's."""
    return (
        f"The tables in the database {place.database} at {place.server} are not {place.user}'s:"
        f" PostgreSQL would not write them anew for it. Make {place.user} their owner."
    )


def in_words(error: BaseException, place: Place) -> str | None:
    """Which setting is wrong and what to do, in a sentence; None where this is not known."""
    words = _WORDS.get(_code_of(error)) or _words_of_no_connection(error)
    if words is None and trouble_of(error) is not None:
        words = "The database {database} at {server} can't be used now: see PostgreSQL's own log."
    named = {"server": place.server, "user": place.user, "database": place.database}
    return None if words is None else words.format(**named)


def _words_of_no_connection(error: BaseException) -> str | None:
    # asyncpg says in words alone that the server wants no TLS.
    if isinstance(error, ssl.SSLError) or (isinstance(error, OSError) and "SSL" in str(error)):
        return _NO_TLS
    if isinstance(error, FileNotFoundError):
        return _NOT_THERE
    if isinstance(error, ValueError):  # asyncpg's of the address, and of what it leads to
        return _MISPUT
    if isinstance(error, OSError | asyncpg.InterfaceError | PoolTimeoutError):
        return _UNREACHABLE
    return None
