"""A way in from the internet by ngrok's own SDK (the extra ``tunnel``).

ngrok speaks TLS with the callers, so it sees what a listener on plain HTTP would: proofs, sizes and
times, but no key. It names the caller in forwarded headers, so nobody who comes this way is near.
"""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from otv_server.network.errors import CantServe

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "NGROK_AUTHTOKEN"  # noqa: S105  # where it stands, not what it is
PATIENCE_S = 30.0
# What the SDK says where it was answered; anything else is a line that leads nowhere.
_REFUSALS = ("ERR_NGROK_", "authentication failed")


@contextmanager
def tunnel(port: int, token: str | None) -> Iterator[str]:
    """A tunnel to a port of this machine for the length of a with block; its public URL.

    Raises:
        CantServe: no SDK, no token, one that ngrok refuses, no network.
    """
    sdk = _sdk()
    if not token:
        raise CantServe(
            f"The tunnel needs the token of an ngrok account in the environment, as {TOKEN}."
        )
    listener = _opened(sdk, port, token)
    try:
        yield str(listener.url())
    finally:
        with suppress(Exception):  # the process ends, and with it the tunnel
            sdk.disconnect(listener.url())


def _sdk() -> Any:
    try:
        return importlib.import_module("ngrok")
    except ImportError:
        raise CantServe(
            "The tunnel needs ngrok's SDK: pip install 'one-time-view[tunnel]'."
        ) from None


def _opened(sdk: Any, port: int, token: str) -> Any:
    """The SDK tries for ever where there is no network; and its errors could quote the token."""
    worker = ThreadPoolExecutor(1, thread_name_prefix="otv-tunnel")
    try:
        asked = worker.submit(sdk.forward, f"127.0.0.1:{port}", authtoken=token)
        return asked.result(PATIENCE_S)
    except TooSlow:
        reason = "ngrok does not answer; is there a network?"
    except Exception as error:  # noqa: BLE001  # the SDK raises ValueError, and what it doesn't name
        is_refused = any(each in str(error.args) for each in _REFUSALS)
        reason = (
            f"ngrok refuses it; is the token in {TOKEN} right, and not in use elsewhere?"
            if is_refused
            else "ngrok can't be reached; is there a network?"
        )
    finally:
        worker.shutdown(wait=False, cancel_futures=True)
    raise CantServe(f"No tunnel: {reason}")
