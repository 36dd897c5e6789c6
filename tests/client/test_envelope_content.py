"""FLOE and the content (protocol sections 4 and 6)."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from otv_client.envelope import content
from otv_client.envelope.content import ContentOpener, ContentSealer, Geometry, Layout
from otv_client.envelope.floe import SEGMENT_OVERHEAD, Floe, FloeParams
from otv_client.envelope.padding import padded_content, padme
from otv_client.errors import IntegrityError

SMALL = FloeParams(segment_bytes=40, rotation_bits=2)
TINY = Layout(FloeParams(segment_bytes=2_080, rotation_bits=1), part_segments=3)


def message() -> tuple[Floe, list[bytes]]:
    """Ten segments of eight bytes under three keys, the last one shorter."""
    floe = Floe(bytes(32), bytes(range(32)), b"aad", SMALL)
    pieces = [bytes([i]) * 8 for i in range(9)] + [b"end"]
    return floe, [sealed(floe, i, piece, is_last=i == 9) for i, piece in enumerate(pieces)]


def sealed(floe: Floe, index: int, piece: bytes, *, is_last: bool) -> bytes:
    """One segment."""
    out = bytearray(len(piece) + SEGMENT_OVERHEAD)
    floe.seal_into(memoryview(out), index, piece, secrets.token_bytes(12), is_last=is_last)
    return bytes(out)


def opened(floe: Floe, index: int, segment: bytes, *, is_last: bool) -> bytes | None:
    """One segment's plaintext, or None where it is refused; the buffer must then be empty."""
    out = bytearray(max(len(segment) - SEGMENT_OVERHEAD, 0))
    try:
        floe.open_into(memoryview(out), index, memoryview(segment), is_last=is_last)
    except IntegrityError:
        assert not any(out), "unverified plaintext was left behind"
        return None
    return bytes(out)


def test_a_segment_opens_at_its_place_and_nowhere_else() -> None:
    """Segments could be swapped, repeated, or taken for the end."""
    floe, segments = message()

    places = {
        (i, at, is_last)
        for i, segment in enumerate(segments)
        for at in range(12)
        for is_last in (False, True)
        if opened(floe, at, segment, is_last=is_last) is not None
    }

    assert places == {(i, i, i == 9) for i in range(10)}


def test_no_bit_of_a_segment_can_flip() -> None:
    """Something altered on the way would be handed on as what the sender sent."""
    floe, segments = message()

    for i in (4, 9):
        for at in range(len(segments[i])):
            for bit in range(8):
                other = bytearray(segments[i])
                other[at] ^= 1 << bit
                assert opened(floe, i, bytes(other), is_last=i == 9) is None


def test_no_bit_of_a_header_can_flip() -> None:
    """A header of other parameters, or for another key, would be believed."""
    floe, _ = message()

    for at in range(74):
        for bit in range(8):
            other = bytearray(floe.header)
            other[at] ^= 1 << bit
            with pytest.raises(IntegrityError):
                Floe.opened(bytes(32), bytes(other), b"aad", SMALL)


def test_segments_are_what_a_plain_reading_of_the_specification_gives() -> None:
    """Nobody else's FLOE could open ours: here its keys come from a library's HKDF."""
    floe, segments = message()
    info = bytes.fromhex("00000000002800000020") + bytes(range(32))

    def expand(key: bytes, purpose: bytes, length: int) -> bytes:
        return HKDFExpand(SHA384(), length, info + purpose + b"aad").derive(key)

    message_key = expand(bytes(32), b"MESSAGE_KEY:", 48)
    for i, segment in enumerate(segments):
        key = expand(message_key, b"DEK:" + (i // 4 * 4).to_bytes(8, "big"), 32)
        aad = i.to_bytes(8, "big") + bytes([i == 9])
        plain = AESGCM(key).decrypt(segment[4:16], segment[16:], aad)
        assert plain == opened(floe, i, segment, is_last=i == 9)
    assert floe.header == info + expand(bytes(32), b"HEADER_TAG:", 32)


def test_a_segment_sealed_again_has_another_nonce() -> None:
    """A nonce used twice gives away two plaintexts and the key of the tags."""
    sealer = ContentSealer.draw(secrets.token_bytes, TINY)

    once, again = (bytes(sealer.seal_part(0, b"x", is_last=True)) for _ in range(2))

    assert once[4:16] != again[4:16]
    assert once != again


def test_wrong_lengths_of_our_own_are_loud() -> None:
    """A bug of ours would write a content that nobody opens."""
    sealer = ContentSealer.draw(secrets.token_bytes, TINY)
    geometry = Geometry.of_files(1, TINY)

    for plaintext, is_last in [(b"", True), (bytes(TINY.part_plain + 1), True), (b"x", False)]:
        with pytest.raises(AssertionError):
            sealer.seal_part(0, plaintext, is_last=is_last)
    for part in (-1, geometry.parts):
        with pytest.raises(AssertionError):
            geometry.part_bytes(part)


@given(st.integers(0, 2**50))
def test_padding_hides_much_and_costs_little(length: int) -> None:
    """Sizes would leak, or a tenth of everyone's traffic be zeros."""
    padded = padme(length)

    assert length <= padded <= length + max(1, length * 12 // 100)
    assert padme(padded) == padded


@given(st.integers(0, 2**45))
def test_geometry_follows_from_any_of_its_lengths(files_bytes: int) -> None:
    """Reader and writer would look for a part in two places."""
    geometry = Geometry.of_files(files_bytes)
    last = geometry.parts - 1

    assert Geometry.of_ciphertext(geometry.ciphertext) == geometry
    assert geometry.length == padded_content(files_bytes) >= files_bytes
    assert (geometry.parts - 1) * content.PART_BYTES + geometry.part_bytes(
        last
    ) == geometry.ciphertext
    assert geometry.part_plain(last)[1] == geometry.length
    assert geometry.part_plain(0)[0] == 0


@given(st.integers(-100, 2**40))
def test_a_length_is_possible_or_refused(ciphertext: int) -> None:
    """A server could name a length that sends the reader astray."""
    try:
        geometry = Geometry.of_ciphertext(ciphertext)
    except IntegrityError:
        return
    assert geometry.ciphertext == ciphertext
    assert padded_content(geometry.length) == geometry.length


@given(st.integers(0, 40_000), st.data())
def test_any_range_is_found_in_the_parts_that_hold_it(
    files_bytes: int, data: st.DataObject
) -> None:
    """A file in the middle of a share would come out as its neighbour."""
    geometry = Geometry.of_files(files_bytes, TINY)
    plain = secrets.token_bytes(files_bytes).ljust(geometry.length, b"\0")
    sealer = ContentSealer.draw(secrets.token_bytes, TINY)
    opener = ContentOpener(sealer.key, sealer.header, geometry)
    start = data.draw(st.integers(0, geometry.length - 1))
    stop = data.draw(st.integers(start + 1, geometry.length))

    found = b""
    for j in range(start // TINY.part_plain, (stop - 1) // TINY.part_plain + 1):
        first, end = geometry.part_plain(j)
        part = sealer.seal_part(j, plain[first:end], is_last=geometry.is_last(j))
        assert len(part) == geometry.part_bytes(j)
        piece = opener.open_part(j, part)
        content.check_padding(piece, first, files_bytes)
        found += piece[max(start - first, 0) : stop - first]

    assert found == plain[start:stop]


def test_parts_may_be_sealed_and_opened_by_several_threads_at_once() -> None:
    """An upload of four parts at a time would mix them up, now and then."""
    geometry = Geometry.of_files(100_000, TINY)
    plain = secrets.token_bytes(geometry.length)
    sealer = ContentSealer.draw(secrets.token_bytes, TINY)
    opener = ContentOpener(sealer.key, sealer.header, geometry)

    def there_and_back(j: int) -> bytes:
        piece = plain[slice(*geometry.part_plain(j))]
        return bytes(opener.open_part(j, sealer.seal_part(j, piece, is_last=geometry.is_last(j))))

    with ThreadPoolExecutor(4) as threads:
        parts = list(threads.map(there_and_back, reversed(range(geometry.parts))))

    assert b"".join(reversed(parts)) == plain


def test_a_part_of_the_protocols_own_size_comes_back() -> None:
    """Small examples would work, and files of more than one part would not."""
    geometry = Geometry.of_files(content.PART_PLAIN + 1)
    plain = secrets.token_bytes(geometry.length)
    sealer = ContentSealer.draw(secrets.token_bytes)
    opener = ContentOpener(sealer.key, sealer.header, geometry)

    parts = [
        sealer.seal_part(j, plain[slice(*geometry.part_plain(j))], is_last=geometry.is_last(j))
        for j in range(geometry.parts)
    ]

    assert [len(part) for part in parts] == [8_388_608, geometry.ciphertext - 8_388_608]
    assert b"".join(opener.open_part(j, part) for j, part in enumerate(parts)) == plain


@pytest.mark.parametrize("at", [0, 2_079, 2_080, 6_239])
def test_an_altered_part_lets_nothing_out(at: int) -> None:
    """The beginning of a forged part would be handed on before its end is checked."""
    geometry = Geometry.of_files(17_000, TINY)
    sealer = ContentSealer.draw(secrets.token_bytes, TINY)
    opener = ContentOpener(sealer.key, sealer.header, geometry)
    part = bytearray(sealer.seal_part(0, bytes(TINY.part_plain), is_last=False))
    part[at] ^= 1

    with pytest.raises(IntegrityError):
        opener.open_part(0, part)


@pytest.mark.parametrize("length", [0, 1, 31, 6_208, 6_239, 6_241, 6_272])
def test_a_part_of_another_length_is_refused(length: int) -> None:
    """A cut part would pass for a shorter file."""
    geometry = Geometry.of_files(17_000, TINY)
    sealer = ContentSealer.draw(secrets.token_bytes, TINY)
    opener = ContentOpener(sealer.key, sealer.header, geometry)
    part = bytes(sealer.seal_part(0, bytes(TINY.part_plain), is_last=False))

    with pytest.raises(IntegrityError):
        opener.open_part(0, part.ljust(length, b"\0")[:length])


def test_a_list_of_digests_is_the_senders_or_refused() -> None:
    """A server could hand out a list of its own, and then its own parts."""
    geometry = Geometry.of_files(17_000, TINY)
    one, two, three = digests = [bytes([i]) * 32 for i in range(3)]
    root = content.root(geometry.ciphertext, digests)

    content.check_digests(geometry, digests, root)
    for other in ([one + two[:1], two[1:], three], [one + two, three], [], [one, three, two]):
        with pytest.raises(IntegrityError):
            content.check_digests(geometry, other, root)


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_list_of_another_length_is_refused_under_its_own_root(count: int) -> None:
    """A part too many or too few would only show in the middle of a download."""
    geometry = Geometry.of_files(17_000, TINY)
    digests = [bytes(32)] * count

    with pytest.raises(IntegrityError):
        content.check_digests(geometry, digests, content.root(geometry.ciphertext, digests))


def test_a_part_is_the_senders_or_refused() -> None:
    """A server could hand out a part of its own to be opened."""

    def check(*pieces: bytes) -> None:
        digest = content.PartDigest()
        for piece in pieces:
            digest.update(piece)
        digest.check(content.digest(b"part"))

    check(b"pa", b"rt")

    for other in ((), (b"part", b" "), (b"Pa", b"rt"), (b"rt", b"pa")):
        with pytest.raises(IntegrityError):
            check(*other)


def test_a_plaintext_cannot_be_written_to() -> None:
    """A caller could alter verified bytes by accident."""
    geometry = Geometry.of_files(1, TINY)
    sealer = ContentSealer.draw(secrets.token_bytes, TINY)
    part = sealer.seal_part(0, bytes(TINY.part_plain), is_last=False)

    plain = ContentOpener(sealer.key, sealer.header, geometry).open_part(0, part)

    assert part.readonly
    assert plain.readonly


@pytest.mark.parametrize(
    ("start", "files_bytes", "at"), [(0, 5, 5), (0, 5, 9), (100, 5, 0), (3, 5, 2)]
)
def test_a_byte_behind_the_files_is_refused(start: int, files_bytes: int, at: int) -> None:
    """Something could be smuggled in behind the last file."""
    piece = bytearray(10)
    piece[at] = 1

    with pytest.raises(IntegrityError):
        content.check_padding(piece, start, files_bytes)


@pytest.mark.parametrize(("start", "files_bytes"), [(0, 10), (0, 99), (90, 100), (0, 9)])
def test_the_files_own_bytes_are_no_padding(start: int, files_bytes: int) -> None:
    """A file that does not end in zeros would be refused."""
    content.check_padding(b"x" * 9 + b"\0", start, files_bytes)
