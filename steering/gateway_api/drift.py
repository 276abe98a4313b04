# SPDX-License-Identifier: Apache-2.0
"""What somebody else changed in an HTTPRoute since we wrote it, in one sentence. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from steering.gateway_api import names
from steering.gateway_api.adoption import rules_of
from steering.gateway_api.record import Record
from steering.gateway_api.rendering import parent
from steering.gateway_api.settings import GatewayApiSettings

_LONGEST = 120
"""Characters of a value that a sentence shows."""
_ABSENT = object()


class Difference(NamedTuple):
    """One field that is not as it was written."""

    field: str
    written: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.field}: written was {_shown(self.written)}, there is {_shown(self.found)}"


def drift(found: Mapping[str, Any], record: Record, settings: GatewayApiSettings) -> str | None:
    """The first difference between an HTTPRoute and its own record, and whose it is as far as that is known."""
    difference = next(_differences(found, record, settings), None)
    if difference is None:
        return None
    name = found["metadata"]["name"]
    by = _last_writer(found)
    return f"route {name} was changed by {by or 'somebody else'}: {difference}"


def version(found: Mapping[str, Any], record: Record, settings: GatewayApiSettings) -> str:
    """The route's version: the record's, and with drift a digest of it, so that each change is a version of its own.

    Whoever writes from `base` has thereby seen the very change that stands there.
    """
    differences = list(_differences(found, record, settings))
    if not differences:
        return str(record.version)
    told = json.dumps([str(one) for one in differences])
    return f"{record.version}.{sha256(told.encode()).hexdigest()[:12]}"


def _differences(found: Mapping[str, Any], record: Record, settings: GatewayApiSettings) -> Iterator[Difference]:
    spec, document = found["spec"], record.document
    ours = parent(settings.gateway, settings.namespace)
    if ours not in (spec.get("parentRefs") or []):
        yield Difference("spec.parentRefs", ours, spec.get("parentRefs"))
    hosts = spec.get("hostnames") or []
    if sorted(hosts) != sorted(names.hosts(document)):
        yield Difference("spec.hostnames", names.hosts(document), hosts)
    wanted = {rule["name"]: rule for rule in rules_of(record.original, document, settings)}
    standing = {rule["name"]: rule for rule in spec.get("rules") or [] if names.is_ours(rule)}
    for name, rule in wanted.items():
        if name not in standing:
            yield Difference(f"rule {name}", "a rule", _ABSENT)
        else:
            yield from _between(f"rule {name}", rule, standing[name])
    for name in standing.keys() - wanted.keys():
        yield Difference(f"rule {name}", _ABSENT, "a rule")


def _between(field: str, written: Any, found: Any) -> Iterator[Difference]:
    if written == found:
        return
    if isinstance(written, Mapping) and isinstance(found, Mapping):
        for key in dict.fromkeys([*written, *found]):
            yield from _between(f"{field}.{key}", written.get(key, _ABSENT), found.get(key, _ABSENT))
    elif _is_list(written) and _is_list(found) and len(written) == len(found):
        for at, (one, other) in enumerate(zip(written, found, strict=True)):
            yield from _between(f"{field}[{at}]", one, other)
    else:
        yield Difference(field, written, found)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _shown(value: Any) -> str:
    shown = "nothing" if value is _ABSENT else value if isinstance(value, str) else json.dumps(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _last_writer(found: Mapping[str, Any]) -> str | None:
    """The field manager that wrote the spec last, if that is not us."""
    entries = [
        one
        for one in found["metadata"].get("managedFields") or ()
        if not one.get("subresource") and "f:spec" in (one.get("fieldsV1") or {})
    ]
    entries.sort(key=lambda one: str(one.get("time", "")))
    others = [str(one.get("manager")) for one in entries if one.get("manager") != names.MANAGER]
    return others[-1] if others else None
