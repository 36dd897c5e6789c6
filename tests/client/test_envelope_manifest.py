"""The manifest and its JSON (protocol section 5)."""

from __future__ import annotations

import bisect
import secrets
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otv_client.envelope import canonical, manifest
from otv_client.envelope.manifest import Blob, FileEntry, Manifest
from otv_client.envelope.padding import bucket, padded_content
from otv_client.errors import IntegrityError, UsageError
from otv_client.names import safe_name

KEY, ID = bytes(range(32)), bytes(range(12))

notes = st.text(max_size=200)
file_names = st.lists(st.text(min_size=1).map(safe_name), max_size=5).map(
    lambda found: [f"{number}-{name}"[:60].rstrip(". ") for number, name in enumerate(found)]
)
types = st.sampled_from(["", "text/plain", "image/svg+xml", "application/vnd.ms-excel"])
blobs = st.tuples(*[st.binary(min_size=n, max_size=n) for n in (32, 74, 32)])


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    """Any manifest that a writer may write."""
    names = draw(file_names)
    sizes = [draw(st.integers(0, 20)) for _ in names]
    files = tuple(FileEntry(n, s, draw(types)) for n, s in zip(names, sizes, strict=True))
    if draw(st.booleans()):
        inline = draw(st.binary(min_size=sum(sizes), max_size=sum(sizes)))
        return Manifest(draw(notes), draw(st.booleans()), files, None, inline)
    key, header, root = draw(blobs)
    blob = Blob(key, header, padded_content(sum(sizes)), root)
    return Manifest(draw(notes), draw(st.booleans()), files, blob, b"")


def small() -> Manifest:
    """A share of one small file."""
    return Manifest("hi", view=False, files=(FileEntry("a", 3, ""),), blob=None, inline=b"abc")


def is_refused(call: Any, *arguments: Any) -> bool:
    """Whether it is refused as not what it must be."""
    try:
        call(*arguments)
    except IntegrityError:
        return True
    return False


@given(manifests())
def test_every_manifest_reads_back(written: Manifest) -> None:
    """A share, by chance of its names or its note, would open for nobody."""
    sealed = manifest.seal_manifest(written, KEY, ID, secrets.token_bytes)

    assert manifest.open_manifest(sealed, KEY, ID) == written
    assert len(sealed) - 106 in (4096, 16_384, 65_536, 262_144)


def test_no_bit_of_a_sealed_manifest_can_flip() -> None:
    """A server could alter what a link opens."""
    sealed = manifest.seal_manifest(small(), KEY, ID, secrets.token_bytes)
    flips = [(at, 1 << at % 8) for at in range(len(sealed))]
    flips += [(at, 1 << bit) for at in range(90) for bit in range(8)]

    accepted = [
        (at, bit)
        for at, bit in flips
        if not is_refused(manifest.open_manifest, flipped(sealed, at, bit), KEY, ID)
    ]

    assert accepted == []


def test_no_bit_of_a_plaintext_says_the_same() -> None:
    """Two texts for one share: a signature or a hash of one would say nothing of the other."""
    plaintext = manifest.encode(small())

    for at in range(200):
        for bit in range(8):
            other = flipped(plaintext, at, 1 << bit)
            assert is_refused(manifest.decode, other) or manifest.decode(other) != small()


def flipped(data: bytes, at: int, bit: int) -> bytes:
    """The data with one bit turned."""
    return data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :]


@given(st.binary(max_size=300))
def test_any_plaintext_is_read_or_refused_in_words(data: bytes) -> None:
    """A manifest made to surprise would end in a traceback."""
    plaintext = (len(data).to_bytes(4, "big") + data).ljust(4096, b"\0")

    assert is_refused(manifest.decode, plaintext)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2**53 - 1) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.from_regex(r"x[a-z0-9_]*", fullmatch=True), json_values, max_size=3))
def test_fields_of_the_future_are_ignored(later: dict[str, Any]) -> None:
    """The first field that a newer writer adds would lock out every older reader."""
    now = {"v": 1, "note": "", "view": False, "files": [], "blob": None}
    json = canonical.dump(now | later)
    plaintext = len(json).to_bytes(4, "big") + json

    decoded = manifest.decode(plaintext.ljust(bucket(len(plaintext)), b"\0"))

    assert decoded == Manifest("", view=False, files=(), blob=None, inline=b"")


@pytest.mark.parametrize(
    "text", ["[" * 260_000, '"' + '\\"' * 130_000, '{"a":' * 50_000, "[]" * 130_000]
)
def test_json_made_to_be_slow_is_refused_quickly(text: str) -> None:
    """Whoever opens a malicious link would wait forever, or crash."""
    start = time.process_time()

    with pytest.raises(ValueError):  # noqa: PT011 - any of its sentences
        canonical.parse(text.encode())

    assert time.process_time() - start < 1  # below 0.1 s here


@pytest.mark.parametrize(
    "written",
    [
        Manifest("x" * 65_537, view=False, files=(), blob=None, inline=b""),
        Manifest("\ud800", view=False, files=(), blob=None, inline=b""),
        Manifest("", view=False, files=(FileEntry("../a", 0, ""),), blob=None, inline=b""),
        Manifest("", view=False, files=(FileEntry("a", 0, "text"),), blob=None, inline=b""),
        Manifest("", view=False, files=(FileEntry("a", -1, ""),), blob=None, inline=b""),
        Manifest("", view=False, files=(FileEntry("a", 2, ""),), blob=None, inline=b"a"),
        Manifest("", view=False, files=(FileEntry("a", 2, ""),) * 2, blob=None, inline=b"aabb"),
        Manifest("", view=False, files=(), blob=None, inline=bytes(262_144)),
        Manifest("", view=False, files=(), blob=Blob(KEY, bytes(74), 1, KEY), inline=b""),
        Manifest("", view=False, files=(), blob=Blob(KEY, bytes(73), 16_384, KEY), inline=b""),
    ],
)
def test_a_writer_writes_nothing_that_a_reader_refuses(written: Manifest) -> None:
    """An upload would end with a link that opens for nobody."""
    with pytest.raises(UsageError):
        manifest.encode(written)


def test_small_shares_travel_inline_and_larger_ones_do_not() -> None:
    """A note of a few words would cost an upload, or a large file would not fit."""
    fits = FileEntry("a", 65_536, "")
    many = [FileEntry("x" * 250 + f"{i}", 0, "") for i in range(800)]

    assert manifest.fits_inline("", [fits], view=False)
    assert not manifest.fits_inline("", [fits, FileEntry("b", 1, "")], view=False)
    assert manifest.fits_inline("", many, view=False)
    assert not manifest.fits_inline("", [*many, fits], view=False)


def test_what_fits_inline_can_be_encoded_up_to_the_last_byte() -> None:
    """Just below the limit, the upload would fail after all."""
    files = tuple(FileEntry(f"{i:04}" + "x" * 240, 0, "") for i in range(700))
    files += (FileEntry("a", 65_536, ""),)

    def is_too_long(note_bytes: int) -> bool:
        return not manifest.fits_inline("x" * note_bytes, files, view=False)

    longest = bisect.bisect(range(65_536), False, key=is_too_long) - 1
    fits, does_not = (
        Manifest("x" * n, view=False, files=files, blob=None, inline=b"y" * 65_536)
        for n in (longest, longest + 1)
    )

    assert manifest.encode(fits)[-1:] == b"y"
    with pytest.raises(UsageError):
        manifest.encode(does_not)


def test_what_no_manifest_can_hold_is_told_before_the_upload() -> None:
    """Hours of upload would end in a refusal."""
    many = [FileEntry(f"{i}", 1 << 30, "") for i in range(4_097)]
    long = [FileEntry(f"{i}" + "x" * 240, 1 << 30, "") for i in range(1_000)]

    manifest.check_sendable("", many[:4_096], view=False)
    for files in (many, long):
        with pytest.raises(UsageError):
            manifest.check_sendable("", files, view=False)


def test_a_manifest_shows_no_secret() -> None:
    """The content key or the note would end up in a log or a traceback."""
    blob = Blob(b"k" * 32, bytes(74), 16_384, bytes(32))
    shown = repr(Manifest("the note", view=False, files=(), blob=blob, inline=b"the bytes"))

    assert "kkk" not in shown
    assert "the note" not in shown
    assert "the bytes" not in shown
