"""Where others reach this server, by the addresses that this machine has at the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from otv_server.network import addresses
from otv_server.network.listening import HTTPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from otv_server.network.addresses import Reachable
    from otv_server.network.listening import Listener


def served(listeners: Sequence[Listener]) -> list[Reachable]:
    """Of this machine's addresses those that HTTPS is spoken on, the likeliest first."""
    bound = [each.address for each in listeners if each.scheme == HTTPS]
    every = {address.version for address in bound if address.is_unspecified}
    found = addresses.current() if bound else []
    return [each for each in found if each.address.version in every or each.address in bound]


def likeliest(listeners: Sequence[Listener]) -> str | None:
    """The address that others most likely reach; None where there is no network."""
    port = next((each.port for each in listeners if each.scheme == HTTPS), None)
    found = served(listeners)
    return f"https://{found[0].host}:{port}" if found else None
