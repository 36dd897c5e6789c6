"""Write the test vectors: `python -m tests.vectors.generate [FOLDER]`, from the project's root.

All of them come from fixed seeds, so doing it again gives the same bytes; a test holds that.
README.md describes the format.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.vectors import cases_link, cases_manifest, cases_names, cases_pins, cases_sealing

FILES = {
    "link.json": cases_link.links,
    "pins.json": cases_pins.pins,
    "keys.json": cases_link.derivations,
    "receipt.json": cases_link.receipts,
    "padding.json": cases_sealing.padding,
    "floe.json": cases_sealing.floe,
    "content.json": cases_sealing.content,
    "manifest.json": cases_manifest.manifests,
    "names.json": cases_names.names,
}


def main(folder: Path) -> None:
    """Write every file into the folder."""
    for name, make in FILES.items():
        # Escaped, so that lone surrogates and direction characters survive editors.
        text = json.dumps(make(), indent=1, ensure_ascii=True)
        (folder / name).write_text(text + "\n", encoding="ascii", newline="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
