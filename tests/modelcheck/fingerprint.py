# SPDX-License-Identifier: Apache-2.0
"""When two executions are at the same state: everything that can still make a difference, and nothing else.

The workflow's own state is read from its objects and from the frames of its coroutines: where each stands, and with
which values. Fences and versions are replaced by their rank, and epochs by the fence that wrote them, as only their
order matters; sentences, times and digests are left out, as nothing is decided by them.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from enum import Enum
from types import CoroutineType, FrameType, FunctionType, GeneratorType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from relocate.activities.orders import Order, RecordOrder, Start, Steered, Written
from relocate.model.application import Application
from relocate.model.evidence import Claim
from relocate.model.told import Told
from relocate.targets.contract import Decision
from relocate.workflow.undo import Undo
from steering.model import Backend, Fence, RouteDocument
from tests.modelcheck.world import Gateway

if TYPE_CHECKING:
    from tests.modelcheck.machine import Attempt, Machine

LONGEST_NAME = 24
"""A longer text is a sentence."""


def fingerprint(machine: "Machine") -> Hashable:
    """The state of an execution, without its budgets."""
    names = _Names(machine)
    workflow, world = machine.workflow, machine.world
    return (
        machine.run_number,
        machine.outcome if machine.main.done() else None,
        (machine.cancelled, machine.too_late, machine.judged, machine.held_in),
        tuple(_stack(task.get_coro(), names) for task in machine.loop.tasks if not task.done()),
        _workflow(workflow, names),
        tuple((one.name, one.cancel_requested) for one in machine.loop.pending),
        None if machine.attempt is None else _attempt(machine.attempt, names),
        tuple(sorted((_attempt(one, names) for one in machine.late), key=repr)),
        names.fence(world.fence),
        tuple(sorted(world.instances.items())),
        tuple(sorted((*key, names.fence(fence)) for key, fence in _cluster_fences(world).items())),
        tuple(sorted((name, one.instance, one.active) for name, one in world.placements.items())),
        tuple(_gateway(gateway, names) for gateway in world.gateways),
        _facts(world),
    )


class _Names:
    """Fences by rank, and epochs by the rank of the fence that wrote them."""

    def __init__(self, machine: "Machine") -> None:
        move = machine.workflow._move
        lease = move.start.lease
        found = {machine.world.fence, (lease, move._sequence)}
        found |= {self._epoch_fence(epoch) for epoch in move.written.epochs.values()}
        found |= set(_cluster_fences(machine.world).values())
        for gateway in machine.world.gateways:
            for row in gateway._rows.values():
                found.add((row.fence.lease, row.fence.sequence))
            for epoch in _epochs(gateway):
                found.add(self._epoch_fence(epoch))
        for attempt in [*machine.late, *([machine.attempt] if machine.attempt else [])]:
            if isinstance(attempt.pending.order, Order):
                fence = attempt.pending.order.fence
                found.add((fence.lease, fence.sequence))
        self._ranks = {fence: rank for rank, fence in enumerate(sorted(found))}
        self.tokens = {token: side for side, token in move._tokens.items()}

    @staticmethod
    def _epoch_fence(epoch: str) -> tuple[int, int]:
        parts = epoch.split(".")
        return (int(parts[1]), int(parts[2])) if len(parts) == 3 else (-1, -1)

    def fence(self, fence: tuple[int, int]) -> int:
        return self._ranks.get(fence, -1)

    def epoch(self, epoch: str | None) -> int | None:
        return None if epoch is None else self._ranks.get(self._epoch_fence(epoch), -2)


def _cluster_fences(world: Any) -> dict[tuple[str, str], tuple[int, int]]:
    """The fence that each cluster has seen for each instance."""
    return {
        (cluster, instance): (fence.lease, fence.sequence)
        for cluster, fences in world.fences.items()
        for (_, instance), fence in fences._seen.items()
    }


def _epochs(gateway: Gateway) -> Iterable[str]:
    for row in gateway._rows.values():
        if row.document is not None:
            yield row.document.epoch
    for instance in gateway._instances.values():
        for applied in instance.routes.values():
            if applied.document is not None:
                yield applied.document.epoch
        for coming in instance.coming:
            if coming[3] is not None:
                yield coming[3].epoch


def _facts(world: Any) -> Hashable:
    return (
        world.holder,
        world.refuses_evidence,
        world.few_samples,
        world.frozen,
        world.streams,
        world.cut_off,
        world.located,
        any((key, version) not in world.allowed for key, version in world.shown),
        _theirs_allowed(world),
        world.abandoned,
        world.true_source,
        world.true_target,
        world.true_baked,
        world.true_forced,
        world.true_checked,
        world.true_settled,
        frozenset(world.true_removed),
        frozenset(world.true_made),
        frozenset(world.true_errors),
        frozenset(world.true_once),
        tuple(sorted(world.true_passed.items())),
        tuple(sorted(world.true_drained.items())),
    )


def _theirs_allowed(world: Any) -> Hashable:
    versions = [(f"{one.name}/{world.route.name}", str(one.row(world.route.name).version)) for one in world.gateways]
    return tuple((version in world.shown, version in world.allowed) for version in versions)


def _gateway(gateway: Gateway, names: _Names) -> Hashable:
    versions = {row.version for row in gateway._rows.values()}
    for instance in gateway._instances.values():
        for applied in instance.routes.values():
            versions |= {applied.version, applied.acknowledged, applied.rejected}
        versions |= {coming[2] for coming in instance.coming}
    rank = {version: number for number, version in enumerate(sorted(versions))}
    rows = tuple(
        (name, rank[row.version], names.fence((row.fence.lease, row.fence.sequence)), _document(row.document, names))
        for name, row in gateway._rows.items()
    )
    instances = tuple(
        (
            found.deaf,
            found.dead,
            tuple(
                (rank[one.version], rank[one.acknowledged], rank[one.rejected], _document(one.document, names))
                for one in found.routes.values()
            ),
            tuple((due, rank[version], _document(document, names)) for due, _, version, document in found.coming),
            tuple(sorted((side, count) for (_, side), count in found.streams.items() if count)),
        )
        for found in gateway._instances.values()
    )
    faults = (*gateway.lagging, 1, *gateway.refusals, 2, *gateway.uncounted, 3, *gateway.stale)
    return rows, instances, faults


def _document(document: RouteDocument | None, names: _Names) -> Hashable:
    if document is None:
        return None
    return (
        names.epoch(document.epoch),
        tuple(document.weights.items()),
        document.failover,
        tuple((path.backend, path.token in names.tokens) for path in document.probe_paths),
        tuple(one.instance for one in document.backends),
    )


def _attempt(attempt: "Attempt", names: _Names) -> Hashable:
    order = attempt.pending.order
    held = attempt.steps.gi_frame
    return (
        attempt.name,
        attempt.at,
        attempt.waits,
        attempt.pending.cancel_requested,
        _value(order, names),
        _value(attempt.result, names),
        None if held is None else _locals(held, names),
    )


def _workflow(workflow: Any, names: _Names) -> Hashable:
    move, desk, back, view = workflow._move, workflow._desk, workflow._back, workflow._journal.view
    return (
        (
            workflow.runbook.comparison._watch is None,
            workflow.runbook.comparison._alone,
            workflow.runbook.past_return,
            workflow.runbook._drained is None,
            workflow.runbook._cut,
        ),
        (
            _value(move.source, names),
            _value(move.target, names),
            bool(move.accepted),
            None if move.made is None else move.made["cluster"],
            tuple(sorted(where["cluster"] for where in move._doomed)),
            move._target_weight,
            names.fence((move.start.lease, move._sequence)),
            tuple(sorted(names.tokens.values())),
            move._expiry is None,
            _value(move.written, names),
        ),
        (
            desk.cancelled_by is None,
            desk.held_by is None,
            desk.asks_for,
            None if desk._answer is None else (desk._answer.command, desk._answer.cluster),
        ),
        tuple(step.phase for step in back.steps._steps),
        (view.status, view.phase, view.point_of_no_return, tuple(step.state for step in view.steps)),
    )


def _stack(coroutine: Any, names: _Names) -> Hashable:
    """Where a coroutine stands, and all that it waits for."""
    frames: list[Hashable] = []
    while True:
        if isinstance(coroutine, CoroutineType) and coroutine.cr_frame is not None:
            frame = coroutine.cr_frame
            frames.append((frame.f_code.co_name, frame.f_lasti, _locals(frame, names)))
            coroutine = coroutine.cr_await
        elif isinstance(coroutine, GeneratorType):
            coroutine = coroutine.gi_yieldfrom
        else:
            return tuple(frames)


def _locals(frame: FrameType, names: _Names) -> Hashable:
    return tuple((name, _value(value, names)) for name, value in frame.f_locals.items())


def _value(value: Any, names: _Names) -> Hashable:
    kind = type(value)
    if kind in _PLAIN:
        return value
    known = _KNOWN.get(kind)
    if known is None:
        known = _KNOWN[kind] = next(handle for kinds, handle in _KINDS if issubclass(kind, kinds))
    return known(value, names)


def _text(value: str, _: _Names) -> Hashable:
    return value if len(value) <= LONGEST_NAME else "..."


def _model(value: BaseModel, names: _Names) -> Hashable:
    return type(value).__name__, tuple(
        _value(one, names) for name, one in value.__dict__.items() if name not in _DECIDES_NOTHING
    )


def _mapping(value: dict[Any, Any], names: _Names) -> Hashable:
    return tuple((_value(key, names), _value(one, names)) for key, one in value.items())


def _sequence(value: Iterable[Any], names: _Names) -> Hashable:
    return tuple(_value(one, names) for one in value)


_PLAIN = frozenset({type(None), bool, int})
_DECIDES_NOTHING = frozenset({"told", "sentence", "gate", "drain", "limits", "probe_expiry"})
_KINDS: tuple[tuple[Any, Callable[[Any, _Names], Hashable]], ...] = (
    (Enum, lambda value, _: value),
    (str, _text),
    ((float, datetime), lambda _, __: "a time"),
    ((Application, Start, Claim, Decision, RecordOrder, Told), lambda value, _: type(value).__name__),
    (Fence, lambda value, names: names.fence((value.lease, value.sequence))),
    (Backend, lambda value, _: (value.name, value.instance)),
    (RouteDocument, _document),
    (Written, lambda value, names: tuple(names.epoch(epoch) for epoch in value.epochs.values())),
    (Steered, lambda value, names: _value(value.written, names)),
    (BaseModel, _model),
    (BaseException, lambda value, names: (type(value).__name__, _value(value.__cause__, names))),
    ((list, tuple), _sequence),
    (dict, _mapping),
    (Undo, lambda value, _: value.phase),
    (FunctionType, lambda value, _: value.__name__),
    (asyncio.Future, lambda value, _: value.done()),
    (object, lambda value, _: type(value).__name__),
)
"""How a value is told from another of its kind; the first kind that fits."""
_KNOWN: dict[type, Callable[[Any, _Names], Hashable]] = {}
