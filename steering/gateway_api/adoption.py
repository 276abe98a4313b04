# SPDX-License-Identifier: Apache-2.0
"""An HTTPRoute of somebody else's that becomes ours, and becomes theirs again. Pure.

Their rules for the document's ports are kept, each with its place. While a route is claimed these rules stand in it under names
of ours, so that the next write, of whatever form, replaces them. As long as what was adopted is one of the sides, the backends
of these rules stay in ours without weight: a gateway that knows a backend can be led back to it at once, and one that first
hears of it answers 503 for a moment (measured with Contour).
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Self

from steering.gateway_api import names
from steering.gateway_api.names import PREFIX
from steering.gateway_api.rendering import longest, marked_only, parent, put, reference, rules
from steering.gateway_api.settings import GatewayApiSettings
from steering.kubernetes.keepers import keeper_of
from steering.model import Port, RouteDocument

Json = dict[str, Any]
Rule = Mapping[str, Any]

_KNOWN = frozenset({"name", "matches", "backendRefs", "timeouts"})
"""What a rule of theirs may say; whatever else it says, a rule of ours would not."""
LONGEST_BYTES = 40_000
"""Of what is kept, as JSON: the document takes most of an object's annotations."""


class Theirs(StrEnum):
    """What the rules of before do in a route now."""

    SERVE = "serve"
    """They take the requests, and ours stand beside them without weight: the claimed form."""
    WAIT = "wait"
    """Their backends stand in our rules without weight."""
    AWAY = "away"
    """Nothing of them is there."""


class Original(NamedTuple):
    """What an HTTPRoute was before it was ours."""

    instance: str
    """The one of ours that was adopted with it."""
    hosts: Sequence[str]
    rules: Sequence[tuple[int, Rule]]
    """Those that the document's ports replace, each with its place in the list."""
    theirs: Theirs = Theirs.SERVE

    @classmethod
    def read(cls, said: Any) -> Self:
        """From what `as_json` gave."""
        kept = [(int(place), rule) for place, rule in said["rules"]]
        return cls(str(said["instance"]), said["hosts"], kept, Theirs(said["theirs"]))

    def as_json(self) -> Json:
        """As it is kept."""
        return {**self._asdict(), "hosts": list(self.hosts), "rules": [list(one) for one in self.rules]}


def problems(found: Mapping[str, Any], document: RouteDocument, settings: GatewayApiSettings) -> Iterator[str]:
    """Why a route cannot be adopted for a document."""
    spec = found["spec"]
    if settings.kind != names.HTTP_ROUTE.name:
        yield f"a {settings.kind} cannot be adopted, an HTTPRoute can"
    keeper = keeper_of(found)
    if keeper is not None:
        yield f"{keeper} keeps it as it is, and would undo every write"
    ours = parent(settings.gateway, settings.namespace)
    if ours not in (spec.get("parentRefs") or []):
        yield f"spec.parentRefs: none is {ours}, the Gateway and listener of this gateway's settings"
    if sorted(spec.get("hostnames") or []) != sorted(names.hosts(document)):
        theirs = ", ".join(spec.get("hostnames") or []) or "every host"
        yield f"spec.hostnames: it is for {theirs}, the application's route for {', '.join(names.hosts(document))}"
    for port in document.ports:
        yield from _of_port(found, port)


def changes(found: Mapping[str, Any], document: RouteDocument) -> Iterator[str]:
    """What would be different, for each port whose rule is found."""
    for port in document.ports:
        for place, rule in _for(found, port):
            sent = ", ".join(_called(one) for one in _with_weight(rule))
            backend = document.backends[0]
            yield f"rules[{place}] ({port.prefix}): {sent} gives way to {backend.instance} on {backend.name}"
            before, after = (rule.get("timeouts") or {}).get("request"), longest(document, port)
            if before != after:
                yield f"rules[{place}].timeouts.request: {before or 'the gateway decides'} becomes {after}"
    yield f"annotations {PREFIX}/... and headers of answers x-relocate-... are added"


def original(found: Mapping[str, Any], document: RouteDocument) -> Original:
    """What is kept of a route without problems."""
    rules = sorted((one for port in document.ports for one in _for(found, port)), key=lambda one: one[0])
    return Original(document.backends[0].instance, found["spec"].get("hostnames") or [], rules)


def rules_of(kept: Original | None, document: RouteDocument, settings: GatewayApiSettings) -> list[Json]:
    """The rules that are ours in a route that was adopted, or was not."""
    if kept is not None and kept.theirs is Theirs.SERVE:
        beside = [_beside(place, rule, document, settings) for place, rule in kept.rules]
        return [*beside, *marked_only(document, settings)]
    waiting = _waiting(kept, document) if kept is not None and kept.theirs is Theirs.WAIT else {}
    return [
        {**rule, "backendRefs": [*rule["backendRefs"], *waiting[rule["name"]]]} if rule["name"] in waiting else rule
        for rule in rules(document, settings)
    ]


def claim(found: Mapping[str, Any], kept: Original, document: RouteDocument, settings: GatewayApiSettings) -> Json:
    """The HTTPRoute with a claimed document in it."""
    places = {place for place, rule in kept.rules if _at(found, place) == rule}
    standing = [
        {**rule, "name": names.adopted(place)} if place in places else rule
        for place, rule in enumerate(found["spec"].get("rules") or [])
    ]
    return {**found, "spec": {**found["spec"], "rules": put(standing, rules_of(kept, document, settings))}}


def is_theirs(found: Mapping[str, Any]) -> bool:
    """Whether none of our rules is in a route, whatever it says of itself: somebody has put theirs back."""
    return not any(names.is_ours(rule) for rule in found["spec"].get("rules") or [])


def restored(found: Mapping[str, Any], kept: Original) -> Json:
    """The HTTPRoute without anything of ours: theirs where they were, and what others have changed since as it is."""
    rules = [rule for rule in found["spec"].get("rules") or [] if not names.is_ours(rule)]
    for place, rule in () if is_theirs(found) else kept.rules:
        rules.insert(place, rule)
    spec = {**found["spec"], "rules": rules, "hostnames": list(kept.hosts)}
    metadata = dict(found["metadata"])
    marks = metadata.pop("annotations", None) or {}
    left = {key: value for key, value in marks.items() if not key.startswith(f"{PREFIX}/")}
    return {**found, "metadata": metadata | ({"annotations": left} if left else {}), "spec": spec}


def backends(kept: Original, namespace: str) -> Sequence[str]:
    """Services beside the route that take its requests when it is given back."""
    return [
        one["name"]
        for _, rule in kept.rules
        for one in _with_weight(rule)
        if one.get("kind", "Service") == "Service" and one.get("namespace", namespace) == namespace
    ]


def _of_port(found: Mapping[str, Any], port: Port) -> Iterator[str]:
    mine = _for(found, port)
    if len(mine) != 1:
        places = " and ".join(f"rules[{place}]" for place, _ in mine) or "no rule"
        yield f"port {port.name}: {places} {'take' if len(mine) > 1 else 'takes'} the requests under {port.prefix}"
    for place, rule in mine:
        yield from (f"rules[{place}]{reason}" for reason in _why_not(rule))


def _why_not(rule: Rule) -> Iterator[str]:
    if len(rule["matches"]) > 1:
        yield ".matches: it takes other requests as well; give them a rule of their own"
    for key in sorted(key for key, value in rule.items() if value and key not in _KNOWN):
        yield f".{key}: it would be lost"
    if rule.get("timeouts", {}).keys() - {"request"}:
        yield ".timeouts.backendRequest: it would be lost"
    sent = _with_weight(rule)
    if len(sent) != 1:
        there = ", ".join(f"{_called(one)} {one.get('weight', 1)}" for one in sent) or "nobody"
        yield f".backendRefs: it must send to one backend, and sends to {there}"
    if any(one.get("filters") for one in rule.get("backendRefs") or ()):
        yield ".backendRefs: filters of a backend would be lost"


def _for(found: Mapping[str, Any], port: Port) -> list[tuple[int, Rule]]:
    """The rules that take a port's requests as a whole, with their places."""
    rules = enumerate(found["spec"].get("rules") or [])
    return [(place, rule) for place, rule in rules if _is_for(rule, port)]


def _is_for(rule: Rule, port: Port) -> bool:
    return any(_takes(match, port) for match in rule.get("matches") or ())


def _takes(match: Mapping[str, Any], port: Port) -> bool:
    path = match.get("path") or {}
    same = str(path.get("value", "/")).rstrip("/") == port.prefix.rstrip("/")
    return path.get("type", "PathPrefix") == "PathPrefix" and same and not match.keys() - {"path"}


def _beside(place: int, rule: Rule, document: RouteDocument, settings: GatewayApiSettings) -> Json:
    port = next(port for port in document.ports if _is_for(rule, port))
    ours = [reference(document, backend, port, 0, settings) for backend in document.backends]
    return {**rule, "name": names.adopted(place), "backendRefs": [*rule["backendRefs"], *ours]}


def _waiting(kept: Original, document: RouteDocument) -> Mapping[str, Sequence[Json]]:
    """Their backends without weight, by the name of the rule of ours in which they stand."""
    return {
        name: [{**one, "weight": 0} for one in _with_weight(rule)]
        for _, rule in kept.rules
        for port in document.ports
        if _is_for(rule, port)
        for name in (names.production(port.name), names.events(port.name))
    }


def _with_weight(rule: Rule) -> Sequence[Mapping[str, Any]]:
    return [one for one in rule.get("backendRefs") or () if one.get("weight", 1)]


def _called(backend: Mapping[str, Any]) -> str:
    return f"{backend.get('kind', 'Service')} {backend['name']}"


def _at(found: Mapping[str, Any], place: int) -> Rule | None:
    rules = found["spec"].get("rules") or []
    return rules[place] if place < len(rules) else None
