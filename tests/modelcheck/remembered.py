# SPDX-License-Identifier: Apache-2.0
"""Answers of pure functions, kept: the same few questions come again in every execution.

A mutant changes what they answer, so whoever makes one has them forgotten.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Generic, ParamSpec, TypeVar

AskedP = ParamSpec("AskedP")
AnswerT = TypeVar("AnswerT")
ValueT = TypeVar("ValueT")

MOST = 50_000
"""Answers kept of one function."""
_FORGETS: list[Callable[[], None]] = []


class Same(Generic[ValueT]):
    """An immutable value known by its identity: for values that cannot be hashed, and are not made anew each time."""

    __slots__ = ("value",)

    def __init__(self, value: ValueT) -> None:
        """Args: value: kept for as long as this is, so that nothing else can take its identity."""
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value


def remembered(asked: Callable[AskedP, AnswerT]) -> Callable[AskedP, AnswerT]:
    """The same function, each answer of which is computed once."""
    kept: Any = lru_cache(MOST)(asked)
    _FORGETS.append(kept.cache_clear)
    return kept  # type: ignore[no-any-return]


def forget() -> None:
    """Compute everything anew from now on."""
    for one in _FORGETS:
        one()
