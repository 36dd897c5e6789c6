"""Cases for links, keys and receipts (protocol sections 2, 3 and 8)."""

from __future__ import annotations

from typing import Any

from tests.vectors import reference as ref

Case = dict[str, Any]

ID = bytes(range(12))
SECRET = bytes(range(0x20, 0x40))
PIN = ref.sha256(b"otv vectors: pin 0")[:15]
SERVER = "https://example.org"
KDF_0, KDF_1 = ref.fields(SECRET), ref.fields(SECRET, kdf=1)
GOOD = ref.url(SERVER, ID, KDF_0)


def links() -> dict[str, Any]:
    """link.json."""
    return {"parse": [*_good_links(), *_damaged(), *_forged(), *_too_new()], "draw": _draws()}


def _good(name: str, comment: str, f: bytes, server: str = SERVER) -> Case:
    return {
        "name": name,
        "comment": comment,
        "text": ref.url(server, ID, f),
        "result": "ok",
        "server": server,
        "id": ID.hex(),
        "secret": SECRET.hex(),
        "kdf": f[1] >> 4,
        "pin": f[34:].hex() or None,
    }


def _good_links() -> list[Case]:
    pinned = ref.fields(SECRET, pin=PIN)
    return [
        _good("kdf 0", "without a password", KDF_0),
        _good("kdf 1", "with a password", KDF_1),
        _good("pin", "72 characters", pinned),
        _good("pin and password", "both", ref.fields(SECRET, kdf=1, pin=PIN)),
        _good("plain http and a port", "a server on a LAN", KDF_0, "http://192.168.1.7:8000"),
        _good("IPv6", "brackets around the host", KDF_0, "http://[fd00::1]:8000"),
        _good("base path", "a server below a path", KDF_0, "https://example.org/tools/otv"),
        _good("base path s", "a base that looks like the route", KDF_0, "https://example.org/s"),
    ]


def _bad(result: str, name: str, section9: str | None, text: str, comment: str) -> Case:
    case = {"name": name, "comment": comment, "text": text, "result": result}
    return case | ({"section9": f"link: {section9}"} if section9 else {})


def _damaged() -> list[Case]:
    """One fault in the text of a good link, each."""
    head, fragment = GOOD.split("#")
    rows = [
        ("changed, first", "a character changed", f"{head}#B{fragment[1:]}", "the version's"),
        ("changed, middle", "a character changed", GOOD[:-30] + "A" + GOOD[-29:], "the secret's"),
        ("changed, last", "a character changed", GOOD[:-1] + "g", "the checksum's"),
        ("changed, kdf", "kdf flipped", f"{head}#AR{fragment[2:]}", "0 became 1"),
        ("changed, kdf back", "kdf flipped", ref.url(SERVER, ID, KDF_1).replace("#AR", "#AQ"), ""),
        ("missing, last", "a character missing", GOOD[:-1], "the most frequent accident"),
        ("missing, first", "a character missing", f"{head}#{fragment[1:]}", "of the fragment"),
        ("missing, four", "a character missing", GOOD[:-4], "still whole groups of base64"),
        ("added, last", "a character added", GOOD + "A", "as a typing error"),
        ("added, four", "a character added", GOOD + "AAAA", "still whole groups of base64"),
        ("added, full stop", "a character added", GOOD + ".", "the end of a sentence"),
        ("padding", "=", GOOD + "=", "base64 with its padding"),
        ("plus", "+", GOOD.replace("P-k", "P+k"), "the other alphabet of base64"),
        ("slash", "/", GOOD[:-3] + "/" + GOOD[-2:], "the other alphabet of base64"),
        ("space, inside", "white space", GOOD[:-9] + " " + GOOD[-9:], "wrapped by a mailer"),
        ("line feed, inside", "white space", GOOD[:-9] + "\n" + GOOD[-9:], "wrapped by a mailer"),
        ("line feed, after", "white space", GOOD + "\n", "the caller strips, the parser refuses"),
        ("space, before", "white space", " " + GOOD, "the caller strips, the parser refuses"),
        ("lower case", "case folded", GOOD.lower(), "folded by a form field"),
        ("upper case", "case folded", f"{head}#{fragment.upper()}", "only the fragment"),
        ("another id", "another id", GOOD.replace("/s/AAEC", "/s/AAED"), "the checksum binds it"),
        ("id too short", "a character missing", GOOD.replace("/s/AAEC", "/s/AAE"), ""),
        ("id too long", "a character added", GOOD.replace("/s/AAEC", "/s/AAECA"), ""),
        ("no fragment", "no fragment", head, "what a server or a crawler sees"),
        ("empty fragment", "no fragment", head + "#", "nothing behind the mark"),
        ("two fragments", "two fragments", f"{GOOD}#{fragment}", "pasted twice"),
        ("two marks", "two fragments", GOOD.replace("#", "##"), ""),
        ("escaped mark", "%23", GOOD.replace("#", "%23"), "the key has reached a server"),
        ("escaped mark and fragment", "%23", GOOD.replace("#", "%23#"), ""),
        ("not ASCII", "a character changed", GOOD[:-1] + "\u0434", "looks like a letter"),
        ("no route", None, GOOD.replace("/s/", "/"), "another path"),
        ("another route", None, GOOD.replace("/s/", "/S/"), "paths have a case"),
        ("query", None, GOOD.replace("#", "?utm=1#"), "added by a tracker"),
        ("slash after the id", None, GOOD.replace("#", "/#"), ""),
        ("another scheme", None, GOOD.replace("https:", "ftp:"), ""),
        ("no scheme", None, GOOD.removeprefix("https://"), ""),
        ("user", None, GOOD.replace("//", "//me@"), "shows one host and goes to another"),
        ("dot segments", None, GOOD.replace("/s/", "/a/../s/"), "a client would fold them"),
        ("backslash", None, GOOD.replace("//", "\\\\"), "a browser would turn it"),
        ("empty", None, "", ""),
    ]
    return [_bad("link_damaged", *row) for row in rows]


def _forged() -> list[Case]:
    """Faults under a right checksum: what only another writer could have made."""
    stray = ref.fragment(ID, b"\x02" * 33)
    rows = [
        ("pin bit, no pin", "pin bit", b"\x01\x01" + SECRET, "49 bytes are due"),
        ("pin, no pin bit", "pin bit", b"\x01\x00" + SECRET + PIN, "34 bytes are due"),
        ("secret too short", None, b"\x01\x00" + SECRET[:-3], "the length comes last"),
        ("version alone", None, b"\x01", "no flags to read"),
        ("checksum alone", None, b"", "no version to read"),
    ]
    cases = [
        _bad("link_damaged", name, section9, ref.url(SERVER, ID, f), comment)
        for name, section9, f, comment in rows
    ]
    text = f"{SERVER}/s/{ref.b64(ID)}#{stray[:-1]}{chr(ord(stray[-1]) + 1)}"
    form = "stray low bits in the last character; comes before the version"
    return [*cases, _bad("link_damaged", "another form", "a character changed", text, form)]


def _too_new() -> list[Case]:
    rows = [
        ("version 0", "version 0", b"\x00\x00" + SECRET, "not this version"),
        ("version 2", "version 2", b"\x02\x00" + SECRET, "not this version"),
        ("version 2, longer", "version 2", b"\x02\x00" + SECRET * 2, "comes before the length"),
        ("version 255", "version 2", b"\xff" + SECRET, "comes before the length"),
        ("reserved bit 1", "reserved bits", b"\x01\x02" + SECRET, ""),
        ("reserved bit 2", "reserved bits", b"\x01\x04" + SECRET, ""),
        ("reserved bit 3", "reserved bits", b"\x01\x08" + SECRET, ""),
        ("reserved bit, longer", "reserved bits", b"\x01\x02" + SECRET + b"\0", "before length"),
        ("kdf 2", "kdf 2 and up", b"\x01\x20" + SECRET, ""),
        ("kdf 15", "kdf 2 and up", b"\x01\xf0" + SECRET, ""),
    ]
    return [
        _bad("link_too_new", name, section9, ref.url(SERVER, ID, f), comment)
        for name, section9, f, comment in rows
    ]


def _draws() -> list[Case]:
    """What the writer takes from its source of randomness, and which draws it throws away."""
    underscore, dash = b"\x03\xf0" + ID[2:], b"\xf8" + ID[1:]  # "A_AC…", "-AEC…"
    good, later = _clean_secret("otv vectors: draw"), _clean_secret("otv vectors: pinned", PIN)
    rows = [
        ("first draw", [ID, good], 0, b""),
        ("id with _", [underscore, ID, good], 0, b""),
        ("id that begins with -", [dash, ID, good], 1, b""),
        ("fragment with _", [ID, b"\xff" * 32, good], 0, b""),
        ("fragment that ends in -", [ID, _ends_in_dash(), good], 0, b""),
        ("pin", [ID, later], 1, PIN),
    ]
    return [
        {
            "name": name,
            "comment": "the draws in turn; the last of each kind is the one that is kept",
            "server": SERVER,
            "kdf": kdf,
            "pin": pin.hex() or None,
            "draws": [draw.hex() for draw in draws],
            "text": ref.url(SERVER, ID, ref.fields(draws[-1], kdf=kdf, pin=pin)),
            "result": "ok",
        }
        for name, draws, kdf, pin in rows
    ]


def _clean_secret(seed: str, pin: bytes = b"") -> bytes:
    """The first secret of a stream whose fragment is clean with either kdf."""
    for i in range(1000):
        secret = ref.stream(f"{seed} {i}", 32)
        texts = [ref.fragment(ID, ref.fields(secret, kdf=kdf, pin=pin)) for kdf in (0, 1)]
        if not any("_" in text or text.endswith("-") for text in texts):
            return secret
    raise RuntimeError("no clean secret")


def _ends_in_dash() -> bytes:
    for i in range(10_000):
        secret = ref.stream(f"otv vectors: dash {i}", 32)
        text = ref.fragment(ID, ref.fields(secret))
        if text.endswith("-") and "_" not in text:
            return secret
    raise RuntimeError("no secret that ends in a dash")


def derivations() -> dict[str, Any]:
    """keys.json."""
    composed, decomposed = "p\u00e4ssword", "pa\u0308ssword"
    good = [
        ("kdf 0", None, "the known answers of section 3"),
        ("kdf 1", composed, "the known answers of section 3"),
        ("kdf 1, decomposed", decomposed, "NFC makes it the same password"),
        ("kdf 1, longest", "e\u0301" * 512, "1,536 bytes as typed, 1,024 in NFC"),
    ]
    bad = [
        ("empty password", 1, "", "usage", "empty", "one byte at least"),
        ("password too long", 1, "e\u0301" * 512 + "x", "usage", "over 1,024 bytes", "1,025 bytes"),
        ("lone surrogate", 1, "a\ud800b", "usage", "a lone surrogate", "no text"),
        ("lone surrogate, low", 1, "\udc00", "usage", "a lone surrogate", "no text"),
        ("password missing", 1, None, "password_missing", "kdf flipped", "asked for, not given"),
        ("password too many", 0, composed, "usage", "kdf flipped", "given, not asked for"),
    ]
    return {"derive": [_derived(*row) for row in good] + [_underived(*row) for row in bad]}


def _derived(name: str, password: str | None, comment: str) -> Case:
    keys = ref.keys(ID, SECRET, password)
    return {
        "name": name,
        "comment": comment,
        "id": ID.hex(),
        "secret": SECRET.hex(),
        "kdf": 0 if password is None else 1,
        "password": password,
        "result": "ok",
        **{key: keys[key].hex() for key in ("access", "unlock", "manifest", "ack")},
    }


def _underived(
    name: str, kdf: int, password: str | None, result: str, section9: str, comment: str
) -> Case:
    return {
        "name": name,
        "comment": comment,
        "id": ID.hex(),
        "secret": SECRET.hex(),
        "kdf": kdf,
        "password": password,
        "result": result,
        "section9": f"password: {section9}",
    }


def receipts() -> dict[str, Any]:
    """receipt.json."""
    ack = ref.keys(ID, SECRET, None)["ack"]
    lease = ref.sha256(ref.stream("otv vectors: lease", 32))
    opened = ref.receipt(ack, ID, lease, 1)
    rows = [
        ("opened", ID, lease, 1, opened, True, ""),
        ("rejected", ID, lease, 2, ref.receipt(ack, ID, lease, 2), True, ""),
        ("another outcome", ID, lease, 2, opened, False, "opened shown as rejected"),
        ("another lease", ID, ref.sha256(lease), 1, opened, False, "a receipt used again"),
        ("another link", ID[::-1], lease, 1, opened, False, "a receipt of another link"),
        ("one bit", ID, lease, 1, bytes([opened[0] ^ 1]) + opened[1:], False, ""),
        ("cut", ID, lease, 1, opened[:16], False, "a shorter one is none"),
        ("empty", ID, lease, 1, b"", False, ""),
    ]
    return {
        "check": [
            {
                "name": name,
                "comment": comment,
                "ack": ack.hex(),
                "id": id_.hex(),
                "lease_hash": lease_hash.hex(),
                "outcome": outcome,
                "mac": mac.hex(),
                "valid": valid,
            }
            for name, id_, lease_hash, outcome, mac, valid, comment in rows
        ]
    }
