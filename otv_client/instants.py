"""Instants as people and programs read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """An instant as RFC 3339 in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def local_text(moment: datetime, now: datetime) -> str:
    """An instant as a person here would say it: ``14:03``, with the date where it isn't today."""
    here, today = moment.astimezone(), now.astimezone().date()
    return here.strftime("%H:%M") if here.date() == today else here.strftime("%Y-%m-%d %H:%M")


def duration_text(seconds: int) -> str:
    """A duration as it is typed, in the largest unit that fits: ``10s``, ``90m``, ``7d``."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
