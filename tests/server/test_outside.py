"""From outside: a public URL, a proxy's names, a tunnel (against a stand-in of its SDK)."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from otv_client.pins import pin_of
from otv_server.network import addresses
from otv_server.network import tunnel as tunnels
from otv_server.network.errors import CantServe
from otv_server.network.tunnel import tunnel
from otv_server.settings import BadSetting, load
from tests.conftest import running_server
from tests.server.test_lan import check_refused, untrusting
from tests.server.timed import timed_api
from tests.standins import ngrok
from tests.support import b64, free_port
from tests.tls import tls_server

if TYPE_CHECKING:
    from tests.conftest import RunningServer

STANDINS = Path(__file__).parent.parent / "standins"
SECRET = "a-token-of-an-account"


@pytest.mark.parametrize(
    "url",
    [
        "https://share.example/path",
        "https://share.example/otv/",
        "share.example",
        "https://",
        "ftp://share.example",
        "https://user@share.example",
        "https://share.example?x",
        "https://share.example#x",
        "https://a b",
        "",
    ],
)
def test_public_url_is_an_origin_and_nothing_else(url: str) -> None:
    """Else links are made that lead nowhere, and the operator learns of it from a recipient."""
    with pytest.raises(BadSetting):
        load({"OTV_PUBLIC_URL": url})


def test_path_is_refused_in_words() -> None:
    """Else an operator looks for a typing error where the form is what can't be."""
    with pytest.raises(BadSetting, match="path"):
        load({"OTV_PUBLIC_URL": "https://share.example/otv"})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "10.0.0.1;10.0.0.2"),
        ("NAMES", "https://share.example"),
        ("NAMES", "share.example:8443"),
        ("NAMES", "*"),
        ("UPLOADS", "all"),
        ("TUNNEL", "other"),
        ("LAN_HTTP", "perhaps"),
        ("HTTPS_PORT", "70000"),
        ("HTTPS_PORT", "8000"),
    ],
)
def test_nonsense_is_refused(setting: str, value: str) -> None:
    """Else a server lets in whom nobody meant."""
    with pytest.raises(BadSetting):
        load({f"OTV_{setting}": value})


def told_of_links(server: RunningServer, **headers: str) -> tuple[str | None, str | None]:
    """Where a caller on this machine is told that others reach the server, and the pin."""
    info = httpx.get(f"{server.url}/api/v1/info", headers=headers).json()
    return info["address"], info["pin"]


def test_links_of_this_machine_are_those_of_the_public_url(tmp_path: Path) -> None:
    """Else whoever sends from the server's machine sends links to `localhost` into the world."""
    with running_server(tmp_path, public_url="https://share.example/", min_free_bytes=0) as server:
        assert told_of_links(server) == ("https://share.example", None)


def test_links_of_this_machine_are_those_of_its_network(tmp_path: Path) -> None:
    """Else the code that a new user's laptop shows leads the phone to the phone."""
    port = free_port()
    with running_server(tmp_path, host=None, https_port=port, discovery=False) as server:
        told = told_of_links(server)
        pin = pin_of(ssl.PEM_cert_to_DER_cert((server.data / "tls/certificate.pem").read_text()))

    here = [f"https://{each.host}:{port}" for each in addresses.current()]
    assert told == ((here[0], b64(pin)) if here else (None, None))


def test_only_callers_of_this_machine_are_told_of_its_network(tmp_path: Path) -> None:
    """Else a stranger who comes through a proxy, of HTTP or TLS, learns the house's addresses."""
    with tls_server(tmp_path) as secure:
        info = httpx.get(f"{secure.url}/api/v1/info", verify=untrusting()).json()
    with running_server(tmp_path, host=None, https_port=free_port(), discovery=False) as server:
        forwarded = told_of_links(server, **{"X-Forwarded-For": "127.0.0.1"})

    assert (info["address"], info["pin"]) == (None, secure.pin_text)
    assert forwarded == (None, None)


def test_server_of_this_machine_alone_has_no_other_address(tmp_path: Path) -> None:
    """Else links lead to where nobody listens."""
    with running_server(tmp_path) as server:
        assert told_of_links(server) == (None, None)


@pytest.mark.parametrize(
    ("host", "is_strict"), [("share.example", True), ("127.0.0.1", False), ("localhost", False)]
)
def test_strict_transport_is_told_where_a_proxy_speaks_tls(
    tmp_path: Path, host: str, *, is_strict: bool
) -> None:
    """Else a browser lets itself be led to plain HTTP, where anyone may answer."""
    settings: dict[str, Any] = {"public_url": "https://share.example"}
    with timed_api(tmp_path, **settings) as api:
        answer = api.http.get("/info", headers={"Host": host})

    assert ("Strict-Transport-Security" in answer.headers) is is_strict


@pytest.fixture
def standing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in, in the place of the SDK."""
    monkeypatch.setitem(sys.modules, "ngrok", ngrok)


@pytest.mark.usefixtures("standing_in")
def test_tunnel_is_closed_in_the_end(capfd: pytest.CaptureFixture[str]) -> None:
    """Else the public name leads to whatever listens there next."""
    with tunnel(8000, SECRET) as url:
        assert url == ngrok.URL

    assert f"closed {ngrok.URL}" in capfd.readouterr().err


@pytest.mark.usefixtures("standing_in")
@pytest.mark.parametrize(
    ("token", "words"),
    [
        (None, "NGROK_AUTHTOKEN"),
        ("", "NGROK_AUTHTOKEN"),
        ("refused", "token"),
        ("no-network", "network"),
    ],
)
def test_tunnel_that_fails_says_why_and_keeps_the_token(token: str | None, words: str) -> None:
    """Else a person guesses between a token, an account and a cable; or the token is in a log."""
    with pytest.raises(CantServe, match=words) as raised, tunnel(8000, token):
        pass

    assert not token or token not in str(raised.value).replace("refuses", "")
    assert raised.value.__cause__ is None


@pytest.mark.usefixtures("standing_in")
def test_silent_tunnel_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a server without a network seems to start for ever."""
    monkeypatch.setattr(tunnels, "PATIENCE_S", 0.05)
    monkeypatch.setenv("STANDIN_SILENCE_S", "0.5")

    with pytest.raises(CantServe, match="network"), tunnel(8000, "silent"):
        pass


def test_missing_sdk_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a person reads of a module that can't be imported."""
    monkeypatch.setitem(sys.modules, "ngrok", None)

    with pytest.raises(CantServe, match=r"one-time-view\[tunnel\]"), tunnel(8000, SECRET):
        pass


def test_server_behind_a_tunnel_asks_for_tokens_and_knows_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the tunnel opens the house to the internet, or leads to a refusal."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STANDINS), str(STANDINS.parent.parent)]))
    monkeypatch.setenv("NGROK_AUTHTOKEN", SECRET)
    with running_server(tmp_path, tunnel="ngrok", min_free_bytes=0) as server:
        answer = httpx.get(f"{server.url}/api/v1/info", headers={"Host": "stand-in.example"})
        printed = server.said()

    assert answer.json()["upload_token"] is True
    assert f"serves {ngrok.URL}" in printed
    assert "stand-in for ngrok's SDK: closed" in server.log_text()
    assert SECRET not in printed + server.log_text()


def test_tunnel_without_a_token_is_one_sentence(tmp_path: Path) -> None:
    """Else a person reads a traceback of a library."""
    kept = {
        key: text
        for key, text in os.environ.items()
        if not key.startswith("OTV_") and key != "NGROK_AUTHTOKEN"
    }
    place = os.pathsep.join([str(STANDINS), str(STANDINS.parent.parent)])
    done = subprocess.run(
        [
            *(sys.executable, "-m", "otv_server", "serve", "--host", "127.0.0.1", "--port", "0"),
            *("--tunnel", "ngrok", "--data", str(tmp_path / "data")),
        ],
        env=kept | {"PYTHONPATH": place},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    check_refused(done, "NGROK_AUTHTOKEN")
