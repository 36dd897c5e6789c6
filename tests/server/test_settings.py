"""Settings: flags over the environment over a file over defaults; nonsense is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click import Context

from otv_server.cli import serve
from otv_server.settings import BadSetting, Settings, load, names

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """An environment that names a settings file with this text."""

    def write(text: str) -> dict[str, str]:
        path = tmp_path / "otv.toml"
        path.write_text(text)
        return {"OTV_CONFIG": str(path)}

    return write


def test_nothing_said_is_the_defaults() -> None:
    """Else a plain start would not be what the documents describe."""
    assert load({}) == Settings()


def test_flags_win_over_environment_over_file_over_defaults(
    config: Callable[[str], dict[str, str]],
) -> None:
    """Else an operator could not tell which of four settings counts."""
    environment = config("rate = 1\nworkers = 1\nmax_links = 1\n")
    environment |= {"OTV_RATE": "2", "OTV_WORKERS": "2"}

    settings = load(environment, {"rate": 3, "port": None})

    chosen = (settings.rate, settings.workers, settings.max_links, settings.port)
    assert chosen == (3, 2, 1, 8000)


def test_environment_is_read_as_the_types_say() -> None:
    """Else sizes would be compared as texts."""
    environment = {
        "OTV_DATA": "/srv/otv",
        "OTV_MAX_TOTAL_BYTES": "1000",
        "OTV_KEEP_ADDRESSES": "off",
    }

    settings = load(environment)

    assert settings.data == Path("/srv/otv")
    assert settings.max_total_bytes == 1000
    assert settings.keep_addresses == "off"


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("1", True), ("0", False)])
def test_switches_are_read_as_such(said: str, meant: bool) -> None:  # noqa: FBT001  # pytest's own
    """Else what was switched off would be on, for every text is something."""
    assert load({"OTV_LAN_HTTP": said}).lan_http is meant


def test_switches_are_flags() -> None:
    """Else ``--lan-http`` would want a value, and without it the environment would not count."""
    with Context(serve) as context:
        assert serve.make_parser(context).parse_args(["--lan-http"])[0]["lan_http"] is True
    parsed = serve.make_context("serve", [])
    assert parsed.params["lan_http"] is None


def test_what_others_keep_in_the_environment_is_left_alone() -> None:
    """Else a variable of another program, the client's or a platform's would stop this one."""
    others = {"PATH": "/bin", "RATE": "9", "otv_rate": "9", "OTV_PORT_8000_TCP": "tcp://10.0.0.1"}
    clients = {f"OTV_{name}": "x" for name in ("SERVER", "UPLOAD_TOKEN", "PASSWORD", "STATE")}

    assert load(others | clients) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTV_PORT", "70000"),
        ("OTV_PORT", "-1"),
        ("OTV_PORT", "http"),
        ("OTV_PORT", ""),
        ("OTV_WORKERS", "0"),
        ("OTV_RATE", "-1"),
        ("OTV_RATE", "1.5"),
        ("OTV_MIN_TTL", "0"),
        ("OTV_MIN_TTL", "601"),
        ("OTV_DEFAULT_TTL", "3601"),
        ("OTV_MAX_TTL", "599"),
        ("OTV_MAX_TTL", str(30 * 86_400 + 1)),
        ("OTV_LEASE_FLOOR", "86401"),
        ("OTV_LEASE_CEILING", "3599"),
        ("OTV_KEEP_ADDRESSES", "some"),
        ("OTV_MAX_SHARE_BYTES", "11 GiB"),
        ("OTV_LAN_HTTP", "perhaps"),
        ("OTV_CONFIG", "/nowhere/otv.toml"),
        ("OTV_UPLOAD", "token"),
        ("OTV_PUBLICURL", "https://share.example"),
    ],
)
def test_nonsense_is_refused(name: str, value: str) -> None:
    """Else the server would run, with limits that nobody meant."""
    with pytest.raises(BadSetting):
        load({name: value})


@pytest.mark.parametrize(
    "text",
    ["rates = 5", "[server]\nrate = 5", "rate = [5]", "rate = ", "keep_addresses = 1", "\0"],
    ids=["unknown key", "table", "array", "no TOML", "wrong type", "no text"],
)
def test_file_that_makes_no_sense_is_refused(
    config: Callable[[str], dict[str, str]], text: str
) -> None:
    """Else a misspelt limit would be no limit."""
    with pytest.raises(BadSetting):
        load(config(text))


@pytest.mark.parametrize("name", ["port", "rate", "min_free_bytes", "max_delay", "retention"])
def test_zero_switches_off_what_can_be_switched_off(name: str) -> None:
    """Else an operator could not do without."""
    assert getattr(load({f"OTV_{name.upper()}": "0"}), name) == 0


def test_every_setting_says_what_it_is() -> None:
    """Else ``--help`` would name flags that nobody can use."""
    assert all(each.metadata.get("help") for each in dataclasses.fields(Settings))
    assert set(names()) == {each.name for each in dataclasses.fields(Settings)}


def test_settings_can_not_be_changed_while_it_runs() -> None:
    """Else one request could change the limits of the next."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]  # that is what this test tries
