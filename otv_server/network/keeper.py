"""What has to follow a network that changes: the certificate's addresses, and who is told of them.

A laptop that moves to another network keeps serving: its sockets listen on every address. The
certificate, and the record that clients find it by, are brought up to date from a thread.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import structlog

from otv_server.network import addresses
from otv_server.network.certificates import Subject, utc_now
from otv_server.network.errors import CantServe
from otv_server.network.hostnames import LOCALHOST
from otv_server.network.identity import Identity, keep
from otv_server.network.listening import LOOPBACKS
from otv_server.network.pins import host_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from otv_server.network.addresses import Reachable
    from otv_server.network.identity import Files

LOOK_EVERY_S = 30.0

log = structlog.get_logger()


class Herald(Protocol):
    """Who tells the network of this server."""

    def tell(self, reachable: Sequence[Reachable]) -> None:
        """Tell it, in place of what was told before."""
        ...

    def fall_silent(self) -> None:
        """Take back what was told."""
        ...


def identify(
    files: Files, names: frozenset[str], reachable: Sequence[Reachable], now: datetime
) -> Identity:
    """The key and a certificate for these names and addresses, made or renewed where need be.

    Raises:
        CantServe: the key can't be used.
    """
    hosts = frozenset(each.address for each in reachable) | LOOPBACKS
    return keep(files, lambda pin: Subject(names | {LOCALHOST, host_name(pin)}, hosts), now)


class Keeper(threading.Thread):
    """Looks at the network every half minute. Whatever goes wrong, serving goes on.

    Args:
        files: of the certificate.
        names: for the certificate.
        herald: told of every change, if there is one.
        look: this machine's addresses; replaced in tests.
    """

    def __init__(
        self,
        files: Files,
        names: frozenset[str],
        herald: Herald | None,
        look: Callable[[], list[Reachable]] = addresses.current,
        every_s: float = LOOK_EVERY_S,
    ) -> None:
        super().__init__(name="otv-network", daemon=True)
        self._files = files
        self._names = names
        self._herald = herald
        self._look = look
        self._every_s = every_s
        self._stopping = threading.Event()
        self._told: list[Reachable] | None = None

    def run(self) -> None:
        """Until stopped."""
        while True:
            self.look_once()
            if self._stopping.wait(self._every_s):
                break
        if self._herald is not None:
            self._herald.fall_silent()

    def stop(self) -> None:
        """Take back what was told, and end."""
        self._stopping.set()
        self.join(timeout=5)  # nobody waits for a network that is gone

    def look_once(self) -> None:
        """Bring everything up to date."""
        try:
            reachable = self._look()
            identify(self._files, self._names, reachable, utc_now())
        except (CantServe, OSError) as error:
            log.warning("the certificate was not renewed", error=type(error).__name__)
            return
        if self._herald is not None and reachable != self._told:
            self._tell(self._herald, reachable)

    def _tell(self, herald: Herald, reachable: list[Reachable]) -> None:
        try:
            herald.tell(reachable)
        except Exception as error:  # noqa: BLE001  # whatever it was, serving goes on
            if self._told != []:
                log.warning("the network was not told of this server", error=type(error).__name__)
            self._told = []
        else:
            self._told = reachable
