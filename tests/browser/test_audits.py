"""What outside judges say of the page as it is served: the HTTP observatory, and Lighthouse.

Lighthouse's score of performance is a figure in time, and no test: ``benchmarks/audits.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import audits
from tests.programs import program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import RunningServer


def test_observatory(page_server: RunningServer) -> None:
    """Else a header that keeps people safe would be missing, or weaker than it can be."""
    audits.install()

    verdicts = [*audits.observatory(page_server.url)]

    assert len(verdicts) > len(audits.NEED_TLS)
    assert [each for each in verdicts if not each.is_good] == []


def test_lighthouse(page_server: RunningServer) -> None:
    """Else advice on what everybody can use, and on what is sound, would go unheard."""
    program("chromium", "chromium")
    audits.install()

    verdicts = [*audits.lighthouse(page_server.url, "accessibility", "best-practices")]

    assert [each.result for each in verdicts] == ["100", "100"]


def test_observatory_outside(built_page: Path) -> None:
    """Else strict transport, or the way from plain HTTP to TLS, is lost in front of the server."""
    assert built_page.is_dir()
    audits.install()

    verdicts = audits.judged(is_outside=True)

    assert verdicts[0].result.startswith("A+")
    assert [each for each in verdicts if not each.is_good] == []
