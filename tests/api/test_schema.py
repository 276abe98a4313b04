# SPDX-License-Identifier: Apache-2.0
"""Schemathesis reads /openapi.json and tries every operation with generated requests, sensible and not."""

from collections.abc import Callable

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

TOKEN = "t" * 20
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=str)
def test_no_request_is_a_500(make_app: Callable[..., FastAPI], mode: GenerationMode) -> None:
    """No answer is a 5xx, and each has the form that the description promises."""
    app = make_app(tokens=[{"name": "tester", "token": TOKEN, "scopes": ["admin"]}])
    described = schemathesis.openapi.from_asgi("/openapi.json", app, headers=HEADERS).exclude(path_regex="stream$")
    tried = 0
    for found in described.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=5,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def attempt(case: schemathesis.Case) -> None:
            nonlocal tried
            tried += 1
            checks = [not_a_server_error, content_type_conformance, response_schema_conformance]
            case.call_and_validate(headers=HEADERS, checks=checks)

        if mode is GenerationMode.POSITIVE or operation.body or operation.path_parameters or operation.query:
            attempt()
    assert tried > 100
