"""The one place where the parts are joined. Plain uvicorn can run ``create_app`` as a factory."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog
from litestar import Litestar, Router
from litestar.datastructures import State
from sqlalchemy import select

from otv_server import logs
from otv_server.api import openapi, page
from otv_server.api.body import refuse_options
from otv_server.api.caller import Access, KeepAddresses, Uploads
from otv_server.api.deadline import with_deadline
from otv_server.api.headers import add_headers
from otv_server.api.health import live, ready
from otv_server.api.info import info
from otv_server.api.limiter import Buckets, Limiter
from otv_server.api.metrics import Metrics, counting, exposed
from otv_server.api.origin import refuse_strangers
from otv_server.api.problems import answer_error, slow_down
from otv_server.api.recipient import Recipient
from otv_server.api.room import BodyRoom
from otv_server.api.sender import Sender
from otv_server.domain.limits import JSON_MAX_BYTES
from otv_server.domain.ports import Swept
from otv_server.network import hostnames
from otv_server.service.health import Health
from otv_server.service.opening import Opening
from otv_server.service.sending import Sending
from otv_server.service.sweeping import Sweeping, Undeletable
from otv_server.service.tokens import Tokens
from otv_server.settings import BadSetting, Settings, load
from otv_server.storage.opening import SqlOpening
from otv_server.storage.ownership import Ownership
from otv_server.storage.places import WrongPlace, blobs_at, parse
from otv_server.storage.rates import SqlRates
from otv_server.storage.sending import SqlSending
from otv_server.storage.sqlite import SqliteDatabase
from otv_server.storage.sweeping import SqlSweeping
from otv_server.storage.tokens import SqlTokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from otv_server.domain.ports import BlobStore
    from otv_server.domain.share import Instant
    from otv_server.storage.blobs import DiskBlobs
    from otv_server.storage.database import Database, Transaction
    from otv_server.storage.object_store import ObjectBlobs

SWEEP_EVERY_S = 1.0
LIST_EVERY_S = 86_400.0
AGAIN_S = 60.0  # a listing that failed

log = structlog.get_logger()


def now_ms() -> int:
    """The wall clock, in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """The joined parts of one server."""

    settings: Settings
    database: Database
    blobs: DiskBlobs | ObjectBlobs
    ownership: Ownership
    sending: Sending
    opening: Opening
    tokens: Tokens
    sweeping: Sweeping
    limiter: Limiter
    health: Health

    async def open(self, *, marks: bool = True) -> Swept:
        """Make or check the stores, and end what ended while no server ran.

        ``marks``: an empty place of blobs is this database's from here on.

        Raises:
            BadSetting: the blob store can't be used, or is another database's.
        """
        await self.open_database()
        # First: a place is told by the files of links that live, not of those that are over. Their
        # traces are erased by who sweeps on: a start must not fail where there is no room for it.
        swept = await end_due(self.sweeping)
        with _settings_blamed():
            await self.blobs.open()
            await self.ownership.check(marks=marks)
        return swept

    async def open_database(self) -> int:
        """Make the data folder and the tables, or bring these up to date; the version found."""
        self.settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        return await self.database.open()


def join(settings: Settings, clock: Callable[[], Instant] | None = None) -> Parts:
    """Build every part from settings; nothing is opened yet.

    ``clock`` replaces the one that decides: this machine's, or that of PostgreSQL.
    """
    limits = settings.limits
    database = database_of(settings, clock)
    blobs = _blobs_of(settings)
    place = settings.blobs or str(settings.data / "blobs")
    ownership = Ownership(
        database,
        blobs,
        place,
        proposed=secrets.token_hex(16),
        is_shared=settings.database is not None,
        pause=asyncio.sleep,
    )
    return Parts(
        settings=settings,
        database=database,
        blobs=blobs,
        ownership=ownership,
        sending=Sending(SqlSending(database, limits), blobs, limits),
        opening=Opening(SqlOpening(database, limits), blobs, asyncio.sleep),
        tokens=Tokens(SqlTokens(database), secrets.token_bytes),
        sweeping=Sweeping(SqlSweeping(database, limits), blobs, ownership.confirm),
        limiter=_limiter(settings, database),
        health=Health([partial(database.read, _ping), partial(_list_some, blobs)], time.monotonic),
    )


def _ping(tx: Transaction) -> None:
    tx.connection.execute(select(1))


async def _list_some(blobs: BlobStore) -> None:
    """A store that lists lives; what it lists does not matter."""
    async for _ in blobs.names():
        break


def _limiter(settings: Settings, database: Database) -> Limiter:
    """Counts in the database where there may be other processes."""
    is_alone = settings.database is None and settings.workers == 1
    shares_counts = settings.rate > 0 and not is_alone
    shared = SqlRates(database, settings.rate, secrets.token_bytes) if shares_counts else None
    return Limiter(Buckets(settings.rate, time.monotonic), shared)


def database_of(settings: Settings, clock: Callable[[], Instant] | None = None) -> Database:
    """The database that the settings name."""
    if settings.database is None:
        return SqliteDatabase(settings.data / "otv.db", clock or now_ms)
    from otv_server.storage.postgres import PostgresDatabase  # noqa: PLC0415  # slow to import

    return PostgresDatabase(settings.database, clock)


def _blobs_of(settings: Settings) -> DiskBlobs | ObjectBlobs:
    with _settings_blamed():
        return blobs_at(
            settings.data / "blobs" if settings.blobs is None else parse(settings.blobs),
            os.environ,
            random=secrets.token_bytes,
            clock=time.time,
            pause=asyncio.sleep,
            settled_s=settings.idle_upload,
        )


@contextmanager
def _settings_blamed() -> Iterator[None]:
    try:
        yield
    except WrongPlace as error:
        raise BadSetting(str(error)) from None


async def end_due(sweeping: Sweeping) -> Swept:
    """End what is due, with one line of log where there was anything."""
    swept = await sweeping.end_due()
    if swept.did_anything:
        counts = asdict(swept)
        del counts["is_complete"], counts["deleted"]
        log.info("swept", **counts)
    return swept


async def end_and_erase(sweeping: Sweeping) -> Swept:
    """End what is due, and leave no trace of it."""
    swept = await end_due(sweeping)
    await sweeping.erase_traces()
    return swept


async def delete_orphans(sweeping: Sweeping) -> Swept:
    """Delete what is over, with one line of log where there was anything."""
    if deleted := await sweeping.delete_orphans():
        log.info("deleted blobs", deleted=deleted)
    return Swept(deleted=deleted)


async def delete_strangers(sweeping: Sweeping) -> Swept:
    """Delete what no row names, with one line of log where there was anything."""
    if deleted := await sweeping.delete_strangers():
        log.info("deleted blobs that no row names", deleted=deleted)
    return Swept(deleted=deleted)


async def sweep_for_ever(
    sweeping: Sweeping, count: Callable[[Swept], None] = lambda _: None
) -> None:
    """Sweep until cancelled: nothing else ends it, or nothing would ever expire.

    Three loops: a blob store that does not answer delays no expiry, and a listing no deletion.
    ``count`` is told what each round of one of them did.
    """
    await asyncio.gather(
        _repeated(end_and_erase, sweeping, SWEEP_EVERY_S, count),
        _repeated(delete_orphans, sweeping, SWEEP_EVERY_S, count),
        _repeated(delete_strangers, sweeping, LIST_EVERY_S, count),
    )


async def _repeated(
    work: Callable[[Sweeping], Awaitable[Swept]],
    sweeping: Sweeping,
    every_s: float,
    count: Callable[[Swept], None],
) -> None:
    while True:
        rest_s = every_s
        try:
            count(await work(sweeping))
        except Exception as error:  # noqa: BLE001  # whatever it was, the next one must come
            cause = error.__cause__ or error
            log.error("sweep failed", error=type(cause).__name__)  # noqa: TRY400  # no tracebacks
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError from None  # whatever hid it: this server is to stop
            if not isinstance(error, Undeletable):  # what can't be deleted is not listed for
                rest_s = min(every_s, AGAIN_S)
        await asyncio.sleep(rest_s)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], Instant] | None = None,
    page_folder: Path = page.FOLDER,
    own_names: frozenset[str] = frozenset(),
    in_network: Callable[[], str | None] = lambda: None,
    pin: bytes | None = None,
) -> Litestar:
    """The application; without settings, those of the environment.

    ``own_names`` are those that it is found by, beside the machine's and those of the settings;
    ``in_network`` says where other machines of its networks reach it, and ``pin`` by which key.

    Raises:
        BadSetting: the environment makes no sense.
    """
    logs.configure()
    parts = join(settings or load(os.environ), clock)
    public = parts.settings.public
    metrics = Metrics() if parts.settings.metrics else None
    return Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=[info, Sender, Recipient]),
            page.router(page_folder),
            live,
            ready,
            *([] if metrics is None else [exposed]),
        ],
        lifespan=[lambda app: _running(app, parts, metrics)],
        state=State(
            {
                "sending": parts.sending,
                "opening": parts.opening,
                "tokens": parts.tokens,
                "limits": parts.settings.limits,
                "access": _access(parts.settings, own_names),
                "keep_addresses": KeepAddresses(parts.settings.keep_addresses),
                "limiter": parts.limiter,
                "health": parts.health,
                "metrics": metrics,
                "body_room": BodyRoom(),
                "clock": clock or now_ms,
                "elsewhere": in_network if public is None else lambda: str(public),
                "pin": pin if public is None else None,
                "lan_http": parts.settings.lan_http,
            }
        ),
        exception_handlers={Exception: answer_error},
        guards=[refuse_options, refuse_strangers],
        middleware=[*([] if metrics is None else [counting(metrics)]), with_deadline],
        before_send=[slow_down, add_headers],
        request_max_body_size=JSON_MAX_BYTES,
        openapi_config=openapi.config(),
        logging_config=None,
    )


def _access(settings: Settings, own_names: frozenset[str]) -> Access:
    return Access(
        uploads=Uploads(settings.who_may_send),
        proxies=settings.proxies,
        names=hostnames.current() | settings.known_names | own_names,
        public=settings.public,
    )


@asynccontextmanager
async def _running(_app: Litestar, parts: Parts, metrics: Metrics | None) -> AsyncIterator[None]:
    await parts.open()
    count = (lambda _: None) if metrics is None else metrics.count_sweep
    sweeper = asyncio.create_task(sweep_for_ever(parts.sweeping, count))
    try:
        yield
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
        await parts.database.close()
