"""System programs that tests use (tests/install-system.sh installs them)."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str, package: str) -> str:
    """Where it is; without it the test skips and says what to install, but under CI it fails."""
    found = shutil.which(name)
    if found is None and os.environ.get("CI") == "true":
        pytest.fail(f"{name} is missing: tests/install-system.sh should have installed {package}")
    if found is None:
        pytest.skip(f"install {package} for {name}")
    return found
