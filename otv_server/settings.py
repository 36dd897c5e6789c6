"""The one reader of the environment: flags, then ``OTV_…``, then a TOML file, then defaults."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec

from otv_server.domain.limits import DAY_S, MOST_LINKS, Limits
from otv_server.domain.origins import Origin, parse_host, parse_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "OTV_"
CONFIG = "OTV_CONFIG"
ALIKE = 0.84  # of 1: OTV_UPLOAD and OTV_UPLOADS are, OTV_SERVICE_PORT and OTV_HTTPS_PORT are not
LONGEST_TTL_S = 30 * DAY_S


class BadSetting(Exception):
    """A setting does not parse or contradicts another; the message says which and what fits."""


def _setting(default: Any, text: str) -> Any:
    """A dataclass field with the sentence that ``--help`` shows."""
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting. Durations end in ``_s`` inside and are seconds; sizes are bytes."""

    host: str | None = _setting(
        None,
        "address to listen on: 127.0.0.1 keeps it to this machine; unset: this machine by plain"
        " HTTP, and every address of it by HTTPS",
    )
    port: int = _setting(8000, "port of plain HTTP; 0 takes a free one")
    https_port: int = _setting(8443, "port of HTTPS; 0 takes a free one")
    lan_http: bool = _setting(False, "serve the network by plain HTTP, too")
    discovery: bool = _setting(True, "let clients on the same network find it (mDNS)")
    names: str = _setting("", "further host names that it is reached by, with commas between")
    public_url: str | None = _setting(None, "where the internet reaches it, behind a proxy")
    trusted_proxies: str = _setting(
        "", "addresses or networks of proxies whose forwarded headers count, with commas between"
    )
    tunnel: Literal["ngrok"] | None = _setting(
        None, "a way in from the internet: ngrok, with its token in NGROK_AUTHTOKEN"
    )
    uploads: Literal["lan", "token", "open"] | None = _setting(
        None,
        "who may send: lan (this machine and private addresses; others with a token), token, or"
        " open to all; unset: token with a public URL, a tunnel or a trusted proxy, else lan",
    )
    workers: int = _setting(1, "processes that serve")
    data: Path = _setting(Path("uploads"), "folder of the database and the ciphertext")
    database: str | None = field(
        default=None,
        repr=False,  # it may hold a password
        metadata={
            "help": "postgresql://user:password@host/name; unset: a file in the data folder."
            " Better set as OTV_DATABASE, which no other user of the machine can read"
        },
    )
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
    metrics: bool = _setting(False, "serve counts for Prometheus under /metrics, to anyone")
    rate: int = _setting(50, "requests a second of one address without a right proof; 0: no limit")

    @property
    def is_lan_served(self) -> bool:
        """Whether other machines can reach it without a proxy's or a tunnel's help."""
        return self.host is None or not _is_this_machine(self.host)

    @property
    def public(self) -> Origin | None:
        """Where the internet reaches it, if that is said."""
        return None if self.public_url is None else parse_origin(self.public_url.rstrip("/"))

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """Whose forwarded headers count."""
        return tuple(ip_network(text) for text in _listed(self.trusted_proxies))

    @property
    def known_names(self) -> frozenset[str]:
        """The names that the operator gave it."""
        named = {text.lower() for text in _listed(self.names)}
        return frozenset(named | ({self.public.host} if self.public else set()))

    @property
    def who_may_send(self) -> Literal["lan", "token", "open"]:
        """Who may send: what is said, else the closer of what makes sense."""
        if self.uploads is not None:
            return self.uploads
        return "token" if self.public or self.proxies or self.tunnel else "lan"

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


_MAY_BE_ZERO = {"port", "https_port", "rate", "min_free_bytes", "max_delay", "retention"}


def load(environment: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Settings:
    """Settings from the three sources; ``flags`` wins, and its None means "not given".

    Raises:
        BadSetting: a name or a value that makes no sense.
    """
    merged = _from_file(environment.get(CONFIG))
    merged |= _from_environment(environment)
    merged |= {name: value for name, value in (flags or {}).items() if value is not None}
    return _checked(_converted(merged))


def tunnel_token(environment: Mapping[str, str]) -> str | None:
    """The tunnel's secret: no setting, so that it stands in no argument and no file of ours."""
    return environment.get("NGROK_AUTHTOKEN")


def names() -> list[str]:
    """Every setting's name, as in the TOML file."""
    return [each.name for each in dataclasses.fields(Settings)]


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    known = {PREFIX + name.upper(): name for name in names()}
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in known:
            _check_spelling(variable, list(known))
    return {name: environment[key] for key, name in known.items() if key in environment}


def _check_spelling(variable: str, known: list[str]) -> None:
    # The client has names of its own, and platforms add more: only a near miss is a mistake.
    meant = get_close_matches(variable, known, n=1, cutoff=ALIKE)
    if meant:
        raise BadSetting(f"{variable} is no setting. Is {meant[0]} meant?")


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
        if type(value) is int and value < least:
            raise BadSetting(f"{name} must be at least {least}.")
    if not settings.min_ttl <= settings.default_ttl <= settings.max_ttl <= LONGEST_TTL_S:
        raise BadSetting("min_ttl, default_ttl and max_ttl must ascend, up to 30 days.")
    if settings.max_links > MOST_LINKS:
        raise BadSetting(f"max_links must be at most {MOST_LINKS}.")
    if settings.lease_floor > settings.lease_ceiling:
        raise BadSetting("lease_floor must not be above lease_ceiling.")
    _check_network(settings)
    _check_stores(settings)
    return settings


def _check_network(settings: Settings) -> None:
    for name in ("port", "https_port"):
        if not 0 <= getattr(settings, name) <= 65_535:  # noqa: PLR2004  # ports are 16 bits
            raise BadSetting(f"{name} must be 0 to 65535.")
    if settings.port == settings.https_port != 0 and settings.is_lan_served:
        raise BadSetting("port and https_port must differ.")
    for text in _listed(settings.names):
        if parse_host(text) is None or ":" in text:
            raise BadSetting(f"names holds {text!r}, which is no host name.")
    for text in _listed(settings.trusted_proxies):
        _check_proxy(text)
    if settings.public_url is not None:
        _check_public(settings.public_url)


def _check_proxy(text: str) -> None:
    try:
        ip_network(text)
    except ValueError:
        raise BadSetting(
            f"trusted_proxies holds {text!r}, which is neither an address nor a network like"
            " 10.0.0.0/8."
        ) from None


def _check_public(url: str) -> None:
    if parse_origin(url.rstrip("/")) is not None:
        return
    head, _, path = url.partition("://")[2].partition("/")
    if path and parse_origin(f"{url.partition('://')[0]}://{head}") is not None:
        raise BadSetting(
            f"public_url has a path, /{path.rstrip('/')}: this server needs a host name, or a port,"
            " of its own, such as https://share.example.com."
        )
    raise BadSetting("public_url must look like https://share.example.com or https://host:port.")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _check_stores(settings: Settings) -> None:
    if settings.metrics and settings.workers > 1:
        raise BadSetting("metrics needs workers = 1: run several servers, and ask each of them.")
    if settings.database is not None and not _is_postgres(settings.database):
        raise BadSetting("database must be postgresql://user:password@host:port/name.")


def _is_postgres(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:  # a port that is no number
        return False
    return parts.scheme in ("postgresql", "postgres") and has_port
