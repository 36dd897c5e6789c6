"""``python -m tests.lan.hearer NAME``: waits until the network is told of a server by that name."""

from __future__ import annotations

import sys

from zeroconf import IPVersion, Zeroconf

SERVICE = "_otv._tcp.local."
PATIENCE_MS = 20_000


def main(name: str) -> int:
    """0 where it is heard of."""
    with Zeroconf(ip_version=IPVersion.All) as network:
        return int(network.get_service_info(SERVICE, f"{name}.{SERVICE}", PATIENCE_MS) is None)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
