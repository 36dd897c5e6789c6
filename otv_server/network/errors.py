"""What keeps this server from being reached; the message is the sentence that people read."""

from __future__ import annotations


class CantServe(Exception):
    """A port, a key or a certificate can't be used; the message says which, and what helps."""
