# SPDX-License-Identifier: Apache-2.0
"""Whether a Gateway has a listener that takes a route. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from steering.gateway_api.settings import GatewayApiSettings
from steering.model import Problem

_HTTP = frozenset({"HTTP", "HTTPS"})


def problems(
    gateway: Mapping[str, Any],
    hosts: Sequence[str],
    settings: GatewayApiSettings,
    namespace_labels: Mapping[str, str] | None,
) -> Iterator[Problem]:
    """What speaks against a route with these hosts on the Gateway.

    Args:
        gateway: the Gateway.
        hosts: in lower case.
        settings: the gateway's.
        namespace_labels: of the routes' namespace; None if they are not known.
    """
    listeners = _named(gateway, settings)
    if not listeners:
        yield Problem(field="gateway.listener", reason=f"the Gateway has no listener {settings.gateway.listener}")
        return
    reasons = {one["name"]: why_not(one, gateway, settings, namespace_labels) for one in listeners}
    taking = [one for one in listeners if reasons[one["name"]] is None]
    if not taking:
        told = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        yield Problem(field="gateway", reason=f"no listener takes {settings.kind}s of {settings.namespace}: {told}")
        return
    for host in hosts:
        if not any(covers(str(one.get("hostname") or "*"), host) for one in taking):
            yield Problem(field="hosts", reason=f"no listener of the Gateway takes {host}")
    yield from _complaints(gateway, taking)


def why_not(
    listener: Mapping[str, Any],
    gateway: Mapping[str, Any],
    settings: GatewayApiSettings,
    namespace_labels: Mapping[str, str] | None,
) -> str | None:
    """Why a listener takes no route of our kind and namespace; None if it does."""
    namespace = settings.namespace
    allowed = listener.get("allowedRoutes") or {}
    kinds = [one["kind"] for one in allowed.get("kinds") or ()]
    if listener["protocol"] not in _HTTP:
        return f"its protocol is {listener['protocol']}"
    if kinds and settings.kind not in kinds:
        return f"it takes only {', '.join(kinds)}"
    spaces = allowed.get("namespaces") or {}
    source = spaces.get("from", "Same")
    if source == "Same" and gateway["metadata"]["namespace"] != namespace:
        return f"it takes routes of namespace {gateway['metadata']['namespace']} only"
    if source == "Selector" and namespace_labels is not None and not _selects(spaces["selector"], namespace_labels):
        return "its namespace selector does not pick the routes' namespace"
    return "it takes no routes of any namespace" if source == "None" else None


def covers(pattern: str, host: str) -> bool:
    """Whether a listener's host name takes a route's: equal, or under its wildcard."""
    pattern = pattern.lower()
    return pattern in {"*", host} or (pattern.startswith("*.") and host.endswith(pattern[1:]) and host != pattern[1:])


def _named(gateway: Mapping[str, Any], settings: GatewayApiSettings) -> list[Mapping[str, Any]]:
    wanted = settings.gateway.listener
    return [one for one in gateway["spec"]["listeners"] if wanted in {None, one["name"]}]


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(one, labels) for one in selector.get("matchExpressions") or ())


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels


def _complaints(gateway: Mapping[str, Any], listeners: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """What the Gateway's controller says of it. It may be late, so this stops nobody."""
    taking = {one["name"] for one in listeners}
    for one in (gateway.get("status") or {}).get("listeners") or ():
        for condition in one.get("conditions") or ():
            if one["name"] in taking and condition["type"] in _WANTED and condition["status"] == "False":
                reason = f"listener {one['name']} is not {condition['type']}: {condition.get('message', '')}".strip()
                yield Problem(field="gateway", reason=reason, fatal=False)


_WANTED = ("Accepted", "Programmed", "ResolvedRefs")
