"""``--expires`` and ``--at``: text to seconds and to an instant. Pure, but for the local zone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from otv_client.errors import UsageError

_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def parse_duration(text: str) -> int:
    """``600``, ``90s``, ``10m``, ``2h`` or ``7d`` in seconds."""
    match = _DURATION.fullmatch(text)
    if not match or not int(match[1]):
        raise UsageError(
            "--expires takes a number of seconds, or one with s, m, h or d behind it",
            hint="for example --expires 10m",
        )
    return int(match[1]) * _SECONDS[match[2]]


def parse_instant(text: str, now: datetime) -> datetime:
    """``21:00`` as the next such time here, or ISO 8601; without an offset it is local time.

    Args:
        text: what was typed.
        now: aware.

    Raises:
        UsageError: neither, or in the past.
    """
    moment = _next_clock_time(text, now) or _iso(text)
    if moment is None:
        raise UsageError(
            "--at takes a time of day or a date and time",
            hint="for example --at 21:00 or --at 2026-12-01T21:00+01:00",
        )
    if moment < now:
        raise UsageError("--at is in the past")
    return moment


def _next_clock_time(text: str, now: datetime) -> datetime | None:
    match = _CLOCK.fullmatch(text)
    if not match:
        return None
    here = now.astimezone().replace(tzinfo=None)  # wall time: the zone decides what it means
    today = here.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
    if today.astimezone() > now:
        return today.astimezone()
    return (today + timedelta(days=1)).astimezone()


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        return None
