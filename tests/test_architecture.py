"""The house's rules, as tests: who may import whom, and that tables are complete."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from otv_client.errors import EXIT_CODES, OtvError
from otv_server.api.problems import STATUS
from otv_server.domain import errors

ROOT = Path(__file__).parent.parent


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """A tool over the whole checkout."""
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


def subclasses(kind: type[Exception]) -> set[type[Exception]]:
    """Every descendant of an error."""
    return {kind} | {below for child in kind.__subclasses__() for below in subclasses(child)}


def test_imports_follow_the_architecture() -> None:
    """Else a cipher reaches the server, or a framework the domain, and nobody notices."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        pytest.param(("mypy",), marks=pytest.mark.timeout(900)),
    ],
    ids=["lint", "format", "types"],
)
def test_tools_have_nothing_to_say(command: tuple[str, ...]) -> None:
    """Else the next reader can't tell a new complaint from an old one."""
    done = run(*command)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_server_error_has_a_status() -> None:
    """Else an error that callers should understand becomes a 500."""
    told = subclasses(errors.OtvError) - {errors.OtvError}

    assert told == set(STATUS)
    assert len({kind.code for kind in STATUS}) == len(STATUS)


def test_every_client_error_has_an_exit_code() -> None:
    """Else a script can't tell what went wrong."""
    told = {kind for kind in subclasses(OtvError) if not kind.__subclasses__()}

    assert told <= set(EXIT_CODES)


def test_neither_program_loads_the_others_libraries() -> None:
    """Else a client on a small machine pays for a web framework, or the server holds a cipher."""
    server_only = [
        *("litestar", "uvicorn", "sqlalchemy", "msgspec", "structlog", "obstore"),
        "otv_server",
    ]
    script = (
        "import sys, importlib; importlib.import_module(sys.argv[1]);"
        "print(*[name for name in sys.argv[2:] if name in sys.modules])"
    )

    client = run_script(script, "otv_client.client", *server_only)
    # obstore is the server's own, and waits until there is an object store.
    server = run_script(
        script, "otv_server.serving", "cryptography", "platformdirs", "otv_client", "obstore"
    )

    assert (client, server) == ("", "")


def test_server_makes_certificates_and_enciphers_nothing() -> None:
    """Else the one module that may import a cipher's library is the door for the ciphers."""
    source = (ROOT / "otv_server/network/certificates.py").read_text()
    found = {
        f"{node.module}.{name.name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cryptography")
        for name in node.names
    }

    assert found == {
        "cryptography.x509",
        "cryptography.exceptions.UnsupportedAlgorithm",
        "cryptography.hazmat.primitives.hashes",
        "cryptography.hazmat.primitives.serialization",
        "cryptography.hazmat.primitives.asymmetric.ec",
        "cryptography.hazmat.primitives.asymmetric.types.PublicKeyTypes",
        "cryptography.x509.oid.ExtendedKeyUsageOID",
        "cryptography.x509.oid.NameOID",
    }
    assert "import cryptography" not in source


def test_what_few_commands_need_is_loaded_by_them_alone() -> None:
    """Else every `--help` and every `get` waits for what finds servers and checks pages."""
    script = (
        "import sys, otv_client.cli.put, otv_client.cli.get;"
        "print(*set(sys.argv[1:]) & sys.modules.keys())"
    )
    seldom = ["zeroconf", "html.parser", "importlib.resources", "cryptography.x509"]

    assert run_script(script, *seldom) == ""


def run_script(script: str, *arguments: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
