"""A real S3-compatible store of the tests' own: OpenStack Swift with its S3 interface.

Four processes on loopback, as in any Swift, with one disk and one copy of everything; they are
ended by their own ids.
"""

from __future__ import annotations

import hmac
import os
import pwd
import secrets
import socket
import subprocess
import sys
import time
from base64 import b64encode
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import formatdate
from http.client import HTTPConnection
from typing import TYPE_CHECKING

from obstore.store import S3Store

from otv_server.storage.places import CLIENT_OPTIONS, MOST_RETRIES, REQUEST_S, RETRIES
from tests.support import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from obstore.store import S3Config

STARTUP_S = 60
USER = "otv:tests"
BUCKET = "ciphertext"
REGION = "us-east-1"
KINDS = ("account", "container", "object")
# The ring of each kind: which of its (one) disks holds what.
RINGS = """\
import sys
from swift.common.ring import RingBuilder
folder = sys.argv[1]
for kind, port in zip(("account", "container", "object"), sys.argv[2:]):
    ring = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1",
                  "port": int(port), "device": "disk", "meta": ""})
    ring.rebalance(seed=1)
    ring.get_ring().save(f"{folder}/{kind}.ring.gz")
"""
COMMON = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
user = {user}
workers = 0
log_level = ERROR
log_address = /dev/null
# A busy machine is no broken one: else listings stay wrong, and the only disk is left alone.
conn_timeout = 20
node_timeout = 60
container_update_timeout = 60
error_suppression_limit = 1000
"""
NODE = """\
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
PROXY = """\
[pipeline:main]
pipeline = catch_errors s3api tempauth bulk slo proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_otv_tests = {secret} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
"""


@dataclass(frozen=True)
class S3:
    """A running store: where it listens, and what a client's environment must hold."""

    port: int
    process_ids: list[int]
    secret: str = field(repr=False)

    @property
    def url(self) -> str:
        """Its endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """What obstore and ``otv-server`` read; another endpoint may stand for the store's own."""
        return {
            "AWS_ACCESS_KEY_ID": USER,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": endpoint or self.url,
            "AWS_REGION": REGION,
        }

    def client(
        self,
        prefix: str,
        endpoint: str | None = None,
        *,
        bucket: str = BUCKET,
        secret_access_key: str | None = None,
        timeout_s: float = REQUEST_S,
        retries: int = MOST_RETRIES,
    ) -> S3Store:
        """The store's own client of a bucket, as the server makes it."""
        config: S3Config = {
            "access_key_id": USER,
            "secret_access_key": secret_access_key or self.secret,
            "region": REGION,
            "endpoint": endpoint or self.url,
        }
        options = CLIENT_OPTIONS | {"timeout": timedelta(seconds=timeout_s)}
        return S3Store(
            bucket,
            prefix=prefix,
            config=config,
            client_options=options,
            retry_config=RETRIES | {"max_retries": retries},
        )


@contextmanager
def running_store(folder: Path) -> Iterator[S3]:
    """A store in ``folder``, with an empty bucket, for the length of a with block."""
    secret = secrets.token_hex(16)
    ports = free_ports(len(KINDS) + 1)
    _configure(folder, secret, ports)
    with ExitStack() as stack:
        processes = [stack.enter_context(_running(folder, kind)) for kind in (*KINDS, "proxy")]
        store = S3(ports[-1], [process.pid for process in processes], secret)
        for port, process in zip(ports, processes, strict=True):
            _wait_for(port, process, folder / "store.log")
        make_bucket(store, BUCKET)
        yield store


def _configure(folder: Path, secret: str, ports: list[int]) -> None:
    (folder / "devices/disk").mkdir(parents=True)
    (folder / "swift.conf").write_text(f"[swift-hash]\nswift_hash_path_suffix = {secret}\n")
    rings = [str(port) for port in ports[:-1]]
    subprocess.run([sys.executable, "-c", RINGS, str(folder), *rings], check=True)
    for kind, port in zip((*KINDS, "proxy"), ports, strict=True):
        common = COMMON.format(port=port, folder=folder, user=pwd.getpwuid(os.getuid()).pw_name)
        rest = PROXY.format(secret=secret) if kind == "proxy" else NODE.format(kind=kind)
        (folder / f"{kind}.conf").write_text(common + rest)


@contextmanager
def _running(folder: Path, kind: str) -> Iterator[subprocess.Popen[bytes]]:
    script = f"from swift.{'obj' if kind == 'object' else kind}.server import main; main()"
    with (folder / "store.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script, str(folder / f"{kind}.conf")],
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()  # nothing in it is worth a farewell
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTUP_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return
        time.sleep(0.02)
    raise AssertionError(f"the object store did not start: {log.read_text()[-2000:]}")


def make_bucket(store: S3, bucket: str) -> None:
    """A bucket, by a request signed as S3 did first: obstore makes none."""
    date = formatdate(usegmt=True)
    told = hmac.new(store.secret.encode(), f"PUT\n\n\n{date}\n/{bucket}".encode(), "sha1")
    proof = b64encode(told.digest()).decode()
    connection = HTTPConnection("127.0.0.1", store.port, timeout=STARTUP_S)
    headers = {"Date": date, "Authorization": f"AWS {USER}:{proof}", "Content-Length": "0"}
    connection.request("PUT", f"/{bucket}", headers=headers)
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()
