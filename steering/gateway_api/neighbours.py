# SPDX-License-Identifier: Apache-2.0
"""Other routes on the same Gateway, and what they have that a document wants. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from steering.gateway_api import names
from steering.gateway_api.record import Record
from steering.gateway_api.rendering import GROUP, parent
from steering.gateway_api.settings import GatewayApiSettings
from steering.model import Problem, RouteDocument


def problems(
    routes: Sequence[Mapping[str, Any]], document: RouteDocument, gateway: str, settings: GatewayApiSettings
) -> Iterator[Problem]:
    """What speaks against writing the document.

    Args:
        routes: every route that may be on the Gateway.
        document: about to be written.
        gateway: the gateway's configured name.
        settings: its.
    """
    for one in routes:
        metadata = one["metadata"]
        if (metadata["namespace"], metadata["name"]) == (settings.namespace, document.route):
            reason = why_not_ours(one, gateway)
            if reason is not None:
                yield Problem(field="route", reason=reason)
        elif _is_attached(one, settings):
            # A more general host name takes nothing from ours; an equal one takes whatever it matches better.
            for host in sorted({*names.hosts(document)} & {*(one["spec"].get("hostnames") or ())}):
                where = f"{one['kind']} {metadata['namespace']}/{metadata['name']}"
                yield Problem(field="hosts", reason=f"{host} belongs to {where} of this Gateway as well")


def why_not_ours(found: Mapping[str, Any], gateway: str) -> str | None:
    """Why a route may not be written for this gateway; None if it may."""
    record = Record.read(found)
    where = f"{found['kind']} {found['metadata']['namespace']}/{found['metadata']['name']}"
    if record is None:
        return f"{where} is there already and is not ours: adopt it first"
    if record.gateway != gateway:
        return f"{where} is written by gateway {record.gateway}, not by {gateway}: each needs a namespace of its own"
    return None


def _is_attached(route: Mapping[str, Any], settings: GatewayApiSettings) -> bool:
    namespace = route["metadata"]["namespace"]
    ours = _where(parent(settings.gateway, settings.namespace), settings.namespace)
    theirs = [_where(one, namespace) for one in route["spec"].get("parentRefs") or ()]
    return any(one[:4] == ours[:4] and (one[4] == ours[4] or None in {one[4], ours[4]}) for one in theirs)


def _where(reference: Mapping[str, Any], namespace: str) -> tuple[Any, ...]:
    """Group, kind, namespace, name and listener that a parent reference means."""
    return (
        reference.get("group", GROUP),
        reference.get("kind", "Gateway"),
        reference.get("namespace", namespace),
        reference["name"],
        reference.get("sectionName"),
    )
