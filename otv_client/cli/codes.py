"""QR codes of links, made here: on the terminal, or as a PNG or SVG file."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from otv_client.errors import LocalError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from qrcode.main import QRCode

_QUIET_ZONE = 4  # modules of white around the code, as its standard asks
_HALVES = {(False, False): "\u2588", (False, True): "\u2580", (True, False): "\u2584"}
_TYPES = (".png", ".svg")


def terminal_code(text: str) -> str:
    """The code as lines of half blocks, light on dark; two rows of modules in each line.

    Where the terminal's encoding has no blocks, ``##`` and spaces stand in.
    """
    rows = _code(text).get_matrix()
    try:
        "\u2588\u2580\u2584".encode(getattr(sys.stderr, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return "\n".join("".join("  " if dark else "##" for dark in row) for row in rows)
    if len(rows) % 2:
        rows = [*rows, [False] * len(rows[0])]
    return "\n".join(
        "".join(_HALVES.get(pair, " ") for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )


def check_code_file(path: Path) -> None:
    """Say before anything is sent that a code can't be saved there."""
    if path.suffix.lower() not in _TYPES:
        raise UsageError("a QR code is saved as .png or .svg")
    if path.exists() or path.is_symlink():
        raise LocalError(f"{path} exists")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise LocalError(f"can't write to {path.parent}")


def save_code(text: str, path: Path) -> None:
    """Save the code as a new file, mode 0600: it is the link."""
    check_code_file(path)
    data = _png(text) if path.suffix.lower() == ".png" else _svg(text)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(data)
    except OSError as error:
        raise LocalError(f"can't write {path}: {error.strerror}") from error


def numbered_path(path: Path, number: int, count: int) -> Path:
    """``out.png`` for a single link, ``out-1.png`` and so on for several."""
    return path if count == 1 else path.with_name(f"{path.stem}-{number}{path.suffix}")


def _code(text: str) -> QRCode:  # type: ignore[type-arg]  # the image factory decides it at run time
    import qrcode  # noqa: PLC0415 - 30 ms, only where a code is made

    code = qrcode.QRCode(
        error_correction=qrcode.constants.ERROR_CORRECT_M, box_size=10, border=_QUIET_ZONE
    )
    code.add_data(text)
    code.make()
    return code


def _png(text: str) -> bytes:
    from qrcode.image.pure import PyPNGImage  # noqa: PLC0415 - loaded only where a code is saved

    sink = io.BytesIO()
    _code(text).make_image(image_factory=PyPNGImage).save(sink)
    return sink.getvalue()


def _svg(text: str) -> bytes:
    from qrcode.image.svg import SvgPathFillImage  # noqa: PLC0415 - loaded only where a code is saved

    sink = io.BytesIO()
    _code(text).make_image(image_factory=SvgPathFillImage).save(sink)
    return sink.getvalue()
