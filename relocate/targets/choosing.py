# SPDX-License-Identifier: Apache-2.0
"""Asking a selector, with a fall-back for when it cannot be asked or answers nonsense."""

from typing import Literal

from relocate.targets import load
from relocate.targets.contract import Decision, Rejection, SelectionRequest, TargetSelector
from relocate.targets.errors import SelectorFailed, SelectorNonsense
from relocate.targets.offer import why_nonsense

Fallback = Literal["fail", "builtin", "keep-current"]
"""`fail`: nothing is chosen; `builtin`: our own rules choose; `keep-current`: the application stays."""


async def choose(selector: TargetSelector, fallback: Fallback, request: SelectionRequest) -> Decision:
    """The selector's decision, checked against the offer; or the fall-back's, with the reason in `fallback`.

    Args:
        selector: whom to ask.
        fallback: what happens when it gives no decision that can be followed.
        request: the offer. Every candidate of it stands in the decision.
    """
    try:
        return await _sensible(selector, request)
    except SelectorFailed as error:
        return await _fall_back(fallback, request, str(error))


async def _sensible(selector: TargetSelector, request: SelectionRequest) -> Decision:
    decision = await selector.rank(request)
    wrong = why_nonsense(decision, request)
    if wrong is not None:
        raise SelectorNonsense(f"the answer of selector {decision.selector!r} makes no sense: {wrong}")
    return decision


async def _fall_back(fallback: Fallback, request: SelectionRequest, reason: str) -> Decision:
    if fallback == "builtin":
        decision = await load("builtin").open({}).rank(request)
        return decision.model_copy(update={"fallback": f"The built-in rules chose, because {reason}."})
    stays = fallback == "keep-current" and request.source is not None
    sentence = f"{request.source} is kept" if stays else "No target was chosen"
    said = f"{sentence} (policy {fallback}), because {reason}."
    left = tuple(Rejection(cluster=found.cluster, reasons=("it was not judged",)) for found in request.candidates)
    return Decision(selector=fallback, rejected=left, keep_current=stays, sentence=said, fallback=said)
