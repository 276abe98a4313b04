# SPDX-License-Identifier: Apache-2.0
"""What an HTTP answer must look like: a pure judgement."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, field_validator

from readiness.settings import Settings

StatusRange = Annotated[str, Field(pattern=r"^[1-5]\d\d(-[1-5]\d\d)?$")]
Pointer = Annotated[str, Field(pattern=r"^(/([^~/]|~[01])*)*$", max_length=1024)]
"""A JSON pointer (RFC 6901): "/status/ready", "/items/0/name", "" for the whole document."""


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"must be a regular expression: {error}") from error
    return pattern


class Expectation(Settings):
    """All that is named must hold."""

    status: tuple[StatusRange, ...] = Field(default=("200-299",), min_length=1, max_length=32)
    """Status codes and ranges: [200, "300-399"]."""
    body_contains: str | None = Field(default=None, min_length=1, max_length=4096)
    body_matches: Annotated[str, AfterValidator(_compiles)] | None = Field(default=None, max_length=1024)
    """Regular expression, searched anywhere in the body."""
    json_equals: dict[Pointer, Any] = Field(default_factory=dict, max_length=32)
    """By JSON pointer, the value that must stand there."""
    header_equals: dict[str, str] = Field(default_factory=dict, max_length=32)
    """By header name, its whole value."""

    @field_validator("status", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: object) -> object:
        listed = given if isinstance(given, list | tuple) else [given]
        return [str(code) if isinstance(code, int) and not isinstance(code, bool) else code for code in listed]

    @property
    def reads_body(self) -> bool:
        """Whether the body matters."""
        return self.body_contains is not None or self.body_matches is not None or bool(self.json_equals)

    def problem(self, status: int, headers: Mapping[str, str], body: str) -> str | None:
        """What is not as expected, in one sentence, or None. `headers` must find names in any case."""
        if not any(_within(status, allowed) for allowed in self.status):
            return f"answered {status}, expected {', '.join(self.status)}"
        for name, wanted in self.header_equals.items():
            if headers.get(name) != wanted:
                return f"header {name} is {headers.get(name)!r}, expected {wanted!r}"
        return self._body_problem(body) or self._json_problem(body)

    def _body_problem(self, body: str) -> str | None:
        if self.body_contains is not None and self.body_contains not in body:
            return f"the body does not contain {self.body_contains!r}"
        if self.body_matches is not None and not re.search(self.body_matches, body):
            return f"the body does not match {self.body_matches!r}"
        return None

    def _json_problem(self, body: str) -> str | None:
        if not self.json_equals:
            return None
        try:
            document = json.loads(body)
        except (ValueError, RecursionError):
            return "the body is not JSON"
        for pointer, wanted in self.json_equals.items():
            try:
                found = _at(document, pointer)
            except LookupError:
                return f"the JSON body has nothing at {pointer!r}"
            if _canonical(found) != _canonical(wanted):
                return f"JSON at {pointer!r} is {_canonical(found)[:80]}, expected {_canonical(wanted)[:80]}"
        return None


def _within(status: int, allowed: str) -> bool:
    first, _, last = allowed.partition("-")
    return int(first) <= status <= int(last or first)


def _at(document: object, pointer: str) -> object:
    for escaped in pointer.split("/")[1:]:
        key = escaped.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and re.fullmatch(r"0|[1-9]\d{0,8}", key):
            document = document[int(key)]
        elif isinstance(document, dict):
            document = document[key]
        else:
            raise LookupError(pointer)
    return document


def _canonical(value: object) -> str:
    # As text, because Python holds True equal to 1, and JSON does not.
    return json.dumps(value, sort_keys=True)
