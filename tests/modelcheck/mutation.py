# SPDX-License-Identifier: Apache-2.0
"""A mistake, made for as long as a block runs.

A mutant replaces text in the source of one function and puts the changed function in its place. Text that is not there
(any more) is an error: a mutant that changes nothing cannot be caught.
"""

import importlib
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.modelcheck.bounds import Bounds
from tests.modelcheck.remembered import forget


@dataclass(frozen=True)
class Mutant:
    """One mistake."""

    name: str
    where: str
    """Module, and the function in it: `module:Class.function` or `module:function`."""
    old: str
    new: str
    bounds: Bounds
    """The smallest bounds within which it is caught."""
    breaks: str
    """The invariant that it breaks (first)."""


@contextmanager
def applied(mutant: Mutant) -> Iterator[None]:
    """The mistake is made while the block runs."""
    module_name, path = mutant.where.split(":")
    module = importlib.import_module(module_name)
    *owners, name = path.split(".")
    owner: Any = module
    for one in owners:
        owner = getattr(owner, one)
    before = inspect.getattr_static(owner, name)
    setattr(owner, name, _changed(mutant, before, name))
    forget()
    try:
        yield
    finally:
        setattr(owner, name, before)
        forget()


def _changed(mutant: Mutant, before: Any, name: str) -> Any:
    """The function anew, from its changed source, seeing what it saw before."""
    function = before.fget if isinstance(before, property) else before
    source = inspect.getsource(function)
    if source.count(mutant.old) != 1:
        raise LookupError(f"{mutant.name}: {mutant.old!r} stands {source.count(mutant.old)} times in {mutant.where}")
    # A method stands indented in its class, and so it does here in a block.
    block = "if True:\n" if source[0] == " " else ""
    code = compile(block + source.replace(mutant.old, mutant.new), f"<mutant {mutant.name}>", "exec", dont_inherit=True)
    made: dict[str, Any] = {}
    exec(code, function.__globals__, made)  # noqa: S102 - our own source
    return made[name]
