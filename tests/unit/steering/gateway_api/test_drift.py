# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest

from steering.errors import Unavailable
from steering.gateway_api.drift import drift, version
from steering.gateway_api.record import REMEMBERED, Record
from steering.gateway_api.routes import number_of
from tests.unit.steering.documents import fence
from tests.unit.steering.gateway_api.objects import SETTINGS, document, probe_path, stored


def _read(found: dict[str, Any]) -> Record:
    record = Record.read(found)
    assert record is not None
    return record


def test_what_was_written_reads_back_and_has_not_drifted() -> None:
    """Document, fence, version and epochs come back as they were put."""
    doc = document(probe_paths=(probe_path(),))
    found = stored(doc, version=3)
    record = _read(found)
    assert (record.document, record.version, record.fence, record.gateway) == (doc, 3, fence(1), "edge")
    assert record.version_of(doc.epoch) == 3
    assert (drift(found, record, SETTINGS), version(found, record, SETTINGS)) == (None, "3")


def test_what_others_may_change_is_no_drift() -> None:
    """Rules, parents and labels of somebody else's, and the order of hosts."""
    found = stored(document(hosts=("one.test", "two.test")))
    found["spec"]["rules"].append({"name": "theirs"})
    found["spec"]["parentRefs"].append({"name": "other"})
    found["spec"]["hostnames"].reverse()
    found["metadata"]["labels"] = {"team": "shop"}
    assert drift(found, _read(found), SETTINGS) is None


def _weight(found: dict[str, Any]) -> None:
    found["spec"]["rules"][0]["backendRefs"][0]["weight"] = 50


def _rules(found: dict[str, Any]) -> None:
    found["spec"]["rules"] = [{"backendRefs": [{"name": "shop"}]}]


def _hosts(found: dict[str, Any]) -> None:
    found["spec"]["hostnames"].append("more.test")


def _parents(found: dict[str, Any]) -> None:
    found["spec"]["parentRefs"] = []


def _another(found: dict[str, Any]) -> None:
    found["spec"]["rules"].append({"name": "relocate.probe.http.9"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_weight, "rule relocate.production.http.backendRefs[0].weight: written was 100, there is 50"),
        (_rules, "rule relocate.production.http: written was a rule, there is nothing"),
        (_hosts, 'spec.hostnames: written was ["shop.example"], there is ["shop.example", "more.test"]'),
        (_parents, "spec.parentRefs: written was"),
        (_another, "rule relocate.probe.http.9: written was nothing, there is a rule"),
    ],
)
def test_a_change_of_ours_is_told_with_field_and_writer(change: Any, told: str) -> None:
    """Each such change is a version of its own, so that who accepts one accepts that very one."""
    found = stored(document())
    found["metadata"]["managedFields"] = [
        {"manager": "edge-relocation", "time": "2026-01-02", "fieldsV1": {"f:spec": {}}},
        {"manager": "kubectl-edit", "time": "2026-01-03", "fieldsV1": {"f:spec": {}}},
        {"manager": "traefik", "time": "2026-01-04", "subresource": "status", "fieldsV1": {"f:status": {}}},
    ]
    change(found)
    sentence = drift(found, _read(found), SETTINGS)
    assert sentence is not None
    assert sentence.startswith("route shop was changed by kubectl-edit: ")
    assert told in sentence
    changed = version(found, _read(found), SETTINGS)
    assert changed != "1"
    assert number_of(changed) == 1


def test_two_changes_have_two_versions() -> None:
    """What was accepted is not what stands there now."""
    one, other = stored(document()), stored(document())
    _weight(one)
    _hosts(other)
    assert version(one, _read(one), SETTINGS) != version(other, _read(other), SETTINGS)


def test_only_the_last_epochs_are_remembered() -> None:
    """An object's annotations have a limit; an older epoch is known to be old, and no more."""
    record = _read(stored(document(epoch="e0")))
    for number in range(1, REMEMBERED + 1):
        record = record.next(number + 1, fence(number + 1), document(epoch=f"e{number}"))
    assert record.version_of("e0") is None
    assert record.version_of(f"e{REMEMBERED}") == REMEMBERED + 1
    assert record.version_of(None) is None


def test_a_damaged_record_is_not_read_as_something_else() -> None:
    """It is ours, and what it says makes no sense."""
    found = stored(document())
    found["metadata"]["annotations"]["steering.edge/document"] = "{}"
    with pytest.raises(Unavailable, match="apps/shop: what it says of itself"):
        Record.read(found)


def test_an_object_without_a_record_is_somebody_elses() -> None:
    """Nothing is made up for it."""
    assert Record.read({"metadata": {"name": "shop"}, "spec": {}}) is None


@pytest.mark.parametrize("made", ["x", "1.", "1.x-y", "-1", ""])
def test_foreign_versions_are_refused(made: str) -> None:
    """A version of another adapter says nothing here."""
    with pytest.raises(ValueError, match="was not made by this adapter"):
        number_of(made)
