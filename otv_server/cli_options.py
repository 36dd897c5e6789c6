"""Flags: one for each setting, and what they are read as."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from otv_server.settings import Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable

_DURATION = re.compile(r"([1-9][0-9]{0,8})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_DAYS = 3650


def with_settings(command: Callable[..., None]) -> Callable[..., None]:
    """One flag a setting; each is also ``OTV_…`` in the environment and a key in the TOML file."""
    for setting in reversed(fields(Settings)):
        command = click.option(
            _flag(setting.name, is_switch=isinstance(setting.default, bool)),
            setting.name,
            default=None,
            help=f"{setting.metadata['help']}  [{_shown(setting.default)}]",
        )(command)
    return with_config(command)


def with_config(command: Callable[..., None]) -> Callable[..., None]:
    """The flag that names the TOML file."""
    return click.option("--config", help="a TOML file with the same names  [none]")(command)


def _flag(name: str, *, is_switch: bool) -> str:
    flag = name.replace("_", "-")
    return f"--{flag}/--no-{flag}" if is_switch else f"--{flag}"


def _shown(default: object) -> object:
    if isinstance(default, bool):
        return "on" if default else "off"
    return "none" if default in (None, "") else default


def settings_of(flags: dict[str, Any]) -> Settings:
    """Settings from the command line, the environment and the file that either names.

    Raises:
        BadSetting: a name or a value that makes no sense.
    """
    config = flags.pop("config", None)
    environment = os.environ if config is None else {**os.environ, "OTV_CONFIG": config}
    return load(environment, flags)


class Duration(click.ParamType[int]):
    """``90s``, ``10m``, ``12h``, ``30d`` or seconds; to seconds."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Seconds, up to ten years."""
        match = _DURATION.fullmatch(str(value))
        seconds = 0 if match is None else int(match[1]) * _SECONDS[match[2]]
        if not 0 < seconds <= LONGEST_DAYS * _SECONDS["d"]:
            self.fail("a duration is 90s, 10m, 12h or 30d, and at most ten years", param, ctx)
        return seconds
