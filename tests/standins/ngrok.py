"""A stand-in for ngrok's SDK: no tunnel, only what the server asks of one. It names itself."""

from __future__ import annotations

import os
import sys
import time

URL = "https://stand-in.example"


class Listener:
    """What ``forward`` gives."""

    def url(self) -> str:
        """The public URL."""
        return URL


def forward(addr: str, authtoken: str) -> Listener:
    """As the SDK does it: by the token, a tunnel, a refusal, a network that isn't there."""
    sys.stderr.write(f"stand-in for ngrok's SDK: a tunnel to {addr.partition(':')[0]}\n")
    match authtoken:
        case "refused":
            raise ValueError("failed to connect session", f"bad {authtoken}", "ERR_NGROK_105")
        case "no-network":
            raise ValueError("failed to connect session", f"dns of {authtoken}", None)
        case "silent":
            time.sleep(float(os.environ["STANDIN_SILENCE_S"]))
    return Listener()


def disconnect(url: str) -> None:
    """Close it."""
    sys.stderr.write(f"stand-in for ngrok's SDK: closed {url}\n")
