# SPDX-License-Identifier: Apache-2.0
"""One figure of the benchmark, beside what it is compared with in the same run."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from relocate.demo.traffic.latency import quantile
from relocate.model.values import Payload


class Row(Payload):
    """One line of the table and of `build/bench.json`."""

    name: str
    """Which measurement it comes from: what `--only` takes."""
    what: str
    value: float | None
    """None: it could not be measured; `note` says why."""
    unit: str
    against: str = ""
    """What the reference is, in words."""
    reference: float | None = None
    ratio: float | None = None
    reach: str | None = None
    """What is to be reached; None: shown for orientation or comparison only."""
    ok: bool | None = None
    spread: str = ""
    note: str = ""


@dataclass(frozen=True)
class Reach:
    """A bound for a figure: on the ratio to its reference, or on the figure itself."""

    limit: float
    at_least: bool = False
    of_ratio: bool = True
    unit: str = ""

    def holds(self, figure: float) -> bool:
        """Whether it is reached."""
        return figure >= self.limit if self.at_least else figure <= self.limit

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{sign} {self.limit:g}{'x' if self.of_ratio else self.unit}"


def compared(
    name: str, what: str, *, value: float, reference: float, unit: str, against: str, reach: Reach | None
) -> Row:
    """A figure and its ratio to a reference of the same run; without a `reach` it is not judged.

    Raises:
        ValueError: the reference is nothing that one could divide by.
    """
    if reference <= 0:
        raise ValueError(f"{what}: {against} was measured as {reference:g} {unit}; there is no ratio to that")
    ratio = value / reference
    return Row(
        name=name,
        what=what,
        value=value,
        unit=unit,
        against=against,
        reference=reference,
        ratio=ratio,
        reach=str(reach) if reach is not None else None,
        ok=reach.holds(ratio) if reach is not None else None,
    )


def unmeasured(name: str, what: str, error: Exception) -> Row:
    """A figure that could not be had, and why not."""
    return Row(
        name=name, what=what, value=None, unit="", note=f"could not be measured: {type(error).__name__}: {error}"
    )


@dataclass(frozen=True)
class Times:
    """Repeated measurements of one thing, in milliseconds."""

    each: Sequence[float]

    @property
    def p50(self) -> float:
        """The median.

        Raises:
            ValueError: nothing was measured.
        """
        if not self.each:
            raise ValueError("nothing was measured")
        return median(self.each)

    @property
    def spread(self) -> str:
        """The middle half and the worst, in words."""
        ordered = sorted(self.each)
        low, high = quantile(ordered, 0.25), quantile(ordered, 0.75)
        return f"{_short(low)}-{_short(high)}, worst {_short(ordered[-1] if ordered else None)}, n {len(ordered)}"


def timed(name: str, what: str, ours: Times, reference: Times, *, against: str, reach: Reach, note: str = "") -> Row:
    """Medians compared, with both spreads."""
    row = compared(name, what, value=ours.p50, reference=reference.p50, unit="ms", against=against, reach=reach)
    return row.model_copy(update={"spread": f"{ours.spread} | {reference.spread}", "note": note})


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
