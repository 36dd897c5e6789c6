"""The one place where the parts are joined. Plain uvicorn can run ``create_app`` as a factory."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import structlog
from litestar import Litestar, Router
from litestar.datastructures import State

from otv_server import logs
from otv_server.api import openapi, page
from otv_server.api.body import refuse_options
from otv_server.api.caller import KeepAddresses
from otv_server.api.deadline import with_deadline
from otv_server.api.headers import add_headers
from otv_server.api.info import info
from otv_server.api.limiter import Limiter
from otv_server.api.problems import answer_error
from otv_server.api.recipient import Recipient
from otv_server.api.room import BodyRoom
from otv_server.api.sender import Sender
from otv_server.domain.limits import JSON_MAX_BYTES
from otv_server.service.opening import Opening
from otv_server.service.sending import Sending
from otv_server.service.sweeping import Sweeping
from otv_server.settings import BadSetting, Settings, load
from otv_server.storage.database import Database
from otv_server.storage.opening import SqlOpening
from otv_server.storage.places import WrongPlace, blobs_at, parse
from otv_server.storage.sending import SqlSending
from otv_server.storage.sweeping import SqlSweeping

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from otv_server.domain.ports import Swept
    from otv_server.domain.share import Instant
    from otv_server.storage.blobs import DiskBlobs
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
    sending: Sending
    opening: Opening
    sweeping: Sweeping

    async def open(self) -> Swept:
        """Make or check the stores, and end what ended while no server ran.

        Raises:
            BadSetting: the object store can't be used.
        """
        self.settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _settings_blamed():
            await self.blobs.open()
        await self.database.open()
        return await end_due(self.sweeping)


def join(settings: Settings, clock: Callable[[], Instant] = now_ms) -> Parts:
    """Build every part from settings; nothing is opened yet."""
    limits = settings.limits
    database = Database(settings.data / "otv.db", clock)
    blobs = _blobs_of(settings)
    return Parts(
        settings=settings,
        database=database,
        blobs=blobs,
        sending=Sending(SqlSending(database, limits), blobs, limits),
        opening=Opening(SqlOpening(database, limits), blobs, asyncio.sleep),
        sweeping=Sweeping(SqlSweeping(database, limits), blobs),
    )


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


async def delete_orphans(sweeping: Sweeping) -> None:
    """Delete what is over, with one line of log where there was anything."""
    if deleted := await sweeping.delete_orphans():
        log.info("deleted blobs", deleted=deleted)


async def delete_strangers(sweeping: Sweeping) -> None:
    """Delete what no row names, with one line of log where there was anything."""
    if deleted := await sweeping.delete_strangers():
        log.info("deleted blobs that no row names", deleted=deleted)


async def sweep_for_ever(sweeping: Sweeping) -> None:
    """Sweep until cancelled: nothing else ends it, or nothing would ever expire.

    Three loops: a blob store that does not answer delays no expiry, and a listing no deletion.
    """
    await asyncio.gather(
        _repeated(end_due, sweeping, SWEEP_EVERY_S),
        _repeated(delete_orphans, sweeping, SWEEP_EVERY_S),
        _repeated(delete_strangers, sweeping, LIST_EVERY_S),
    )


async def _repeated(
    work: Callable[[Sweeping], Awaitable[object]], sweeping: Sweeping, every_s: float
) -> None:
    while True:
        rest_s = every_s
        try:
            await work(sweeping)
        except Exception as error:  # noqa: BLE001  # whatever it was, the next one must come
            cause = error.__cause__ or error
            log.error("sweep failed", error=type(cause).__name__)  # noqa: TRY400  # no tracebacks
            rest_s = min(every_s, AGAIN_S)
        await asyncio.sleep(rest_s)


def create_app(
    settings: Settings | None = None,
    *,
    clock: Callable[[], Instant] = now_ms,
    page_folder: Path = page.FOLDER,
) -> Litestar:
    """The application; without settings, those of the environment.

    Raises:
        BadSetting: the environment makes no sense.
    """
    logs.configure()
    parts = join(settings or load(os.environ), clock)
    return Litestar(
        route_handlers=[
            Router("/api/v1", route_handlers=[info, Sender, Recipient]),
            page.router(page_folder),
        ],
        lifespan=[lambda app: _running(app, parts)],
        state=State(
            {
                "sending": parts.sending,
                "opening": parts.opening,
                "limits": parts.settings.limits,
                "keep_addresses": KeepAddresses(parts.settings.keep_addresses),
                "limiter": Limiter(parts.settings.rate, time.monotonic),
                "body_room": BodyRoom(),
                "clock": clock,
            }
        ),
        exception_handlers={Exception: answer_error},
        guards=[refuse_options],
        middleware=[with_deadline],
        before_send=[add_headers],
        request_max_body_size=JSON_MAX_BYTES,
        openapi_config=openapi.config(),
        logging_config=None,
    )


@asynccontextmanager
async def _running(_app: Litestar, parts: Parts) -> AsyncIterator[None]:
    await parts.open()
    sweeper = asyncio.create_task(sweep_for_ever(parts.sweeping))
    try:
        yield
    finally:
        sweeper.cancel()
        with suppress(asyncio.CancelledError):
            await sweeper
        parts.database.close()
