# SPDX-License-Identifier: Apache-2.0
"""JSON as we accept it: RFC 8259 to the letter, of bounded depth, and storable in any database we run on."""

import json
import math
import re

MAX_DEPTH = 64
"""Deepest nesting of objects and arrays; our own documents need about ten."""

_INT64 = 2**63
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")


class NotJson(ValueError):
    """The text is not JSON that we accept; the message says where and why."""


def parse(text: bytes) -> object:
    """The value of `text`.

    Raises:
        NotJson: it is malformed, deeper than `MAX_DEPTH`, repeats a key, or holds a number that is not finite or not
            within 64 bits, a NUL, or half of a surrogate pair (PostgreSQL stores neither).
    """
    _check_depth(text)
    try:
        value: object = json.loads(
            text.decode(),
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_number,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise NotJson(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise NotJson(f"{error.msg} at line {error.lineno}, column {error.colno}") from error
    _check_text(value)
    return value


def _check_depth(text: bytes) -> None:
    """Count brackets outside strings, before a recursive parser sees them."""
    depth = 0
    for byte in _STRINGS.sub(b"", text):
        if byte in b"[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise NotJson(f"nested deeper than {MAX_DEPTH}")
        elif byte in b"]}":
            depth -= 1


def _no_constant(name: str) -> object:
    raise NotJson(f"{name} is not JSON; numbers must be finite")


def _integer(text: str) -> int:
    if len(text) > 20 or not -_INT64 <= int(text) < _INT64:  # noqa: PLR2004 - no 64-bit number has more digits
        raise NotJson(f"the number {text[:24]} does not fit into 64 bits")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson(f"the number {text[:24]} is too large")
    return number


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotJson(f"the key {json.dumps(twice)[:80]} stands twice in one object")
    return found


def _check_text(value: object) -> None:
    """Refuse what `json` accepts and a database does not; the depth is bounded already."""
    match value:
        case str():
            if _UNSTORABLE.search(value):
                raise NotJson("text must not hold NUL or half of a surrogate pair")
        case dict():
            for name, member in value.items():
                _check_text(name)
                _check_text(member)
        case list():
            for member in value:
                _check_text(member)
