"""``python -m tests.lan.announcer NAME PIN ADDRESS PORT``: says so until standard input ends."""

from __future__ import annotations

import sys

from zeroconf import IPVersion, ServiceInfo, Zeroconf

SERVICE = "_otv._tcp.local."


def main(name: str, pin: str, address: str, port: str) -> None:
    """Announce."""
    info = ServiceInfo(
        SERVICE,
        f"{name}.{SERVICE}",
        parsed_addresses=[address],
        port=int(port),
        properties={"v": "1", "pin": pin},
        server=f"{name.replace(' ', '-')}.local.",
    )
    with Zeroconf(ip_version=IPVersion.V4Only) as network:
        network.register_service(info)
        print("announced", flush=True)  # noqa: T201 - who started it waits for this
        sys.stdin.read()
        network.unregister_service(info)


if __name__ == "__main__":
    main(*sys.argv[1:])
