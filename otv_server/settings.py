"""The one reader of the environment: flags, then ``OTV_…``, then a TOML file, then defaults."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from otv_server.domain.limits import DAY_S, MOST_LINKS, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "OTV_"
CONFIG = "OTV_CONFIG"
LONGEST_TTL_S = 30 * DAY_S


class BadSetting(Exception):
    """A setting does not parse or contradicts another; the message says which and what fits."""


def _setting(default: Any, text: str) -> Any:
    """A dataclass field with the sentence that ``--help`` shows."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting. Durations end in ``_s`` inside and are seconds; sizes are bytes."""

    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8000, "port to listen on; 0 takes a free one")
    workers: int = _setting(1, "processes that serve")
    data: Path = _setting(Path("uploads"), "folder of the database and the ciphertext")
    blobs: str | None = _setting(
        None,
        "where the ciphertext is instead: s3://bucket/prefix, file:///folder; untested: gs://, az://",
    )
    min_ttl: int = _setting(10, "shortest life of a link, seconds")
    default_ttl: int = _setting(600, "life of a link that asks for none, seconds")
    max_ttl: int = _setting(3600, "longest life of a link, seconds, up to 30 days")
    max_delay: int = _setting(DAY_S, "how far ahead a link may be scheduled, seconds")
    max_share_bytes: int = _setting(11 << 30, "ciphertext of one share, bytes")
    max_total_bytes: int | None = _setting(None, "ciphertext of all shares, bytes; unset: no limit")
    min_free_bytes: int = _setting(1 << 30, "what must stay free on the disk, bytes")
    max_opens: int = _setting(100, "openings of one link")
    max_links: int = _setting(100, "links of one share")
    max_unsealed: int = _setting(20, "unfinished uploads of one address")
    idle_upload: int = _setting(3600, "when an upload that rests is ended, seconds")
    lease_floor: int = _setting(3600, "shortest time to finish reading, seconds")
    lease_ceiling: int = _setting(DAY_S, "longest time to finish reading, seconds")
    retention: int = _setting(7 * DAY_S, "how long receipts are kept after the end, seconds")
    keep_addresses: Literal["truncated", "full", "off"] = _setting(
        "truncated", "what the sender is told of an opener's address"
    )
    rate: int = _setting(50, "requests a second of one address without a right proof; 0: no limit")

    @property
    def limits(self) -> Limits:
        """The domain's part of it."""
        return Limits(
            min_ttl_s=self.min_ttl,
            default_ttl_s=self.default_ttl,
            max_ttl_s=self.max_ttl,
            max_delay_s=self.max_delay,
            max_share_bytes=self.max_share_bytes,
            max_total_bytes=self.max_total_bytes,
            min_free_bytes=self.min_free_bytes,
            max_opens=self.max_opens,
            max_links=self.max_links,
            max_unsealed_per_address=self.max_unsealed,
            idle_upload_s=self.idle_upload,
            lease_floor_s=self.lease_floor,
            lease_ceiling_s=self.lease_ceiling,
            retention_s=self.retention,
        )


_MAY_BE_ZERO = {"port", "rate", "min_free_bytes", "max_delay", "retention"}


def load(environment: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Settings:
    """Settings from the three sources; ``flags`` wins, and its None means "not given".

    Raises:
        BadSetting: a name or a value that makes no sense.
    """
    merged = _from_file(environment.get(CONFIG))
    merged |= {
        name: environment[PREFIX + name.upper()]
        for name in names()
        if PREFIX + name.upper() in environment
    }
    merged |= {name: value for name, value in (flags or {}).items() if value is not None}
    return _checked(_converted(merged))


def names() -> list[str]:
    """Every setting's name, as in the TOML file."""
    return [each.name for each in dataclasses.fields(Settings)]


def _from_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        found = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSetting(f"The settings file can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSetting(f"The settings file is not TOML: {error}.") from None
    unknown = sorted(set(found) - set(names()))
    if unknown:
        raise BadSetting(f"The settings file has unknown keys: {', '.join(unknown)}.")
    return found


def _converted(values: dict[str, Any]) -> Settings:
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        raise BadSetting(f"A setting does not parse: {error}.") from None


def _to_path(kind: type[Any], value: object) -> object:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise NotImplementedError  # msgspec asks this of types that it does not know


def _checked(settings: Settings) -> Settings:
    for name in names():
        value = getattr(settings, name)
        least = 0 if name in _MAY_BE_ZERO else 1
        if isinstance(value, int) and value < least:
            raise BadSetting(f"{name} must be at least {least}.")
    if not settings.min_ttl <= settings.default_ttl <= settings.max_ttl <= LONGEST_TTL_S:
        raise BadSetting("min_ttl, default_ttl and max_ttl must ascend, up to 30 days.")
    if settings.max_links > MOST_LINKS:
        raise BadSetting(f"max_links must be at most {MOST_LINKS}.")
    if settings.lease_floor > settings.lease_ceiling:
        raise BadSetting("lease_floor must not be above lease_ceiling.")
    if not 0 <= settings.port <= 65_535:  # noqa: PLR2004  # ports are 16 bits
        raise BadSetting("port must be 0 to 65535.")
    return settings
