"""Cases for the manifest (protocol section 5), its JSON spelled out by hand."""

from __future__ import annotations

import re
from typing import Any

from tests.vectors import reference as ref
from tests.vectors.cases_link import ID, SECRET

Case = dict[str, Any]

BUCKETS = (4_096, 16_384, 65_536, 262_144)
IV = ref.stream("otv vectors: manifest iv", 32)
NONCE = ref.stream("otv vectors: manifest nonce", 12)
KEY = ref.keys(ID, SECRET, None)["manifest"]

K, H, R = (
    ref.stream(f"otv vectors: blob {n}", size) for n, size in (("k", 32), ("h", 74), ("r", 32))
)
INLINE = b"hello\n"
FILE = '{"n":"a.txt","s":6,"t":"text/plain"}'


def manifests() -> dict[str, Any]:
    """manifest.json."""
    return {
        "decode": [*_good(), *_frames(), *_json_forms(), *_fields(), *_sizes(), *_names()],
        "seal": [_sealed()],
        "open": _open_faults(),
    }


def _text(**other: str) -> str:
    """The JSON of one small inline file, with fields replaced by what `other` spells."""
    fields = {
        "v": "1",
        "note": '"hi"',
        "view": "false",
        "files": f"[{FILE}]",
        "blob": "null",
    } | other
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields.items() if value) + "}"


def _blob(**other: str) -> str:
    fields = {
        "k": f'"{ref.b64(K)}"',
        "h": f'"{ref.b64(H)}"',
        "l": "16384",
        "r": f'"{ref.b64(R)}"',
    } | other
    return "{" + ",".join(f'"{key}":{value}' for key, value in fields.items() if value) + "}"


def _file(**other: str) -> str:
    fields = {"n": '"a.txt"', "s": "6", "t": '"text/plain"'} | other
    return "[{" + ",".join(f'"{key}":{value}' for key, value in fields.items() if value) + "}]"


def _frame(
    text: str | bytes,
    inline: bytes = INLINE,
    *,
    json_bytes: int | None = None,
    length: int | None = None,
    ending: bytes = b"",
) -> list[Case]:
    """A plaintext as pieces: everything right but what is given."""
    raw = text if isinstance(text, bytes) else text.encode()
    used = 4 + len(raw) + len(inline)
    full = length or next(b for b in BUCKETS if used <= b)
    word = (len(raw) if json_bytes is None else json_bytes).to_bytes(4, "big")
    body: list[Case] = [{"hex": raw.hex()}] if isinstance(text, bytes) else _runs(text)
    tail: list[Case] = [{"zeros": full - used - len(ending)}, {"hex": ending.hex()}]
    return [{"hex": word.hex()}, *body, {"hex": inline.hex()}, *tail]


def _runs(text: str) -> list[Case]:
    """The text, long runs of one character told by their number."""
    pieces = re.split(r"((.)\2{999,})", text)
    # What split gives: a text, a run, the run's character, a text, …
    found: list[Case] = [{"utf8": pieces[0]}]
    for run, char, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        found += [{"utf8": char, "times": len(run)}, {"utf8": after}]
    return found


def _ok(name: str, comment: str, pieces: list[Case], *, encodes: bool = True, **seen: Any) -> Case:
    manifest = {
        "note": "hi",
        "view": False,
        "files": [["a.txt", 6, "text/plain"]],
        "blob": None,
        "inline": INLINE.hex(),
    } | seen
    case = {"name": name, "comment": comment, "plaintext": pieces, "result": "ok"}
    return case | {"manifest": manifest, "encodes": encodes}


def _good() -> list[Case]:
    blob = {"k": K.hex(), "h": H.hex(), "l": 16_384, "r": R.hex()}
    raw = "\u2028\x7f/\U0001f600\u00e9\ufeff"
    spelled = '"\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f' + raw + '"'
    note = '"\\\b\t\n\f\r\0\x1f' + raw
    two = '[{"n":"d/a","s":2,"t":""},{"n":"d/b","s":4,"t":"image/svg+xml"}]'
    big = _blob(l=str(ref.padme(5_000_000)))
    sized = [["a.txt", 5_000_000, "text/plain"]]
    return [
        _ok("inline", "one small file", _frame(_text())),
        _ok(
            "note alone",
            "no file at all",
            _frame(_text(files="[]"), b""),
            files=[],
            inline="",
        ),
        _ok(
            "two files",
            "joined in order; a type that nobody knows is empty",
            _frame(_text(files=two)),
            files=[["d/a", 2, ""], ["d/b", 4, "image/svg+xml"]],
        ),
        _ok("view", "view only", _frame(_text(view="true")), view=True),
        _ok(
            "blob",
            "small files in a blob are fine",
            _frame(_text(blob=_blob()), b""),
            blob=blob,
            inline="",
        ),
        _ok(
            "larger blob",
            "l follows from the size",
            _frame(_text(blob=big, files=_file(s="5000000")), b""),
            blob=blob | {"l": ref.padme(5_000_000)},
            files=sized,
            inline="",
        ),
        _ok(
            "escapes",
            "as JSON.stringify spells them",
            _frame(_text(note=spelled)),
            note=note,
        ),
        _ok(
            "unknown keys",
            "ignored, of any type, as deep as is allowed",
            _frame(_text(x="[" * 7 + "]" * 7, later_2='{"a":[null,true,0,9007199254740991]}')),
            encodes=False,
        ),
        _ok(
            "full bucket",
            "not a byte of padding",
            _frame(_text(files=_file(s=str(len(_fill())))), _fill()),
            files=[["a.txt", len(_fill()), "text/plain"]],
            inline=_fill().hex(),
        ),
        _ok(
            "second bucket",
            "one byte more than the first holds",
            _frame(_text(files=_file(s=str(len(_fill()) + 1))), _fill() + b"!"),
            files=[["a.txt", len(_fill()) + 1, "text/plain"]],
            inline=(_fill() + b"!").hex(),
        ),
    ]


def _fill() -> bytes:
    """As many bytes as the first bucket holds beside the JSON that names their number."""
    return ref.stream("otv vectors: inline", 4_092 - len(_text(files=_file(s="3900"))))


def _bad(name: str, section9: str, pieces: list[Case], comment: str = "") -> Case:
    line = f"manifest: {section9}"
    case = {"name": name, "comment": comment, "section9": line, "plaintext": pieces}
    return case | {"result": "integrity", "let_out": "nothing"}


def _frames() -> list[Case]:
    text = _text()
    return [
        _bad("empty", "too small", [], "no plaintext"),
        _bad("three bytes", "too small", [{"zeros": 3}], "no room for a length"),
        _bad("zeros", "too small", [{"zeros": 4096}], "a JSON of no bytes"),
        _bad("no bucket", "not the right bucket", _frame(text, length=4_097)),
        _bad("bucket too large", "not the right bucket", _frame(text, length=16_384)),
        _bad("beyond all buckets", "too large", _frame(text, length=262_145)),
        _bad("next power", "too large", _frame(text, length=1 << 20)),
        _bad("JSON past the end", "a JSON length past the end", _frame(text, json_bytes=4_093)),
        _bad(
            "JSON far past the end",
            "a JSON length past the end",
            _frame(text, json_bytes=2**32 - 1),
        ),
        _bad("JSON cut", "a JSON length past the end", _frame(text, json_bytes=len(text) - 1)),
        _bad("last byte", "padding not zero", _frame(text, ending=b"\1")),
        _bad("first byte", "padding not zero", _frame(text, INLINE + b"\1")),
    ]


def _json_forms() -> list[Case]:
    """One value, spelled in ways that a reader must not take."""
    bmp = '"\\u00e9"'
    rows: list[tuple[str, str, str | bytes, str]] = [
        ("Latin-1", "bad UTF-8", _text(note='"\u00e9"').encode("latin-1"), ""),
        ("overlong", "bad UTF-8", _text(note='"@"').encode().replace(b"@", b"\xc1\x80"), ""),
        (
            "raw surrogate",
            "bad UTF-8",
            _text(note='"@"').encode().replace(b"@", b"\xed\xa0\x80"),
            "",
        ),
        ("byte order mark", "JSON in another form", b"\xef\xbb\xbf" + _text().encode(), ""),
        ("duplicate", "duplicate keys", _text()[:-1] + ',"v":1}', "the same value twice"),
        ("duplicate, deep", "duplicate keys", _text(x='{"a":1,"a":1}'), "under an unknown key"),
        (
            "duplicate, escaped",
            "duplicate keys",
            _text()[:-1] + ',"\\u0076":1}',
            "spelled otherwise",
        ),
        ("space", "spaces", _text().replace(":1,", ": 1,"), ""),
        ("line feed", "spaces", _text() + "\n", "behind the value"),
        ("1.0", "1.0", _text(v="1.0"), ""),
        ("1e0", "1e0", _text(v="1e0"), ""),
        ("-0", "-0", _text(x="-0"), ""),
        ("negative", "-0", _text(x="-1"), ""),
        ("leading zero", "1.0", _text(x="01"), ""),
        ("fraction, deep", "1.0", _text(x='[{"a":0.5}]'), "under an unknown key"),
        ("2^53", "over 2^53-1", _text(x="9007199254740992"), ""),
        ("huge", "over 2^53-1", _text(x="9" * 1000), "no number of any size"),
        ("huge exponent", "1e0", _text(x="1e999"), ""),
        ("NaN", "NaN", _text(x="NaN"), "JSON has none"),
        ("Infinity", "NaN", _text(x="-Infinity"), "JSON has none"),
        ("behind the value", "trailing data", _text() + "{}", ""),
        ("cut", "trailing data", _text()[:-1], "data that stops too early"),
        ("escape not needed", "JSON in another form", _text(note=bmp), "the letter stands raw"),
        ("escaped slash", "JSON in another form", _text(note='"a\\/b"'), ""),
        ("upper-case escape", "JSON in another form", _text(note='"\\u001F"'), ""),
        ("long escape", "JSON in another form", _text(note='"\\u000a"'), "stands as \\n"),
        ("raw control", "JSON in another form", _text(note='"a\nb"'), "not JSON"),
        ("escaped pair", "JSON in another form", _text(note='"\\ud83d\\ude00"'), "stands raw"),
        ("lone surrogate", "a lone surrogate", _text(note='"\\ud800"'), "escaped"),
        (
            "lone surrogate, deep",
            "a lone surrogate",
            _text(x='["\\udfff"]'),
            "under an unknown key",
        ),
        ("upper-case key", "a key that is not allowed", _text(X="1"), ""),
        ("key that begins with _", "a key that is not allowed", _text(_x="1"), ""),
        ("empty key", "a key that is not allowed", _text()[:-1] + ',"":1}', ""),
        ("number as key", "a key that is not allowed", _text()[:-1] + ',"1":1}', ""),
        ("key, deep", "a key that is not allowed", _text(x='{"Y":1}'), "under an unknown key"),
        ("depth 9", "too deep", _text(x="[" * 8 + "]" * 8), "the outermost object counts"),
        ("depth 9, objects", "too deep", _text(x='{"a":' * 8 + "1" + "}" * 8), ""),
        ("very deep", "too deep", "[" * 200_000, "must not exhaust a stack"),
        ("brackets in an open string", "too deep", _text(x='"\\"' + "[" * 100), "must not hang"),
    ]
    return [_bad(name, line, _frame(text), comment) for name, line, text, comment in rows]


def _fields() -> list[Case]:
    """Right JSON, wrong fields."""
    fields = ("v", "note", "view", "files", "blob")
    missing = [(f"no {key}", "a missing field", _text(**{key: ""}), "") for key in fields]
    missing += [
        (f"file without {k}", "a missing field", _text(files=_file(**{k: ""})), "") for k in "nst"
    ]
    blobs = [(f"blob without {k}", _blob(**{k: ""})) for k in "khlr"]
    types = [
        ("v true", _text(v="true"), "true is no number"),
        ("v text", _text(v='"1"'), ""),
        ("note null", _text(note="null"), ""),
        ("view number", _text(view="0"), ""),
        ("files object", _text(files="{}"), ""),
        ("file list", _text(files="[[]]"), ""),
        ("n number", _text(files=_file(n="1")), ""),
        ("s text", _text(files=_file(s='"6"')), ""),
        ("s true", _text(files=_file(s="true")), "true is no number"),
        ("t null", _text(files=_file(t="null")), ""),
        ("blob list", _text(blob="[]"), ""),
        ("blob false", _text(blob="false"), "only null means inline"),
        ("no object", "[]", ""),
        ("only null", "null", ""),
    ]
    kinds = [
        ("one word", '"text"', ""),
        ("empty subtype", '"text/"', ""),
        ("parameters", '"text/plain;charset=utf-8"', ""),
        ("not ASCII", '"text/\u00e4"', ""),
        ("line end", '"text/plain\\n"', ""),
        ("markup", '"text/<b>"', ""),
        ("128 bytes", '"text/' + "x" * 123 + '"', ""),
    ]
    others = [("version 2", _text(v="2"), ""), ("version 0", _text(v="0"), "")]
    lengths = [
        ("k short", _blob(k=f'"{ref.b64(K[:31])}"')),
        ("k long", _blob(k=f'"{ref.b64(K + b"x")}"')),
        ("k in another form", _blob(k=f'"{_stray(ref.b64(K))}"')),
        ("k padded", _blob(k=f'"{ref.b64(K)}="')),
        ("h short", _blob(h=f'"{ref.b64(H[:73])}"')),
        ("r short", _blob(r=f'"{ref.b64(R[:31])}"')),
        ("r empty", _blob(r='""')),
    ]
    long_note = _text(note='"' + "x" * 65_537 + '"')
    many = ",".join(f'{{"n":"{i}","s":0,"t":""}}' for i in range(4_097))
    return [
        *[_bad(name, line, _frame(text), comment) for name, line, text, comment in missing],
        *[_bad(name, "a missing field", _frame(_text(blob=b), b"")) for name, b in blobs],
        *[_bad(name, "wrong types", _frame(text), comment) for name, text, comment in types],
        *[_bad(name, "a version that nobody knows", _frame(text), c) for name, text, c in others],
        *[
            _bad(f"type, {n}", "a type that is none", _frame(_text(files=_file(t=t))), c)
            for n, t, c in kinds
        ],
        *[_bad(name, "wrong lengths", _frame(_text(blob=b), b"")) for name, b in lengths],
        _bad("note too long", "too large", _frame(long_note), "65,537 bytes"),
        _bad("too many files", "too large", _frame(_text(files=f"[{many}]"), b""), "4,097"),
    ]


def _stray(text: str) -> str:
    """The same bytes with a low bit set that carries nothing."""
    return text[:-1] + chr(ord(text[-1]) + 1)


def _sizes() -> list[Case]:
    to_l, to_inline = "sizes that do not add up to l", "sizes that do not add up to inline"
    most = str(2**53 - 1)
    rows = [
        ("l too small", to_l, _blob(l="16383"), "6", "below the smallest"),
        ("l not padded", to_l, _blob(l="20000"), "20000", "padme(20000) is 20480"),
        ("l of another size", to_l, _blob(l="17408"), "6", "a length that another size has"),
        ("l too short", to_l, _blob(), "16385", "the files don't fit"),
        ("l zero", to_l, _blob(l="0"), "0", ""),
        ("sizes beyond numbers", to_l, _blob(l=most), most, "its padme is no number any more"),
    ]
    return [
        *[
            _bad(name, line, _frame(_text(blob=b, files=_file(s=s)), b""), comment)
            for name, line, b, s, comment in rows
        ],
        _bad(
            "inline one less", to_inline, _frame(_text(files=_file(s="5"))), "a byte is left over"
        ),
        _bad("inline past the end", to_inline, _frame(_text(files=_file(s="4096"))), ""),
        _bad("inline beyond numbers", to_inline, _frame(_text(files=_file(s=most))), ""),
        _bad("inline beside a blob", to_inline, _frame(_text(blob=_blob())), "not both"),
        _bad(
            "inline into the padding",
            to_inline,
            _frame(_text(files=_file(s="3990")), INLINE, length=16_384),
            "",
        ),
    ]


def _names() -> list[Case]:
    """That names are checked at all; names.json has the rules."""
    one = '{"n":"a","s":6,"t":""}'
    rows = [
        ("name that leads out", _file(n='"../a.txt"')),
        ("name with an escaped control", _file(n='"a\\u001bb"')),
        ("two names equal", f"[{one},{one.replace('6', '0')}]"),
        ("folder of another", f"[{one},{one.replace('6', '0').replace('a', 'a/b')}]"),
    ]
    return [_bad(name, "every rule on names", _frame(_text(files=f))) for name, f in rows]


def _seal(plain: bytes, key: bytes = KEY, aad: bytes = ref.MANIFEST_AAD + ID) -> bytes:
    message = ref.Floe(key, IV, aad)
    return message.header + message.segment(0, plain, NONCE, last=True)


def _sealed() -> Case:
    pieces = _frame(_text())
    return {
        "name": "inline",
        "comment": "the manifest of the case of that name, sealed",
        "id": ID.hex(),
        "key": KEY.hex(),
        "iv": IV.hex(),
        "nonce": NONCE.hex(),
        "plaintext": pieces,
        "sealed": ref.b64(_seal(ref.joined(pieces, {}))),
        "result": "ok",
    }


def _open_faults() -> list[Case]:
    sealed = _seal(ref.joined(_frame(_text()), {}))
    size = len(sealed)
    flips = [
        ("prm", 0),
        ("prm, last", 9),
        ("iv", 10),
        ("header tag", 42),
        ("header tag, last", 73),
        ("length word", 77),
        ("nonce", 78),
        ("ciphertext, first", 90),
        ("ciphertext, middle", 1_000),
        ("tag, first", size - 16),
        ("tag, last", size - 1),
    ]
    cases = [
        _unopened(
            f"flipped, {name}", "every flipped byte", [_to(at), _hex(sealed[at] ^ 1), _from(at + 1)]
        )
        for name, at in flips
    ]
    whole = [_from(0)]
    other_key = ref.keys(ID, SECRET, "p\u00e4ssword")["manifest"]
    link = "another link's manifest"
    return [
        *cases,
        _unopened("another id", link, whole, id=ID[::-1].hex()),
        _unopened("another secret", link, whole, key=bytes(32).hex()),
        _unopened("kdf 1 for 0", "kdf flipped", whole, key=other_key.hex()),
        _unopened("content's aad", "another aad", [_whole(ref.CONTENT_AAD)]),
        _unopened("aad without the id", "another aad", [_whole(ref.MANIFEST_AAD)]),
        _unopened("one byte less", "too small", [_to(size - 1)]),
        _unopened("header alone", "too small", [_to(74)]),
        _unopened("empty", "too small", []),
        _unopened("one byte more", "too large", [_from(0), _hex(0)]),
        _unopened("twice", "too large", [_from(0), _from(0)]),
        _unopened("padding cut before sealing", "not the right bucket", [_resealed(4_095)]),
    ]


def _unopened(name: str, section9: str, pieces: list[Case], **other: str) -> Case:
    case = {"name": name, "comment": "", "section9": f"manifest: {section9}"}
    fixed = {"of": "inline", "id": ID.hex(), "key": KEY.hex(), "sealed": pieces}
    return case | fixed | {"result": "integrity", "let_out": "nothing"} | other


def _to(stop: int) -> Case:
    return {"of": "inline", "from": 0, "to": stop}


def _from(start: int) -> Case:
    return {"of": "inline", "from": start, "to": 1 << 20}


def _hex(byte: int) -> Case:
    return {"hex": bytes([byte]).hex()}


def _whole(aad: bytes) -> Case:
    return {"hex": _seal(ref.joined(_frame(_text()), {}), aad=aad).hex()}


def _resealed(length: int) -> Case:
    return {"hex": _seal(ref.joined(_frame(_text()), {})[:length]).hex()}
