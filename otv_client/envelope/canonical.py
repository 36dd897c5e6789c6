r"""The manifest's JSON: one text for one value (protocol section 5).

Compact, UTF-8, keys in the order in which they came. In strings `"` and `\` are escaped by a
backslash; U+0008, 9, A, C and D as `\b \t \n \f \r`; the other code points below U+0020 as
`\u00xx` in lower case; nothing else, so `/`, U+007F, U+2028 and all of non-ASCII stand raw. That
is what ECMAScript's JSON.stringify writes. Numbers are integers, `0|[1-9][0-9]*`, at most 2^53-1.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

MAX_DEPTH = 8
MAX_INTEGER = 2**53 - 1

_INTEGER = re.compile(r"0|[1-9][0-9]{0,15}")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
# A string, or a bracket outside of one. The closing quote is optional, so that nothing ever has to
# be tried twice: a string left open costs one pass, not one for every character in it.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


def dump(value: Any) -> bytes:
    """The one text of a value.

    Raises:
        UnicodeEncodeError: a lone surrogate.
    """
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def parse(data: bytes) -> Any:
    """The value of a text that `dump` writes.

    Raises:
        ValueError: anything else; its message says what, and quotes nothing.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError("bad UTF-8") from None
    _check_depth(text)
    value = _loads(text)
    if _dump_or_nothing(value) != data:
        raise ValueError("JSON in another form than the one it must have")
    return value


def _check_depth(text: str) -> None:
    """Arrays and objects nest at most 8 deep; counted before a recursive parser sees them."""
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
        elif token[0] in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise ValueError("JSON that is nested too deep")


def _loads(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except json.JSONDecodeError:  # holds the whole text
        raise ValueError("bad JSON") from None


def _dump_or_nothing(value: Any) -> bytes | None:
    try:
        return dump(value)
    except UnicodeEncodeError:  # an escaped lone surrogate
        return None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)  # a key that stands twice does not survive the comparison in `parse`
    if not all(_KEY.fullmatch(key) for key in fields):
        raise ValueError("a key that is not allowed")
    return fields


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text) or int(text) > MAX_INTEGER:
        raise ValueError("a number that is not allowed")
    return int(text)


def _no_number(text: str) -> NoReturn:  # noqa: ARG001 - json calls it with the text
    raise ValueError("a number that is not allowed")
