"""``RateRepository`` on SQL: how often a caller came, counted by all processes together.

A caller is kept as a hash under a salt that lives for a minute and is known to nobody else, so
that no address is stored, and who came in an earlier minute can't be found out.
"""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, select, text, update

from otv_server.storage.database import is_postgres
from otv_server.storage.tables import rates, salts

if TYPE_CHECKING:
    from collections.abc import Callable

    from otv_server.storage.database import Database, Transaction

SALT_BYTES = 32
MINUTE_MS = 60_000
SECOND_US = 1_000_000

_SALT = select(salts.c.salt).where(salts.c.minute == bindparam("minute"))
_RATE = select(rates.c.full_at).where(rates.c.caller == bindparam("caller")).with_for_update()
_COUNT = update(rates).where(rates.c.caller == bindparam("who")).values(full_at=bindparam("then"))
_IS_OLD = select(salts.c.minute).where(salts.c.minute < bindparam("minute")).limit(1)


FORGETTING_MS = 50  # whoever counts meanwhile waits behind this


class SqlRates:
    """Token buckets of one second's requests; the contract stands in ``domain.ports``.

    Args:
        rate: requests a second.
        random: draws n random bytes.
    """

    def __init__(self, database: Database, rate: int, random: Callable[[int], bytes]) -> None:
        self._database = database
        self._cost_us = SECOND_US // rate
        self._random = random

    async def take(self, caller: str) -> bool:
        """See ``RateRepository.take``."""
        return await self._database.write(partial(self._take, caller))

    def _take(self, caller: str, tx: Transaction) -> bool:
        hashed = blake2b(caller.encode(), key=self._salt(tx), digest_size=16).digest()
        now_us = 1000 * tx.now
        known = tx.connection.scalar(_RATE, {"caller": hashed})
        full_at = max(known or 0, now_us) + self._cost_us
        if full_at > now_us + SECOND_US:
            return False
        if known is None:
            # Where another process was first with this caller, all of it is done again.
            tx.connection.execute(insert(rates), {"caller": hashed, "full_at": full_at})
        else:
            tx.connection.execute(_COUNT, {"who": hashed, "then": full_at})
        return True

    def _salt(self, tx: Transaction) -> bytes:
        minute = tx.now // MINUTE_MS
        known: bytes | None = tx.connection.scalar(_SALT, {"minute": minute})
        if known is not None:
            return known
        salt = self._random(SALT_BYTES)
        tx.connection.execute(insert(salts), {"minute": minute, "salt": salt})
        return salt


def has_old_callers(tx: Transaction) -> bool:
    """Whether anything is kept of an earlier minute."""
    return tx.connection.execute(_IS_OLD, {"minute": tx.now // MINUTE_MS}).first() is not None


def forget_callers(tx: Transaction) -> None:
    """Forget everyone; whoever came in this very second may come once more as often.

    Raises:
        DBAPIError: on PostgreSQL, someone reads the tables for longer than a moment.
    """
    if is_postgres(tx.connection):
        # New files; what is deleted there stays in the old ones until it is overwritten. Salts
        # first, as whoever counts takes them.
        tx.connection.execute(text(f"SET LOCAL lock_timeout = {FORGETTING_MS}"))
        tx.connection.execute(text("TRUNCATE salts, rates"))
        return
    for table in (salts, rates):
        tx.connection.execute(delete(table))
