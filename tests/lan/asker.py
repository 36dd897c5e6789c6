"""``python -m tests.lan.asker METHOD URL HEADERS``: one call, and what comes back, in JSON.

It takes any certificate: whoever attacks doesn't care.
"""

from __future__ import annotations

import json
import sys

import httpx


def main(method: str, url: str, headers: str) -> None:
    """Ask."""
    with httpx.Client(verify=False) as http:  # noqa: S501 - see above
        answer = http.request(method, url, headers=json.loads(headers))
    print(json.dumps({"status": answer.status_code, "body": answer.json()}))  # noqa: T201 - its result


if __name__ == "__main__":
    main(*sys.argv[1:])
