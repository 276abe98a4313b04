# SPDX-License-Identifier: Apache-2.0
"""What a run found: for people, and as `build/chaos.json`."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from relocate.demo.traffic.latency import quantile
from tests.chaos.losses import Loss, Why
from tests.chaos.schedule import MOMENTS, UNDO
from tests.chaos.tenant import Moved

SHOWN = 20
"""Losses that are told one by one."""
COLUMNS = (*(str(moment) for moment in MOMENTS if moment not in ("any", UNDO)), "undoing", "needs_operator", "accepted")


@dataclass
class Run:
    """Everything of one run."""

    seed: int
    relocations: int
    applications: int
    rate: float
    moved: list[Moved] = field(default_factory=list)
    sent: int = 0
    losses: list[tuple[str, Loss]] = field(default_factory=list)
    """With the application's name."""
    ended: Mapping[str, int] = field(default_factory=dict)
    """Processes that ended although nobody killed them."""
    looks: int = 0
    stalls: int = 0
    broken: list[str] = field(default_factory=list)
    """Violations that belong to no single relocation."""
    seconds: float = 0.0

    @property
    def violations(self) -> Sequence[str]:
        """Every one, in words."""
        unexplained = [(name, loss) for name, loss in self.losses if loss.why is Why.UNEXPLAINED]
        return [
            *(["nothing was measured"] if not self.sent or not self.moved else []),
            *(f"relocation {one.plan.number} ({one.id}): {text}" for one in self.moved for text in one.violations),
            *(f"{name}: lost, and {loss.why}: {loss}" for name, loss in unexplained),
            *self.broken,
        ]

    @property
    def command(self) -> str:
        """What repeats it."""
        rest = f"--seed {self.seed} --applications {self.applications} --rate {self.rate:g}"
        return f"python -m tests.chaos --relocations {self.relocations} {rest}"


def body(run: Run) -> dict[str, Any]:
    """As JSON."""
    interventions = [one for moved in run.moved for one in moved.interventions]
    return {
        "format": "relocate-chaos/1",
        "command": run.command,
        "seed": run.seed,
        "passed": not run.violations,
        "violations": list(run.violations),
        "relocations": len(run.moved),
        "applications": run.applications,
        "seconds": round(run.seconds, 1),
        "seconds_of_one": durations(run.moved),
        "outcomes": dict(outcomes(run.moved)),
        "strikes": coverage(run.moved),
        "strikes_without_their_moment": sum(len(one.plan.strikes) - len(one.struck) for one in run.moved),
        "requests": {"sent": run.sent, **{why.name.lower(): count for why, count in _by_why(run).items()}},
        "losses": [{"application": name, "why": one.why.name.lower(), "what": str(one)} for name, one in run.losses],
        "interventions": [
            {"relocation": one.relocation, "status": one.status, "sentence": one.sentence, "answer": str(one.answer)}
            for one in interventions
        ],
        "ended_by_themselves": dict(run.ended),
        "looks_at_the_field": run.looks,
        "stalls_of_this_machine": run.stalls,
        "each": [_one(moved) for moved in run.moved],
    }


def write(run: Run, path: Path) -> None:
    """Write it as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body(run), indent=1) + "\n")


def outcomes(moved: Iterable[Moved]) -> Counter[str]:
    """How relocations ended."""
    return Counter(str(one.view.outcome) if one.view is not None else "did not end" for one in moved)


def durations(moved: Sequence[Moved]) -> dict[str, float]:
    """Median, 95th percentile and longest time of one relocation, in seconds."""
    ordered = sorted(one.seconds for one in moved)
    named = {"p50": quantile(ordered, 0.5), "p95": quantile(ordered, 0.95), "max": max(ordered, default=None)}
    return {name: round(value, 1) for name, value in named.items() if value is not None}


def coverage(moved: Iterable[Moved]) -> dict[str, dict[str, int]]:
    """Strikes that hit somebody: by victim and deed, by what the relocation was just doing."""
    found: dict[str, dict[str, int]] = {}
    for one in (struck for each in moved for struck in each.struck if struck.hit):
        row = found.setdefault(f"{one.strike.deed} {one.strike.victim}", {})
        row[one.phase] = row.get(one.phase, 0) + 1
    return dict(sorted(found.items()))


def show(run: Run, console: Console) -> None:
    """Tell it on the screen."""
    console.print(_table(run))
    told = ", ".join(f"{name} {count}" for name, count in sorted(outcomes(run.moved).items()))
    console.print(f"{len(run.moved)} relocations in {run.seconds:.0f} s, each {durations(run.moved)} s: {told}")
    by_why = _by_why(run)
    lost = "; ".join(f"{count} because {why}" for why, count in by_why.items() if count) or "none lost"
    console.print(f"{run.sent} requests: {lost}")
    answers = Counter(str(one.answer.command) for moved in run.moved for one in moved.interventions)
    console.print(f"the operator on call said: {dict(answers) or 'nothing'}")
    console.print(
        f"{run.looks} looks at the field; this machine stood still {run.stalls} times; "
        f"processes that ended by themselves: {dict(run.ended) or 'none'}"
    )
    for text in run.violations[:SHOWN]:
        console.print(f"VIOLATION {text}", style="bold red", markup=False)
    if run.violations:
        console.print(f"{len(run.violations)} violations; this repeats it: {run.command}", style="bold red")
    else:
        console.print(f"no invariant was broken (seed {run.seed})", style="bold green")


def _table(run: Run) -> Table:
    table = Table(title="strikes, by what the relocation was doing", title_justify="left")
    table.add_column("")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for what, row in coverage(run.moved).items():
        table.add_row(what, *(str(row.get(name, "")) for name in COLUMNS))
    return table


def _by_why(run: Run) -> dict[Why, int]:
    counted = Counter(loss.why for _, loss in run.losses)
    return {why: counted[why] for why in Why}


def _one(moved: Moved) -> dict[str, Any]:
    view = moved.view
    return {
        "number": moved.plan.number,
        "id": moved.id,
        "application": moved.application,
        "outcome": view.outcome if view else None,
        "sentence": view.sentence if view else "",
        "seconds": round(moved.seconds, 2),
        "strikes": [str(strike) for strike in moved.plan.strikes],
        "struck": [f"{one.phase}: {one.sentence}" for one in moved.struck],
        "answers": [str(one.answer) for one in moved.interventions],
        "violations": moved.violations,
    }
