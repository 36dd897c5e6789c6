"""One-Time View: zero-knowledge, one-time file sharing, as a library.

``Client`` sends and opens; see its docstring for an example. Every error is an
``OtvError``. Names are loaded when they are first used, so that importing this
package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otv_client.client import Client
    from otv_client.errors import (
        EXIT_CODES,
        IntegrityError,
        Interrupted,
        LinkDamaged,
        LinkError,
        LinkTooNew,
        LocalError,
        Locked,
        NotYet,
        OtvError,
        Over,
        PasswordError,
        PasswordMissing,
        Refused,
        Unknown,
        UnknownKey,
        Unreachable,
        UsageError,
        WrongKey,
        WrongPassword,
    )
    from otv_client.opening import Opened, OpenedFile
    from otv_client.parcel import Terms
    from otv_client.receiving import IntoFolder, IntoStream
    from otv_client.reporting import LinkStatus, OpeningStatus, ShareStatus
    from otv_client.retry import Patience
    from otv_client.sending import SentLink, SentShare
    from otv_client.state import StateFolder
    from otv_client.verifying import Difference, Verdict
    from otv_client.world import World

__all__ = [
    "EXIT_CODES",
    "Client",
    "Difference",
    "IntegrityError",
    "Interrupted",
    "IntoFolder",
    "IntoStream",
    "LinkDamaged",
    "LinkError",
    "LinkStatus",
    "LinkTooNew",
    "LocalError",
    "Locked",
    "NotYet",
    "Opened",
    "OpenedFile",
    "OpeningStatus",
    "OtvError",
    "Over",
    "PasswordError",
    "PasswordMissing",
    "Patience",
    "Refused",
    "SentLink",
    "SentShare",
    "ShareStatus",
    "StateFolder",
    "Terms",
    "Unknown",
    "UnknownKey",
    "Unreachable",
    "UsageError",
    "Verdict",
    "World",
    "WrongKey",
    "WrongPassword",
]

_HOMES = {
    "Client": "client",
    "Difference": "verifying",
    "IntoFolder": "receiving",
    "IntoStream": "receiving",
    "LinkStatus": "reporting",
    "Opened": "opening",
    "OpenedFile": "opening",
    "OpeningStatus": "reporting",
    "Patience": "retry",
    "SentLink": "sending",
    "SentShare": "sending",
    "ShareStatus": "reporting",
    "StateFolder": "state",
    "Terms": "parcel",
    "Verdict": "verifying",
    "World": "world",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module (PEP 562); the errors are the module not listed."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
