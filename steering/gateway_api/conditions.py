# SPDX-License-Identifier: Apache-2.0
"""What the gateway's controller says of an HTTPRoute. A necessary first look, and no proof of anything. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from steering.gateway_api.rendering import parent
from steering.gateway_api.settings import GatewayApiSettings


def refusal(found: Mapping[str, Any], settings: GatewayApiSettings) -> str | None:
    """Why the controller refuses the route as it is now; None if it does not, or has not looked yet."""
    for condition in _conditions(found, settings):
        current = condition.get("observedGeneration") == found["metadata"].get("generation")
        if condition["type"] == "Accepted" and condition["status"] == "False" and current:
            return _told(condition)
    return None


def complaint(found: Mapping[str, Any], settings: GatewayApiSettings) -> str | None:
    """What the controller finds wrong with the route, or that it has not looked at it; None if all is well."""
    conditions = list(_conditions(found, settings))
    if not conditions:
        return "no controller has looked at the HTTPRoute yet"
    bad = [one for one in conditions if one["type"] in _GOOD and one["status"] != "True"]
    bad += [one for one in conditions if one["type"] in _BAD and one["status"] == "True"]
    if bad:
        return _told(bad[0])
    generation = found["metadata"].get("generation")
    late = [one for one in conditions if one.get("observedGeneration") != generation]
    return f"its controller has not seen generation {generation} yet" if late else None


_GOOD = ("Accepted", "ResolvedRefs")
_BAD = ("PartiallyInvalid",)


def _conditions(found: Mapping[str, Any], settings: GatewayApiSettings) -> Iterator[Mapping[str, Any]]:
    ours = parent(settings.gateway, settings.namespace)
    for one in (found.get("status") or {}).get("parents") or ():
        reference = dict(one.get("parentRef") or {})
        if reference.get("namespace") == settings.namespace:
            reference.pop("namespace")
        if reference == ours:
            yield from one.get("conditions") or ()


def _told(condition: Mapping[str, Any]) -> str:
    text = " ".join(str(condition.get("message", "")).split())
    return f"its controller says {condition['type']}={condition['status']}, {condition.get('reason')}: {text}"
