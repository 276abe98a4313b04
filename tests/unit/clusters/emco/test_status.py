# SPDX-License-Identifier: Apache-2.0
"""Ready is what EMCO shows positively; none of its summaries is believed."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from relocate.clusters.contract import InstanceState
from relocate.clusters.emco.placement import Place
from relocate.clusters.emco.status import read, standing, why_not_deleted

HERE = Place("p", "b")


def resource(kind: str = "Deployment", ready: str = "Ready", **more: str) -> dict[str, Any]:
    """A resource as EMCO shows it."""
    gvk = {"Group": "apps", "Version": "v1", "Kind": kind}
    return {"GVK": gvk, "name": f"r1-{kind.lower()}", "readyStatus": ready, **more}


def app(
    *resources: dict[str, Any], name: str = "web", cluster: str = "b", connectivity: str = "Available"
) -> dict[str, Any]:
    """An app on one cluster."""
    entry = {"clusterProvider": "p", "cluster": cluster, "connectivity": connectivity, "resources": list(resources)}
    return {"name": name, "clusters": [entry]}


def status(*apps: dict[str, Any], deployed: str = "Instantiated", last: str = "Instantiated", **more: Any) -> Any:
    """A status whose revision is 2, and whose summary says Ready whatever else it says."""
    actions = [
        {"state": "Created", "instance": "", "time": "2022-03-15T03:11:23.591Z", "revision": 0},
        {"state": "Instantiated", "instance": "71", "time": "", "revision": 1},
        {"state": "Updated", "instance": "71", "time": "", "revision": 1},
        {"state": last, "instance": "72", "time": "", "revision": 2},
    ]
    states = {"statusctxid": "71", "actions": actions}
    return read({"states": states, "deployedStatus": deployed, "readyStatus": "Ready", "apps": list(apps), **more})


def test_what_is_there_whole_runs() -> None:
    """The entry, a workload, every resource ready, the connection, the revision."""
    found = status(app(resource(), resource("Service"), resource("ConfigMap")))
    assert standing(found, ["web"], HERE, 2) == (InstanceState.RUNNING, "")


@pytest.mark.parametrize(
    ("found", "state", "why"),
    [
        (status(), "absent", r"EMCO's revision 2 has web not on p\+b"),
        (status(app(resource(), cluster="a")), "absent", "has web not on p"),
        (status(app(resource(), name="db")), "absent", "has web not on"),
        (status(app()), "starting", r"EMCO shows no workload of web on p\+b"),
        (status(app(resource("Service"))), "starting", "shows no workload"),
        (status(app(resource(ready="NotReady"))), "starting", "says that Deployment r1-deployment is NotReady"),
        (status(app(resource(), resource("Job", "NotPresent"))), "starting", "Job r1-job is NotPresent"),
        (status(app(resource(ready=""))), "starting", "is unknown"),
        (status(app(resource(), connectivity="Retrying")), "unknown", r"connection to p\+b is Retrying"),
        (status(app(resource(), connectivity="")), "unknown", "is not spoken of"),
        (status(app(resource()), deployed="Instantiating"), "starting", "EMCO says Instantiating of revision 2"),
        (status(app(resource()), deployed=""), "starting", "EMCO says nothing of revision 2"),
        (status(app(resource()), deployed="UpdatedFailed"), "failed", "EMCO says UpdatedFailed"),
        (status(app(resource()), last="Terminated"), "unknown", "not instantiated: Terminated was done last"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_there_whole_does_not_run(found: Any, state: str, why: str) -> None:
    """The reason is EMCO's own word, and says what of what."""
    said, reason = standing(found, ["web"], HERE, 2)
    assert said == state
    assert re.search(why, reason), reason


def test_an_older_revision_is_not_looked_at() -> None:
    """What EMCO shows right before an update is carried out is the old state of things."""
    found = status(app(resource()))
    assert standing(found, ["web"], HERE, 3) == (InstanceState.STARTING, "EMCO is at revision 2, 3 is awaited")


def test_each_of_several_apps_has_to_be_there() -> None:
    """One that is missing is named."""
    found = status(app(resource()), app(resource(), name="db"))
    assert standing(found, ["web", "db"], HERE, 2)[0] is InstanceState.RUNNING
    assert standing(found, ["web", "db", "log"], HERE, 2)[1] == "EMCO's revision 2 has log not on p+b"


def test_deleted_is_said_of_each_resource() -> None:
    """An entry without resources says nothing, and a resource without a word is not deleted."""
    gone = status(app(resource(deployedStatus="Deleted"), resource("Service", deployedStatus="Deleted")))
    assert why_not_deleted(gone, ["web"], HERE) is None
    left = status(app(resource(deployedStatus="Deleted"), resource("Service", deployedStatus="Applied")))
    assert why_not_deleted(left, ["web"], HERE) == "Service r1-service of web is Applied"
    assert why_not_deleted(status(app(resource())), ["web"], HERE) == "Deployment r1-deployment of web is unknown"
    assert why_not_deleted(status(app()), ["web"], HERE) == "nothing is said of web"


def test_lists_that_are_null_are_empty() -> None:
    """Go writes them so."""
    found = read({"states": {"actions": None}, "apps": None})
    assert (found.last, found.revision, found.settled, found.contexts(9)) == (None, 0, False, [])
    assert standing(found, ["web"], HERE, 1)[1] == "EMCO's group is not instantiated: nothing was done last"
    (entry,) = status({"name": "web", "clusters": [{"clusterProvider": "p", "cluster": "b", "resources": None}]}).apps
    assert entry.clusters[0].resources == ()


def test_earlier_contexts_are_told_the_latest_first() -> None:
    """Those that were in force."""
    assert [(one.revision, one.context) for one in status().contexts(2)] == [(1, "71")]
    assert [one.revision for one in status().contexts(3)] == [2, 1]


def test_another_shape_is_no_status() -> None:
    """A document that is none is told as such."""
    with pytest.raises(ValidationError):
        read({"apps": []})
