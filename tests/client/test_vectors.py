"""The vectors of tests/vectors, which page and command line must both pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from otv_client.b64 import b64decode, b64encode
from otv_client.envelope import content, keys, manifest, padding
from otv_client.envelope.floe import SEGMENT_OVERHEAD, Floe, FloeParams
from otv_client.errors import OtvError
from otv_client.link import Kdf, draw_link, parse_link
from otv_client.names import check_name, check_names, printable, safe_name
from tests.vectors import reference as ref

VECTORS = Path(__file__).parents[1] / "vectors"
Case = dict[str, Any]


def load(file: str) -> dict[str, list[Case]]:
    """One file of vectors, by operation."""
    loaded: dict[str, list[Case]] = json.loads((VECTORS / file).read_text(encoding="ascii"))
    return loaded


def cases(file: str, operation: str) -> pytest.MarkDecorator:
    """Run a test on each case of one operation, under the case's name."""
    found = load(file)[operation]
    ids = [
        str(case.get("name", number)).encode("unicode_escape").decode()[:40]
        for number, case in enumerate(found)
    ]
    return pytest.mark.parametrize("case", found, ids=ids)


def outcome(error: OtvError | None) -> str:
    """What the vectors call it: `ok`, or the class of failure."""
    return "ok" if error is None else error.code


def ended(call: Any, *arguments: Any) -> tuple[str, Any]:
    """Call; say how it ended and what it gave. Anything but an error of ours escapes."""
    try:
        return "ok", call(*arguments)
    except OtvError as error:
        return outcome(error), None


def bytes_or_none(text: str | None) -> bytes | None:
    """Hex, or nothing."""
    return None if text is None else bytes.fromhex(text)


@cases("link.json", "parse")
def test_link(case: Case) -> None:
    """A damaged link would cost an opening, or a good one would be refused."""
    result, link = ended(parse_link, case["text"])

    assert result == case["result"]
    if link:
        assert (link.server, link.id.hex(), link.secret.hex()) == (
            case["server"],
            case["id"],
            case["secret"],
        )
        assert (link.kdf, link.pin) == (case["kdf"], bytes_or_none(case["pin"]))
        assert link.url() == case["text"]


@cases("link.json", "draw")
def test_link_draw(case: Case) -> None:
    """A link that a chat program cuts or italicises would be dead on arrival."""
    draws = [bytes.fromhex(draw) for draw in case["draws"]]

    link = draw_link(
        case["server"], Kdf(case["kdf"]), lambda _: draws.pop(0), bytes_or_none(case["pin"])
    )

    assert link.url() == case["text"]
    assert not draws


@cases("keys.json", "derive")
def test_keys(case: Case) -> None:
    """Two programs that derive other keys could not open each other's links."""
    id_, secret = bytes.fromhex(case["id"]), bytes.fromhex(case["secret"])

    result, derived = ended(keys.derive_keys, id_, secret, Kdf(case["kdf"]), case["password"])

    assert result == case["result"]
    if derived:
        for name in ("access", "unlock", "manifest", "ack"):
            assert getattr(derived, name).hex() == case[name]
        assert keys.derive_access(id_, secret) == derived.access


@cases("receipt.json", "check")
def test_receipt(case: Case) -> None:
    """The sender would be shown a receipt that nobody with the link made."""
    ack, id_, lease = (bytes.fromhex(case[key]) for key in ("ack", "id", "lease_hash"))
    outcome_ = keys.Outcome(case["outcome"])

    valid = keys.receipt_is_valid(ack, id_, lease, outcome_, bytes.fromhex(case["mac"]))

    assert valid is case["valid"]


@cases("padding.json", "padme")
def test_padme(case: Case) -> None:
    """Sizes would leak, or two programs disagree on the length of every content."""
    assert padding.padme(case["length"]) == case["padded"]


@cases("padding.json", "bucket")
def test_bucket(case: Case) -> None:
    """The size of a manifest would say how long names and note are."""
    result, size = ended(padding.bucket, case["length"])

    assert (result, size) == ("ok" if case["bucket"] else "usage", case["bucket"])


def floe_params(case: Case) -> FloeParams:
    """Segment length and rotation of a case."""
    return FloeParams(case["segment_bytes"], case.get("rotation_bits", 20))


@cases("floe.json", "seal")
def test_floe_sealing(case: Case) -> None:
    """What is sealed here could not be opened by any other FLOE."""
    key, iv, aad, plain = (bytes.fromhex(case[k]) for k in ("key", "iv", "aad", "plaintext"))
    params, count = floe_params(case), len(case["segments"])
    floe, step = Floe(key, iv, aad, params), params.segment_plain
    nonces = ref.stream(case["nonces"], 12 * count)

    sealed = []
    for i in range(count):
        piece = plain[i * step : (i + 1) * step]
        out = bytearray(len(piece) + SEGMENT_OVERHEAD)
        nonce = nonces[12 * i : 12 * i + 12]
        floe.seal_into(memoryview(out), i, piece, nonce, is_last=i == count - 1)
        sealed.append(out.hex())

    assert (floe.header.hex(), sealed) == (case["header"], case["segments"])
    assert open_floe(case) == plain


def open_floe(case: Case) -> bytes:
    """Open header and segments in turn."""
    key, header, aad = (bytes.fromhex(case[k]) for k in ("key", "header", "aad"))
    floe, plain = Floe.opened(key, header, aad, floe_params(case)), b""
    for i, text in enumerate(case["segments"]):
        segment = memoryview(bytes.fromhex(text))
        out = bytearray(max(len(segment) - SEGMENT_OVERHEAD, 0))
        floe.open_into(memoryview(out), i, segment, is_last=i == len(case["segments"]) - 1)
        plain += out
    return plain


@cases("floe.json", "open")
def test_floe_opening(case: Case) -> None:
    """Something altered on the way would be handed on as what the sender sent."""
    assert ended(open_floe, case)[0] == case["result"]


def seen(m: manifest.Manifest) -> Case:
    """A manifest as the vectors show it."""
    blob = m.blob and {
        "k": m.blob.key.hex(),
        "h": m.blob.header.hex(),
        "l": m.blob.length,
        "r": m.blob.root.hex(),
    }
    files = [[entry.name, entry.size, entry.type] for entry in m.files]
    return {"note": m.note, "view": m.view, "files": files, "blob": blob, "inline": m.inline.hex()}


@cases("manifest.json", "decode")
def test_manifest(case: Case) -> None:
    """Two readers would see two things in one manifest, or one be led out of its folder."""
    plaintext = ref.joined(case["plaintext"], {})

    result, decoded = ended(manifest.decode, plaintext)

    assert result == case["result"]
    if decoded:
        assert seen(decoded) == case["manifest"]
        assert (manifest.encode(decoded) == plaintext) is case["encodes"]


@cases("manifest.json", "seal")
def test_manifest_sealing(case: Case) -> None:
    """Another program could not open a manifest sealed here."""
    key, id_, iv, nonce = (bytes.fromhex(case[k]) for k in ("key", "id", "iv", "nonce"))
    plaintext = ref.joined(case["plaintext"], {})
    draws = [iv, nonce]

    sealed = manifest.seal_manifest(manifest.decode(plaintext), key, id_, lambda _: draws.pop(0))

    assert b64encode(sealed) == case["sealed"]
    assert manifest.open_manifest(sealed, key, id_) == manifest.decode(plaintext)


@cases("manifest.json", "open")
def test_manifest_opening(case: Case) -> None:
    """A server could swap or alter what a link opens."""
    bases = {c["name"]: b64decode(c["sealed"]) for c in load("manifest.json")["seal"]}
    sealed = ref.joined(case["sealed"], bases)
    key, id_ = bytes.fromhex(case["key"]), bytes.fromhex(case["id"])

    assert ended(manifest.open_manifest, sealed, key, id_)[0] == case["result"]


@cases("content.json", "geometry")
def test_geometry(case: Case) -> None:
    """Reader and writer would look for a part in two places."""
    result, geometry = ended(content.Geometry.of_ciphertext, case["ciphertext"])

    assert result == case["result"]
    if geometry:
        assert geometry == content.Geometry.of_files(case["files_bytes"])
        names = ("length", "segments", "ciphertext", "parts")
        assert {n: getattr(geometry, n) for n in names} == {n: case[n] for n in names}


def layout(case: Case) -> content.Layout:
    """The lengths of a case."""
    return content.Layout(floe_params(case), case["part_segments"])


def plain_content(case: Case) -> bytes:
    """The files' bytes and the padding."""
    return ref.stream(case["files"], case["files_bytes"]).ljust(case["length"], b"\0")


@cases("content.json", "seal")
def test_content_sealing(case: Case) -> None:
    """Another program could not open what was sealed here."""
    plain, nonces = plain_content(case), ref.stream(case["nonces"], 12 * 100)
    geometry = content.Geometry.of_files(case["files_bytes"], layout(case))
    drawn = iter(nonces[at : at + 12] for at in range(0, len(nonces), 12))
    key, iv = bytes.fromhex(case["key"]), bytes.fromhex(case["iv"])
    sealer = content.ContentSealer(key, iv, lambda _: next(drawn), layout(case))

    parts = [
        sealer.seal_part(j, plain[slice(*geometry.part_plain(j))], is_last=geometry.is_last(j))
        for j in range(geometry.parts)
    ]

    digests = [content.digest(part) for part in parts]
    assert (geometry.length, sealer.header.hex()) == (case["length"], case["header"])
    assert [d.hex() for d in digests] == case["digests"]
    assert content.root(geometry.ciphertext, digests).hex() == case["root"]
    if case["ciphertext"]:
        assert b64encode(b"".join(parts)) == case["ciphertext"]


def open_content(case: Case, base: Case, ciphertext: bytes) -> bytes:
    """Read as a client reads: list, part by part, padding; only then is anything complete."""
    geometry = content.Geometry.of_length(base["length"], layout(base))
    digests = [bytes.fromhex(d) for d in case["digests"]]
    content.check_digests(geometry, digests, bytes.fromhex(case["root"]))
    key, header = bytes.fromhex(base["key"]), bytes.fromhex(base["header"])
    opener, plain = content.ContentOpener(key, header, geometry), b""
    for j, part in enumerate(ref.parts(ciphertext, layout(base).part_bytes)):
        digest = content.PartDigest()
        digest.update(part)
        digest.check(digests[j])
        piece = opener.open_part(j, part)
        content.check_padding(piece, geometry.part_plain(j)[0], base["files_bytes"])
        plain += piece
    return plain[: base["files_bytes"]]


@cases("content.json", "open")
def test_content_opening(case: Case) -> None:
    """A file that was cut, mixed or altered would be saved as if it were whole."""
    bases = {c["name"]: c for c in load("content.json")["seal"] if c["ciphertext"]}
    base = bases[case["of"]]
    ciphertexts = {name: b64decode(c["ciphertext"]) for name, c in bases.items()}
    ciphertext = ref.joined(case["ciphertext"], ciphertexts)

    result, plain = ended(open_content, case, base, ciphertext)

    assert result == case["result"]
    assert plain in (None, ref.stream(base["files"], base["files_bytes"]))


@cases("names.json", "check")
def test_name(case: Case) -> None:
    """A name would write outside its folder, on a device, or show as something that it is not."""
    assert ended(check_name, case["name"])[0] == case["result"]


@cases("names.json", "check_all")
def test_names(case: Case) -> None:
    """One file of a share would overwrite another."""
    assert ended(check_names, case["names"])[0] == case["result"]


@cases("names.json", "safe")
def test_safe_name(case: Case) -> None:
    """A file with an unlucky name could not be sent, or under a name that nobody chose."""
    assert safe_name(case["name"]) == case["safe"]


@cases("names.json", "show")
def test_shown(case: Case) -> None:
    """A name or a note would repaint the reader's terminal."""
    assert printable(case["text"], keep_newlines=case["keep_newlines"]) == case["shown"]
