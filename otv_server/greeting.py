"""What is printed at the start: where it can be reached, what it is known by, and what is odd.

Standard output has the addresses, one a line, the likeliest last of its kind; standard error all
that is said about them.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from otv_server.network.addresses import Network
from otv_server.network.identity import News
from otv_server.network.listening import HTTP, HTTPS
from otv_server.network.pins import pin_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otv_server.network.identity import Identity
    from otv_server.network.listening import Listener
    from otv_server.settings import Settings
    from otv_server.starting import Ready


def greet(ready: Ready) -> None:
    """Say all of it; the QR code only to a terminal."""
    settings = ready.serving.settings
    urls = list(urls_of(ready, settings))
    for url in urls:
        click.echo(f"One-Time View serves {url}")
    for remark in remarks(ready, settings):
        click.echo(remark, err=True)
    if ready.identity is not None:
        _show_identity(ready.identity)
    click.echo(f"Data in {settings.data.resolve()}. Stop with Ctrl-C.", err=True)
    if sys.stdout.isatty():
        _show_qr(_for_a_phone(urls))
    sys.stdout.flush()


def urls_of(ready: Ready, settings: Settings) -> Iterator[str]:
    """Where it can be reached: from this machine, from its networks, from the internet."""
    listeners = ready.serving.listeners
    plain = next(each for each in listeners if each.scheme == HTTP)
    yield f"http://{_near(plain, settings)}:{plain.port}"
    for each in ready.reachable:
        yield f"https://{each.host}:{_port(ready, HTTPS)}"
        if settings.lan_http:
            yield f"http://{each.host}:{plain.port}"
    if settings.public is not None:
        yield str(settings.public)


def _near(plain: Listener, settings: Settings) -> str:
    """How this machine's browsers name it: as it was asked for, else by the name that all know."""
    if settings.host is None or plain.address.is_unspecified or not plain.address.is_loopback:
        return "localhost"
    text = str(plain.address)
    return f"[{text}]" if ":" in text else text


def _port(ready: Ready, scheme: str) -> int:
    return next(each.port for each in ready.serving.listeners if each.scheme == scheme)


def remarks(ready: Ready, settings: Settings) -> Iterator[str]:
    """What a person should know about these addresses: one sentence each."""
    if settings.tunnel is not None:
        yield (
            "Who runs the tunnel sees what passes, as on plain HTTP: nothing to read, but enough to"
            " spend or end links."
        )
    if settings.who_may_send == "token":
        yield "To send, people need an upload token: otv-server token new NAME."
    if ready.identity is None:
        return
    if not ready.reachable:
        yield "This machine is in no network now; once it is, others reach it by its address there."
    interfaces = {each.interface for each in ready.reachable if each.network is Network.LAN}
    if len(interfaces) > 1:
        yield (
            f"This machine is in {len(interfaces)} networks; in each, others reach it by its"
            " address there: "
            + ", ".join(
                f"{each.address} on {each.interface}"
                for each in ready.reachable
                if each.network is Network.LAN
            )
            + "."
        )
    for each in ready.reachable:
        if each.network is Network.VPN:
            yield (
                f"{each.address} belongs to a VPN ({each.interface}): everyone in it reaches this"
                " server, too."
            )
    if settings.lan_http:
        yield "Over http:// listeners can't read what is shared, but can spend or end links."


def _show_identity(identity: Identity) -> None:
    if identity.news is not News.NONE:
        click.echo(identity.news.value, err=True)
    shown = ":".join(f"{byte:02X}" for byte in identity.fingerprint)
    click.echo(f"Certificate's fingerprint (SHA-256): {shown}")
    click.echo(f"Pin of its key, for otv-client: {pin_text(identity.pin)}")
    click.echo(
        "Browsers warn of this certificate once: nobody but this server vouches for it.", err=True
    )


def _for_a_phone(urls: list[str]) -> str:
    """The public address, else the network's likeliest, else this machine's."""
    return next((url for url in urls[1:] if url.startswith(HTTPS)), urls[0])


def _show_qr(url: str) -> None:
    import qrcode  # noqa: PLC0415  # only where a terminal shows it

    code = qrcode.QRCode(border=2)
    code.add_data(url)
    click.echo(url)
    code.print_ascii(out=sys.stdout, tty=False, invert=True)
