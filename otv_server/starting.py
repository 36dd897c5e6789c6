"""From settings to something that can be served: sockets, key, certificate, who is told of it."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from otv_server.network import addresses, hostnames
from otv_server.network.certificates import utc_now
from otv_server.network.elsewhere import served
from otv_server.network.identity import Files, Identity
from otv_server.network.keeper import Keeper, identify
from otv_server.network.listening import HTTP, HTTPS
from otv_server.network.tunnel import tunnel
from otv_server.serving import Secured, Serving, bind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from otv_server.network.addresses import Reachable
    from otv_server.network.keeper import Herald
    from otv_server.network.listening import Listener
    from otv_server.settings import Settings

TLS_FOLDER = "tls"


@dataclass(frozen=True, slots=True)
class Ready:
    """A server that listens and does not answer yet.

    Attributes:
        serving: what is to be served.
        reachable: where others reach this machine; empty where they are not to, or where there is
            no network.
        identity: where HTTPS is spoken.
    """

    serving: Serving
    reachable: tuple[Reachable, ...] = ()
    identity: Identity | None = None


@contextmanager
def started(settings: Settings, tunnel_token: str | None = None) -> Iterator[Ready]:
    """Bind, and where other machines are served keep the certificate up to date meanwhile.

    ``settings.public_url`` is the tunnel's, where there is one.

    Raises:
        CantServe: a port, the key, the certificate or the tunnel can't be used.
    """
    listeners = tuple(bind(settings))
    if settings.tunnel is None:
        with _in_network(settings, listeners) as ready:
            yield ready
        return
    port = next(each.port for each in listeners if each.scheme == HTTP)
    with (
        tunnel(port, tunnel_token) as url,
        _in_network(replace(settings, public_url=url), listeners) as ready,
    ):
        yield ready


@contextmanager
def _in_network(settings: Settings, listeners: tuple[Listener, ...]) -> Iterator[Ready]:
    if not any(each.scheme == HTTPS for each in listeners):
        yield Ready(Serving(settings, listeners, None))
        return
    files, names = _files(settings), _names(settings)
    reachable = served(listeners)
    identity = identify(files, names, reachable, utc_now())
    herald = _herald(identity, listeners) if settings.discovery else None
    keeper = Keeper(files, names, herald, lambda: served(listeners))
    keeper.start()
    try:
        secured = Secured(files, identity.pin)
        yield Ready(Serving(settings, listeners, secured), tuple(reachable), identity)
    finally:
        keeper.stop()


def _herald(identity: Identity, listeners: Sequence[Listener]) -> Herald:
    from otv_server.network.discovery import Announcement  # noqa: PLC0415  # a slow import

    port = next(each.port for each in listeners if each.scheme == HTTPS)
    return Announcement(socket.gethostname(), identity.pin, port)


def identity_of(settings: Settings) -> Identity:
    """The key and the certificate, made where need be; nothing is listened on.

    Raises:
        CantServe: the key can't be used.
    """
    return identify(_files(settings), _names(settings), addresses.current(), utc_now())


def _files(settings: Settings) -> Files:
    return Files(settings.data / TLS_FOLDER)


def _names(settings: Settings) -> frozenset[str]:
    return hostnames.current() | settings.known_names
