# SPDX-License-Identifier: Apache-2.0
"""Processes get the settings that they understand, and enough time to end."""

import json
from pathlib import Path

import pytest
from sqlalchemy import make_url
from typer.testing import CliRunner

from api import server
from relocate import health
from relocate.cli.program import app
from relocate.credentials import Issuer
from relocate.settings import Settings
from relocate.temporal import worker
from relocate.temporal.connection import configured
from tests.helm.chart import PROCESSES, Helm, containers, one, pods, variables
from tests.helm.test_manifests import APART, FILES

TOKENS = '[{"name": "engine", "token": "0123456789abcdef", "scopes": ["write"]}]'
CLIENT = {"RELOCATE_SERVER", "RELOCATE_TOKEN", "RELOCATE_CA_FILE"}
"""Variables of the command line, which are no settings of processes."""
NOT_ITS_OWN = ("TEMPORAL_", "RELOCATE_TEMPORAL_", "RELOCATE_PAYLOAD_", "RELOCATE_SELECTOR")
"""How the names of variables begin that a control plane needs not."""


@pytest.mark.parametrize("values", FILES)
def test_every_variable_is_a_setting(helm: Helm, values: str) -> None:
    """A misspelt one would be ignored without a word."""
    known = {f"RELOCATE_{name.upper()}" for name in Settings.model_fields} | CLIENT
    for _, container in containers(helm.template(values)):
        assert {name for name in variables(container) if name.startswith("RELOCATE_")} <= known


@pytest.mark.parametrize("values", FILES)
def test_settings_are_understood(helm: Helm, values: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the service itself, with what Secrets would hold put in."""
    secrets = {
        "RELOCATE_TOKENS": TOKENS,
        "RELOCATE_DATABASE_URL": "postgresql+psycopg://u:p@db/relocate",
        "RELOCATE_SELECTOR_SETTINGS": '{"url": "https://meo.internal"}',
    }
    objects = helm.template(values)
    made = [each["spec"]["template"]["spec"] for each in objects if each["kind"] == "Deployment"]
    for container in (each for spec in made for each in spec["containers"] if "command" not in each):
        with monkeypatch.context() as environment:
            for name, value in variables(container).items():
                environment.setenv(name, value if isinstance(value, str) else secrets.get(name, "secret"))
            settings = Settings()
        assert make_url(settings.database_url).drivername == ("postgresql+psycopg" if values in APART else "sqlite")
        if container["name"] == "api":
            server.check_address(settings)


def test_the_user_and_the_authority_stand_in_the_url(helm: Helm) -> None:
    """Quoted as a URL wants it; the password comes by libpq's own variable, from a Secret."""
    told = variables(dict(containers(helm.template("full.yaml")))["edge-edge-relocation-worker"])
    url = make_url(told["RELOCATE_DATABASE_URL"])
    assert (url.username, url.password, url.host, url.port) == ("edge@relocation", None, "db.internal", 5432)
    assert url.query == {"sslmode": "verify-full", "sslrootcert": "/etc/relocate/database/ca.crt"}
    assert told["PGPASSWORD"] == {"secretKeyRef": {"name": "database", "key": "password"}}


def test_temporal_understands_how_it_is_reached(helm: Helm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS with both certificates, and an API key, as a process reads variables and files."""
    given = variables(dict(containers(helm.template("full.yaml")))["edge-edge-relocation-worker"])
    for name, value in given.items():
        if isinstance(value, str) and name.endswith(("_PATH", "_FILE")):
            (tmp_path / Path(value).name).write_text(name)
            monkeypatch.setenv(name, str(tmp_path / Path(value).name))
        elif isinstance(value, str):
            monkeypatch.setenv(name, value)
    found = configured(Settings())
    assert (found["target_host"], found["namespace"]) == ("temporal.internal:7233", "edge")
    assert found["api_key"] == "RELOCATE_TEMPORAL_API_KEY_FILE"
    tls = found["tls"]
    assert not isinstance(tls, bool)
    assert tls.client_cert == b"TEMPORAL_TLS_CLIENT_CERT_PATH"
    assert tls.client_private_key == b"TEMPORAL_TLS_CLIENT_KEY_PATH"
    assert tls.server_root_ca_cert == b"TEMPORAL_TLS_SERVER_CA_CERT_PATH"
    assert tls.domain == "temporal.internal"


def test_an_api_key_alone_brings_tls(helm: Helm) -> None:
    """With the system's authorities."""
    told = variables(dict(containers(helm.template("cloud.yaml")))["edge-edge-relocation-worker"])
    assert told["TEMPORAL_TLS"] == "true"
    assert told["RELOCATE_TEMPORAL_API_KEY_FILE"] == "/etc/relocate/temporal-api-key/api-key"


def test_those_that_speak_with_temporal_encrypt_what_it_keeps(helm: Helm) -> None:
    """API and workers have the same keys."""
    told = dict(containers(helm.template("full.yaml")))
    for process in ("api", "worker"):
        assert variables(told[f"edge-edge-relocation-{process}"])["RELOCATE_PAYLOAD_KEYS"] == (
            "/etc/relocate/payload-keys/keys.json"
        )


def test_emcos_workflows_are_taken_where_it_is_said(helm: Helm) -> None:
    """Both processes know the queues; by default they are left to whoever is there."""
    queues = ("RELOCATE_MIGRATE_TASK_QUEUE", "RELOCATE_RELOCATE_TASK_QUEUE")
    for values, wanted in (("full.yaml", ["MIGRATION_TASK_Q", "EDGE_RELOCATE_Q"]), ("minimal.yaml", ["", ""])):
        told = dict(containers(helm.template(values)))
        for process in ("api", "worker"):
            assert [variables(told[f"edge-edge-relocation-{process}"])[queue] for queue in queues] == wanted


def test_the_open_port_is_the_apis_and_only_where_it_is_said(helm: Helm) -> None:
    """In the pod, in the Service, and for those whom the network policy names."""
    objects = helm.template("full.yaml")
    api = dict(containers(objects))["edge-edge-relocation-api"]
    assert {"name": "emco", "containerPort": 9091} in [
        {key: port[key] for key in ("name", "containerPort")} for port in api["ports"]
    ]
    assert (variables(api)["RELOCATE_EMCO_HOST"], variables(api)["RELOCATE_EMCO_PORT"]) == ("0.0.0.0", "9091")
    (port,) = (port for port in one(objects, "Service", "-api")["spec"]["ports"] if port["name"] == "emco")
    assert (port["port"], port["targetPort"]) == (9091, "emco")
    (rule,) = (
        rule for rule in one(objects, "NetworkPolicy", "-api")["spec"]["ingress"] if rule["ports"][0]["port"] == "emco"
    )
    assert rule["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "emco"}
    closed = helm.template("minimal.yaml")
    assert "RELOCATE_EMCO_PORT" not in variables(dict(containers(closed))["edge-edge-relocation-api"])
    assert [port["name"] for port in one(closed, "Service", "-api")["spec"]["ports"]] == ["http"]


def test_the_api_speaks_tls_where_it_is_said(helm: Helm) -> None:
    """Its Service says so, the files are whole folders, which change in a running pod, and who may what is as it stands in the values."""
    objects = helm.template("full.yaml")
    spec = one(objects, "Deployment", "-api")["spec"]["template"]["spec"]
    told = variables(spec["containers"][0])
    assert told["RELOCATE_TLS_CERTIFICATE"] == "/etc/relocate/api-tls/tls.crt"
    assert told["RELOCATE_TLS_KEY"] == "/etc/relocate/api-tls/tls.key"
    assert told["RELOCATE_TLS_CLIENT_CA"] == "/etc/relocate/api-clients/ca.crt"
    mounted = {volume["name"]: volume["secret"] for volume in spec["volumes"] if volume["name"].startswith("api-")}
    assert mounted == {"api-tls": {"secretName": "api-tls"}, "api-clients": {"secretName": "callers"}}
    engine, screen = json.loads(told["RELOCATE_CLIENT_CERTIFICATES"])
    assert engine == {"name": "spiffe://example/ns/mec/sa/engine", "scopes": ["write"], "projects": ["default", "*"]}
    assert screen == {"name": "screen.internal"}
    (port,) = (port for port in one(objects, "Service", "-api")["spec"]["ports"] if port["targetPort"] == "http")
    assert (port["name"], port["appProtocol"]) == ("https", "https")


def test_the_api_is_told_who_signs_tokens(helm: Helm) -> None:
    """As the settings take it; and nothing, where nobody does."""
    (api,) = one(helm.template("full.yaml"), "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    assert Issuer.model_validate_json(variables(api)["RELOCATE_JWT"]).audience == "edge-relocation"
    (api,) = one(helm.template("minimal.yaml"), "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    assert "RELOCATE_JWT" not in variables(api)


def test_callers_authorities_may_stand_in_a_config_map(helm: Helm) -> None:
    """They are no secret; in both would leave open which of them counts."""
    other = ("--set", "api.tls.clientCA.secret=,api.tls.clientCA.configMap=callers")
    spec = one(helm.template("full.yaml", *other), "Deployment", "-api")["spec"]["template"]["spec"]
    (volume,) = (volume for volume in spec["volumes"] if volume["name"] == "api-clients")
    assert volume["configMap"] == {"name": "callers"}
    both = helm.refusal("--set", "api.tls.clientCA.configMap=callers", values="full.yaml")
    assert "api.tls.clientCA: either secret or configMap" in both


def test_only_the_api_gets_its_key(helm: Helm) -> None:
    """Neither another process nor a hook."""
    having = [
        name
        for name, spec in pods(helm.template("full.yaml", "--set", "api.tls.caSecret.name="))
        if any(volume.get("secret") == {"secretName": "api-tls"} for volume in spec["volumes"])
    ]
    assert having == ["edge-edge-relocation-api"]


def test_the_control_plane_gets_nothing_of_temporal(helm: Helm) -> None:
    """Neither keys, nor certificates, nor the selector's token: it asks neither of them."""
    for values in APART:
        spec = one(helm.template(values), "Deployment", "-gateway-control")["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert not [name for name in variables(container) if name.startswith(NOT_ITS_OWN)]
        assert not [volume for volume in spec["volumes"] if volume["name"].startswith(("temporal", "payload"))]


@pytest.mark.parametrize("values", FILES)
def test_every_command_line_is_understood(helm: Helm, values: str) -> None:
    """Commands and options that the image's program has."""
    ours = (container for _, container in containers(helm.template(values)) if "command" not in container)
    for container in ours:
        command, *options = container["args"]
        told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"})
        assert told.exit_code == 0, command
        assert all(option in told.output for option in options if option.startswith("--"))


def test_every_path_is_mounted(helm: Helm) -> None:
    """Files that variables and options name are in a folder of the pod."""
    for name, container in containers(helm.template("full.yaml")):
        folders = {mount["mountPath"] for mount in container["volumeMounts"]}
        told = [*container["args"], *(value for value in variables(container).values() if isinstance(value, str))]
        paths = [path.rpartition("=")[2] for path in told if "/etc/relocate/" in path]
        assert {str(Path(path).parent) for path in paths} <= folders, name


def test_processes_have_time_to_end(helm: Helm) -> None:
    """More than the longest of their own graces, and the pause before."""
    longest = {
        "api": 5 + server.GRACE + health.GRACE,
        "worker": worker.GRACE.total_seconds() + health.GRACE,
        "gateway-control": health.GRACE,
    }
    objects = helm.template("minimal.yaml")
    for process, seconds in longest.items():
        spec = one(objects, "Deployment", f"-{process}")["spec"]["template"]["spec"]
        assert spec["terminationGracePeriodSeconds"] >= 2 * seconds


def test_probes_wait_longer_than_the_process_does(helm: Helm) -> None:
    """A process asks what it depends on for some seconds before it says that it is not ready."""
    objects = helm.template("minimal.yaml")
    for process in PROCESSES:
        (container,) = one(objects, "Deployment", f"-{process}")["spec"]["template"]["spec"]["containers"]
        probes = {name: container[f"{name}Probe"] for name in ("startup", "readiness", "liveness")}
        assert all(probe["timeoutSeconds"] > health.PATIENCE for probe in probes.values())
        assert probes["liveness"]["httpGet"] == {"path": "/livez", "port": "health"}
        assert {probes["startup"]["httpGet"]["path"], probes["readiness"]["httpGet"]["path"]} == {"/livez", "/readyz"}


def test_the_api_stays_where_it_is_asked_while_temporal_is_away(helm: Helm) -> None:
    """Callers get its 503 with the reason, and the page; a Service without pods would refuse their connections."""
    (container,) = one(helm.template("minimal.yaml"), "Deployment", "-api")["spec"]["template"]["spec"]["containers"]
    assert container["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/livez"


def test_without_certificates_no_envoy_is_served(helm: Helm) -> None:
    """The control plane listens on loopback, and has no Service."""
    objects = helm.template("minimal.yaml")
    (container,) = one(objects, "Deployment", "-gateway-control")["spec"]["template"]["spec"]["containers"]
    assert "--host" not in container["args"]
    assert not [each for each in objects if each["kind"] == "Service" and each["spec"]["ports"][0]["name"] == "xds"]
