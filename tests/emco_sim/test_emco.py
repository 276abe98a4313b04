# SPDX-License-Identifier: Apache-2.0
"""The simulated EMCO behaves as the real one was measured to (reference: emco.md 4 and 8.6), traps included."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import httpx
import pytest
from typer.testing import CliRunner

from relocate.cli.program import app
from relocate.demo.processes import free_ports, listens
from relocate.emco_sim.rsync import Release
from tests.emco_sim.conftest import Site
from tests.workflow.run import eventually


async def _deployed(site: Site, wanted: str) -> None:
    async def is_so() -> bool:
        return (await site.status())["deployedStatus"] == wanted

    await eventually(is_so)


async def _runs(site: Site, *which: str) -> None:
    """Wait until instances run on these clusters, and on no other."""

    async def is_so() -> bool:
        running = {
            one
            for one in ("Source", "Target")
            if site.filled[f"{one}Cluster"] in _known(site) and site.cluster(one).instances
        }
        return running == set(which)

    await eventually(is_so)


def _known(site: Site) -> set[str]:
    return {cluster.name for cluster in site.emco._drivers}


@pytest.mark.parametrize("kind", ["migrate", "relocate"])
async def test_the_samples_bring_a_group_up(make_site: Callable[..., Site], kind: str) -> None:
    """By label and by name; status has EMCO's shape."""
    site = make_site()
    await site.bring_up(kind)
    await _deployed(site, "Instantiated")
    await _runs(site, "Source")
    found = await site.status(status="ready")
    context = found["states"]["statusctxid"]
    assert [(one["state"], one["instance"], one["revision"]) for one in found["states"]["actions"]] == [
        ("Created", "", 0),
        ("Approved", "", 0),
        ("Instantiated", context, 1),
    ]
    assert (found["readyStatus"], found["readyCounts"]) == ("Ready", {"Ready": 2})
    (app,) = found["apps"]
    (cluster,) = app["clusters"]
    assert (app["name"], cluster["cluster"], cluster["connectivity"]) == (
        "web",
        site.filled["SourceCluster"],
        "Available",
    )
    assert cluster["resources"][0]["GVK"] == {"Group": "apps", "Version": "v1", "Kind": "Deployment"}
    assert "apps" not in await site.status(status="ready", output="summary")


async def test_an_update_moves_at_once(site: Site) -> None:
    """A new revision as a bare number; the old copy goes, whether or not the new one is ready."""
    await _deployed(site, "Instantiated")
    first = (await site.status())["states"]["statusctxid"]
    assert (await site.place("Target")).status_code == 200
    answer = await site.update()
    assert (answer.status_code, answer.text) == (202, "2")
    await _runs(site, "Target")
    actions = (await site.status())["states"]["actions"]
    assert [(one["state"], one["revision"]) for one in actions[-2:]] == [("Updated", 1), ("Instantiated", 2)]
    old = await site.status(status="deployed", instance=first)
    assert (old["deployedStatus"], old["deployedCounts"]) == ("Updated", {"Deleted": 2})


async def test_an_empty_filter_is_ready(site: Site) -> None:
    """The trap of the original's gate: kinds are no names, and nothing is not unready."""
    await _deployed(site, "Instantiated")
    site.cluster("Source").faults.never_runs = True
    site.cluster("Source").faults.starts_after = 10**6
    assert (await site.status(status="ready"))["readyStatus"] == "NotReady"
    blind = await site.status(status="ready", resource="apps.v1.Deployment")
    assert (blind["readyStatus"], blind["readyCounts"]) == ("Ready", {})
    elsewhere = await site.status(status="ready", cluster="provider1+nowhere")
    assert elsewhere["readyStatus"] == "Ready"


async def test_each_update_is_a_new_revision(site: Site) -> None:
    """Also when nothing differs; what runs goes on."""
    await _deployed(site, "Instantiated")
    before = dict(site.cluster("Source").instances)
    assert (await site.update()).text == "2"
    assert (await site.update()).text == "3"
    await _deployed(site, "Instantiated")
    assert dict(site.cluster("Source").instances) == before


@pytest.mark.parametrize(("release", "left"), [(Release.R22_03, ["Target"]), (Release.MAIN, ["Source", "Target"])])
async def test_main_leaves_an_orphan_on_the_shrinking_update(
    make_site: Callable[..., Site], release: Release, left: list[str]
) -> None:
    """a, then a and b, then b: 22.03 deletes the copy on a, main leaves it running and says that all is well."""
    site = make_site(release)
    await site.bring_up()
    await _deployed(site, "Instantiated")
    await site.place("Source", "Target")
    await site.update()
    await _runs(site, "Source", "Target")
    await site.place("Target")
    await site.update()
    await _runs(site, *left)
    await _deployed(site, "Instantiated")


async def test_a_rollback_leaves_the_intents_as_they_are(site: Site) -> None:
    """So the next update undoes it."""
    await _deployed(site, "Instantiated")
    await site.place("Target")
    await site.update()
    await _runs(site, "Target")
    body = {"metadata": {"description": ""}, "spec": {"revision": "1"}}
    assert (await site.client.post(f"{site.group}/rollback", json=body)).status_code == 202
    await _runs(site, "Source")
    intent = (await site.client.get(site.intent)).json()["spec"]["intent"]
    assert intent["allOf"][0]["cluster"] == site.filled["TargetCluster"]
    await site.update()
    await _runs(site, "Target")


async def test_a_terminated_group_is_gone(site: Site) -> None:
    """And may be deleted then, bottom up."""
    await _deployed(site, "Instantiated")
    assert (await site.client.delete(site.group)).status_code == 409
    assert (await site.client.post(f"{site.group}/terminate")).status_code == 202
    await _runs(site)
    await _deployed(site, "Terminated")


async def test_an_unreachable_cluster_is_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile its connectivity says so, and the group is still being instantiated."""
    monkeypatch.setattr("relocate.emco_sim.rsync.RETRY_SECONDS", 0.05)
    await _deployed(site, "Instantiated")
    site.cluster("Source").faults.unavailable = True
    found = await site.status(status="ready")
    assert found["apps"][0]["clusters"][0]["connectivity"] == "Retrying"
    await site.place("Target")
    await site.update()
    await asyncio.sleep(0.2)
    assert site.cluster("Source").instances
    site.cluster("Source").faults.unavailable = False
    await _runs(site, "Target")


@pytest.mark.parametrize(
    ("named", "status", "text"),
    [
        (("Source", "Source"), 400, "The specified Logical Cloud doesn't provide the mandatory clusters\n"),
        ((), 500, "No Qualified Clusters to deploy App web\n"),
    ],
)
async def test_an_intent_that_cannot_be_is_found_by_the_update(
    site: Site, named: tuple[str, ...], status: int, text: str
) -> None:
    """The intent itself is taken: 200; nothing is changed then."""
    await _deployed(site, "Instantiated")
    assert (await site.place(*named)).status_code == 200
    answer = await site.update()
    assert (answer.status_code, answer.text) == (status, text)
    assert (await site.status())["states"]["actions"][-1]["revision"] == 1
    await _runs(site, "Source")


async def test_what_is_not_there_is_told_as_emco_tells_it(site: Site) -> None:
    """Lines of text; every error of a status is 400; a PUT of an app intent that is not there makes it."""
    answer = await site.client.get(f"{site.group}x")
    assert (answer.status_code, answer.text) == (404, "DeploymentIntentGroup not found\n")
    assert (await site.client.get(f"{site.group}x/status")).status_code == 400
    assert (await site.client.get(f"{site.group}/status?app=nope")).status_code == 400
    assert (await site.client.get(f"{site.group}/status?bogus=1")).status_code == 400
    assert (await site.client.post("/v2/projects", json={"metadata": {"name": "proj1"}})).status_code == 409
    assert (await site.client.post("/v2/projects", json={"metadata": {}})).status_code == 400
    assert (await site.client.post("/v2/projects", content=b"{")).status_code == 422
    assert (await site.client.get("/v2/nonsense")).status_code == 404
    spec = {"app": "web", "intent": {"allOf": [{"clusterProvider": "p", "clusterLabel": "l"}]}}
    created = await site.client.put(f"{site.intent}-2", json={"metadata": {"name": "x"}, "spec": spec})
    assert created.status_code == 201
    assert (await site.client.post(f"{site.group}/instantiate")).status_code == 409


async def test_clusters_are_found_by_label(site: Site) -> None:
    """Names alone."""
    answer = await site.client.get(
        f"/v2/cluster-providers/{site.filled['Provider']}/clusters", params={"label": "edge"}
    )
    assert answer.json() == [site.filled["SourceCluster"]]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"app": "web"},
        {"app": 7, "intent": {}},
        {"app": "web", "intent": {"allOf": [{"clusterProvider": "p"}]}},
        {"app": "web", "intent": {"allOf": [{"clusterProvider": "p", "cluster": "c", "clusterLabel": "l"}]}},
        {"app": "web", "intent": {"allOf": "c"}},
    ],
)
async def test_an_intent_that_makes_no_sense_is_refused(site: Site, spec: dict[str, object]) -> None:
    """400, and the one that was there stays."""
    before = (await site.client.get(site.intent)).json()
    assert (await site.client.put(site.intent, json={"metadata": {"name": "x"}, "spec": spec})).status_code == 400
    assert (await site.client.get(site.intent)).json() == before


async def test_a_page_may_not_ask(site: Site) -> None:
    """It has programs run on clusters."""
    answer = await site.client.post(f"{site.group}/update", headers={"Origin": "http://emco"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("body", "status"), [({}, 400), ({"spec": {"revision": 1}}, 400), ({"spec": {"revision": "9"}}, 500)]
)
async def test_a_rollback_to_nothing_is_refused(site: Site, body: dict[str, object], status: int) -> None:
    """A revision is a text, and has to be there."""
    assert (await site.client.post(f"{site.group}/rollback", json=body)).status_code == status


@pytest.fixture
def port() -> int:
    """A free one."""
    return free_ports(1)[0]


@pytest.fixture
def process(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The command; it is gone afterwards, whatever the test did."""
    command = [sys.executable, "-m", "relocate", "emco-sim", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


async def test_it_runs_as_a_process(process: subprocess.Popen[bytes], port: int) -> None:
    """And ends in order when it is told to."""
    await eventually(lambda: listens(port))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/v2/projects")).json() == []
    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 10) == 0


def test_an_unknown_release_is_refused() -> None:
    """With those that are known."""
    told = CliRunner().invoke(app, ["emco-sim", "--release", "1.0"])
    assert told.exit_code == 2
    assert "22.03, main" in told.stderr
