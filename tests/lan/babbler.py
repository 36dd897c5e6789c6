"""``python -m tests.lan.babbler ADDRESS``: odd mDNS records, again and again, until input ends."""

from __future__ import annotations

import select
import socket
import struct
import sys

SERVICE = (b"_otv", b"_tcp", b"local")
GROUP = ("224.0.0.251", 5353)
PTR, TXT, A, SRV = 12, 16, 1, 33
ONE_MINUTE = 60
EVERY_S = 0.2
PIN = b"\x18pin=AAAAAAAAAAAAAAAAAAAA"
SHORT_PIN = b"\x17pin=AAAAAAAAAAAAAAAAAAA"

# Instance names and what is said of each besides its port and address.
ODD: dict[bytes, list[bytes]] = {
    b"\x1b[2J": [b"\x03v=1", PIN],
    b"\xe2\x80\xae": [b"\x03v=2", PIN],
    b"\xff\xfe": [b"\x03v=1", SHORT_PIN],
    b"a.b._http": [b"\x03v=1", SHORT_PIN],
    b" ": [b"\x03v=1", b"\x00", b"\x04pin="],
    b"nothing": [],
    b"x" * 63: [b"\xffv=1"],
}


def name(*labels: bytes) -> bytes:
    """RFC 1035, 3.1."""
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    """RFC 1035, 4.1.3."""
    return owner + struct.pack(">HHIH", kind, 1, ONE_MINUTE, len(data)) + data


def packets(address: str) -> list[bytes]:
    """An answer for each odd name, and two that are no answers."""
    host, service = name(b"odd", b"local"), name(*SERVICE)
    made = []
    for instance, text in ODD.items():
        whole = name(instance, *SERVICE)
        records = [
            record(service, PTR, whole),
            record(whole, SRV, struct.pack(">HHH", 0, 0, 8443) + host),
            record(whole, TXT, b"".join(text)),
            record(host, A, socket.inet_aton(address)),
        ]
        made.append(struct.pack(">6H", 0, 0x8400, 0, len(records), 0, 0) + b"".join(records))
    return [*made, made[0][:40], bytes(12)]


def main(address: str) -> None:
    """Babble."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        out.bind((address, 0))
        while not select.select([sys.stdin], [], [], EVERY_S)[0]:
            for packet in packets(address):
                out.sendto(packet, GROUP)


if __name__ == "__main__":
    main(*sys.argv[1:])
