# SPDX-License-Identifier: Apache-2.0
"""Between our selection requests and decisions, and the messages of `relocator/v1`."""

from datetime import timedelta

from relocate.targets.contract import Candidate, Decision, Ranked, Rejection, SelectionRequest
from relocate.targets.errors import SelectorNonsense, SelectorUnreachable
from relocate.targets.protocol import (
    App,
    Cell,
    Device,
    Host,
    HostStatus,
    MeoOutcome,
    MeoRequest,
    MeoResponse,
    Metrics,
    Offered,
    RankedHost,
    Wanted,
)


def question(
    request: SelectionRequest, *, patience: timedelta, provider: str | None, weights: dict[str, float]
) -> MeoRequest:
    """The message that asks for `request`; the answer is waited for as long as `patience`."""
    source = None if request.source is None else Host(cluster=request.source, provider=provider)
    return MeoRequest(
        request_id=request.id,
        deadline=request.now + patience,
        app=App(name=request.application, requirements=Wanted(**request.requirements.model_dump())),
        ue=Device(cell=None if request.cell is None else Cell(id=request.cell)),
        source=source,
        candidates=tuple(_offered(found, provider) for found in request.candidates),
        weights=weights,
    )


def decision(response: MeoResponse, request: SelectionRequest) -> Decision:
    """What `response` decides.

    The source, which a MEO may rank for comparison, moves to the rejected, and so does what the answer left out.

    Raises:
        SelectorNonsense: it answers another request, is out of date, or its outcome and its ranking disagree.
        SelectorUnreachable: it asks for more time.
    """
    if response.outcome is MeoOutcome.DEFER:
        after = response.retry_after_seconds
        raise SelectorUnreachable("the MEO defers its decision" + ("" if after is None else f" by {after:g} s"))
    wrong = _why_contradictory(response, request)
    if wrong is not None:
        raise SelectorNonsense(f"the answer of the MEO makes no sense: {wrong}")
    ranked = tuple(_ranked(each) for each in _movable(response, request))
    return Decision(
        selector="http",
        ranked=ranked,
        rejected=_rejected(response, request),
        keep_current=response.outcome is MeoOutcome.KEEP_CURRENT,
        sentence=_sentence(response),
    )


def _offered(candidate: Candidate, provider: str | None) -> Offered:
    return Offered(
        cluster=candidate.cluster,
        provider=provider,
        zones=() if candidate.zone is None else (candidate.zone,),
        cells=candidate.cells,
        labels=candidate.labels,
        status=_status(candidate),
        last_failed_at=candidate.failed_at,
        metrics=Metrics(
            latency_ms=candidate.latency_ms,
            cpu_free_millicores=candidate.cpu_free_millicores,
            memory_free_mib=candidate.memory_free_mib,
        ),
    )


def _status(candidate: Candidate) -> HostStatus:
    if candidate.cordoned:
        return HostStatus.CORDONED
    if candidate.ready is None:
        return HostStatus.UNKNOWN
    return HostStatus.ACTIVE if candidate.ready else HostStatus.UNREACHABLE


def _why_contradictory(response: MeoResponse, request: SelectionRequest) -> str | None:
    if response.request_id != request.id:
        return f"it answers request {response.request_id!r}, and was asked {request.id!r}"
    if response.valid_until is not None and response.valid_until <= request.now:
        return f"it was valid until {response.valid_until.isoformat()}"
    target = None if response.target is None else response.target.cluster
    return _why_outcome_differs(response.outcome, target, request.source, _movable(response, request))


def _why_outcome_differs(
    outcome: MeoOutcome, target: str | None, source: str | None, movable: list[RankedHost]
) -> str | None:
    ranked = [each.cluster for each in movable]
    match outcome:
        case MeoOutcome.SELECTED if target == source:
            return f"its target {target} is where the application runs now"
        case MeoOutcome.SELECTED if ranked[:1] != [target]:
            return f"its target is {target}, and first in its ranking is {ranked[0] if ranked else 'nothing'}"
        case MeoOutcome.KEEP_CURRENT if target not in {None, source}:
            return f"it keeps the current cluster, and its target is {target}"
        case MeoOutcome.NO_CANDIDATE if ranked:
            return f"it has no candidate, and ranks {', '.join(ranked)}"
    return None


def _movable(response: MeoResponse, request: SelectionRequest) -> list[RankedHost]:
    """The ranked clusters that one can move to; a target that stands alone is a ranking of one."""
    hosts = list(response.ranked)
    if not hosts and response.outcome is MeoOutcome.SELECTED and response.target is not None:
        hosts = [RankedHost(cluster=response.target.cluster, score=100.0)]
    return [each for each in hosts if each.cluster != request.source]


def _ranked(host: RankedHost) -> Ranked:
    return Ranked(cluster=host.cluster, score=host.score, scores=host.scores)


def _rejected(response: MeoResponse, request: SelectionRequest) -> tuple[Rejection, ...]:
    """What the MEO rejected, the source, and what it said nothing of."""
    said = tuple(
        Rejection(cluster=each.cluster, reasons=tuple(map(str, each.reasons)) or ("the MEO gave no reason",))
        for each in response.rejected
    )
    stated = {each.cluster for each in said} | {each.cluster for each in _movable(response, request)}
    left_out = sorted(found.cluster for found in request.candidates if found.cluster not in stated)
    return said + tuple(Rejection(cluster=name, reasons=(_why_left_out(name, response, request),)) for name in left_out)


def _why_left_out(cluster: str, response: MeoResponse, request: SelectionRequest) -> str:
    if cluster != request.source:
        return "the MEO said nothing of it"
    scored = next((f"; the MEO scores it {each.score:g}" for each in response.ranked if each.cluster == cluster), "")
    return f"the application runs here now{scored}"


def _sentence(response: MeoResponse) -> str:
    told = {
        MeoOutcome.SELECTED: f"The MEO chose {response.target.cluster if response.target else ''}",
        MeoOutcome.KEEP_CURRENT: "The MEO keeps the current cluster",
        MeoOutcome.NO_CANDIDATE: "The MEO finds no cluster that fits",
    }[response.outcome]
    known = {"decision": response.decision_id, "policy": response.policy_version}
    source = ", ".join(f"{what} {value}" for what, value in known.items() if value)
    return f"{told} ({source})." if source else f"{told}."
