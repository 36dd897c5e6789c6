"""Two network namespaces as two machines on one cable: found, reached, and told apart."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER, CALLER, STRANGER = "10.77.0.1", "10.77.0.2", "203.0.113.2"
ASK = """
import http.client, json, ssl, sys
from urllib.parse import urlsplit
context = ssl._create_unverified_context()
url, source, headers = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
parts = urlsplit(url)
line = http.client.HTTPSConnection(
    parts.hostname, parts.port, context=context, source_address=(source, 0), timeout=20
)
line.request("GET", parts.path, headers=headers)
answer = line.getresponse()
print(json.dumps([answer.status, json.loads(answer.read())]))
"""
FIND = """
import json, sys
from zeroconf import IPVersion, Zeroconf
found = Zeroconf(interfaces=[sys.argv[2]], ip_version=IPVersion.V4Only)
info = found.get_service_info("_otv._tcp.local.", f"{sys.argv[1]}._otv._tcp.local.", timeout=20000)
pin = (info.properties or {}).get(b"pin", b"").decode() if info else ""
print(json.dumps([info.parsed_addresses(), info.port, pin] if info else None))
found.close()
"""


def ip(*arguments: str) -> None:
    """``ip``, which must succeed."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def can_make_namespaces() -> bool:
    """Only root makes them, and not in every container."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"otv-{secrets.token_hex(4)}"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    if made.returncode == 0:
        ip("netns", "del", name)
    return made.returncode == 0


pytestmark = pytest.mark.skipif(
    not can_make_namespaces(), reason="namespaces need root and iproute2"
)


@pytest.fixture(scope="module")
def machines() -> Iterator[tuple[str, str]]:
    """The names of two namespaces that share one cable."""
    token = secrets.token_hex(3)
    here, there = f"otv-{token}-a", f"otv-{token}-b"
    try:
        for name in (here, there):
            ip("netns", "add", name)
        ip("-n", here, "link", "add", "lan0", "type", "veth", "peer", "lan0", "netns", there)
        for name, addresses in ((here, [SERVER, "203.0.113.1"]), (there, [CALLER, STRANGER])):
            for address in addresses:
                ip("-n", name, "address", "add", f"{address}/24", "dev", "lan0")
            for device in ("lo", "lan0"):
                ip("-n", name, "link", "set", device, "up")
        yield here, there
    finally:
        for name in (here, there):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@contextmanager
def served(machine: str, folder: Path) -> Iterator[list[str]]:
    """``otv-server`` without a setting but where its data lies; what it printed."""
    environment = {key: text for key, text in os.environ.items() if not key.startswith("OTV_")}
    with (folder / "out").open("w") as out, (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                *("ip", "netns", "exec", machine, sys.executable, "-m", "otv_server"),
                *("serve", "--data", str(folder / "data"), "--min-free-bytes", "0"),
            ],
            env=environment,
            stdout=out,
            stderr=log,
        )
    printed = folder / "out"
    try:
        assert eventually(lambda: "Pin" in printed.read_text(), 30), (folder / "log").read_text()
        yield printed.read_text().splitlines()
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="module")
def lines(
    machines: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[str]]:
    """What the server on the first machine printed; it runs."""
    with served(machines[0], tmp_path_factory.mktemp("machine")) as printed:
        yield printed


def on(machine: str, script: str, *arguments: str) -> Any:
    """What a program on that machine prints, parsed."""
    done = subprocess.run(
        ["ip", "netns", "exec", machine, sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask(machine: str, source: str = CALLER, **headers: str) -> tuple[int, Any]:
    """``GET /info`` by TLS, from that machine's address."""
    url = f"https://{SERVER if source == CALLER else '203.0.113.1'}:8443/api/v1/info"
    status, body = on(machine, ASK, url, source, json.dumps(headers))
    return status, body.get("upload_token", body.get("code"))


def test_addresses_are_printed(lines: list[str]) -> None:
    """Else a person has to find out where the other machine reaches it."""
    assert lines[0].endswith(" http://localhost:8000")
    assert f"One-Time View serves https://{SERVER}:8443" in lines


def test_other_machine_finds_it_by_name(lines: list[str], machines: tuple[str, str]) -> None:
    """Else a person types addresses, and trusts whatever answers there."""
    name = os.uname().nodename.partition(".")[0].lower()

    found = on(machines[1], FIND, name, CALLER)

    assert found is not None
    addresses, port, pin = found
    assert SERVER in addresses
    assert port == 8443
    assert any(line.endswith(pin) for line in lines if line.startswith("Pin"))


@pytest.mark.usefixtures("lines")
def test_neighbour_may_send_and_nobody_else(machines: tuple[str, str]) -> None:
    """Else the people in the room can't send, or people elsewhere can."""
    there = machines[1]

    assert ask(there) == (200, False)
    assert ask(there, STRANGER) == (200, True)
    assert ask(there, **{"X-Forwarded-For": "127.0.0.1"}) == (200, True)
    assert ask(there, STRANGER, **{"X-Forwarded-For": CALLER}) == (200, True)


@pytest.mark.usefixtures("lines")
def test_foreign_names_and_pages_are_refused(machines: tuple[str, str]) -> None:
    """Else any web page that the other machine opens uses this server as that machine."""
    there = machines[1]

    assert ask(there, Host="evil.example") == (421, "wrong_host")
    assert ask(there, Origin="https://evil.example") == (403, "cross_origin")
