"""Callers of the HTTP interface without any envelope: proofs and bytes are plain random.

The server can't tell: to it a manifest and a part are opaque. Tests of what clients make of
them use the real client.
"""

from __future__ import annotations

import errno
import itertools
import os
import random
import secrets
import socket
import time
from base64 import b64encode, urlsafe_b64encode
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PORTS_FROM, PORTS_EACH = 20_000, 2_000  # for each worker of pytest-xdist
PART = 8 << 20
MANIFEST_BYTES = 4202  # the smallest bucket, sealed


def b64(data: bytes) -> str:
    """base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def hashed(data: bytes) -> bytes:
    """H of the protocol."""
    return sha256(data).digest()


def new_id() -> bytes:
    """An id of a share or a link."""
    return secrets.token_bytes(12)


def new_secret() -> bytes:
    """An O, T, A or U."""
    return secrets.token_bytes(32)


def free_port() -> int:
    """A port that nobody listens on."""
    return free_ports(1)[0]


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as opened:
        return [_bound(opened.enter_context(socket.socket())) for _ in range(count)]


def _bound(line: socket.socket) -> int:
    while True:
        with suppress(OSError):  # somebody has it
            line.bind(("127.0.0.1", next(_ports)))
            port: int = line.getsockname()[1]
            return port


def _own_ports() -> Iterator[int]:
    """This worker's: until a server listens there no other takes one, and no connection gets one.

    Where connections get all that there are, 0, which is any.
    """
    kernels = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = PORTS_FROM + worker * PORTS_EACH
    if first + PORTS_EACH > int(kernels.split()[0]):
        return itertools.repeat(0)
    start = random.randrange(PORTS_EACH)  # on this machine others may run the tests, too
    return (first + at % PORTS_EACH for at in itertools.count(start))


_ports = _own_ports()


def verdict(answer: httpx.Response) -> tuple[int, str | None]:
    """The status, and the stable code where the answer is a problem (RFC 9457)."""
    is_problem = answer.headers.get("Content-Type") == "application/problem+json"
    return answer.status_code, answer.json()["code"] if is_problem else None


def bearer(proof: bytes) -> dict[str, str]:
    """The header that carries a proof."""
    return {"Authorization": f"Bearer {b64(proof)}"}


def digest_header(data: bytes) -> dict[str, str]:
    """``Content-Digest`` of RFC 9530."""
    return {"Content-Digest": f"sha-256=:{b64encode(hashed(data)).decode()}:"}


def root_of(parts: list[bytes]) -> bytes:
    """The root of a content in these parts (protocol section 6)."""
    total = sum(map(len, parts))
    digests = b"".join(hashed(part) for part in parts)
    return hashed(b"otv/1 root\0" + total.to_bytes(8, "big") + digests)


@dataclass
class RawLink:
    """A link as the wire sees it: id, A, U and an opaque manifest."""

    id: bytes = field(default_factory=lambda: secrets.token_bytes(12))
    access: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    unlock: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    manifest: bytes = field(default_factory=lambda: secrets.token_bytes(MANIFEST_BYTES))
    opens: int = 1
    delay_s: int = 0
    ttl_s: int = 600

    @property
    def body(self) -> dict[str, Any]:
        """``Link`` of the protocol's JSON."""
        return {
            "id": b64(self.id),
            "access": b64(hashed(self.access)),
            "unlock": b64(hashed(self.unlock)),
            "manifest": b64(self.manifest),
            "opens": self.opens,
            "delay_s": self.delay_s,
            "ttl_s": self.ttl_s,
        }


@dataclass
class Api:
    """Every call of protocol section 7, with nothing hidden and nothing retried."""

    http: httpx.Client

    @classmethod
    def of(cls, url: str) -> Api:
        """Calls to the server at ``url``."""
        return cls(httpx.Client(base_url=f"{url}/api/v1", timeout=30))

    def create(
        self, sid: bytes, owner: bytes, size: int | None, links: list[RawLink] | None = None
    ) -> httpx.Response:
        """``PUT /shares/{sid}``."""
        body: dict[str, Any] = {"owner": b64(hashed(owner)), "bytes": size}
        if links is not None:
            body["links"] = [link.body for link in links]
        return self.http.put(f"/shares/{b64(sid)}", json=body)

    def part(self, sid: bytes, owner: bytes, index: int, data: bytes) -> httpx.Response:
        """``PUT /shares/{sid}/parts/{j}``."""
        return self.http.put(
            f"/shares/{b64(sid)}/parts/{index}",
            content=data,
            headers=bearer(owner) | digest_header(data),
        )

    def seal(
        self,
        sid: bytes,
        owner: bytes,
        parts: list[bytes],
        links: list[RawLink],
        /,
        **changed: object,
    ) -> httpx.Response:
        """``POST /shares/{sid}/seal`` over these parts; ``changed`` replaces fields."""
        body: dict[str, Any] = {
            "parts": len(parts),
            "bytes": sum(map(len, parts)),
            "root": b64(root_of(parts)),
            "links": [link.body for link in links],
        }
        return self.http.post(
            f"/shares/{b64(sid)}/seal", json=body | changed, headers=bearer(owner)
        )

    def share(self, sid: bytes, owner: bytes) -> httpx.Response:
        """``GET /shares/{sid}``."""
        return self.http.get(f"/shares/{b64(sid)}", headers=bearer(owner))

    def reset(self, sid: bytes, owner: bytes, link: RawLink) -> httpx.Response:
        """``POST /shares/{sid}/links/{id}/reset``."""
        return self.http.post(
            f"/shares/{b64(sid)}/links/{b64(link.id)}/reset", headers=bearer(owner)
        )

    def revoke(self, sid: bytes, owner: bytes, link: RawLink | None = None) -> httpx.Response:
        """``DELETE`` of a share or of one of its links."""
        path = f"/shares/{b64(sid)}" + ("" if link is None else f"/links/{b64(link.id)}")
        return self.http.delete(path, headers=bearer(owner))

    def look(self, link: RawLink) -> httpx.Response:
        """``GET /links/{id}``."""
        return self.http.get(f"/links/{b64(link.id)}", headers=bearer(link.access))

    def claim(self, link: RawLink, lease: bytes, unlock: bytes | None = None) -> httpx.Response:
        """``POST /links/{id}/claim``."""
        return self.http.post(
            f"/links/{b64(link.id)}/claim",
            json={"unlock": b64(unlock or link.unlock), "lease": b64(hashed(lease))},
            headers=bearer(link.access),
        )

    def content(self, link: RawLink, lease: bytes, **headers: str) -> httpx.Response:
        """``GET /links/{id}/content``; ``range_``/``if_range`` become headers."""
        named = {name.strip("_").replace("_", "-").title(): text for name, text in headers.items()}
        return self.http.get(f"/links/{b64(link.id)}/content", headers=bearer(lease) | named)

    def ack(self, link: RawLink, lease: bytes, outcome: str = "opened") -> httpx.Response:
        """``POST /links/{id}/ack`` with a MAC that only a client could check."""
        return self.http.post(
            f"/links/{b64(link.id)}/ack",
            json={"outcome": outcome, "mac": b64(hashed(lease + outcome.encode()))},
            headers=bearer(lease),
        )


@dataclass
class RawShare:
    """A share that is live: what its sender keeps, and its links."""

    api: Api
    sid: bytes
    owner: bytes
    links: list[RawLink]
    parts: list[bytes]

    @property
    def link(self) -> RawLink:
        """The only link."""
        (link,) = self.links
        return link

    def report(self) -> Any:
        """``GET /shares/{sid}``, parsed."""
        return self.api.share(self.sid, self.owner).json()


def send_small(api: Api, *links: RawLink) -> RawShare:
    """A share without content, live at once."""
    share = RawShare(api, secrets.token_bytes(12), secrets.token_bytes(32), [*links], [])
    share.links = share.links or [RawLink()]
    assert api.create(share.sid, share.owner, 0, share.links).status_code == 201
    return share


def begin(api: Api, size: int | None) -> RawShare:
    """A share that uploads; it has no links and no parts yet."""
    share = RawShare(api, new_id(), new_secret(), [], [])
    assert api.create(share.sid, share.owner, size).status_code == 201
    return share


def send_content(api: Api, parts: list[bytes], *links: RawLink) -> RawShare:
    """A share with content, uploaded and sealed."""
    share = RawShare(api, secrets.token_bytes(12), secrets.token_bytes(32), [*links], parts)
    share.links = share.links or [RawLink()]
    assert api.create(share.sid, share.owner, sum(map(len, parts))).status_code == 201
    for index, part in enumerate(parts):
        assert api.part(share.sid, share.owner, index, part).status_code == 201
    assert api.seal(share.sid, share.owner, parts, share.links).status_code == 200
    return share


def moved(link: str, server: str) -> str:
    """The same link at another server; its checksum knows no server."""
    return f"{server}/s/{link.partition('/s/')[2]}"


def full_for_a_moment() -> Callable[[int, Any, int], int]:
    """An ``os.pwrite`` on a disk that has no room for the second piece, and then has."""
    real, calls = os.pwrite, itertools.count(1)

    def pwrite(handle: int, data: Any, offset: int) -> int:
        if next(calls) == 2:
            raise OSError(errno.ENOSPC, "full")
        return real(handle, data, offset)

    return pwrite


def eventually(is_so: Callable[[], bool], within_s: float = 5, every_s: float = 0.02) -> bool:
    """Whether a process did what it does by itself, within the time that it has for it."""
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
