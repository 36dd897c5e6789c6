"""``python -m tests.lan.announcer NAME PIN ADDRESS PORT``: says so until standard input ends."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from tests.lan.standin import announced, announcement


def main(name: str, pin: str, address: str, port: str) -> None:
    """Announce."""
    with ExitStack() as stack:
        announced(stack, announcement(name, pin, address, int(port)))
        print("announced", flush=True)  # noqa: T201 - who started it waits for this
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
