# SPDX-License-Identifier: Apache-2.0
"""Values: each is described, used and checked; what is unknown or wrong is refused by its name."""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import yaml

from relocate.credentials import ClientCertificate
from tests.helm.chart import CHART, VALUES, Helm
from tests.helm.documents import KINDS, MADE, SCHEMA
from tests.helm.pages import leaves, pages, rows

Render = Callable[[Mapping[str, Any]], str]

DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
FULL = yaml.safe_load((VALUES / "full.yaml").read_text())
NAME = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
ALONE: Mapping[str, Any] = {
    "database": {"host": "", "passwordSecret": {"name": ""}, "caSecret": {"name": ""}},
    "temporal": {"address": "", "tls": {"enabled": False}, "apiKeySecret": {"name": ""}},
}
"""What a trial is not told."""
INSTEAD = {
    "database.urlSecret.name": {},
    "database.urlSecret.key": {"database": {"urlSecret": {"name": "database"}}},
    "selector.settingsSecret.name": {},
    "selector.settingsSecret.key": {"selector": {"settingsSecret": {"name": "meo"}}},
    "image.digest": {},
    "api.tls.clientCA.configMap": {"api": {"tls": {"clientCA": {"secret": ""}, "clients": []}}},
    "worker.versioning.draining": {"worker": {"versioning": {"enabled": True, "draining": [{"tag": "one"}]}}},
    "dev.claim": {"dev": {"enabled": True}, **ALONE},
}
"""What has an effect only beside something else."""
USED = [path for path in leaves(DEFAULTS) if path != ("dev", "enabled")]
"""That one makes others senseless, and refuses them (`test_dev`)."""


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """As Helm merges values: maps by key, anything else as a whole."""
    found = copy.deepcopy(dict(below))
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = _merged(found[key], value) if both else value
    return found


def _other(value: Any) -> Any:
    """Something else of the same type."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return f"{value}x"
        case list():
            return [*value, "other"] if all(isinstance(one, str) for one in value) else []
    return {**value, "other": next((one for one in value.values() if isinstance(one, Mapping)), "other")}


def _at(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    for key in path:
        values = values[key]
    return values


def _with(values: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    return _merged(values, value)


def test_every_value_is_described() -> None:
    """Each leaf of values.yaml, or the map it is in, has a comment right above it."""
    told = {row.path for row in rows()}
    assert [
        path for path in leaves(DEFAULTS) if not any(path[:length] in told for length in range(1, len(path) + 1))
    ] == []


def test_what_is_made_of_the_files_is_current() -> None:
    """README.md and the schema's definitions of documents; `python -m tests.helm.pages` writes them."""
    for file, text in pages().items():
        assert file.read_text() == text, file.name


@pytest.mark.parametrize("path", USED, ids=".".join)
def test_every_value_is_used(path: tuple[str, ...], rendered_with: Render) -> None:
    """Another value renders something else."""
    values = _merged(_merged(DEFAULTS, FULL), INSTEAD.get(".".join(path), {}))
    assert rendered_with(values) != rendered_with(_with(values, path, _other(_at(values, path))))


@pytest.fixture(scope="module")
def rendered_with(helm: Helm, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """What Helm makes of values, without their schema."""
    file = tmp_path_factory.mktemp("values") / "values.yaml"

    @cache
    def rendered(text: str) -> str:
        file.write_text(text)
        return helm.run("template", "edge", str(CHART), "--values", str(file), "--skip-schema-validation")

    return lambda values: rendered(json.dumps(values, sort_keys=True))


def _objects(schema: Any, where: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every part of the schema that describes a map, by where it stands."""
    if isinstance(schema, list):
        for number, one in enumerate(schema):
            yield from _objects(one, f"{where}.{number}")
    elif isinstance(schema, Mapping):
        if schema.get("type") == "object":
            yield where, schema
        for key, one in schema.items():
            yield from _objects(one, f"{where}.{key}" if where else key)


def test_the_schema_refuses_unknown_keys_at_every_level() -> None:
    """Each map names its keys or says what they hold; but for what is a stranger's, or Helm's own."""
    strangers = {"$defs.settings", "properties.global"}
    strangers |= {
        f"$defs.{MADE}ProbeSpec.properties.settings",
        f"$defs.application.properties.workloads.patternProperties.{NAME}",
    }
    schema = json.loads(SCHEMA.read_text())
    loose = {where for where, one in _objects(schema) if one.get("additionalProperties", True) is True}
    assert loose == strangers


def test_schema_and_values_name_the_same() -> None:
    """What the schema allows has a default, and what has one is allowed."""
    schema = json.loads(SCHEMA.read_text())
    allowed = set(_allowed(schema, schema["$defs"]))
    known = {".".join(path[:length]) for path in leaves(DEFAULTS) for length in range(1, len(path) + 1)}
    free = {"api.resources", "worker.resources", "gatewayControl.resources", "monitoring.dashboards.labels"}
    inside = {one for one in known | allowed if any(one.startswith(f"{each}.") for each in free)}
    assert known - inside == allowed - inside - {"global"}


def _allowed(schema: Mapping[str, Any], definitions: Mapping[str, Any], above: str = "") -> Iterator[str]:
    found = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    for name, one in found.get("properties", {}).items():
        if isinstance(one, bool):
            continue
        yield f"{above}{name}"
        yield from _allowed(one, definitions, f"{above}{name}.")


def test_callers_are_those_of_the_service() -> None:
    """What the values may say of who shows a certificate is what the service reads."""
    told = json.loads(SCHEMA.read_text())["properties"]["api"]["properties"]["tls"]["properties"]["clients"]["items"]
    assert set(told["properties"]) == set(ClientCertificate.model_fields)
    projects = told["properties"]["projects"]["items"]["pattern"]
    assert all(re.match(projects, one) for one in ("*", "default", "A.b_c-9"))
    assert not any(re.match(projects, one) for one in ("**", "", "-a"))


def test_documents_are_those_of_the_service() -> None:
    """A field that is missing in the models is missing in the schema, and the other way round."""
    definitions = json.loads(SCHEMA.read_text())["$defs"]
    for name, kind in KINDS.items():
        assert set(definitions[name]["properties"]) == set(kind.model_fields) - {"kind", "name"}


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("replicas=3", "replicas"),
        ("image.name=x", "name"),
        ("temporal.tls.insecure=true", "insecure"),
        ("api.service.nodePort=30000", "nodePort"),
        ("worker.resources.limits.gpu=1", "gpu"),
        ("configuration.clusters.mec-a.drivers=x", "drivers"),
        ("configuration.gateways.edge.adaptor=envoy", "adaptor"),
        ("configuration.applications.navigator.policy.bake=1", "bake"),
        ("networkPolicy.api[0].pods=x", "pods"),
        ("api.tls.secret=x", "secret"),
        ("api.tls.clients[0].name=a,api.tls.clients[0].scope=read", "scope"),
        ("database.password=secret", "password"),
    ],
)
def test_an_unknown_key_is_refused_by_name(helm: Helm, setting: str, named: str) -> None:
    """At every level, in documents too."""
    said = helm.refusal("--set", setting)
    assert "additional properties" in said
    assert f"'{named}'" in said


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("api.replicas=two", "/api/replicas"),
        ("worker.terminationGracePeriodSeconds=5", "/worker/terminationGracePeriodSeconds"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("temporal.address=temporal.internal", "/temporal/address"),
        ("database.sslmode=maybe", "/database/sslmode"),
        ("rights.nodes=some", "/rights/nodes"),
        ("listenAddress=localhost", "/listenAddress"),
        ("emco.open.port=8070", "/emco/open/port"),
        ("pods.user=0", "/pods/user"),
        ("api.tls.clients[0].name=a,api.tls.clients[0].scopes[0]=all", "/api/tls/clients/0/scopes"),
        ("api.tls.clients[0].name=a,api.tls.clients[0].projects[0]=**", "/api/tls/clients/0/projects"),
        ("pods.environment.RELOCATE_API_PORT=1", "/pods/environment"),
        ("files.one.secret=a,files.one.configMap=b", "/files/one"),
        ("configuration.clusters.mec-a.driver=kubernetes,configuration.clusters.mec-a.memory_mib=much", "/memory_mib"),
        ("configuration.clusters.mec-a.driver=process,configuration.clusters.mec-a.settings.token=t", "/settings"),
    ],
)
def test_a_wrong_value_is_refused_by_name(helm: Helm, setting: str, named: str) -> None:
    """Types, choices and limits; and a secret where it would be seen."""
    assert named in helm.refusal("--set", setting)


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ("temporal.address=", "temporal.address"),
        ("database.host=", "database.host"),
        ("database.caSecret.name=", "database.caSecret.name"),
        ("tokens.serverSecret.name=", "tokens.serverSecret.name"),
        ("test.application=navigator,test.target=mec-b", "tokens.clientSecret.name"),
        ("test.application=navigator,tokens.clientSecret.name=admin", "test.target"),
        ("configuration.clusters.mec-a.driver=kubernetes", "tokens.clientSecret.name"),
        ("api.tls.clientCA.secret=callers", "api.tls.secretName"),
        ("api.tls.secretName=api-tls,api.tls.clients[0].name=engine.example", "api.tls.clientCA"),
    ],
)
def test_what_is_missing_is_named(helm: Helm, setting: str, named: str) -> None:
    """Before anything is installed."""
    assert f"{named}: needed" in helm.refusal("--set", setting)
