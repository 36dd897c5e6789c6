"""Cases for padding, FLOE and the content (protocol sections 4, 5 and 6)."""

from __future__ import annotations

import base64
from typing import Any

from tests.vectors import reference as ref

Case = dict[str, Any]

KEY = ref.stream("otv vectors: content key", 32)
IV = ref.stream("otv vectors: content iv", 32)
AAD = b"This is AAD"

# Small lengths instead of 1 MiB and 8: eight segments hold the 16,384 bytes of the least content.
SEGMENT, PART_SEGMENTS = 2_080, 3
PLAIN, PART = SEGMENT - 32, SEGMENT * PART_SEGMENTS
LAYOUT = {"segment_bytes": SEGMENT, "part_segments": PART_SEGMENTS}


def padding() -> dict[str, Any]:
    """padding.json."""
    lengths = [0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 100, 255, 256, 257, 1000, 4096, 4097, 16_384]
    lengths += [16_385, 1_048_544, 2**20, 2**20 + 1, 2**24 - 1, 2**31 + 1, 2**40 + 1, 2**53 - 2**47]
    return {
        "padme": [{"length": n, "padded": ref.padme(n)} for n in lengths],
        "bucket": [
            {"length": n, "bucket": b}
            for n, b in [(0, 4096), (4096, 4096), (4097, 16_384), (16_385, 65_536)]
        ]
        + [{"length": n, "bucket": b} for n, b in [(65_537, 262_144), (262_144, 262_144)]]
        + [{"length": 262_145, "bucket": None}],
    }


def floe() -> dict[str, Any]:
    """floe.json: whole messages, sealed and opened, with small segments."""
    return {"seal": _floe_seals(), "open": _floe_faults()}


def _floe_seals() -> list[Case]:
    rows = [
        ("one segment", 64, 20, 10, "a final segment alone"),
        ("empty", 64, 20, 0, "a final segment with no plaintext"),
        ("three segments", 64, 20, 70, "two full ones and a short one"),
        ("full final segment", 64, 20, 64, "the final one is as long as the others"),
        ("rotation", 40, 2, 8 * 9 + 3, "ten segments, a new key every four"),
        ("no rotation", 40, 20, 8 * 9 + 3, "the same message under one key"),
        ("protocol's lengths", 1 << 20, 20, 100, "1 MiB segments, as in the envelope"),
    ]
    return [_floe_seal(*row) for row in rows]


def _floe_seal(name: str, segment: int, rotation: int, plain_bytes: int, comment: str) -> Case:
    message = ref.Floe(KEY, IV, AAD, segment, rotation)
    plain = ref.stream("otv vectors: floe plain", plain_bytes)
    return {
        "name": name,
        "comment": comment,
        "key": KEY.hex(),
        "iv": IV.hex(),
        "aad": AAD.hex(),
        "segment_bytes": segment,
        "rotation_bits": rotation,
        "nonces": f"otv vectors: {name}",
        "plaintext": plain.hex(),
        "header": message.header.hex(),
        "segments": [s.hex() for s in message.segments(plain, f"otv vectors: {name}")],
        "result": "ok",
    }


def _floe_faults() -> list[Case]:
    base = _floe_seal("base", 64, 20, 70, "")
    header = bytes.fromhex(base["header"])
    headers = [
        ("cipher's number", "any bit of prm", _flip(header, 0), "AEAD 1"),
        ("hash's number", "any bit of prm", _flip(header, 1), "hash 1"),
        ("segment length", "any bit of prm", _flip(header, 5), "65 instead of 64"),
        ("iv length", "any bit of prm", _flip(header, 9), "33 instead of 32"),
        ("iv", "any bit of iv", _flip(header, 20), ""),
        ("tag, first", "any bit of the tag", _flip(header, 42), ""),
        ("tag, last", "any bit of the tag", _flip(header, 73), ""),
        ("header one short", "a short header", header[:-1], ""),
        ("header of prm alone", "a short header", header[:10], ""),
        ("header empty", "a short header", b"", ""),
        ("header one long", "a short header", header + b"\0", "neither is a long one"),
    ]
    other = bytes(32).hex()
    return [
        *[
            base
            | {"name": n, "section9": f"seal: {s}", "header": h.hex(), "comment": c, **_REFUSED}
            for n, s, h, c in headers
        ],
        base | {"name": "another aad", "section9": "seal: another aad", "aad": "00", **_REFUSED},
        base | {"name": "another key", "section9": "seal: another key", "key": other, **_REFUSED},
        *[base | fault | _REFUSED for fault in _segment_faults(base)],
    ]


_REFUSED: Case = {"result": "integrity", "let_out": "nothing"}


def _segment_faults(base: Case) -> list[Case]:
    """What only the segments show; `prm`, iv and tag are as they were."""
    one, two, last = (bytes.fromhex(s) for s in base["segments"])
    rows = [
        ("length word", [_flip(one, 3), two, last], "not 0xFFFFFFFF"),
        ("nonce", [_flip(one, 4), two, last], ""),
        ("ciphertext", [_flip(one, 20), two, last], ""),
        ("segment's tag", [_flip(one, 63), two, last], ""),
        ("final length word", [one, two, _flip(last, 3)], "another length than it has"),
        ("final length word of the others", [one, two, b"\xff" * 4 + last[4:]], ""),
        ("final one short", [one, two, last[:-1]], ""),
        ("final shorter than its frame", [one, two, last[:31]], ""),
        ("final one long", [one, two, last + b"\0"], ""),
        ("final missing", [one, two], "the second stands where the final one should"),
        ("final empty", [one, two, b""], ""),
        ("order", [two, one, last], "two segments swapped"),
        ("repeated", [one, one, last], "the first segment again"),
    ]
    cases = [
        {"name": name, "segments": [s.hex() for s in segments], "comment": comment}
        for name, segments, comment in rows
    ]
    rotated = _floe_seal("rotation", 40, 2, 8 * 9 + 3, "")
    rotated |= {"name": "rotation not followed", "rotation_bits": 20}
    return [*cases, rotated | {"comment": "from the fifth segment on the key is another"}]


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def content() -> dict[str, Any]:
    """content.json."""
    return {
        "geometry": _geometries(),
        "seal": [_small("short end", 17_000), _small("full end", 16_384), _large()],
        "open": _content_cases(),
    }


def _geometries() -> list[Case]:
    """Lengths under the protocol's own layout."""
    totals = [0, 1, 16_384, 16_385, 1_048_544, 1_048_545, 8_388_352, 8_388_353, 10 * 2**30]
    cases = []
    for total in totals:
        length = max(16_384, ref.padme(total))
        segments = -(-length // 1_048_544)
        ciphertext = length + 32 * segments
        counts = {"segments": segments, "parts": -(-ciphertext // 2**23)}
        row = {"files_bytes": total, "length": length, "ciphertext": ciphertext} | counts
        cases.append(row | {"result": "ok"})
    impossible = [0, 1, 16_384, 16_415, 16_417, 2**20 + 1, 2**20 + 32, 2**20 + 33]
    return cases + [{"ciphertext": c, "result": "integrity"} for c in impossible]


def _plain(files_bytes: int) -> bytes:
    return ref.stream("otv vectors: files", files_bytes).ljust(
        max(16_384, ref.padme(files_bytes)), b"\0"
    )


def _small(name: str, files_bytes: int) -> Case:
    """A content whose parts and segments are small; its ciphertext stands in full."""
    plain = _plain(files_bytes)
    message = ref.Floe(KEY, IV, ref.CONTENT_AAD, SEGMENT)
    ciphertext = b"".join(message.segments(plain, f"otv vectors: {name}"))
    digests = [ref.sha256(part) for part in ref.parts(ciphertext, PART)]
    return {
        "name": name,
        "comment": "small segments and parts",
        "key": KEY.hex(),
        "iv": IV.hex(),
        **LAYOUT,
        "files": "otv vectors: files",
        "files_bytes": files_bytes,
        "length": len(plain),
        "nonces": f"otv vectors: {name}",
        "header": message.header.hex(),
        "ciphertext": ref.b64(ciphertext),
        "digests": [d.hex() for d in digests],
        "root": ref.root(len(ciphertext), digests).hex(),
        "result": "ok",
    }


def _large() -> Case:
    """Two parts of the real layout; only hashes stand here."""
    files_bytes, name = 9_000_000, "two parts"
    plain = _plain(files_bytes)
    message = ref.Floe(KEY, IV, ref.CONTENT_AAD)
    ciphertext = b"".join(message.segments(plain, f"otv vectors: {name}"))
    digests = [ref.sha256(part) for part in ref.parts(ciphertext, 1 << 23)]
    return _small(name, 0) | {
        "comment": "the protocol's own lengths; the ciphertext is told by its digests",
        "segment_bytes": 1 << 20,
        "part_segments": 8,
        "files_bytes": files_bytes,
        "length": len(plain),
        "header": message.header.hex(),
        "ciphertext": None,
        "digests": [d.hex() for d in digests],
        "root": ref.root(len(ciphertext), digests).hex(),
    }


def _content_cases() -> list[Case]:
    """Each case: pieces of the two small contents, and a list of digests with its root."""
    bases: dict[str, Case] = {
        name: _small(name, n) for name, n in (("short end", 17_000), ("full end", 16_384))
    }
    cases = [_untouched(bases[name]) for name in bases]
    return cases + _cuts(bases) + _resealed(bases) + _lists(bases)


def _case(base: Case, pieces: list[Case], row: tuple[str, str, str], **other: Any) -> Case:
    """A fault; digests and root are made anew for what the pieces give, unless `other` says."""
    name, section9, comment = row
    data = ref.joined(pieces, {base["name"]: _unb64(base["ciphertext"])})
    digests = other.get("digests", [ref.sha256(p).hex() for p in ref.parts(data, PART)])
    root = ref.root(len(data), [bytes.fromhex(d) for d in digests]).hex()
    return {
        "name": name,
        "comment": comment,
        "section9": section9 and f"content: {section9}",
        "of": base["name"],
        "ciphertext": pieces,
        "digests": digests,
        "root": root,
        **_REFUSED,
    } | other


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _run(base: Case, start: int, stop: int) -> Case:
    """Segments `start` to `stop` of a base."""
    return {"of": base["name"], "from": start * SEGMENT, "to": stop * SEGMENT}


def _untouched(base: Case) -> Case:
    case = _case(base, [_run(base, 0, 99)], (f"{base['name']}, untouched", "", "all is well"))
    del case["section9"]
    return case | {"result": "ok", "let_out": "all"}


def _cuts(bases: dict[str, Case]) -> list[Case]:
    """Faults that anybody can make who has no key, here under a digest list that fits them."""
    short, full = bases["short end"], bases["full end"]
    whole = _run(short, 0, 99)
    one_less = whole | {"to": len(_unb64(short["ciphertext"])) - 1}
    middle = {"of": "short end", "from": 3 * SEGMENT + 100, "to": 3 * SEGMENT + 101}
    before = {"of": "short end", "from": 0, "to": middle["from"]}
    after = whole | {"from": middle["to"]}
    flipped = {"hex": bytes([ref.joined([middle], _bytes(short))[0] ^ 1]).hex()}
    rows: list[tuple[Case, list[Case], tuple[str, str, str]]] = [
        (short, [], ("nothing at all", "empty", "")),
        (short, [one_less], ("one byte less", "one byte less or more", "")),
        (short, [whole, {"zeros": 1}], ("one byte more", "one byte less or more", "")),
        (short, [_run(short, 0, 4)], ("cut", "cut at a segment boundary", "in the second part")),
        (short, [_run(short, 0, 6)], ("cut at a part", "cut at a segment boundary", "")),
        (short, [_run(short, 0, 8)], ("end dropped", "the last segment dropped", "")),
        (full, [_run(full, 0, 7)], ("full end dropped", "the last segment dropped", "")),
        (
            short,
            [_run(short, 0, 1), _run(short, 0, 1), _run(short, 2, 99)],
            ("repeated", "the first repeated", "in place of the second"),
        ),
        (
            short,
            [_run(short, 0, 1), whole],
            ("inserted", "the first repeated", "all others move up"),
        ),
        (
            full,
            [_run(full, 0, 2), _run(full, 3, 4), _run(full, 2, 3), _run(full, 4, 99)],
            ("swapped", "two swapped", "across two parts"),
        ),
        (
            short,
            [whole, {"stream": "otv vectors: trailing", "bytes": SEGMENT}],
            ("trailing segment", "data after the final", ""),
        ),
        (short, [before, flipped, after], ("a bit", "a bit of a segment", "one bit in the middle")),
    ]
    return [_case(base, pieces, row) for base, pieces, row in rows]


def _bytes(base: Case) -> dict[str, bytes]:
    return {base["name"]: _unb64(base["ciphertext"])}


def _resealed(bases: dict[str, Case]) -> list[Case]:
    """Faults made with the content key, as a careless or malicious writer would make them."""
    short, full = bases["short end"], bases["full end"]
    message = ref.Floe(KEY, IV, ref.CONTENT_AAD, SEGMENT)
    stranger = ref.Floe(bytes(32), IV, ref.CONTENT_AAD, SEGMENT)
    plain, end = _plain(17_000), _plain(17_000)[8 * PLAIN :]
    nonce = ref.stream("otv vectors: resealed", 12)

    def seal(i: int, data: bytes, *, last: bool, by: ref.Floe = message) -> Case:
        return {"hex": by.segment(i, data, nonce, last=last).hex()}

    def replaced(base: Case, i: int, piece: Case) -> list[Case]:
        return [_run(base, 0, i), piece, _run(base, i + 1, 99)]

    third = plain[3 * PLAIN : 4 * PLAIN]
    seventh = _plain(16_384)[7 * PLAIN :]
    word = {"hex": (len(end) + 33).to_bytes(4, "big").hex()}
    behind_word = {"of": "short end", "from": 8 * SEGMENT + 4, "to": 99 * SEGMENT}
    smuggled = end[:-1] + b"\1"
    rows: list[tuple[Case, list[Case], tuple[str, str, str]]] = [
        (
            short,
            replaced(short, 3, seal(3, third, last=True)),
            ("two finals", "two finals", "a full segment in the middle is sealed as the final one"),
        ),
        (
            full,
            [
                _run(full, 0, 6),
                seal(6, _plain(16_384)[6 * PLAIN : 7 * PLAIN], last=True),
                seal(7, seventh, last=False),
            ],
            ("final moved", "the final mark moved", "to the last segment but one"),
        ),
        (
            full,
            replaced(full, 7, seal(7, seventh, last=False)),
            ("no final", "the final mark moved", "the last segment is sealed as one of the others"),
        ),
        (
            short,
            [
                _run(short, 0, 3),
                seal(3, third[:-100], last=False),
                _run(short, 4, 8),
                seal(8, end + bytes(100), last=True),
            ],
            ("short in the middle", "a short middle segment", "the whole is as long as it must be"),
        ),
        (
            short,
            [_run(short, 0, 8), word, behind_word],
            ("length word", "a wrong length word", "of the final segment; no tag covers it"),
        ),
        (
            short,
            [{"hex": "fffffffe"}, _run(short, 0, 99) | {"from": 4}],
            ("first length word", "a wrong length word", "of a segment that is not final"),
        ),
        (
            short,
            replaced(short, 3, seal(3, third, last=False, by=stranger)),
            ("a stranger's segment", "another share's segment", "same place, another key"),
        ),
        (
            short,
            [_run(short, 0, 8), seal(8, smuggled, last=True)],
            ("padding", "padding not zero", "the very last byte is 1"),
        ),
    ]
    return [_case(base, pieces, row) for base, pieces, row in rows]


def _lists(bases: dict[str, Case]) -> list[Case]:
    """The content is whole; the list of digests or its root is another."""
    base = bases["short end"]
    whole = [_run(base, 0, 99)]
    first, second, third = base["digests"]
    moved = [first + second[:2], second[2:], third]
    rows: list[tuple[str, str, dict[str, Any]]] = [
        ("root", "another root", {"root": bytes(32).hex(), "digests": base["digests"]}),
        ("digest changed", "another digest list", {"digests": ["00" + first[2:], second, third]}),
        ("digests swapped", "another digest list", {"digests": [second, first, third]}),
        ("digest missing", "another digest list", {"digests": [first, second]}),
        ("digest too many", "another digest list", {"digests": [first, second, third, third]}),
        ("no digests", "another digest list", {"digests": []}),
        ("borders moved", "another digest list", {"digests": moved}),
    ]
    kept = base["root"]
    comments = {"borders moved": "joined they are the same bytes, so the root fits"}
    return [
        _case(base, whole, (name, line, comments.get(name, "")), **({"root": kept} | other))
        for name, line, other in rows
    ]
