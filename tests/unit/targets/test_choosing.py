# SPDX-License-Identifier: Apache-2.0
import pytest

from relocate.targets.choosing import choose
from relocate.targets.contract import Decision, Ranked, Rejection
from relocate.targets.errors import SelectorUnreachable
from relocate.targets.memory import MemorySelector


@pytest.fixture
def asked(candidate, offer):
    """Where the application runs, one to move to, and one that is cordoned."""
    return offer(
        candidate("mec-a", latency_ms=90.0), candidate("mec-b", latency_ms=1.0), candidate("mec-c", cordoned=True)
    )


def ranking(*names, rejected=("mec-a", "mec-c"), score=1.0, **more):
    """A decision for those names."""
    return Decision(
        selector="memory",
        ranked=tuple(Ranked(cluster=name, score=score) for name in names),
        rejected=tuple(Rejection(cluster=name, reasons=("so",)) for name in rejected),
        **more,
    )


async def test_sensible_answer_is_followed(asked):
    """A decision that fits the offer comes back as it is."""
    answer = ranking("mec-b")
    selector = MemorySelector([answer])
    assert await choose(selector, "fail", asked) == answer
    assert selector.asked == [asked]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ranking("mec-b", "mec-z"), "names what was not offered: mec-z"),
        (ranking("mec-b", "mec-b"), "names twice: mec-b"),
        (ranking("mec-b", rejected=("mec-a", "mec-b", "mec-c")), "names twice: mec-b"),
        (ranking("mec-b", rejected=("mec-a",)), "says nothing of: mec-c"),
        (ranking("mec-b", "mec-c", rejected=("mec-a",)), "ranks a cordoned cluster: mec-c"),
        (ranking("mec-a", "mec-b", rejected=("mec-c",)), "ranks the current cluster: mec-a"),
        (ranking("mec-b", score=float("nan")), "scores with no number: mec-b"),
    ],
)
async def test_nonsense_is_not_followed(asked, answer, reason):
    """An answer that contradicts the offer leads to the fall-back, and its fault is told."""
    decision = await choose(MemorySelector([answer]), "fail", asked)
    assert decision.ranked == ()
    assert decision.fallback is not None
    assert reason in decision.fallback


async def test_nothing_can_be_kept_where_nothing_runs(candidate, offer):
    """Keeping the current cluster makes no sense without one."""
    answer = ranking("mec-b", rejected=(), keep_current=True)
    decision = await choose(MemorySelector([answer]), "fail", offer(candidate("mec-b"), source=None))
    assert "there is none" in (decision.fallback or "")


async def test_builtin_rules_step_in(asked):
    """With policy builtin our own rules choose, and the decision says why it is not the selector's."""
    decision = await choose(MemorySelector([SelectorUnreachable("nobody is there")]), "builtin", asked)
    assert decision.ranked[0].cluster == "mec-b"
    assert decision.selector == "builtin"
    assert decision.fallback == "The built-in rules chose, because nobody is there."


async def test_current_is_kept(asked):
    """With policy keep-current the application stays."""
    decision = await choose(MemorySelector(fault="unreachable"), "keep-current", asked)
    assert decision.keep_current
    assert decision.ranked == ()
    assert decision.sentence.startswith("mec-a is kept (policy keep-current), because")
    assert len(decision.rejected) == 3


async def test_fail_chooses_nothing(asked):
    """With policy fail nothing is chosen, every candidate is accounted for, and nothing is kept by choice."""
    decision = await choose(MemorySelector(fault="nonsense"), "fail", asked)
    assert not decision.keep_current
    assert {each.cluster for each in decision.rejected} == {"mec-a", "mec-b", "mec-c"}
    assert decision.fallback == decision.sentence


async def test_script_ends_in_ranking_by_name(asked):
    """The scripted selector ranks what may be chosen by name when its script is over."""
    decision = await choose(MemorySelector.open({}), "fail", asked)
    assert [each.cluster for each in decision.ranked] == ["mec-b"]
    assert decision.fallback is None
