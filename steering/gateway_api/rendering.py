# SPDX-License-Identifier: Apache-2.0
"""A document as rules of a route. Pure.

Every field that the API server would fill in is there already, so what is stored equals what was sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from steering.gateway_api import names
from steering.gateway_api.kinds import KINDS
from steering.gateway_api.settings import GatewayApiSettings, Parent
from steering.model import EPOCH_HEADER, PROBE_HEADER, SIDE_HEADER, Backend, Port, ProbePath, Protocol, RouteDocument

Json = dict[str, Any]

GROUP = "gateway.networking.k8s.io"
SERVICE_PORT = 80
"""Of every Service of ours; where instances really listen is in their EndpointSlices."""
WHOLE = 100
ENDLESS = "0s"


def rules(document: RouteDocument, settings: GatewayApiSettings) -> list[Json]:
    """The rules that are ours: for each port one for everybody, one for each probe path, one for events; and the epoch's.

    Those for everybody come first and keep their places whatever probe paths there are: Traefik numbers its counters by the
    place of a rule. Of two rules that match equally well the first takes a request, and a probe stays a probe.
    """
    events = [_events(document, port, settings) for port in document.ports if port.protocol is Protocol.HTTP]
    everybody = [_production(document, port, settings) for port in document.ports]
    return [*everybody, *_probes(document, settings), *events, *_own(document, settings)]


def marked_only(document: RouteDocument, settings: GatewayApiSettings) -> list[Json]:
    """The rules that take only requests with a mark of ours: one for each probe path of each port, and the epoch's."""
    return [*_probes(document, settings), *_own(document, settings)]


def _probes(document: RouteDocument, settings: GatewayApiSettings) -> list[Json]:
    return [
        _probe(document, port, number, path, settings)
        for port in document.ports
        for number, path in enumerate(document.probe_paths)
    ]


def _own(document: RouteDocument, settings: GatewayApiSettings) -> list[Json]:
    """The rule that the gateway answers itself, where the kind of route can have one."""
    return [_epoch(document)] if KINDS[settings.kind].redirects else []


def parent(gateway: Parent, namespace: str) -> Json:
    """The reference to the Gateway, as a route in `namespace` has it."""
    reference = {"group": GROUP, "kind": "Gateway", "name": gateway.name}
    if gateway.namespace not in {None, namespace}:
        reference["namespace"] = str(gateway.namespace)
    if gateway.listener is not None:
        reference["sectionName"] = gateway.listener
    return reference


def new(document: RouteDocument, settings: GatewayApiSettings) -> Json:
    """A route of ours before anything stands in it."""
    api_version, kind = KINDS[settings.kind].object
    metadata = {"name": document.route, "namespace": settings.namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {}}


def written(
    found: Mapping[str, Any], document: RouteDocument, ours: Sequence[Json], settings: GatewayApiSettings
) -> Json:
    """The route with the document in it: our rules, our parent and the hosts; everything else as it was found."""
    spec = dict(found["spec"])
    reference = parent(settings.gateway, settings.namespace)
    parents = spec.get("parentRefs") or []
    spec["parentRefs"] = parents if reference in parents else [*parents, reference]
    spec["hostnames"] = names.hosts(document)
    spec["rules"] = put(spec.get("rules") or [], ours)
    return {**found, "spec": spec}


def put(found: Sequence[Mapping[str, Any]], ours: Sequence[Json]) -> list[Mapping[str, Any]]:
    """Rules with ours where they stood, or at the end."""
    place = next((at for at, rule in enumerate(found) if names.is_ours(rule)), len(found))
    before = [rule for rule in found[:place] if not names.is_ours(rule)]
    after = [rule for rule in found[place:] if not names.is_ours(rule)]
    return [*before, *ours, *after]


def _production(document: RouteDocument, port: Port, settings: GatewayApiSettings) -> Json:
    sole = next((name for name, weight in document.weights.items() if weight == WHOLE), None)
    return {
        "name": names.production(port.name),
        "matches": [KINDS[settings.kind].match(port)],
        **KINDS[settings.kind].timeouts(longest(document, port)),
        "filters": [_untold(), _told(document, sole if settings.side == "rule" else None, settings)],
        "backendRefs": [
            reference(document, backend, port, document.weights[backend.name], settings)
            for backend in document.backends
        ],
    }


def _events(document: RouteDocument, port: Port, settings: GatewayApiSettings) -> Json:
    """As for everybody, without an end: a rule's time-out counts until the whole answer has come."""
    accepts = {"type": "Exact", "name": "accept", "value": "text/event-stream"}
    return {
        **_production(document, port, settings),
        "name": names.events(port.name),
        "matches": [KINDS[settings.kind].match(port, accepts)],
        **KINDS[settings.kind].timeouts(ENDLESS),
    }


def _epoch(document: RouteDocument) -> Json:
    """A redirect to nowhere: the gateway itself tells the epoch, however the application fares.

    The epoch is in the host of the redirect, as gateways add no header to one (Contour 1.33).
    """
    redirect = {"hostname": names.host_of(document.epoch), "statusCode": 302}
    return {
        "name": names.EPOCH,
        "matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [_marked(names.ASKS_EPOCH)]}],
        "filters": [{"type": "RequestRedirect", "requestRedirect": redirect}],
    }


def _marked(value: str) -> Json:
    return {"type": "Exact", "name": PROBE_HEADER, "value": value}


def longest(document: RouteDocument, port: Port) -> str:
    """How long an answer may take, as a GEP-2257 duration; a gRPC call may be a stream, and nothing tells which is.

    Unsaid, it is the gateway's own: Contour's Envoys end everything but WebSockets after 15 s.
    """
    if port.protocol is Protocol.GRPC:
        return ENDLESS
    seconds, milliseconds = divmod(round(document.timeout_seconds * 1000) or 1, 1000)
    return f"{seconds}s" if not milliseconds else f"{seconds}s{milliseconds}ms" if seconds else f"{milliseconds}ms"


def _probe(document: RouteDocument, port: Port, number: int, path: ProbePath, settings: GatewayApiSettings) -> Json:
    (backend,) = [one for one in document.backends if one.name == path.backend]
    return {
        "name": names.probe(port.name, number),
        "matches": [KINDS[settings.kind].match(port, _marked(path.token))],
        **KINDS[settings.kind].timeouts(longest(document, port)),
        "filters": [_untold(), _told(document, backend.name if settings.side == "rule" else None, settings)],
        "backendRefs": [reference(document, backend, port, 1, settings, probes=True)],
    }


def reference(
    document: RouteDocument,
    backend: Backend,
    port: Port,
    weight: int,
    settings: GatewayApiSettings,
    *,
    probes: bool = False,
) -> Json:
    """One side in the `backendRefs` of a rule for a port."""
    found = {
        "group": "",
        "kind": names.SERVICE.name,
        "name": names.service(document.route, backend.instance, port.name, probes=probes),
        "port": SERVICE_PORT,
        "weight": weight,
    }
    return found if settings.side == "rule" else {**found, "filters": [_answers({SIDE_HEADER: backend.name})]}


def _untold() -> Json:
    """An application gets neither the token nor anything that it could take for ours."""
    return {
        "type": "RequestHeaderModifier",
        "requestHeaderModifier": {"remove": [PROBE_HEADER, EPOCH_HEADER, SIDE_HEADER]},
    }


def _told(document: RouteDocument, side: str | None, settings: GatewayApiSettings) -> Json:
    headers = {EPOCH_HEADER: document.epoch} | ({SIDE_HEADER: side} if side else {})
    # A rule's filters have the last word on an answer, so what a backend's say must not be taken away here.
    return _answers(headers, without=SIDE_HEADER if settings.side == "rule" and not side else None)


def _answers(headers: Mapping[str, str], *, without: str | None = None) -> Json:
    """Headers of every answer, whatever the application says; it has no say in what is ours."""
    found: Json = {"set": [{"name": name, "value": value} for name, value in headers.items()]}
    if without is not None:
        found["remove"] = [without]
    return {"type": "ResponseHeaderModifier", "responseHeaderModifier": found}
