"""Shares that no honest writer makes: their manifests are written here, byte by byte."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from otv_client.envelope import canonical
from otv_client.envelope.floe import IV_BYTES, NONCE_BYTES
from otv_client.envelope.keys import derive_keys
from otv_client.envelope.manifest import seal_plaintext
from otv_client.envelope.padding import bucket
from otv_client.link import Kdf, draw_link
from tests.support import RawLink, new_id, new_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support import Api


def forge(
    api: Api, url: str, files: Mapping[str, bytes], /, type_: str = "", **changed: Any
) -> str:
    """The link to a small share that holds these files under these very names.

    Args:
        api: calls to the server at ``url``.
        url: the server's address.
        files: by their names, which nobody checks.
        type_: of each file.
        changed: fields of the manifest's JSON, in place of what they should be.
    """
    entries = [{"n": name, "s": len(data), "t": type_} for name, data in files.items()]
    fields = {"v": 1, "note": "", "view": False, "files": entries, "blob": None}
    return forge_json(api, url, canonical.dump(fields | changed), b"".join(files.values()))


def forge_json(api: Api, url: str, json: bytes, inline: bytes = b"") -> str:
    """The link to a manifest that holds these bytes where its JSON should be."""
    unpadded = len(json).to_bytes(4, "big") + json + inline
    plaintext = unpadded.ljust(bucket(len(unpadded)), b"\0")
    link = draw_link(url, Kdf.NONE, secrets.token_bytes)
    keys = derive_keys(link.id, link.secret, link.kdf, None)
    iv, nonce = secrets.token_bytes(IV_BYTES), secrets.token_bytes(NONCE_BYTES)
    sealed = seal_plaintext(plaintext, keys.manifest, link.id, iv, nonce)
    raw = RawLink(id=link.id, access=keys.access, unlock=keys.unlock, manifest=sealed)
    answer = api.create(new_id(), new_secret(), 0, [raw])
    assert answer.status_code == 201, answer.text
    return link.url()
