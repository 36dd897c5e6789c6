"""Files to look at: honest, hostile and damaged ones of every kind that the viewer shows.

Made here, byte by byte, so that each says itself what is wrong with it.
"""

from __future__ import annotations

import io
import struct
import wave
import zlib
from base64 import b64decode
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# A second of plain teal, 32 by 32 pixels, in VP8: no engine here makes a film by itself.
WEBM = b64decode(
    "GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibUKHgQJChYECGFOAZwEAAAAAAAJZEU2bdLpNu4tTq4QVSalmU6yB"
    "oU27i1OrhBZUrmtTrIHYTbuMU6uEElTDZ1OsggEeTbuMU6uEHFO7a1OsggJD7AEAAAAAAABZAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAVSalmsirXsYMPQkBNgI1MYXZmNTkuMjcuMTAwV0GNTGF2ZjU5LjI3LjEwMESJiECPQAAAAAAA"
    "FlSua8GuAQAAAAAAADjXgQFzxYg0pnhMS/RRbJyBACK1nIN1bmSIgQCGhVZfVlA4g4EBI+ODhAvrwgDgibCBILqB"
    "IJqBAhJUw2f9c3OgY8CAZ8iaRaOHRU5DT0RFUkSHjUxhdmY1OS4yNy4xMDBzc9djwItjxYg0pnhMS/RRbGfIoUWj"
    "h0VOQ09ERVJEh5RMYXZjNTkuMzcuMTAwIGxpYnZweGfIokWjiERVUkFUSU9ORIeUMDA6MDA6MDEuMDAwMDAwMDAw"
    "AAAfQ7Z1QJ3ngQCjvIEAAIDQAgCdASogACAAAEcIhYWIhYSIAgICdaoD+AIIISmecP77aJf/PTNeYP8nP/25H+3I"
    "/25H/7bCAKOVgQDIALEBAAEQEAAYABhYL/QACHAAo5WBAZAAsQEAARAQABgAGFgv9AAIcACjlYECWACxAQABEBAA"
    "GAAYWC/0AAhwAKOVgQMgALEBAAEQEAAYABhYL/QACHAAHFO7a5G7j7OBALeK94EB8YIBoPCBAw=="
)

OVERRIDES = "invoice\u202efdp.exe\u202c \u2067right\u2069 \u200f\u200e\u061c \x1b[31m\x07\x00\n"


def png(width: int, height: int) -> bytes:
    """A black picture, one bit a pixel, however large."""
    packer = zlib.compressobj(1)
    row = bytes(1 + -(-width // 8))
    rows = b"".join([packer.compress(row) for _ in range(height)]) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", check)


def gif_that_is_html(canary: str) -> bytes:
    """A picture of one pixel that is a page with a script, too, for whoever takes it for one."""
    html = f"<script>top.name='pwned';fetch('{canary}/gif')</script><img src='{canary}/gif.png'>"
    comment = html.encode()
    assert len(comment) < 256  # the length of one block
    head = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00"
    pixel = b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
    return head + b"!\xfe" + bytes([len(comment)]) + comment + b"\0" + pixel


def sound() -> bytes:
    """Half a second of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(8000)
        writer.writeframes(bytes(8000))
    return file.getvalue()


def damaged_film() -> bytes:
    """An MP4 that begins as one should."""
    return b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(range(256)) * 40


def html(canary: str) -> bytes:
    """A page that does all it can to be heard of."""
    return f"""<!doctype html><html><head><title>pwned</title>
<meta http-equiv="refresh" content="0;url={canary}/refresh">
<link rel="stylesheet" href="{canary}/sheet"><base href="{canary}/">
<script>top.name = "pwned"; fetch("{canary}/fetch"); location = "{canary}/location"</script>
</head><body onload="fetch('{canary}/load')"><img src="{canary}/image" onerror="top.name='pwned'">
<iframe src="{canary}/frame"></iframe><form action="{canary}/form"><input autofocus></form>
</body></html>""".encode()


def svg(canary: str) -> bytes:
    """A drawing that is a document with a script."""
    return f"""<?xml version="1.0"?>
<!DOCTYPE svg [<!ENTITY out SYSTEM "{canary}/entity">]>
<?xml-stylesheet href="{canary}/sheet"?>
<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 onload="top.name='pwned'"><script>top.name = "pwned"; fetch("{canary}/svg")</script>
<image xlink:href="{canary}/image"/><text>&out;</text></svg>""".encode()


def pdf(pages: int, extras: str = "") -> bytes:
    """A PDF of so many pages that each say their number; ``extras`` go into its catalogue."""
    kids = " ".join(f"{3 + 2 * at} 0 R" for at in range(pages))
    objects = [
        f"<</Type/Catalog/Pages 2 0 R{extras}>>",
        f"<</Type/Pages/Kids[{kids}]/Count {pages}>>",
    ]
    for number in range(1, pages + 1):
        objects += _page(number)
    return _numbered(objects)


def _page(number: int) -> Iterable[str]:
    """A page, with a link to elsewhere over all of it, and its content."""
    font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
    link = "<</Type/Annot/Subtype/Link/Rect[0 0 612 792]/A<</S/URI/URI(http://127.0.0.1:1/link)>>>>"
    content = f"BT /F 40 Tf 72 700 Td (Page number {number}) Tj ET 72 300 400 300 re f"
    yield (
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]"
        f"/Resources<</Font<</F {font}>>>>/Annots[{link}]/Contents {2 + 2 * number} 0 R>>"
    )
    yield f"<</Length {len(content)}>>stream\n{content}\nendstream"


def _numbered(objects: Sequence[str]) -> bytes:
    """The objects as a file, with the table of where each begins."""
    out = b"%PDF-1.7\n"
    starts = []
    for number, body in enumerate(objects, 1):
        starts.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{start:010d} 00000 n \n" for start in starts)
    size = len(objects) + 1
    return (
        out
        + f"xref\n0 {size}\n0000000000 65535 f \n{table}".encode()
        + f"trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n".encode()
    )


def pdf_with_script(canary: str) -> bytes:
    """A PDF that runs a script when it is opened, shown and closed, where anyone lets it."""
    code = f"app.launchURL('{canary}/pdf'); this.submitForm('{canary}/form'); app.alert('x')"
    script = f"<</S/JavaScript/JS({code.replace('(', chr(92) + '(').replace(')', chr(92) + ')')})>>"
    open_uri = f"<</S/URI/URI({canary}/uri)>>"
    return pdf(
        2,
        f"/OpenAction {script}/AA<</WC {open_uri}/WS {script}>>"
        f"/Names<</JavaScript<</Names[(a) {script}]>>>>",
    )


def locked_pdf() -> bytes:
    """A PDF whose password is none that anyone knows: its checks are all zeros."""
    zeros = "00" * 32
    whole = pdf(1).decode()
    encryption = f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{zeros}>/U<{zeros}>>>/ID[<00><00>]"
    return whole.replace("/Root 1 0 R", f"/Root 1 0 R{encryption}").encode()


def shuffled(whole: bytes, keep: int) -> bytes:
    """A file that begins as it should and goes on as noise."""
    noise = bytes((17 * at * at + 91) % 256 for at in range(len(whole) - keep))
    return whole[:keep] + noise
