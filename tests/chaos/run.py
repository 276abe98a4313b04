# SPDX-License-Identifier: Apache-2.0
"""One run: several applications at once, each moved again and again, until the plans are used up."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from relocate.demo.system import System, Tell, new_system, stop
from tests.chaos.actors import Actors
from tests.chaos.disturbances import Disturbances
from tests.chaos.observer import Observer
from tests.chaos.report import Run
from tests.chaos.schedule import Plan, plans
from tests.chaos.supervisor import WORKERS, Supervisor
from tests.chaos.tenant import Moved, Stage, Tenant

MOVES_OF_ONE = 10
"""Relocations of one application; then it is taken down, and its requests are accounted for."""
PLACES = ("mec-a", "mec-b")


async def run(folder: Path, wanted: Run, minutes: float, tell: Tell) -> None:
    """Start everything in `folder`, use up the plans, stop everything.

    Args:
        folder: for logs, databases and records.
        wanted: what shall be done; it is filled with what was found.
        minutes: no relocation begins later.
        tell: takes what happens.
    """
    system = new_system(folder)
    system.workers = WORKERS
    began = time.monotonic()
    try:
        await system.start(tell)
        await system.configure()
        await _use_up(system, wanted, _until(plans(wanted.seed, wanted.relocations), minutes), tell)
    finally:
        wanted.seconds = time.monotonic() - began
        await stop(system)


async def _use_up(system: System, wanted: Run, left: Iterator[Plan], tell: Tell) -> None:
    disturbances = Disturbances()
    supervisor, observer = Supervisor(system), Observer(system, disturbances)
    actors = Actors(system, supervisor, disturbances)
    stage = Stage(system, actors, observer, disturbances, wanted.seed, wanted.rate)
    numbers = count(1)
    supervisor.begin()
    observer.begin()
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(wanted.applications):
                group.create_task(_one_after_the_other(stage, left, numbers, wanted, tell))
    finally:
        await observer.end()
        await supervisor.end()
        wanted.ended, wanted.looks, wanted.stalls = supervisor.ended, observer.looks, len(observer.stalls)
        wanted.broken += observer.violations


def _until(wanted: Sequence[Plan], minutes: float) -> Iterator[Plan]:
    """The plans, for so long."""
    deadline = time.monotonic() + 60 * minutes
    for plan in wanted:
        if time.monotonic() > deadline:
            return
        yield plan


async def _one_after_the_other(
    stage: Stage, left: Iterator[Plan], numbers: Iterator[int], wanted: Run, tell: Tell
) -> None:
    """Applications in one place of the run, until no plan is left."""
    plan = next(left, None)
    while plan is not None:
        number = next(numbers)
        tenant = Tenant(stage, f"chaos-{number}")
        try:
            await tenant.open(plan, PLACES[number % len(PLACES)])
        except TimeoutError as error:
            wanted.broken.append(str(error))
            tell(f"  {error}")
            tenant.usable, plan = False, next(left, None)
        for _ in range(MOVES_OF_ONE):
            if plan is None or not tenant.usable:
                break
            moved = await tenant.relocate(plan)
            wanted.moved.append(moved)
            tell(told(moved))
            plan = next(left, None)
        await _closed(tenant, wanted, tell)


async def _closed(tenant: Tenant, wanted: Run, tell: Tell) -> None:
    sent, losses = await tenant.account()
    wanted.sent += sent
    wanted.losses += [(tenant.name, loss) for loss in losses]
    tell(f"  {tenant.name}: {sent} requests, {len(losses)} not answered right")
    try:
        await tenant.close()
    except TimeoutError as error:
        tell(f"  {error}")  # our own clearing away, by force: it says nothing about the service


def told(moved: Moved) -> str:
    """One line."""
    how = (moved.view.outcome or moved.view.status) if moved.view else "did not end"
    struck = "; ".join(f"{one.phase}: {one.sentence}" for one in moved.struck if one.hit) or "nothing struck"
    answers = ", ".join(str(one.answer) for one in moved.interventions)
    bad = "".join(f"\n    VIOLATION {text}" for text in moved.violations)
    asked = f" [{answers}]" if answers else ""
    return f"{moved.plan.number:4} {moved.id} {moved.application} {how} in {moved.seconds:.1f} s{asked} ({struck}){bad}"
