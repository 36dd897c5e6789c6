"""Which address links name: the one that was used, but for senders on the server's own machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import httpx
import pytest

from otv_client import Client, Unreachable
from otv_client.b64 import b64encode
from otv_client.link import parse_link
from otv_client.retry import Patience

if TYPE_CHECKING:
    from tests.conftest import RunningServer

ELSEWHERE, PIN = "https://10.0.0.5:8443", bytes(range(15))


class Telling(httpx.BaseTransport):
    """The real server, whatever address it is asked at; and what its Info says of an address."""

    def __init__(self, server: str, told: dict[str, str | None]) -> None:
        self._server = httpx.URL(server)
        self._told = told
        self._wire = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on."""
        asked, here = request.url, self._server
        request.url = asked.copy_with(scheme=here.scheme, host=here.host, port=here.port)
        request.headers["Host"] = here.netloc.decode()
        answer = self._wire.handle_request(request)
        if asked.path != "/api/v1/info":
            return answer
        body = json.dumps(json.loads(answer.read()) | self._told).encode()
        return httpx.Response(200, stream=httpx.ByteStream(body))

    def close(self) -> None:
        """With the client."""
        self._wire.close()


def link_by(server: RunningServer, used: str, address: str | None, pin: bytes | None) -> str:
    """A link that is made at ``used`` of a server that says this of itself."""
    told = {"address": address, "pin": None if pin is None else b64encode(pin)}
    with httpx.Client(transport=Telling(server.url, told)) as http, Client(used, http=http) as me:
        return me.send("x").links[0].link


@pytest.mark.parametrize(
    "used",
    [
        "http://localhost:8000",
        "http://LOCALHOST.:8000",
        "http://box.localhost",
        "http://127.0.0.1:8000",
        "http://127.9.9.9",
        "http://[::1]:8000",
    ],
)
@pytest.mark.parametrize("pin", [PIN, None], ids=["a key of its own", "an authority's"])
def test_sender_on_the_servers_machine_gets_links_for_others(
    server: RunningServer, used: str, pin: bytes | None
) -> None:
    """The first link that a new user makes would lead its recipient to the recipient's machine."""
    link = parse_link(link_by(server, used, ELSEWHERE, pin))

    assert (link.server, link.pin) == (ELSEWHERE, pin)


def test_link_names_the_used_address_where_there_is_no_other(server: RunningServer) -> None:
    """A server of one machine alone could not be tried out."""
    link = parse_link(link_by(server, "http://localhost:8000", None, None))

    assert (link.server, link.pin) == ("http://localhost:8000", None)


@pytest.mark.parametrize(
    "used",
    [
        "https://share.example",
        "http://10.0.0.1:8000",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://notlocalhost",
    ],
)
def test_server_elsewhere_has_no_say(server: RunningServer, used: str) -> None:
    """Whoever meddles with plain HTTP could have every recipient sent to a page of theirs."""
    link = parse_link(link_by(server, used, "https://evil.example", PIN))

    assert (link.server, link.pin) == (used, None)


@pytest.mark.parametrize(
    "address", ["", "evil", "javascript:alert(1)", "https://user@evil.example"]
)
def test_odd_address_is_nonsense(server: RunningServer, address: str) -> None:
    """A link would lead nowhere, and nobody know why."""
    told: dict[str, str | None] = {"address": address}
    with (
        httpx.Client(transport=Telling(server.url, told)) as http,
        Client("http://localhost", http=http, patience=Patience(0.1, 0.1)) as client,
        pytest.raises(Unreachable),
    ):
        client.send("x")
