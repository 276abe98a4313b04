# SPDX-License-Identifier: Apache-2.0
"""An HTTPRoute of somebody else's: what stops its adoption, what it becomes, and that it becomes the same again."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from steering.gateway_api import adoption
from steering.gateway_api.adoption import Theirs, rules_of
from steering.gateway_api.drift import drift
from steering.gateway_api.record import Record
from steering.gateway_api.rendering import written
from steering.model import RouteDocument
from tests.unit.steering.documents import fence
from tests.unit.steering.gateway_api.objects import SETTINGS, Json, document, probe_path, settings

DOCUMENT = document({"a": 100})
OTHER = {
    "name": "api",
    "matches": [{"path": {"type": "PathPrefix", "value": "/api"}}],
    "backendRefs": [{"name": "api"}],
}
TRACKED = {"argocd.argoproj.io/tracking-id": "shop:gateway.networking.k8s.io/HTTPRoute:apps/shop"}


def rule(path: str = "/", **changes: Any) -> Json:
    """Of somebody else's, as the API server gives it back."""
    sent = {"group": "", "kind": "Service", "name": "theirs", "port": 80, "weight": 1}
    return {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": [sent], **changes}


def route(*rules: Mapping[str, Any], metadata: Mapping[str, Any] | None = None, **spec: Any) -> Json:
    """Of somebody else's; `spec` is more of it."""
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge", "namespace": "infra"}
    said = {"parentRefs": [parent], "hostnames": list(DOCUMENT.hosts), "rules": list(rules) or [rule()]}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "shop", "namespace": "apps", "uid": "u-1", "generation": 3, **(metadata or {})},
        "spec": said | spec,
    }


def claimed(found: Json, **changes: Any) -> tuple[Json, Record]:
    """A route as it stands once it is claimed, and its record."""
    doc = document({"a": 100}, **changes)
    kept = adoption.original(found, doc)
    record = Record.first("edge", 1, fence(1), doc).claiming(kept)
    return record.put(adoption.claim(deepcopy(found), kept, doc, SETTINGS)), record


def problems(found: Json, **changes: Any) -> str:
    """Everything that speaks against it."""
    return "; ".join(adoption.problems(found, document({"a": 100}, **changes), SETTINGS))


def test_a_route_with_one_rule_and_one_backend_can_be_adopted() -> None:
    """Whatever other rules it has, for other paths."""
    assert problems(route(rule(), OTHER)) == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (route(metadata={"annotations": TRACKED}), "Argo CD application shop keeps it as it is"),
        (route(parentRefs=[{"name": "another"}]), "spec.parentRefs: none is"),
        (route(hostnames=["other.example"]), "spec.hostnames: it is for other.example, the application's route for"),
        (route(OTHER), "port http: no rule takes the requests under /"),
        (route(rule(), OTHER, rule()), "port http: rules[0] and rules[2] take the requests under /"),
        (
            route(rule(matches=[*rule()["matches"], *OTHER["matches"]])),
            "rules[0].matches: it takes other requests as well",
        ),
        (route(rule(filters=[{"type": "URLRewrite"}])), "rules[0].filters: it would be lost"),
        (route(rule(retry={"attempts": 2})), "rules[0].retry: it would be lost"),
        (route(rule(timeouts={"request": "5s", "backendRequest": "1s"})), "backendRequest: it would be lost"),
        (
            route(rule(backendRefs=[{"name": "one", "weight": 90}, {"name": "two", "weight": 10}])),
            "rules[0].backendRefs: it must send to one backend, and sends to Service one 90, Service two 10",
        ),
        (route(rule(backendRefs=[{"name": "one", "weight": 0}])), "and sends to nobody"),
        (route(rule(backendRefs=[{"name": "one", "filters": [{"type": "URLRewrite"}]}])), "filters of a backend"),
    ],
)
def test_what_would_be_lost_or_undone_stops_it(found: Json, why: str) -> None:
    """In words that name the place."""
    assert why in problems(found)


def test_a_rule_for_some_requests_only_is_somebody_elses() -> None:
    """It has a condition on top, and takes its requests as before."""
    some = rule(matches=[{**rule()["matches"][0], "headers": [{"name": "x-beta", "value": "1"}]}])
    assert problems(route(some, rule())) == ""
    found, _ = claimed(route(some, rule()))
    assert found["spec"]["rules"][0] == some


def test_what_would_change_is_told() -> None:
    """Who gives way to whom, and how long an answer may take from now on."""
    said = list(adoption.changes(route(OTHER, rule()), DOCUMENT))
    assert said[0] == "rules[1] (/): Service theirs gives way to a-1 on a"
    assert said[1] == "rules[1].timeouts.request: the gateway decides becomes 15s"


def test_while_it_is_claimed_theirs_take_the_requests() -> None:
    """With ours beside them without weight, and the rules for probes and for the epoch."""
    found, record = claimed(route(OTHER, rule()), probe_paths=(probe_path("a"),))
    theirs, first, *marked = found["spec"]["rules"]
    assert theirs == OTHER
    assert (first["name"], first["matches"]) == ("relocate.adopted.1", rule()["matches"])
    assert [one["weight"] for one in first["backendRefs"]] == [1, 0]
    assert [one["name"] for one in marked] == ["relocate.probe.http.0", "relocate.epoch"]
    assert drift(found, record, SETTINGS) is None


def test_a_claimed_route_is_read_back() -> None:
    """What was there before is kept in an annotation."""
    found, record = claimed(route(OTHER, rule()))
    assert Record.read(found) == record


def after(found: Json, record: Record, theirs: Theirs, doc: RouteDocument = DOCUMENT) -> tuple[Json, Record]:
    """The route as it stands after the next write, and its record."""
    record = record.next(2, fence(2), doc, theirs)
    return record.put(written(found, doc, rules_of(record.original, doc, SETTINGS), SETTINGS)), record


def test_the_next_write_takes_the_requests_and_theirs_wait_in_it_without_weight() -> None:
    """For whoever may come back to them; their rules for other requests stay."""
    found, record = after(*claimed(route(OTHER, rule())), Theirs.WAIT)
    standing = {one["name"]: one for one in found["spec"]["rules"]}
    assert list(standing) == ["api", "relocate.production.http", "relocate.events.http", "relocate.epoch"]
    for name in ("relocate.production.http", "relocate.events.http"):
        *ours, theirs = standing[name]["backendRefs"]
        assert [one["weight"] for one in ours] == [100]
        assert theirs == {**rule()["backendRefs"][0], "weight": 0}
    assert (Record.read(found), drift(found, record, SETTINGS)) == (record, None)


def test_a_write_without_what_was_adopted_is_ours_alone() -> None:
    """Nothing of theirs waits where nobody comes back."""
    found, record = after(*claimed(route(OTHER, rule())), Theirs.AWAY)
    assert "theirs" not in str(found["spec"])
    assert drift(found, record, SETTINGS) is None


def test_a_weight_that_somebody_changed_in_a_claimed_route_is_told() -> None:
    """As in any other."""
    found, record = claimed(route())
    found["spec"]["rules"][0]["backendRefs"][1]["weight"] = 5
    assert "relocate.adopted.0.backendRefs[1].weight" in str(drift(found, record, SETTINGS))


@pytest.mark.parametrize("before", [route(), route(OTHER, rule()), route(rule(), OTHER), route(rule(name="main"))])
def test_given_back_it_is_as_it_was(before: Json) -> None:
    """From the claimed form, whatever stood in between."""
    found, record = claimed(before)
    ours, record = after(found, record, Theirs.WAIT)
    assert record.original is not None
    again = (
        record.next(3, fence(3), DOCUMENT)
        .claiming(record.original)
        .put(adoption.claim(ours, record.original, DOCUMENT, SETTINGS))
    )
    assert adoption.restored(again, record.original) == before


def test_what_others_changed_meanwhile_stays() -> None:
    """Rules for other paths, and annotations."""
    found, record = claimed(route(OTHER, rule()))
    found["spec"]["rules"].append(rule("/new"))
    found["metadata"]["annotations"]["note"] = "mind the gap"
    assert record.original is not None
    left = adoption.restored(found, record.original)
    assert left["spec"]["rules"] == [OTHER, rule(), rule("/new")]
    assert left["metadata"]["annotations"] == {"note": "mind the gap"}


def test_another_namespaces_backends_are_not_asked_for() -> None:
    """The published role cannot look there."""
    far = rule(backendRefs=[{"name": "far", "namespace": "else"}])
    assert list(adoption.backends(adoption.original(route(far), DOCUMENT), settings().namespace)) == []
    assert list(adoption.backends(adoption.original(route(), DOCUMENT), "apps")) == ["theirs"]
