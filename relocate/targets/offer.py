# SPDX-License-Identifier: Apache-2.0
"""The one check of any selector's answer against what it was offered."""

import math
from collections import Counter

from relocate.targets.contract import Decision, SelectionRequest


def why_nonsense(decision: Decision, request: SelectionRequest) -> str | None:
    """Why `decision` cannot be an answer to `request`, in words; None if it can."""
    ranked = [each.cluster for each in decision.ranked]
    rejected = [each.cluster for each in decision.rejected]
    offered = {found.cluster for found in request.candidates}
    cordoned = {found.cluster for found in request.candidates if found.cordoned}
    stated = Counter(ranked + rejected)
    findings = (
        ("names what was not offered", set(stated) - offered),
        ("names twice", {name for name, times in stated.items() if times > 1}),
        ("says nothing of", offered - set(stated)),
        ("ranks a cordoned cluster", cordoned & set(ranked)),
        ("ranks the current cluster", {request.source} & set(ranked)),
        ("scores with no number", {each.cluster for each in decision.ranked if not _finite(each.score, each.scores)}),
    )
    wrong = next(((what, names) for what, names in findings if names), None)
    if wrong is not None:
        return f"it {wrong[0]}: {', '.join(sorted(map(str, wrong[1])))}"
    if decision.keep_current and request.source is None:
        return "it keeps the current cluster, and there is none"
    return None


def _finite(score: float, scores: dict[str, float]) -> bool:
    return all(math.isfinite(value) for value in (score, *scores.values()))
