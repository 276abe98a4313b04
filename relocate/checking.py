# SPDX-License-Identifier: Apache-2.0
"""How drivers and selectors check what people wrote for them: the first thing wrong, by its field, and what is allowed."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from relocate.errors import InvalidRequest

M = TypeVar("M", bound=BaseModel)


def checked(model: type[M], written: Mapping[str, Any], *, at: str, error: type[InvalidRequest] = InvalidRequest) -> M:
    """`written` as a `model`.

    Args:
        model: what it must be.
        written: what somebody wrote, unchecked.
        at: dotted path of `written` in its document, for example `settings` or `workloads.process`.
        error: what to raise.

    Raises:
        InvalidRequest: the first field that makes no sense, by its path, and what is allowed.
    """
    try:
        return model.model_validate(dict(written))
    except ValidationError as found:
        first = found.errors(include_url=False)[0]
        field = ".".join((at, *(str(part) for part in first["loc"])))
        allowed = f"; allowed are {', '.join(model.model_fields)}" if first["type"] == "extra_forbidden" else ""
        # A value may be a secret or huge: the field's name and what is allowed are enough.
        raise error(f"{field}: {first['msg']}{allowed}", field=field) from None
