# SPDX-License-Identifier: Apache-2.0
"""EMCO's names mean what is configured here."""

from typing import Any

import pytest

from relocate.emco.names import Wanted
from relocate.errors import InvalidRequest, NotFound
from relocate.model.application import Application
from relocate.model.cluster import Cluster

PARAMS = {
    "project": "p",
    "compositeApp": "shop",
    "compositeAppVersion": "v1",
    "deploymentIntentGroup": "dig",
    "targetClusterProvider": "edge",
    "targetClusterName": "b",
}


def wanted(**more: str) -> Wanted:
    """What a workflow's parameters want."""
    return Wanted.of(PARAMS | more)


def application(name: str, **said: Any) -> Application:
    """An application that is the group in EMCO, or some apps of it."""
    group = {"project": "p", "composite_app": "shop", "composite_app_version": "v1", "deployment_intent_group": "dig"}
    body = {"ports": ["http"], "readiness": {"probes": [{"kind": "http"}]}}
    return Application.model_validate({"name": name, "workloads": {"emco": group | said}, **body})


def through_emco(name: str, cluster: str, provider: str = "edge") -> Cluster:
    """A cluster that EMCO runs."""
    return Cluster(name=name, driver="emco", settings={"provider": provider, "cluster": cluster, "url": "http://emco"})


def beside_emco(name: str, **labels: str) -> Cluster:
    """A cluster of another kind, that EMCO knows."""
    return Cluster(name=name, driver="memory", labels={f"emco-{key}": value for key, value in labels.items()})


def test_a_cluster_of_emcos_is_what_its_settings_say() -> None:
    """Its name here is another matter, and so are labels."""
    known = [through_emco("mec-a", "a"), through_emco("mec-b", "b"), through_emco("b", "c")]
    assert wanted().target(known) == "mec-b"
    known[0] = through_emco("mec-a", "a").model_copy(update={"labels": {"emco-provider": "edge", "emco-cluster": "b"}})
    assert wanted().target(known) == "mec-b"


def test_any_other_cluster_is_what_its_labels_say() -> None:
    """Its provider, and its name in EMCO if that is another one than here."""
    assert wanted().target([beside_emco("b", provider="edge"), beside_emco("a", provider="edge")]) == "b"
    assert wanted().target([beside_emco("b"), beside_emco("x", provider="edge", cluster="b")]) == "x"


def test_none_or_several_are_not_found() -> None:
    """The sentence says how a cluster is known to EMCO."""
    with pytest.raises(
        NotFound, match=r"no cluster is configured as EMCO's edge\+b \(settings of driver emco, or labels"
    ):
        wanted().target([through_emco("b", "b", provider="other"), beside_emco("b")])
    with pytest.raises(NotFound, match="mec-b, b are all configured"):
        wanted().target([through_emco("mec-b", "b"), beside_emco("b", provider="edge")])


def test_the_applications_of_a_group_are_found() -> None:
    """All of them, or the one that has the app, whatever its capitals; ports do not matter."""
    web, db = (
        application("web", apps=["web"]),
        application("db", apps=["db"], ports={"http": {"service": "s", "port": 1}}),
    )
    other = application("other", deployment_intent_group="another")
    assert wanted().applications([web, db, other]) == ["web", "db"]
    assert wanted(targetAppName="Web").applications([web, db, other]) == ["web"]
    assert wanted(targetAppName="web").applications([application("whole"), db]) == ["whole"]
    with pytest.raises(NotFound, match="p/shop/v1/dig with the app log"):
        wanted(targetAppName="log").applications([web, db])


def test_what_an_application_says_must_make_sense() -> None:
    """The field is named, with the application."""
    with pytest.raises(InvalidRequest, match=r"^web\.workloads\.emco\.apps"):
        wanted().applications([application("web", apps=[])])
