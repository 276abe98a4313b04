# SPDX-License-Identifier: Apache-2.0
"""Applications, clusters and gateways in YAML: one document each, told apart by `kind`.

Used by the API when it starts (`RELOCATE_CONFIG`) and by `relocate apply -f`. Nothing is applied unless everything in
the file makes sense; an error names the file, the document and the field.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from readiness import probes
from readiness.errors import ReadinessError
from relocate import clusters
from relocate.errors import InvalidRequest
from relocate.model.application import Application
from relocate.model.cluster import Cluster, Gateway
from relocate.store.database import Database
from steering import adapters
from steering.errors import SteeringError

Entry = Application | Cluster | Gateway

KINDS: Mapping[str, type[Entry]] = {"Application": Application, "Cluster": Cluster, "Gateway": Gateway}

MAX_BYTES = 4 * 1024 * 1024
"""Of a file; a thousand applications have about 2 MiB."""

_ORDER = (Gateway, Cluster, Application)
"""What others refer to comes first."""


class Document(NamedTuple):
    """One entry and where it stood."""

    entry: Entry
    place: str
    """For errors: file and number of the document."""


def load(path: Path) -> Sequence[Document]:
    """Everything in a YAML file.

    Raises:
        InvalidRequest: it cannot be read, is no YAML, or an entry makes no sense.
    """
    try:
        size = path.stat().st_size
        text = path.read_text() if size <= MAX_BYTES else ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidRequest(f"{path}: cannot be read: {reason}", field=str(path)) from error
    if size > MAX_BYTES:
        raise InvalidRequest(f"{path}: has {size} bytes; at most {MAX_BYTES} are allowed", field=str(path))
    return parse(text, str(path))


def parse(text: str, origin: str) -> Sequence[Document]:
    """Everything in YAML text; `origin` names it in errors. Raises as `load`."""
    documents = [_document(body, f"{origin}, document {number}") for number, body in _bodies(text, origin)]
    if not documents:
        raise InvalidRequest(f"{origin}: holds no document; each needs a kind, one of {', '.join(KINDS)}", field=origin)
    seen: dict[tuple[str, str], str] = {}
    for document in documents:
        key = (document.entry.kind, document.entry.name)
        if key in seen:
            text = f"{document.place}: name: {key[0]} {key[1]} stands already in {seen[key]}"
            raise InvalidRequest(text, field="name")
        seen[key] = document.place
    return documents


async def apply(database: Database, documents: Sequence[Document], *, database_url: str) -> Sequence[str]:
    """Check everything, then keep it; one sentence for each entry.

    Raises:
        InvalidRequest: a driver, adapter or probe does not know its settings, or something refers to what is not there.
    """
    for document in documents:
        await _placed(document, database_url)
    told = []
    for kind in _ORDER:
        for entry, place in (document for document in documents if isinstance(document.entry, kind)):
            try:
                new = database.catalogue.put(entry)
            except InvalidRequest as error:
                raise InvalidRequest(f"{place}: {error}", field=error.field) from error
            told.append(f"{entry.kind} {entry.name} {'created' if new else 'updated'}")
    return told


async def check(entry: Entry, database_url: str) -> None:
    """Ask the parts that an entry names whether they can work with its settings. Nothing is connected or changed.

    Raises:
        InvalidRequest: a driver, adapter or probe is unknown, or a setting makes no sense; the text names the field.
    """
    match entry:
        case Cluster():
            driver = clusters.load(entry.driver).open(entry.name, entry.settings, database_url=database_url)
            await driver.close()
        case Gateway():
            await _check_gateway(entry, database_url)
        case Application():
            _check_probes(entry)


def check_confined(entry: Application) -> None:
    """See that an application of somebody who is no operator has our processes do nothing but ask its own instances.

    Raises:
        InvalidRequest: a probe runs programs, or asks others.
    """
    for number, spec in enumerate(entry.readiness.probes):
        if not probes.load(spec.kind).confined:
            field = f"readiness.probes.{number}.kind"
            text = f"{field}: {spec.kind} reaches more than the application; only who has all projects may configure it"
            raise InvalidRequest(text, field=field)


def schema(kind: type[Entry]) -> dict[str, Any]:
    """The JSON schema (2020-12) of one kind of document."""
    found = kind.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


async def _placed(document: Document, database_url: str) -> None:
    try:
        await check(document.entry, database_url)
    except InvalidRequest as error:
        raise InvalidRequest(f"{document.place}: {error}", field=error.field) from error


async def _check_gateway(entry: Gateway, database_url: str) -> None:
    try:
        kind = adapters.load(entry.adapter)
    except (ValueError, TypeError, SteeringError) as error:
        raise InvalidRequest(_prefixed("adapter", error), field="adapter") from error
    try:
        adapter = kind.open(entry.name, entry.settings, database_url=database_url)
    except (ValueError, SteeringError) as error:
        raise InvalidRequest(_prefixed("settings", error), field="settings") from error
    await adapter.close()


def _check_probes(entry: Application) -> None:
    ports = entry.port_names
    for number, spec in enumerate(entry.readiness.probes):
        field = f"readiness.probes.{number}"
        if spec.port not in ports:
            text = f"{field}.port: there is no port {spec.port}; there are {', '.join(sorted(ports))}"
            raise InvalidRequest(text, field=f"{field}.port")
        try:
            probes.load(spec.kind).open(spec.settings)
        except ReadinessError as error:
            raise InvalidRequest(f"{field}.{error}", field=field) from error


def _prefixed(field: str, error: Exception) -> str:
    text = str(error)
    return text if text.startswith(field) else f"{field}: {text}"


def _bodies(text: str, origin: str) -> Iterator[tuple[int, object]]:
    """Documents with their numbers, from 1; empty ones (a leading `---`) are passed over."""
    try:
        for number, body in enumerate(yaml.safe_load_all(text), start=1):
            if body is not None:
                yield number, body
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        sentence = " ".join(str(error).split())[:300]
        raise InvalidRequest(f"{origin}: is not YAML: {sentence}", field=origin) from error


def _document(body: object, place: str) -> Document:
    if not isinstance(body, dict):
        raise InvalidRequest(f"{place}: must be a mapping with kind and name", field="")
    kind = KINDS.get(str(body.get("kind")))
    if kind is None:
        raise InvalidRequest(f"{place}: kind: must be one of {', '.join(KINDS)}", field="kind")
    try:
        return Document(kind.model_validate(body), place)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        text = f"{place}: {field}: {message}" if field else f"{place}: {message}"
        raise InvalidRequest(text, field=field) from error
