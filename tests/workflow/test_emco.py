# SPDX-License-Identifier: Apache-2.0
"""Stories of EMCO's workflows: started by its workflow client, they have the application relocated, and answer as the original."""

import asyncio
import base64
import json
import re
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus as Temporals

from relocate.emco.clients import invocation
from relocate.emco.moves import MIGRATE, RELOCATE, Move
from relocate.emco.spec import TemporalSpec
from relocate.emco.workflows import Question
from relocate.errors import AlreadyStarted, InvalidRequest, NotFound, NotRunning
from relocate.model.relocation import Outcome, Parent, Phase, RelocationRequest
from relocate.store.acceptance import Asked
from tests.workflow.emco import Manager, bakes
from tests.workflow.run import OPERATOR, eventually
from tests.workflow.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

DEAF = "The run before this one ended too early, and its relocation goes back: start it anew."


@pytest.fixture
def manager(world: World) -> Manager:
    """Moves the world's application to `b`."""
    return Manager(world)


@pytest.mark.parametrize("world", ["cached", "forgetful"], indirect=True)
@pytest.mark.parametrize("move", [MIGRATE, RELOCATE], ids=["migrate", "relocate"])
async def test_it_ends_as_the_original_does(world: World, manager: Manager, move: Move) -> None:
    """The application serves from the target alone, and the result is the one that the original's last activity gives."""
    managed = await manager.start(move)
    assert await managed.status() is Temporals.COMPLETED
    result = await managed.handle.result()
    assert result["InParams"] == manager.params(move)
    url = f"http://emco.test:30415/v2/projects/{world.app}/composite-apps/shop/v1/deployment-intent-groups/dig1"
    assert result["GenericPlacementIntentURL"] == f"{url}/generic-placement-intents"
    assert await managed.state() == "completed"
    run = await managed.relocation()
    assert run.view.outcome is Outcome.COMPLETED
    assert f"{world.app}-move of EMCO" in run.notes
    await world.assert_serves_only_from(world.b)
    await managed.replay()


async def test_temporal_is_told_what_the_original_client_tells_it(manager: Manager) -> None:
    """Type, argument and options of the start are those of the Go client, down to the bytes."""
    given = {"InitialInterval": 10, "MaximumAttempts": 2}
    options = {"RetryPolicy": given, "WorkflowRunTimeout": 60_000_000_001, "Memo": {"who": ["tac"]}}
    managed = await manager.start(options=options)
    began = (await managed.handle.fetch_history()).events[0].workflow_execution_started_event_attributes
    (argument,) = began.input.payloads
    assert dict(argument.metadata) == {"encoding": b"json/plain"}
    params = manager.params()
    assert argument.data == json.dumps({"activityParams": {"all-activities": params}}, separators=(",", ":")).encode()
    assert began.workflow_type.name == "EmcoMigrateWorkflow"
    assert (began.retry_policy.initial_interval.nanos, began.retry_policy.backoff_coefficient) == (10, 2)
    assert began.workflow_run_timeout.ToNanoseconds() == 60_000_000_001
    assert json.loads(began.memo.fields["who"].data) == ["tac"]
    assert await managed.status() is Temporals.COMPLETED


async def test_whose_it_is_is_kept_with_it(world: World, manager: Manager) -> None:
    """Temporal remembers the project beside what was asked for; of what was started without one it is nobody's."""
    workflows = world.service.dispatch.workflows
    theirs = await manager.start(owner="shopping", options={"ID": f"{world.app}-theirs", "Memo": {"who": "tac"}})
    assert await theirs.status() is Temporals.COMPLETED
    assert await workflows.project_of(theirs.started.workflow, "") == "shopping"
    memo = (await theirs.handle.describe()).raw_description.workflow_execution_info.memo.fields
    assert {name: json.loads(value.data) for name, value in memo.items()} == {
        "who": "tac",
        "relocate-project": "shopping",
    }
    ours = await manager.start()
    await ours.status()
    assert await workflows.project_of(ours.started.workflow, ours.started.run) == ""
    with pytest.raises(NotFound):
        await workflows.project_of("nobody-knows-it", "")


async def test_current_state_names_the_originals_activities(world: World, manager: Manager) -> None:
    """While B is watched it says what the original does then, and what it says goes forward only."""
    bakes(world, 1)
    managed = await manager.start(RELOCATE)
    run = await managed.relocation()
    await run.in_phase(Phase.BAKE)

    async def checks() -> bool:
        return await managed.state() == "CheckReadinessStatus"

    await eventually(checks)
    assert await managed.status() is Temporals.COMPLETED


async def test_a_second_start_is_the_same_workflow(world: World, manager: Manager) -> None:
    """While it runs, the same id starts nothing; the application moves once."""
    first, second = await manager.start(), await manager.start()
    assert (first.started.already, second.started.already) == (False, True)
    assert first.started.run == second.started.run
    assert await first.status() is Temporals.COMPLETED
    assert len(world.service.database.relocations.list(application=world.app)) == 1


async def test_a_start_after_the_end_finds_nothing_to_do(world: World, manager: Manager) -> None:
    """The default of the reuse policy allows it; the application is there already."""
    assert await (await manager.start()).status() is Temporals.COMPLETED
    again = await manager.start()
    assert not again.started.already
    assert await again.status() is Temporals.COMPLETED
    outcomes = [view.outcome for view in world.service.database.relocations.list(application=world.app)]
    assert outcomes == [Outcome.NOTHING_TO_DO, Outcome.COMPLETED]


@pytest.mark.parametrize("world", ["cached", "forgetful"], indirect=True)
async def test_a_cancel_in_temporal_undoes_and_ends_cancelled(world: World, manager: Manager) -> None:
    """The original ends failed then, and starts again."""
    bakes(world)
    managed = await manager.start()
    run = await managed.relocation()
    await run.in_phase(Phase.BAKE)
    await managed.handle.cancel()
    assert await managed.status() is Temporals.CANCELED
    assert run.view.outcome is Outcome.CANCELLED
    await world.assert_serves_only_from(world.a)
    await managed.replay()


async def test_a_terminate_undoes(world: World, manager: Manager) -> None:
    """The relocation outlives what started it just long enough to go back."""
    bakes(world)
    managed = await manager.start()
    run = await managed.relocation()
    await run.in_phase(Phase.BAKE)
    await managed.handle.terminate("workflowmgr says so")
    assert (await run.ended()).outcome is Outcome.CANCELLED
    await world.assert_serves_only_from(world.a)


async def test_a_time_out_undoes_and_is_not_tried_again(world: World, manager: Manager) -> None:
    """The caller's retry policy starts a second run; that one says why it does nothing."""
    bakes(world)
    managed = await manager.start(options={"WorkflowRunTimeout": 2_000_000_000})
    run = await managed.relocation()
    assert (await run.ended()).outcome is Outcome.CANCELLED
    assert await managed.status() is Temporals.TIMED_OUT
    last = world.service.client.get_workflow_handle(managed.started.workflow)
    with pytest.raises(Exception, match="Workflow execution failed") as failed:
        await last.result()
    assert DEAF in str(failed.value.__cause__)
    assert len(world.service.database.relocations.list(application=world.app)) == 1
    await world.assert_serves_only_from(world.a)


async def test_what_went_back_is_not_tried_again(world: World, manager: Manager) -> None:
    """The run fails with the reason, once, though the intent allows two attempts."""
    world.readiness = {**world.readiness, "deadline_seconds": 0.5}
    bakes(world, 0)
    world.data_plane.broken[world.b] = 500
    managed = await manager.start()
    assert await managed.status() is Temporals.FAILED
    assert "rolled_back" in await managed.why()
    run = await managed.relocation()
    assert run.view.outcome is Outcome.ROLLED_BACK
    latest = await world.service.client.get_workflow_handle(managed.started.workflow).describe()
    assert latest.run_id == managed.started.run
    await world.assert_serves_only_from(world.a)


@pytest.mark.parametrize("world", ["cached", "forgetful"], indirect=True)
async def test_a_relocation_that_is_terminated_itself_is_swept_back(
    world: World, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its workflow goes on where it was, and back; what started it has failed by then, for good."""
    monkeypatch.setattr("relocate.temporal.recovering.SETTLED", timedelta(seconds=0.5))
    monkeypatch.setattr("relocate.temporal.recovering.PERIOD_SECONDS", 0.1)
    bakes(world)
    managed = await manager.start()
    run = await managed.relocation()
    await run.in_phase(Phase.BAKE)
    await run.settled()
    await run.handle.terminate("by mistake")
    assert await managed.status() is Temporals.FAILED
    assert "was ended in Temporal" in await managed.why()

    async def swept() -> bool:
        await world.service.dispatch.sweep()
        return run.view.outcome is not None

    await eventually(swept)
    assert (await run.ended()).outcome is Outcome.CANCELLED
    assert "terminated" in run.view.sentence, run.view.sentence
    await world.assert_serves_only_from(world.a)


async def test_what_was_accepted_for_a_workflow_that_is_gone_is_ended(world: World) -> None:
    """Nobody starts it any more: the lease is free within seconds, and nothing was done."""
    request = RelocationRequest(application=world.app, target=world.b)
    asked = Asked("rel-gone-1", request, None, OPERATOR, "", Parent(workflow="no-such", run=""))
    world.service.database.acceptance.accept_fitting([asked])

    async def swept() -> bool:
        await world.service.dispatch.sweep()
        return world.service.database.relocations.get("rel-gone-1").outcome is Outcome.CANCELLED

    await eventually(swept)
    await world.assert_serves_only_from(world.a)


async def test_it_waits_for_its_turn(world: World, manager: Manager) -> None:
    """Another relocation of the application runs: EMCO's comes after it, from where that one has left it."""
    run = await world.relocate(target=world.c, options={"bake_seconds": 1})
    await run.in_phase(Phase.BAKE)
    managed = await manager.start()
    assert (await run.ended()).outcome is Outcome.COMPLETED
    assert await managed.status() is Temporals.COMPLETED
    await world.assert_serves_only_from(world.b)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"targetClusterName": "nowhere"}, "no cluster is configured as EMCO's edge-provider+nowhere"),
        ({"project": "strangers"}, "no application is configured as EMCO's strangers/shop/v1/dig1"),
    ],
)
async def test_names_that_mean_nothing_here_are_told(
    world: World, manager: Manager, changes: dict[str, str], says: str
) -> None:
    """The run fails with a sentence; nothing was accepted."""
    managed = await manager.start(**changes)
    assert await managed.status() is Temporals.FAILED
    assert says in await managed.why()
    assert await managed.state() == "GetDigAppIntents"
    assert world.service.database.relocations.list(application=world.app) == []


@pytest.mark.parametrize("argument", [None, {}, {"activityParams": {"all-activities": {"project": "p"}}}, "text", 7])
@pytest.mark.parametrize("name", ["EmcoMigrateWorkflow", "MIGRATION_TASK_Q"])
async def test_parameters_that_make_no_sense_end_the_run(world: World, name: str, argument: object) -> None:
    """Whoever starts it straight in Temporal hears it too; the run does not hang in a task that fails for ever."""
    queue = world.service.parts.settings.migrate_task_queue
    handle = await world.service.client.start_workflow(name, argument, id=f"{world.app}-{name}", task_queue=queue)
    with pytest.raises(Exception, match="Workflow execution failed") as failed:
        await asyncio.wait_for(handle.result(), 10)
    assert failed.value.__cause__ is not None


@pytest.mark.parametrize(
    "options",
    [
        {"CronSchedule": "now and then"},
        {"SearchAttributes": {"Nobodys": 1}},
        {"RetryPolicy": {"BackoffCoefficient": 0.5}},
    ],
)
async def test_options_that_temporal_refuses_are_told(manager: Manager, options: dict[str, object]) -> None:
    """In Temporal's words, as bad input: nothing was started."""
    with pytest.raises(InvalidRequest, match="Temporal says") as refused:
        await manager.start(options=options)
    assert refused.value.field == "workflowStartOptions"


async def test_a_second_start_can_be_an_error(world: World, manager: Manager) -> None:
    """Where the options say so."""
    first = await manager.start()
    with pytest.raises(AlreadyStarted, match="already running"):
        await manager.start(options={"WorkflowExecutionErrorWhenAlreadyStarted": True})
    assert await first.status() is Temporals.COMPLETED


async def test_a_start_may_take_the_place_of_the_one_that_runs(world: World, manager: Manager) -> None:
    """Policy 4 terminates that one: its relocation goes back, and the new one's comes after it."""
    bakes(world)
    first = await manager.start()
    run = await first.relocation()
    await run.in_phase(Phase.BAKE)
    second = await manager.start(options={"WorkflowIDReusePolicy": 4}, targetClusterName=world.c)
    assert await first.status() is Temporals.TERMINATED
    assert (await run.ended()).outcome is Outcome.CANCELLED
    bakes(world, 0)
    assert await second.status() is Temporals.COMPLETED
    await world.assert_serves_only_from(world.c)


async def test_what_is_somebody_elses_is_only_started(world: World) -> None:
    """With its cron schedule; nobody of ours works on it."""
    known = world.service.parts.settings.known_workflow_clients
    options = {"ID": f"{world.app}-lcm", "CronSchedule": "@every 1h"}
    spec = TemporalSpec.model_validate({"workflowStartOptions": options})
    started = await world.service.dispatch.workflows.start(invocation(known, "lcm_workflowclient", spec))
    handle = world.service.client.get_workflow_handle(started.workflow, run_id=started.run)
    began = (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes
    assert (began.workflow_type.name, began.task_queue.name) == ("LcmWorkflow", "LCM_TASK_Q")
    assert began.cron_schedule == "@every 1h"
    await handle.terminate("the story is over")


async def test_status_is_as_workflowmgr_writes_it(world: World, manager: Manager) -> None:
    """Temporal's messages in Go's form: snake_case, numbers for enums, nanoseconds; and the result, when it is waited for."""
    managed = await manager.start()
    workflows = world.service.dispatch.workflows
    asked = Question(
        workflow=managed.started.workflow, waits=True, description=True, history=True, query="current-state"
    )
    answer = await workflows.look(asked)
    info = answer.description["workflow_execution_info"]
    assert info["execution"] == {"workflow_id": managed.started.workflow, "run_id": managed.started.run}
    assert (info["type"], info["status"]) == ({"name": "EmcoMigrateWorkflow"}, 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", info["start_time"])
    assert info["history_length"] == len(answer.history or ())
    assert answer.description["execution_config"]["default_workflow_task_timeout"] == 10_000_000_000
    assert answer.description["execution_config"]["workflow_run_timeout"] == 0
    began = (answer.history or ())[0]
    assert (began["event_id"], began["event_type"]) == (1, 1)
    (argument,) = began["Attributes"]["workflow_execution_started_event_attributes"]["input"]["payloads"]
    assert base64.b64decode(argument["metadata"]["encoding"]) == b"json/plain"
    assert (answer.query, answer.failure) == ("completed", "")
    assert answer.result["InParams"]["project"] == world.app


async def test_a_failure_is_told_to_who_waits(world: World, manager: Manager) -> None:
    """The original drops it."""
    managed = await manager.start(targetClusterName="nowhere")
    answer = await world.service.dispatch.workflows.look(Question(workflow=managed.started.workflow, waits=True))
    assert answer.result is None
    assert "nowhere" in answer.failure


async def test_what_temporal_does_not_know_is_not_found(world: World, manager: Manager) -> None:
    """And a query that there is not is bad input."""
    workflows = world.service.dispatch.workflows
    for question in (Question(workflow="nobody", description=True), Question(workflow="nobody", waits=True)):
        with pytest.raises(NotFound, match="nobody"):
            await workflows.look(question)
    with pytest.raises(NotFound, match="nobody"):
        await workflows.cancel("nobody", "")
    with pytest.raises(NotFound, match="nobody"):
        await workflows.terminate("nobody", "", "because", ())
    managed = await manager.start()
    with pytest.raises(InvalidRequest, match="current-state") as refused:
        await workflows.look(Question(workflow=managed.started.workflow, query="nope"))
    assert refused.value.field == "query.queryType"
    assert await managed.status() is Temporals.COMPLETED
    with pytest.raises(NotRunning, match="has ended: completed"):
        await workflows.terminate(managed.started.workflow, "", "because", ())


async def test_a_terminate_says_why(world: World, manager: Manager) -> None:
    """Reason and details are in Temporal's history, for whoever looks there."""
    bakes(world)
    managed = await manager.start()
    run = await managed.relocation()
    await run.in_phase(Phase.BAKE)
    await world.service.dispatch.workflows.terminate(managed.started.workflow, "", "upgrade", ["v2"])
    last = (await managed.handle.fetch_history()).events[-1].workflow_execution_terminated_event_attributes
    assert (last.reason, last.details.payloads[0].data) == ("upgrade", b'"v2"')
    assert (await run.ended()).outcome is Outcome.CANCELLED
