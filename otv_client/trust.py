"""Which key a server must have, and connections that are held to it.

The first of these that says something decides:

a pin from outside   the link's; a share's record's
a pin that was given `--pin`, or what the server announced on the network
a remembered pin     of a key that was met before
authorities          the certificate is vouched for, as on the web
`World.vouch`        asked once about a key that nobody knows; then it is remembered

A key that is to be met, or compared, is looked at in a handshake that goes no further:
nothing is ever sent to a server before its key is known to be the right one.
"""

from __future__ import annotations

import ssl
import threading
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import httpx

from otv_client.b64 import b64encode
from otv_client.errors import UnknownKey, Unreachable, UsageError
from otv_client.exchange import Line, http_client
from otv_client.link import origin_of
from otv_client.pins import pin_of
from otv_client.records import KeyRecord
from otv_client.tls import checked_context, pinned_context

if TYPE_CHECKING:
    from otv_client.world import World

LOOK_S = 5.0


class Trust:
    """Lines to servers, for one client. Safe to use from several threads.

    Args:
        world: memory, and who vouches for a key.
        given: a pin that its user gave.
        given_for: the server that it is the pin of; None for every one.
        ssl_context: replaces the trust in certificate authorities.
        injected: an ``httpx.Client`` of somebody's own, used as it is.
    """

    def __init__(
        self,
        world: World,
        *,
        given: bytes | None = None,
        given_for: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        injected: httpx.Client | None = None,
    ) -> None:
        self._world, self._given = world, given
        self._given_for = None if given_for is None else origin_of(given_for)
        self._ssl_context, self._injected = ssl_context, injected
        self._own: dict[tuple[str, bytes | None], httpx.Client] = {}
        self._met: dict[str, bytes] = {}
        self._meeting = threading.Lock()

    def close(self) -> None:
        """Close the connections that were opened here."""
        for http in self._own.values():
            http.close()
        self._own.clear()

    def line(self, server: str, pin: bytes | None = None) -> Line:
        """A way to ``server``; ``pin`` comes from outside.

        Raises:
            UsageError: the key can't be checked.
        """
        given = self._given_pin(server)
        if pin and given and pin != given:
            raise UsageError("the link names another key of the server than the one given")
        pin = pin or given or self._known(server)
        if self._injected is not None:
            if pin is not None:
                raise UsageError("a key can't be checked through an httpx.Client of another's")
            return Line(self._injected)
        if pin is None:
            return Line(self._http(server, None), meet=partial(self._meet, server))
        if not server.startswith("https://"):
            raise UsageError("over plain http:// there is no key to check, so nothing was sent")
        return Line(self._http(server, pin), pin)

    def keep_given(self, server: str) -> None:
        """Remember the pin that was given, now that ``server`` has shown that key."""
        given = self._given_pin(server)
        if given is not None and self._known(server) != given:
            self._remember(server, given)

    # --- memory -----------------------------------------------------------------------------

    def _given_pin(self, server: str) -> bytes | None:
        is_meant = self._given_for in (None, origin_of(server))
        return self._given if is_meant else None

    def _known(self, server: str) -> bytes | None:
        origin = origin_of(server)
        state = self._world.state
        if origin not in self._met and state and (record := state.key(origin)):
            return record.pin
        return self._met.get(origin)

    def _remember(self, server: str, pin: bytes) -> None:
        origin = origin_of(server)
        self._met[origin] = pin
        if self._world.state:
            self._world.state.save_key(KeyRecord(origin, pin))

    # --- connections ------------------------------------------------------------------------

    def _http(self, server: str, pin: bytes | None) -> httpx.Client:
        of = (server.partition(":")[0], pin)
        if of not in self._own:
            context = self._ssl_context if pin is None else pinned_context(pin)
            self._own[of] = http_client(server, context)
        return self._own[of]

    def _meet(self, server: str) -> Line:
        """The line to a server whose key nobody knew, once somebody has vouched for it."""
        with self._meeting:
            if self._known(server) is None:
                self._introduce(server)
        return self.line(server)

    def _introduce(self, server: str) -> None:
        pin = shown_pin(server)
        text = b64encode(pin)
        if not self._world.vouch(server, text):
            raise UnknownKey(
                f"{server} has a key of its own, which nobody vouches for; nothing was sent",
                hint=f"if the server prints {text} when it starts, give that with --pin",
            )
        self._remember(server, pin)


class _Seen(ssl.SSLError):
    """The key was looked at; the handshake has served its purpose."""


def shown_pin(server: str, timeout: float = LOOK_S) -> bytes:
    """The pin of the key that a server shows, 15 bytes; nothing is sent to it but a handshake.

    Args:
        server: ``https://host[:port]``.
        timeout: seconds, for connecting and for the handshake.

    Raises:
        Unreachable: no answer, no TLS, or a key that can't be read.
    """
    certificates: list[bytes] = []

    def hang_up(certificate: bytes) -> None:
        certificates.append(certificate)
        raise _Seen("seen")

    with (
        http_client(server, checked_context(hang_up)) as http,
        suppress(httpx.TransportError, httpx.InvalidURL, UnicodeError),
    ):
        http.get(server, timeout=timeout)
    try:
        return pin_of(certificates[0])
    except (IndexError, ValueError):
        raise Unreachable(f"{server} shows no key that can be read") from None
