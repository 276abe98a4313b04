# SPDX-License-Identifier: Apache-2.0
"""One execution: the real workflow, the world, and at each moment the list of what may happen next."""

import asyncio
from collections.abc import Callable, Generator, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from temporalio.exceptions import ApplicationError

from relocate.activities import orders
from relocate.activities.calls import FINAL_ERRORS
from relocate.errors import Drifted
from relocate.model.relocation import Actor, Outcome, Phase, RelocationRequest, Status
from relocate.workflow import relocation
from relocate.workflow.desk import Command, CommandOrder
from tests.modelcheck import invariants, world as worlds
from tests.modelcheck.activities.table import STEPS
from tests.modelcheck.bounds import KINDS, Bounds
from tests.modelcheck.broken import Broken
from tests.modelcheck.events import EVENTS, Event
from tests.modelcheck.runtime import Loop, Pending

LONGEST = 3000
"""No execution has this many moments unless it goes round in a circle."""
CHANGES = frozenset({"deploy", "remove", "secure", "activate", "steer", "transfer"})
OPERATOR = Actor(who="operator")
CREATED = datetime(2026, 1, 1, tzinfo=UTC)
_KIND = {kind: number for number, kind in enumerate(KINDS)}


class Option(NamedTuple):
    """Something that may happen next."""

    says: str
    happen: Callable[["Machine"], None]
    kind: int | None = None
    """Which budget it is taken from; None: no one's."""


class Attempt:
    """One attempt of an activity, somewhere between its first step and its end."""

    def __init__(self, machine: "Machine", pending: Pending) -> None:
        """Args: pending: what it is an attempt of."""
        self.pending = pending
        self.name = pending.name
        self.at = "begin"
        self.waits = False
        """It failed and is to be tried again."""
        self.result: Any = None
        self.steps: Generator[str, None, Any] = STEPS[pending.name](machine.world, pending.order)

    def step(self) -> bool:
        """Do the next step; whether it was the last one. Raises what the activity raises."""
        try:
            self.at = next(self.steps)
        except StopIteration as done:
            self.result = done.value
            self.at = "look at nothing: it is done, and nobody was told"
            return True
        return False


class Machine:
    """One execution."""

    def __init__(self, bounds: Bounds) -> None:
        """Begin the first relocation."""
        self.bounds = bounds
        self.budget, self._whole_budget = bounds.budget, bounds.budget
        self.world = worlds.begun(bounds.application, bounds.gateways, bounds.clusters)
        for gateway in self.world.gateways:
            gateway.mute, gateway.waived = bounds.mute, frozenset(bounds.application.policy.waived_instances)
        self.late: list[Attempt] = []
        self.run_number = self.moments = 0
        self.attempt: Attempt | None = None
        self.recording: Pending | None = None
        """What is being put on record."""
        self._begin()

    def _begin(self) -> None:
        self.run_number += 1
        self.loop = Loop()
        identity = f"r-{self.run_number}"
        active = next(name for name, placed in self.world.placements.items() if placed.active)
        self.world.begin(identity, self.run_number, active)
        start = _start(self.bounds, identity, self.run_number)
        with self.loop.running():
            self.workflow = relocation.Relocate(start)
        self.main = self.loop.spawn(self.workflow.run(start))
        self.attempt = None
        self.cancelled = False
        self.held_in: int | None = None
        self.judged = False
        self.too_late = False
        self.loop.settle()
        self._take_up()

    # ---- what may happen -------------------------------------------------------------------------------------------

    def options(self) -> list[Option]:
        """What may happen now; the first one is what happens when all is well. None: it has ended, or waits for ever."""
        if self.main.done():
            return self._after_the_end()
        if self.recording is not None:
            return [AS_USUAL, *self._people()]
        found = self._goes_on()
        found += self._people()
        found += self._happens()
        found += self._lands()
        return found

    def usual(self) -> Option | None:
        """The first of the options, without the others."""
        if self.recording is not None or (self.attempt is not None and not self.attempt.waits):
            return AS_USUAL
        return next(iter(self.options()), None)

    def _goes_on(self) -> list[Option]:
        attempt = self.attempt
        if attempt is None:
            return []
        pending, name = attempt.pending, attempt.name
        if attempt.waits:
            if self.world.refuses_evidence:
                return [Option(f"{name} is tried until its time is over", Machine._expire)]
            return [Option(f"{name} is tried again", Machine._retry)]
        found = [AS_USUAL]
        if pending.cancel_requested and pending.hears_cancels:
            found.append(Option(f"{name} hears of the cancel before: {attempt.at}", Machine._hear_cancel))
        begun = attempt.at != "begin"
        if begun and self._may("crash"):
            found.append(Option(f"the worker dies, {name} before: {attempt.at}", Machine._crash, _KIND["crash"]))
        hangs = self._may("late") and self._hangs(attempt)
        if hangs:
            found.append(Option(f"an attempt of {name} hangs before: {attempt.at}", Machine._hang, _KIND["late"]))
        if pending.bounded and self._may("expiry"):
            found.append(Option(f"{name} is given up before: {attempt.at}", Machine._expire, _KIND["expiry"]))
            if hangs:
                says = f"{name} is given up, and its attempt hangs before: {attempt.at}"
                found.append(Option(says, Machine._expire_late, _KIND["expiry"]))
        return found

    def _hangs(self, attempt: Attempt) -> bool:
        """Whether an attempt would still change something if it went on later."""
        if attempt.at == "begin":
            return attempt.name in CHANGES and not attempt.waits
        return attempt.name in self.bounds.hangs and not attempt.at.startswith("look")

    def _people(self) -> list[Option]:
        found: list[Option] = []
        desk = self.workflow._desk
        if self._may("cancel"):
            if not self.cancelled:
                found.append(Option("somebody cancels", Machine._cancel, _KIND["cancel"]))
            found.append(Option("Temporal cancels the workflow", Machine._cancel_workflow, _KIND["cancel"]))
        if self._may("hold") and desk.held_by is None:
            found += self._commands([CommandOrder(command=Command.HOLD, actor=OPERATOR)], "hold")
        if self._may("answer") and (desk.held_by is not None or desk.asks_for):
            found += self._commands(_answers(self.bounds.clusters), "answer")
        return found

    def _commands(self, orders: Iterable[CommandOrder], kind: str) -> list[Option]:
        """Those that the run takes now."""
        found: list[Option] = []
        for order in orders:
            try:
                self.workflow._check_command(order)
            except ApplicationError:
                continue
            where = f" on {order.cluster}" if order.cluster else ""
            says = f"an operator says {order.command}{where}"
            found.append(Option(says, lambda machine, order=order: machine._take(order), _KIND[kind]))
        return found

    def _happens(self) -> list[Option]:
        may, world = self._may("event"), self.world
        return [
            option for event, option in _events(self.bounds.events) if (event.free or may) and event.possible(world)
        ]

    def _lands(self) -> list[Option]:
        return [
            Option(
                f"the attempt of {late.name} that hung goes on: {late.at}",
                lambda machine, late=late: machine._land(late),
            )
            for late in self.late
        ]

    def _after_the_end(self) -> list[Option]:
        lands = self._lands()
        if self.run_number < self.bounds.runs and not self.world.abandoned:
            return [Option("the next relocation begins", Machine._begin), *lands]
        return lands

    def _may(self, kind: str) -> bool:
        return self.budget[_KIND[kind]] > 0

    # ---- what happens ------------------------------------------------------------------------------------------------

    def take(self, option: Option) -> None:
        """Let it happen, and let the workflow go on. Raises `Broken` when an invariant does not hold afterwards."""
        if option.kind is not None:
            self.budget[option.kind] -= 1
        option.happen(self)
        self.loop.settle()
        self._take_up()

    def check(self) -> None:
        """Whether every invariant holds now. Raises `Broken` if not."""
        self.moments += 1
        if self.moments > LONGEST:
            raise Broken("liveness", "the run goes round in a circle")
        invariants.check(self)

    def _take_up(self) -> None:
        """See what the workflow has asked for, and begin the first attempt of it."""
        if self.attempt is not None and self.attempt.pending.done:
            self.attempt = None
        self.recording = None
        for asked in self.loop.pending:
            if asked.name == "record":
                self.recording = self.recording or asked
            elif self.attempt is None and asked.name != "watch":
                invariants.begins(self, asked)
                self.attempt = Attempt(self, asked)

    def _go_on(self) -> None:
        """What happens when all is well: what was told is kept first."""
        if self.recording is None:
            self._step()
            return
        for _ in STEPS["record"](self.world, self.recording.order):
            pass
        self.recording.succeed(None)

    def _step(self) -> None:
        attempt = self.attempt
        assert attempt is not None
        done_before = attempt.at.startswith("look at nothing")
        try:
            ended = done_before or attempt.step()
        except Broken:
            raise
        except Exception as error:  # noqa: BLE001 - whatever an activity raises, Temporal decides by its type
            self._failed(attempt, error)
            return
        if ended and (done_before or attempt.name not in CHANGES):
            if attempt.name == "check":
                self.judged = attempt.result.why_not is None
            attempt.pending.succeed(attempt.result)

    def _failed(self, attempt: Attempt, error: Exception) -> None:
        kind = type(error).__name__
        if kind in FINAL_ERRORS:
            details = (error.versions,) if isinstance(error, Drifted) else ()
            attempt.pending.fail(ApplicationError(str(error), *details, type=kind, non_retryable=True))
        elif attempt.pending.cancel_requested:
            attempt.pending.cancelled()
        elif kind == "EvidenceNotStored":
            attempt.waits, attempt.at = True, "begin"
        else:
            raise error

    def _retry(self) -> None:
        assert self.attempt is not None
        self.attempt = Attempt(self, self.attempt.pending)

    def _crash(self) -> None:
        assert self.attempt is not None
        pending = self.attempt.pending
        if pending.cancel_requested:
            pending.cancelled()
        else:
            self._retry()

    def _hang(self) -> None:
        assert self.attempt is not None
        self.late.append(self.attempt)
        self._crash()

    def _expire(self) -> None:
        assert self.attempt is not None
        self.attempt.pending.time_out()

    def _expire_late(self) -> None:
        assert self.attempt is not None
        self.budget[_KIND["late"]] -= 1
        self.late.append(self.attempt)
        self._expire()

    def _hear_cancel(self) -> None:
        assert self.attempt is not None
        self.attempt.pending.cancelled()

    def _land(self, late: Attempt) -> None:
        whole = late.name not in self.bounds.hangs
        self.world.late = True
        try:
            ended = late.step()
            while whole and not ended:
                ended = late.step()
        except Broken:
            raise
        except Exception:  # noqa: BLE001 - nobody hears of it any more
            ended = True
        finally:
            self.world.late = False
        if ended or late.at.startswith("look"):
            self.late.remove(late)

    def _cancel(self) -> None:
        self._note_cancel()
        with self.loop.running():
            self.workflow.cancel(OPERATOR)

    def _cancel_workflow(self) -> None:
        self._note_cancel()
        self.loop.call_soon(self.main.cancel)

    def _note_cancel(self) -> None:
        if not self.cancelled:
            self.cancelled, self.too_late = True, self.judged

    def _take(self, order: CommandOrder) -> None:
        desk, view = self.workflow._desk, self.workflow._journal.view
        if order.command is Command.HOLD:
            self.held_in = _PHASES.index(view.phase or Phase.SELECT)
        else:
            self.held_in = None
        if order.command is Command.PROCEED and Command.PROCEED in desk.asks_for and view.phase is Phase.DRAIN:
            self.world.true_forced = True
        if order.command not in (Command.PROCEED, Command.HOLD):
            self.world.allowed |= self.world.shown
            self.world.true_settled = order.cluster if order.command is Command.SETTLE else None
        if order.command is Command.ABANDON:
            self.world.abandoned = True
        self.loop.handle_update(self.workflow.command(order))

    # ---- how it stands -----------------------------------------------------------------------------------------------

    @property
    def outcome(self) -> Outcome | None:
        """How the run ended; None while it runs. Raises what the run failed with, except Temporal's cancel."""
        if not self.main.done():
            return None
        if self.main.cancelled():
            return Outcome.CANCELLED
        error = self.main.exception()
        if isinstance(error, asyncio.CancelledError):
            return Outcome.CANCELLED
        if error is not None:
            raise error
        return Outcome(self.main.result().outcome)

    @property
    def untroubled(self) -> bool:
        """Whether nothing has been out of the ordinary so far."""
        return self.budget == self._whole_budget and not self.bounds.begins

    @property
    def says(self) -> str:
        """The view's sentence."""
        return self.workflow._journal.view.sentence

    @property
    def waits_for_people(self) -> bool:
        """Whether somebody has to say something."""
        desk = self.workflow._desk
        return bool(desk.asks_for) or desk.held_by is not None

    @property
    def doing(self) -> str:
        """What the run is doing, in words."""
        phase = self.workflow._journal.view.phase or "the beginning"
        if self.recording is not None:
            return f"{phase}, being recorded"
        return f"{phase}, before {self.attempt.name}: {self.attempt.at}" if self.attempt else f"{phase}, idle"

    @property
    def status(self) -> Status:
        """What the view says."""
        return self.workflow._journal.view.status


AS_USUAL = Option("", Machine._go_on)
_PHASES = list(Phase)
_STARTS: dict[tuple[str, str, int], orders.Start] = {}


def _start(bounds: Bounds, identity: str, lease: int) -> orders.Start:
    key = (bounds.name, identity, lease)
    if key not in _STARTS or _STARTS[key].application is not bounds.application:
        _STARTS[key] = orders.Start(
            relocation=identity,
            lease=lease,
            request=RelocationRequest(application=worlds.APP),
            application=bounds.application,
            created_at=CREATED,
        )
    return _STARTS[key]


@lru_cache
def _answers(clusters: Sequence[str]) -> Sequence[CommandOrder]:
    """Everything an operator may ever answer."""
    return tuple(
        CommandOrder(command=command, actor=OPERATOR, cluster=cluster)
        for command in Command
        if command is not Command.HOLD
        for cluster in (clusters if command is Command.SETTLE else (None,))
    )


@lru_cache
def _events(wanted: frozenset[str] | None) -> Sequence[tuple[Event, Option]]:
    """The events that may ever happen."""
    return tuple((event, _option(event)) for event in EVENTS if wanted is None or event.name in wanted)


def _option(event: Event) -> Option:
    kind = None if event.free else _KIND["event"]
    return Option(event.name, lambda machine: event.happen(machine.world), kind)
