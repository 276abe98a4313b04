# SPDX-License-Identifier: Apache-2.0
"""What the workflow measures. The SDK's meter says nothing while a history is replayed, so each figure is told once."""

from datetime import datetime

from temporalio import workflow

from relocate.model.relocation import Phase, StepState


def phase_ended(phase: Phase, state: StepState, began: datetime | None) -> None:
    """A phase has ended, done or failed."""
    if began is not None:
        taken = (workflow.now() - began).total_seconds()
        _seconds("relocate_phase_seconds", taken, {"phase": phase.value, "state": state.value})


def phase_undone(phase: Phase, began: datetime) -> None:
    """A phase has been undone; undoing it began then."""
    _seconds("relocate_undo_seconds", (workflow.now() - began).total_seconds(), {"phase": phase.value})


def cut(requests: int | None) -> None:
    """So many requests and streams were given up, at least."""
    if requests:
        workflow.metric_meter().create_counter("relocate_cut_requests").add(requests)


def _seconds(name: str, taken: float, labels: dict[str, str]) -> None:
    # A workflow's clock stands still during a task: what was done in one took no time.
    workflow.metric_meter().create_histogram_float(name, unit="s").record(max(0.0, taken), labels)
