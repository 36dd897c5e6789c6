"""``TokenRepository`` on SQL, and what a share costs the token that it is sent with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from otv_server.domain.errors import Conflict, Unknown
from otv_server.domain.tokens import UploadToken, check_token, pay_for_share
from otv_server.storage.tables import token_shares, upload_tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otv_server.domain.share import Instant
    from otv_server.domain.tokens import TokenTerms
    from otv_server.storage.database import Database, Transaction
    from otv_server.storage.rows import AnyRow

MOST_KEY_DIGITS = 18  # of 64 bits

_TOKEN = select(upload_tokens).where(upload_tokens.c.digest == bindparam("digest"))
_HELD_TOKEN = _TOKEN.with_for_update()


class SqlTokens:
    """Upload tokens; the contract stands in ``domain.ports``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, terms: TokenTerms, digest: bytes) -> UploadToken:
        """See ``TokenRepository.add``."""
        return await self._database.write(partial(_add, terms, digest))

    async def every(self) -> tuple[Sequence[UploadToken], Instant]:
        """See ``TokenRepository.every``."""
        return await self._database.read(_every)

    async def revoke(self, which: str) -> UploadToken:
        """See ``TokenRepository.revoke``."""
        return await self._database.write(partial(_revoke, which))

    async def recognise(self, digest: bytes) -> None:
        """See ``TokenRepository.recognise``."""
        await self._database.read(partial(_recognise, digest))


def _add(terms: TokenTerms, digest: bytes, tx: Transaction) -> UploadToken:
    ends_at = None if terms.ttl_s is None else tx.now + 1000 * terms.ttl_s
    try:
        key = tx.connection.scalar(
            insert(upload_tokens).returning(upload_tokens.c.key),
            {
                "name": terms.name,
                "digest": digest,
                "share_bytes": terms.share_bytes,
                "shares_per_hour": terms.shares_per_hour,
                "created_at": tx.now,
                "expires_at": ends_at,
                "busy_until": 0,
                "shares": 0,
            },
        )
    except IntegrityError:
        raise Conflict("There is a token of this name already.") from None
    return _to_token(_row(tx, key))


def _every(tx: Transaction) -> tuple[Sequence[UploadToken], Instant]:
    rows = tx.connection.execute(select(upload_tokens).order_by(upload_tokens.c.key))
    return [_to_token(row) for row in rows], tx.now


def _revoke(which: str, tx: Transaction) -> UploadToken:
    row = tx.connection.execute(_chosen(which).with_for_update()).first()
    if row is None:
        raise Unknown("There is no such token.")
    if row.revoked_at is None:
        tx.connection.execute(
            update(upload_tokens).where(upload_tokens.c.key == row.key).values(revoked_at=tx.now)
        )
    return _to_token(_row(tx, row.key))


def _chosen(which: str) -> Select[Any]:
    """By key or by name; no name is a number, and no key has as many digits as don't fit."""
    is_key = which.isdecimal() and len(which) <= MOST_KEY_DIGITS
    chosen = upload_tokens.c.key == int(which) if is_key else upload_tokens.c.name == which
    return select(upload_tokens).where(chosen)


def hold_token(tx: Transaction, digest: bytes) -> UploadToken | None:
    """The token of this digest, good or not, held until the transaction ends; None: unknown."""
    return _found(tx, _HELD_TOKEN, digest)


def spend(tx: Transaction, held: UploadToken | None, size: int) -> UploadToken:
    """Let a token that is held pay for one share more.

    Raises:
        UploadTokenNeeded, TooLarge, SlowDown: it doesn't.
    """
    token = check_token(held, tx.now)
    busy_until = pay_for_share(token, size, tx.now)
    tx.connection.execute(
        update(upload_tokens)
        .where(upload_tokens.c.key == token.key)
        .values(busy_until=busy_until, shares=upload_tokens.c.shares + 1)
    )
    return token


def bind_share(tx: Transaction, token: UploadToken, share_key: int) -> None:
    """Keep what a share may grow to, where it didn't declare its size."""
    if token.share_bytes is not None:
        tx.connection.execute(
            insert(token_shares), {"share_key": share_key, "share_bytes": token.share_bytes}
        )


def bound_bytes(tx: Transaction, share_key: int) -> int | None:
    """What a share may grow to; None where its token sets no limit, or there was none."""
    return tx.connection.scalar(
        select(token_shares.c.share_bytes).where(token_shares.c.share_key == share_key)
    )


def _recognise(digest: bytes, tx: Transaction) -> None:
    check_token(_found(tx, _TOKEN, digest), tx.now)


def _found(tx: Transaction, query: Select[Any], digest: bytes) -> UploadToken | None:
    row = tx.connection.execute(query, {"digest": digest}).first()
    return None if row is None else _to_token(row)


def _row(tx: Transaction, key: int | None) -> AnyRow:
    return tx.connection.execute(select(upload_tokens).where(upload_tokens.c.key == key)).one()


def _to_token(row: AnyRow) -> UploadToken:
    return UploadToken(
        key=row.key,
        name=row.name,
        digest=row.digest,
        share_bytes=row.share_bytes,
        shares_per_hour=row.shares_per_hour,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        busy_until=row.busy_until,
        shares=row.shares,
    )
