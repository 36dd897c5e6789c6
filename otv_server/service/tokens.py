"""What an operator does with upload tokens, and what happens to one that comes in."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from otv_server.domain.errors import Malformed
from otv_server.domain.tokens import MOST_NAME_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from otv_server.domain.ports import TokenRepository
    from otv_server.domain.share import Instant
    from otv_server.domain.tokens import TokenTerms, UploadToken

TOKEN_BYTES = 24


class Tokens:
    """The use cases.

    Args:
        repository: where tokens are kept.
        random: so many unpredictable bytes.
    """

    def __init__(self, repository: TokenRepository, random: Callable[[int], bytes]) -> None:
        self._repository = repository
        self._random = random

    async def issue(self, terms: TokenTerms) -> tuple[UploadToken, str]:
        """Make a token; its text is given out here and never again.

        Hexadecimal: one double click selects it whole, and no chat program reads marks into it.

        Raises:
            Malformed: a name that is empty, too long, or a number, which would be a key.
            Conflict: a token has this name already.
        """
        is_plain = terms.name.isprintable() and not terms.name.isdigit()
        if not (terms.name and is_plain and len(terms.name) <= MOST_NAME_CHARACTERS):
            raise Malformed(
                f"A token's name has 1 to {MOST_NAME_CHARACTERS} visible characters, and is no"
                " number."
            )
        text = self._random(TOKEN_BYTES).hex()
        return await self._repository.add(terms, digest_of(text)), text

    async def every(self) -> tuple[Sequence[UploadToken], Instant]:
        """Every token, revoked ones too, and the instant of the look."""
        return await self._repository.every()

    async def revoke(self, which: str) -> UploadToken:
        """Revoke a token by its key or its name; again is fine. Shares sent with it stay.

        Raises:
            Unknown: there is none.
        """
        return await self._repository.revoke(which)

    async def recognise(self, digest: bytes) -> None:
        """Raise ``UploadTokenNeeded`` unless there is a token of this digest, good now."""
        await self._repository.recognise(digest)


def digest_of(text: str) -> bytes:
    """H of a token: all that is kept of it. Its 192 bits leave a thief of the hash no guess."""
    return sha256(text.encode()).digest()
