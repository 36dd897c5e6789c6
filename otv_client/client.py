"""The library's front: one object that sends, opens, reports and revokes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from otv_client.errors import Unknown, UsageError
from otv_client.exchange import Exchange
from otv_client.files.sources import Readable, Source, collect, from_memory
from otv_client.link import parse_link, parse_server
from otv_client.opening import Opened, Password, open_link
from otv_client.parcel import Parcel, Terms, packed
from otv_client.pins import parse_pin
from otv_client.receiving import IntoFolder, IntoStream, Target, Writable
from otv_client.reporting import GONE, ShareStatus, judged, may_live, with_end
from otv_client.retry import Patience, Retrying
from otv_client.sending import SentShare, send_share
from otv_client.transport import Transport
from otv_client.trust import Trust
from otv_client.world import World

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

    import httpx

    from otv_client.records import ShareRecord
    from otv_client.state import StateFolder
    from otv_client.verifying import Verdict

AnyPath = str | os.PathLike[str]
Sendable = str | bytes | Readable | os.PathLike[str] | Iterable[AnyPath]
Destination = AnyPath | Writable | Target


class Client:
    """A one-time view client.

    Keeps no state unless it is given a ``StateFolder``; prints and asks nothing.
    Safe to use from several threads.

    Example::

        from otv_client import Client, Terms

        with Client("https://share.example") as client:
            sent = client.send("the secret", Terms(expires_s=600, password="correct horse"))
            link = sent.links[0].link

        with Client() as client:
            opened = client.open(link, password="correct horse")
            assert opened.note == "the secret"

    Args:
        server: ``https://host[:port][/base]``, for sending; opening takes it from the link.
        upload_token: where the server asks for one.
        pin: of the key that ``server`` must have, 20 characters; without ``server``, that of every
            server. Once it has proved right it is remembered. A link's own pin needs no other.
        ssl_context: replaces the usual trust in certificate authorities.
        state: where to remember what was sent, and openings that a crash must not cost.
        patience: how long to try again.
        http: an ``httpx.Client`` of your own, which stays yours to close; its settings
            (trust, time limits) then count, and it must not follow redirections. No pin can be
            checked through it.
        world: randomness, clocks and listeners; and who vouches for a key that nobody knows.

    Raises (all methods):
        OtvError: a subclass says which; see ``otv_client.errors``.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        pin: str | None = None,
        upload_token: str | None = None,
        ssl_context: ssl.SSLContext | None = None,
        state: StateFolder | None = None,
        patience: Patience | None = None,
        http: httpx.Client | None = None,
        world: World | None = None,
    ) -> None:
        self.server = None if server is None else parse_server(server)
        self._upload_token = upload_token
        self._patience = patience or Patience()
        self.world = replace(world or World(), state=state)
        self._trust = Trust(
            self.world,
            given=None if pin is None else parse_pin(pin),
            given_for=self.server,
            ssl_context=ssl_context,
            injected=http,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that this client opened."""
        self._trust.close()

    # --- sending ----------------------------------------------------------------------------

    def send(self, what: Sendable, terms: Terms | None = None, *, name: str = "data") -> SentShare:
        """Send a text, bytes, a stream, or files and folders.

        Args:
            what: a ``str`` is a secret text and travels as the note; ``bytes`` and a binary
                stream are one file; a ``Path``, or an iterable of paths, is files and folders.
            terms: how the share may be opened.
            name: of the file, for bytes and streams.
        """
        terms = terms or Terms()
        tell = self.world.tell
        if isinstance(what, str):
            return self.send_parcel(Parcel(), _with_text(terms, what))
        if isinstance(what, bytes):
            return self.send_parcel(Parcel((from_memory(name, what, tell),)), terms)
        if isinstance(what, os.PathLike):
            return self.send_paths([what], terms)
        if isinstance(what, Readable):
            return self.send_parcel(packed((), what, name, tell), terms)
        return self.send_paths(what, terms)

    def send_paths(
        self,
        paths: Iterable[AnyPath],
        terms: Terms,
        *,
        stream: Readable | None = None,
        name: str = "data",
    ) -> SentShare:
        """Send files and folders and, behind them, one stream as a file called ``name``."""
        tell = self.world.tell
        sources: list[Source] = collect([Path(path) for path in paths], tell)
        return self.send_parcel(packed(sources, stream, name, tell), terms)

    def send_parcel(self, parcel: Parcel, terms: Terms) -> SentShare:
        """Send what is packed already."""
        server = self._named()
        transport = self._transport(server, upload_token=self._upload_token)
        sent = send_share(transport, parcel, terms, self.world)
        self._trust.keep_given(server)
        return sent

    # --- opening ----------------------------------------------------------------------------

    def open(
        self,
        link: str,
        into: Destination | None = None,
        *,
        password: Password = None,
        deliver: Callable[[Opened], None] = lambda _: None,
    ) -> Opened:
        """Open a link; a link opens once.

        Args:
            link: the whole link.
            into: a folder, made where it is missing; a binary stream for a single file; or a
                ``Target``. None is the current folder, or a new one in it for a share that
                holds a dotfile at its top. A note alone needs no folder.
            password: or a function that is called only where the link asks for one.
            deliver: see ``otv_client.opening.open_link``.
        """
        parsed = parse_link(link.strip())
        transport = self._transport(parsed.server, parsed.pin)
        opened = open_link(transport, parsed, _target(into), password, self.world, deliver)
        self._trust.keep_given(parsed.server)
        return opened

    # --- what became of it ------------------------------------------------------------------

    def status(self, sent: SentShare | str) -> ShareStatus:
        """What became of a share, its receipts checked.

        Once this has told that a share is over, ``sent`` lists it no more; it can be asked for
        until the server forgets it.

        Args:
            sent: what ``send`` returned, or a share's id, a link or a link's id to look up in
                the state folder.
        """
        record, _ = self._find(sent)
        try:
            report = self._to(record).share(record.id, record.owner)
        except Unknown as error:
            if may_live(record, self.world.now()):
                error.hint = "if the server has lost its data for a moment, nothing is lost"
            else:
                self._forget(record)
            raise
        known = with_end(record, report, self.world.now())
        self._remember(record, replace(known, is_told=known.is_told or report.state == GONE))
        return judged(report, record)

    def look(self, record: ShareRecord) -> ShareStatus:
        """The same for a record, without forgetting it."""
        return judged(self._to(record).share(record.id, record.owner), record)

    def revoke(self, sent: SentShare | str) -> None:
        """End a share, or one link of it: erase it now, and cut who reads it."""
        record, link_id = self._find(sent)
        is_only_link = len(record.links) == 1
        self._to(record).revoke(record.id, record.owner, None if is_only_link else link_id)

    def forgive(self, sent: SentShare | str, link_id: str) -> None:
        """Unlock a link: forgive the wrong passwords counted so far."""
        record, _ = self._find(sent)
        self._to(record).reset_guesses(record.id, link_id, record.owner)

    def sent(self) -> list[ShareRecord]:
        """What the state folder remembers and has not told to be over, oldest first."""
        return [record for record in self._records() if not record.is_told]

    # --- the page ---------------------------------------------------------------------------

    def verify(self) -> Verdict:
        """Compare the page that the server gives to browsers with this release's."""
        from otv_client.verifying import compare, listed  # noqa: PLC0415 - 20 ms, only here

        server, retrying = self._named(), self._retrying()
        line = self._trust.line(server)
        verdict = compare(Exchange(line, server, retrying, base=""), listed(), self.world.random)
        self._trust.keep_given(server)
        return verdict

    # --- parts ------------------------------------------------------------------------------

    def _records(self) -> list[ShareRecord]:
        return self.world.state.shares() if self.world.state else []

    def _find(self, sent: SentShare | str) -> tuple[ShareRecord, str | None]:
        """A share's record, and the link's id where a link was named."""
        if isinstance(sent, SentShare):
            return sent.record, None
        wanted = id_of(sent)
        for record in self._records():
            if record.id == wanted:
                return record, None
            if any(link.id == wanted for link in record.links):
                return record, wanted
        raise Unknown(
            "this machine remembers no such share or link",
            hint="`otv-client list` shows what it remembers",
        )

    def _remember(self, before: ShareRecord, now: ShareRecord) -> None:
        if self.world.state and now != before:
            self.world.state.save_share(now)

    def _forget(self, record: ShareRecord) -> None:
        if self.world.state:
            self.world.state.forget_share(record.id)

    def _to(self, record: ShareRecord) -> Transport:
        return self._transport(record.server, record.pin)

    def _transport(
        self, server: str, pin: bytes | None = None, *, upload_token: str | None = None
    ) -> Transport:
        line = self._trust.line(server, pin)
        return Transport(line, server, self._retrying(), upload_token=upload_token)

    def _retrying(self) -> Retrying:
        return Retrying(
            self._patience,
            clock=self.world.monotonic,
            random=self.world.jitter,
            pause=self.world.pause,
        )

    def _named(self) -> str:
        if self.server is None:
            raise UsageError(
                "no server is named",
                hint="give it with --server URL or in OTV_SERVER",
            )
        return self.server


def id_of(text: str) -> str:
    """The id that a link, or an id itself, names; nothing after the ``#`` is looked at."""
    address = text.strip().partition("#")[0]
    return address.rpartition("/s/")[2]


def _with_text(terms: Terms, text: str) -> Terms:
    if terms.note:
        raise UsageError("a text is sent as the note, and there is another note")
    if not text:
        raise UsageError("the text is empty")
    return replace(terms, note=text)


def _target(into: Destination | None) -> Target:
    if into is None:
        return IntoFolder(Path(), is_chosen=False)
    if isinstance(into, str | os.PathLike):
        return IntoFolder(Path(into))
    return IntoStream(into) if isinstance(into, Writable) else into
