"""What the sender is told: shapes, receipts, lists; and what nobody is told: secrets."""

from __future__ import annotations

import json
import re
import stat
import time
from typing import TYPE_CHECKING

import pytest

from otv_client.b64 import b64encode
from otv_client.link import parse_link
from tests.conftest import running_server

if TYPE_CHECKING:
    from tests.cli.conftest import Otv

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_put_json_has_the_fixed_shape(otv: Otv) -> None:
    """A script that reads the link out of JSON would break."""
    (otv.folder / "f").write_bytes(b"12345")

    sent = json.loads(otv.ok("put", "f", "--links", "2", "--json"))

    assert sent.keys() == {"share", "links", "bytes", "files"}
    assert (sent["bytes"], sent["files"]) == (5, 1)
    assert len(sent["links"]) == 2
    for link in sent["links"]:
        assert link.keys() == {"link", "id", "expires_at", "opens_at"}
        assert parse_link(link["link"]).id_text == link["id"]
        assert RFC3339.fullmatch(link["expires_at"])
        assert RFC3339.fullmatch(link["opens_at"])


def test_get_json_has_the_fixed_shape(otv: Otv) -> None:
    """A script that asks where the files went would break."""
    (otv.folder / "f.txt").write_bytes(b"12345")
    link = otv.put("f.txt", "--note", "n", "--view-only")

    opened = json.loads(otv.ok("get", link, "--json", "-o", "out"))

    path = str(otv.folder / "out" / "f.txt")
    assert opened == {
        "files": [{"path": path, "bytes": 5, "type": "text/plain"}],
        "note": "n",
        "view": True,
    }


def test_status_tells_who_opened_it(otv: Otv) -> None:
    """The sender would not learn who read it, or only the first time that they ask."""
    sent = json.loads(otv.ok("put", "--text", "x", "--json"))
    waiting = json.loads(otv.ok("status", sent["share"], "--json"))
    otv.ok("get", sent["links"][0]["link"])

    told = json.loads(otv.ok("status", sent["links"][0]["link"], "--json"))
    again = json.loads(otv.ok("status", sent["share"], "--json"))

    assert (waiting["state"], waiting["links"][0]["state"]) == ("sealed", "ready")
    (link,) = told["links"]
    (opening,) = link["openings"]
    assert told.keys() == {"share", "state", "links"}
    assert link.keys() == {"id", "state", "opens_left", "expires_at", "openings"}
    assert opening.keys() == {"opened_at", "outcome", "receipt", "address"}
    assert (opening["outcome"], opening["receipt"]) == ("opened", "verified")
    assert again == told


def test_what_was_told_to_be_over_is_listed_no_more(otv: Otv) -> None:
    """What is still open would drown in what is not."""
    sent = json.loads(otv.ok("put", "--text", "x", "--json"))
    share = sent["share"]
    otv.ok("get", sent["links"][0]["link"])

    before = otv.ok("list").decode()
    otv.ok("status")
    after = otv.ok("list").decode() + otv.ok("status").decode()

    assert share in before
    assert share not in after


def test_what_the_server_forgot_is_forgotten_here(
    otv: Otv, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keys of receipts would pile up on the sender's machine for ever."""
    folder = tmp_path_factory.mktemp("forgetful")
    with running_server(folder, retention=0, min_ttl=1, min_free_bytes=0) as forgetful:
        to = ("--server", forgetful.url, "--expires", "1s")
        sent = json.loads(otv.ok("put", "--text", "x", "--json", *to))
        deadline = time.monotonic() + 15
        while otv.run("status", sent["share"]).returncode != 4:
            assert time.monotonic() < deadline

    records = [path.read_text() for path in (otv.state / "shares").iterdir()]
    assert not [text for text in records if sent["share"] in text]


def test_status_for_people_names_state_and_receipt(otv: Otv) -> None:
    """A person would have to read JSON."""
    link = otv.put("--text", "x", "--opens", "2")
    otv.ok("get", link)

    text = otv.ok("status").decode()

    assert "ready" in text
    assert "receipt: verified" in text


def test_list_shows_what_is_not_over(otv: Otv) -> None:
    """A forgotten link would stay open unseen."""
    sent = json.loads(otv.ok("put", "--text", "x", "--json"))

    listed = otv.ok("list").decode()

    assert sent["share"] in listed
    assert "ready" in listed


def test_revoke_of_one_personal_link_leaves_the_others(otv: Otv) -> None:
    """Taking back one recipient's link would take it from all."""
    first, second = otv.ok("put", "--text", "x", "--links", "2").decode().split()

    otv.ok("revoke", first.partition("#")[0])

    assert otv.run("get", first).returncode == 4
    assert otv.ok("get", second) == b"x\n"


def test_revoke_of_a_share_ends_every_link(otv: Otv) -> None:
    """A link believed dead would still open."""
    sent = json.loads(otv.ok("put", "--text", "x", "--links", "2", "--json"))

    otv.ok("revoke", sent["share"])

    codes = [otv.run("get", link["link"]).returncode for link in sent["links"]]
    assert codes == [4, 4]


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_qr_file_is_private_and_never_overwritten(otv: Otv, suffix: str) -> None:
    """The code is the link: others on the machine could open it, or another one be lost."""
    path = otv.folder / f"code{suffix}"
    otv.ok("put", "--text", "x", "--qr-file", path.name)
    before = path.read_bytes()

    again = otv.run("put", "--text", "y", "--qr-file", path.name)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert before.startswith(b"\x89PNG" if suffix == ".png" else b"<?xml")
    assert again.returncode == 9
    assert path.read_bytes() == before


def test_qr_codes_go_to_standard_error_but_for_the_qr_command(otv: Otv) -> None:
    """A script that reads the link would read a picture."""
    done = otv.run("put", "--text", "x", "--qr")
    link = done.stdout.decode().strip()

    drawn = otv.ok("qr", "-", stdin=link.encode())

    assert parse_link(link).url() == link
    assert "\u2588" in done.stderr.decode()
    assert drawn.decode().strip("\n") in done.stderr.decode()


def test_nothing_secret_is_kept_or_said(otv: Otv) -> None:
    """Whoever reads the state folder or a terminal's log could open the link."""
    keeper = otv.using(env={"OTV_PASSWORD": "correct horse"})
    (otv.folder / "f").write_bytes(b"plain text " * 10_000)
    sent = keeper.run("put", "f", "--note", "the note", "--opens", "2")
    link = sent.stdout.decode().strip()
    parsed = parse_link(link)
    in_the_way = keeper.run("get", link, "--debug")
    typed_twice = keeper.run("get", link, link, "--debug")
    wrong = otv.using(env={"OTV_PASSWORD": "other horse"}).run("get", link, "--debug")

    said = sent.stderr + in_the_way.stderr + typed_twice.stderr + wrong.stderr
    kept = b"".join(path.read_bytes() for path in otv.state.rglob("*") if path.is_file())

    fragment = link.partition("#")[2]
    secrets = [
        fragment.encode(),
        b64encode(parsed.secret).encode(),
        parsed.secret,
        parsed.secret.hex().encode(),
        b"horse",
        b"the note",
        b"plain text",
    ]
    assert (in_the_way.returncode, typed_twice.returncode, wrong.returncode) == (9, 2, 5)
    assert b"Traceback" in in_the_way.stderr
    assert parsed.id_text.encode() in kept  # the search finds what is there
    assert [secret for secret in secrets if secret in said + kept] == []


def test_state_is_for_the_user_alone(otv: Otv) -> None:
    """Another user of the machine could revoke or forge receipts."""
    otv.put("--text", "x")

    modes = {
        stat.S_IMODE(path.stat().st_mode)
        for path in [otv.state, *otv.state.rglob("*")]
        if path.is_dir()
    }
    files = {stat.S_IMODE(path.stat().st_mode) for path in otv.state.rglob("*.json")}

    assert (modes, files) == ({0o700}, {0o600})


def test_revoke_says_what_was_opened_before(otv: Otv) -> None:
    """A sender would believe that nobody has read what somebody has."""
    opened, unopened = (json.loads(otv.ok("put", "--text", "x", "--json")) for _ in range(2))
    otv.ok("get", opened["links"][0]["link"])

    late, early = (otv.run("revoke", sent["share"]).stderr for sent in (opened, unopened))

    assert b"opened" in late
    assert b"opened" not in early
