# SPDX-License-Identifier: Apache-2.0
"""JSON as Go's `encoding/json` reads it into a struct, and writes it.

A key matches a field in any mixture of capitals, an unknown one is passed over, and `null` leaves the field as it is. Whole
numbers are whole: neither `1.0` nor `true` is one. One thing is stricter than Go, where the last one wins: a field that is
named twice, in two spellings, is refused.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
"""Nanoseconds; both signs for micro are taken, as in Go."""
_PART = r"(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)"
_DURATION = re.compile(rf"(-?)((?:{_PART})+)", re.ASCII)
_INT64 = 2**63


def nanoseconds(text: str) -> int:
    """What Go's `time.ParseDuration` makes of `text`, such as `60s`, `1h30m` or `1.5ms`.

    Raises:
        ValueError: it is no duration, or longer than 64 bits of nanoseconds (292 years).
    """
    if text == "0":
        return 0
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no duration; nanoseconds are meant, or a text such as 60s, 1h30m or 500ms")
    parts = re.findall(_PART, found[2])
    whole = int(sum(Decimal(number) * _UNITS[unit] for number, unit in parts))
    if whole >= _INT64:
        raise ValueError(f"{text[:40]!r} is longer than 64 bits of nanoseconds")
    return -whole if found[1] else whole


def _duration(given: object) -> object:
    return nanoseconds(given) if isinstance(given, str) else given


def _shortest(number: float) -> float | int:
    """Go writes a whole number without a point."""
    return int(number) if number.is_integer() else number


def _or_empty(empty: object) -> BeforeValidator:
    """`null` in a map is the zero of what the map holds."""
    return BeforeValidator(lambda given: empty if given is None else given)


Nanoseconds = Annotated[int, BeforeValidator(_duration), Field(ge=-_INT64, lt=_INT64)]
"""A `time.Duration`: a whole number of nanoseconds. Texts are read too; workflowmgr itself refuses those."""

Int32 = Annotated[int, Field(ge=-(2**31), lt=2**31)]

Float64 = Annotated[float, PlainSerializer(_shortest, return_type=float | int)]

Text = Annotated[str, _or_empty("")]
"""A text in a map."""

Texts = Annotated[dict[str, Text], _or_empty({})]
"""A map of texts in a map."""


class GoStruct(BaseModel):
    """A struct of Go's. A field's alias is its key on the wire; what is written has every field, in the order of the class."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", serialize_by_alias=True, validate_by_name=False)

    @model_validator(mode="before")
    @classmethod
    def _as_go_reads(cls, given: Any) -> Any:
        if given is None:
            return {}
        if not isinstance(given, Mapping):
            return given
        spelt = {(field.alias or name).casefold(): field.alias or name for name, field in cls.model_fields.items()}
        found: dict[str, Any] = {}
        for key, value in given.items():
            name = spelt.get(key.casefold())
            if name is None:
                continue
            if name in found:
                raise ValueError(f"{name} stands twice, in two spellings")
            found[name] = value
        return {name: value for name, value in found.items() if value is not None}
