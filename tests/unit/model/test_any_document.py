# SPDX-License-Identifier: Apache-2.0
import json

import pytest
from hypothesis import given, settings, strategies as st
from pydantic import BaseModel, ValidationError

from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.model.relocation import RelocationRequest
from steering.model import RouteDocument
from tests.unit.model import documents

KINDS = {
    RelocationRequest: documents.REQUESTS,
    Application: documents.APPLICATIONS,
    Cluster: documents.CLUSTERS,
    RouteDocument: documents.routes(),
}


def _accepted(kind: type[BaseModel], body: object) -> BaseModel | None:
    try:
        return kind.model_validate(body)
    except ValidationError:
        return None


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_valid_documents_come_back_the_same(kind, data):
    """What makes sense is accepted, and is the same after a trip through JSON."""
    accepted = kind.model_validate(data.draw(KINDS[kind]))
    assert kind.model_validate_json(accepted.model_dump_json()) == accepted
    assert kind.model_validate(accepted.model_dump(mode="json")) == accepted


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100)
@given(data=st.data())
def test_nothing_that_is_accepted_is_lost_in_json(kind, data):
    """Whatever is accepted can be kept as JSON, numbers that JSON does not have excluded, and is the same again."""
    accepted = _accepted(kind, data.draw(documents.altered(KINDS[kind])))
    if accepted is not None:
        text = json.dumps(accepted.model_dump(mode="json"), allow_nan=False)
        assert kind.model_validate_json(text) == accepted


@pytest.mark.parametrize("kind", KINDS)
@given(body=documents.ANYTHING)
def test_anything_else_is_a_validation_error(kind, body):
    """Any value at all is accepted or refused in the one way there is."""
    assert _accepted(kind, body) is None


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data(), name=st.text("xyz", min_size=1, max_size=4))
def test_unknown_field_is_named(kind, data, name):
    """A field that nobody knows is refused by its name."""
    with pytest.raises(ValidationError) as caught:
        kind.model_validate({**data.draw(KINDS[kind]), f"{name}_": 1})
    assert [error["loc"] for error in caught.value.errors() if error["type"] == "extra_forbidden"] == [(f"{name}_",)]
