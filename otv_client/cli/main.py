"""``otv-client``: the commands by name, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from otv_client.cli.terminal import Terminal, redacted
from otv_client.errors import EXIT_CODES, Interrupted, LocalError, OtvError, UsageError, exit_code

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERNAL_ERROR = 1  # a broken invariant of our own: not in the table, and loud

# Name, module and one line of help; a command's module is loaded when it runs.
_COMMANDS = {
    "put": ("put", "Send files, folders or a text; print a link that opens once."),
    "get": ("get", "Open a link and save what it holds."),
    "status": ("manage", "Tell what became of what this machine sent."),
    "list": ("manage", "List what this machine sent and isn't over."),
    "revoke": ("manage", "End a share or a link now."),
    "qr": ("qr", "Make a QR code of a link."),
    "find": ("find", "List the servers on this network."),
    "verify": ("verify", "Compare the page of a server with that of this release."),
}


class CommandsByName(click.Group):
    """A group that imports a command when it is asked for, so that ``--help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"otv_client.cli.{_COMMANDS[cmd_name][0]}")
        command = getattr(module, f"{cmd_name}_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without loading them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - click calls it with positions
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415 - 20 ms, only here

        ctx.obj.result(f"otv-client {version('one-time-view')}")
        ctx.exit()


@click.group(cls=CommandsByName, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.option("--debug", is_flag=True, help="Show where an error came from.")
@click.pass_obj
def cli(terminal: Terminal, *, debug: bool) -> None:
    """Send files and texts that open once, encrypted before they leave this machine."""
    terminal.debug = terminal.debug or debug


def run(args: Sequence[str]) -> int:
    """Run one command line; its exit code."""
    terminal = Terminal()
    try:
        cli.main(list(args), prog_name="otv-client", standalone_mode=False, obj=terminal)
    except BaseException as error:  # noqa: BLE001 - whatever it is becomes a sentence and a code
        return _ended(terminal, error)
    return 0


def _ended(terminal: Terminal, error: BaseException) -> int:
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        terminal.text(error.format_message())
        return EXIT_CODES[UsageError]
    known = _known(error)
    terminal.trace(error)
    if known is None:
        terminal.error(
            f"internal error: {type(error).__name__}",
            None if terminal.debug else "with --debug it shows where; please report it",
        )
        return INTERNAL_ERROR
    terminal.error(known.message, known.hint)
    return exit_code(known)


def _known(error: BaseException) -> OtvError | None:
    """The same as one of our own errors; None for what must not happen."""
    if isinstance(error, OtvError):
        return error
    if isinstance(error, click.Abort | KeyboardInterrupt | EOFError):
        return Interrupted("interrupted")
    if isinstance(error, click.ClickException):
        return UsageError(redacted(error.format_message()).rstrip("."), hint=_help_of(error))
    if isinstance(error, BrokenPipeError):
        return LocalError("standard output was closed")
    if isinstance(error, OSError):
        # Not where it was expected, and still this machine's: no traceback helps.
        return LocalError(error.strerror or "input/output error")
    return None


def _help_of(error: click.ClickException) -> str | None:
    context: Any = getattr(error, "ctx", None)
    return f"`{context.command_path} --help` shows how" if context else None


def main() -> NoReturn:
    """Entry point."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except (AttributeError, OSError):
        code = code or EXIT_CODES[LocalError]
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python complains at its end
    if threading.active_count() > 1:
        # After a failure an uploading thread may sit in its socket for a minute more.
        with suppress(AttributeError, OSError):
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
