# SPDX-License-Identifier: Apache-2.0
"""The page of EMCO's wire says what the code does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.emco import intents, invoke
from relocate.clusters.emco.settings import EmcoSettings
from relocate.emco import moves
from relocate.emco.intents import CancelRequest, WorkflowIntent
from relocate.emco.names import EmcoWorkload
from relocate.emco.spec import TemporalSpec
from relocate.model.relocation import Phase
from relocate.settings import Settings

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "reference/emco.md").read_text()

PLAIN = PAGE.replace("`", "")


def _rows(first: str) -> list[list[str]]:
    """Cells of the table whose heading begins like this, without back-ticks."""
    table = PLAIN[PLAIN.index(f"\n| {first} |") + 1 :].partition("\n\n")[0]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Models in an annotation, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for field in model.model_fields.values():
        yield f"{prefix}{field.alias}"
        for inner in _models(field.annotation):
            yield from _fields(inner, f"{prefix}{field.alias}.")


def test_every_route_is_told() -> None:
    """Each that is served, and no other."""
    routes = [route for module in (invoke, intents) for route in module.router.routes if isinstance(route, APIRoute)]
    above = intents.BASE.removesuffix("/temporal-workflow-intents")
    served = [f"{next(iter(route.methods))} {route.path.replace(above, '...')}" for route in routes]
    assert f"`...` is `{above}`" in PAGE
    assert sorted(row[0] for row in _rows("route")) == sorted(served)


def test_every_field_is_told() -> None:
    """In the order in which Go writes them."""
    assert [row[0] for row in _rows("field")] == list(_fields(TemporalSpec))


def test_the_rest_of_an_intent_is_told() -> None:
    """Up to what is sent on."""
    fields = [field for field in _fields(WorkflowIntent) if not field.startswith("spec.temporal.")]
    assert [row[0] for row in _rows("field of an intent")] == fields


def test_status_and_cancel_are_told() -> None:
    """Each parameter, each field."""
    parameters = [str(field.alias) for field in intents.StatusQuery.model_fields.values()]
    assert sorted(row[0] for row in _rows("parameter of status")) == sorted(parameters)
    told = [field for field in _fields(CancelRequest) if "." in field]
    assert [row[0] for row in _rows("field of cancel")] == told


def test_every_workflow_client_is_told() -> None:
    """With its queue and type."""
    known = Settings(database_url="sqlite://").known_workflow_clients
    told = {row[0]: (row[1].split()[0], re.split(r"[, ]", row[2])[0]) for row in _rows("name")}
    assert told == {name: (client.task_queue, client.workflow_type) for name, client in known.items()}


def test_needed_parameters_are_told() -> None:
    """By the workflow that needs them."""
    rows = _rows("parameter")
    for column, move in ((1, moves.MIGRATE), (2, moves.RELOCATE)):
        assert {row[0] for row in rows if row[column] == "needed"} == set(move.needs)


def test_states_are_told() -> None:
    """For every phase."""
    told = {row[0]: tuple(row[1:]) for row in _rows("phase")}
    assert told == {phase.value: (moves.MIGRATE.shows[phase], moves.RELOCATE.shows[phase]) for phase in Phase}


def test_settings_of_clusters_are_those_of_the_driver() -> None:
    """Field by field, in the driver's order, with its defaults."""
    fields = EmcoSettings.model_fields
    rows = _rows("setting")
    assert [row[0] for row in rows] == list(fields)
    for name, default, *_ in rows:
        field = fields[name]
        assert (default == "needed") is field.is_required(), name
        if isinstance(field.default, float):
            assert float(default) == field.default, name


def test_what_applications_say_is_what_is_read() -> None:
    """Field by field."""
    fields = EmcoWorkload.model_fields
    assert [(row[0], row[1] == "yes") for row in _rows("field | needed")] == [
        (name, field.is_required()) for name, field in fields.items()
    ]


def test_every_file_of_the_service_is_told_in_its_order() -> None:
    """The how-to applies those of emcoctl one after the other, and names what the profile is made of."""
    told = (DOCS / "how-to/move-by-emco.md").read_text()
    samples = DOCS / "samples/emco/service"
    assert re.findall(r"-f service/(\S+)", told) == sorted(path.name for path in samples.glob("*.yaml"))
    assert [path.name for path in (samples / "profile").iterdir() if path.name not in told] == []
