# SPDX-License-Identifier: Apache-2.0
"""Credentials in the settings of what is configured: kept, used, and not shown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from relocate import configuration
from relocate.errors import InvalidRequest
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway

MASK = "********"
"""What is shown instead."""

_CREDENTIAL = re.compile(
    r"(^|[_.\-/])(token|password|passwd|passphrase|secret|credentials?|(api|private|access|secret)[_-]?key|authorization|cookie)$",
    re.IGNORECASE,
)
"""How the name of a field ends whose text is one. A file's name is none: `token_file` is shown."""

E = TypeVar("E", Application, Cluster, Gateway)


def shown(entry: E) -> E:
    """The entry as it may be seen by whoever may read: texts of fields that are named like credentials are masked."""
    return entry.model_copy(update=_changes(entry))


def _changes(entry: configuration.Entry) -> dict[str, Any]:
    if not isinstance(entry, Application):
        return {"settings": _masked(entry.settings)}
    probes = [one.model_copy(update={"settings": _masked(one.settings)}) for one in entry.readiness.probes]
    readiness = entry.readiness.model_copy(update={"probes": tuple(probes)})
    return {"workloads": _masked(entry.workloads), "readiness": readiness}


def check_unmasked(entry: configuration.Entry) -> None:
    """Refuse what was read here and is written back: the credential would be lost.

    Raises:
        InvalidRequest: with the first field that holds the mask.
    """
    for field in _masks(entry.model_dump(mode="json"), ()):
        raise InvalidRequest(
            f"{field}: {MASK} is shown instead of a credential; write the credential itself", field=field
        )


def _masked(value: Any, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(below, str(key)) for key, below in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(below, name) for below in value]
    return MASK if isinstance(value, str) and value and _CREDENTIAL.search(name) else value


def _masks(value: Any, place: tuple[str, ...]) -> Iterator[str]:
    if value == MASK:
        yield ".".join(place)
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from _masks(below, (*place, str(key)))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _masks(below, (*place, str(number)))
