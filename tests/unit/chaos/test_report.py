# SPDX-License-Identifier: Apache-2.0
"""The report names each violation, and how to repeat it."""

from relocate.demo.traffic.plan import Protocol
from tests.chaos.actors import Struck
from tests.chaos.losses import Loss, Why
from tests.chaos.report import Run, body, coverage
from tests.chaos.schedule import Deed, Strike, Victim, plan
from tests.chaos.tenant import Moved

STRIKE = Strike(Victim.API, Deed.KILL, "bake", 0.5, 1.0, 0.1)


def run(*moved: Moved) -> Run:
    """A run of seed 9."""
    return Run(seed=9, relocations=3, applications=2, rate=8, moved=list(moved), sent=100)


def loss(why: Why) -> Loss:
    """One lost request."""
    return Loss(1, 2, "edge-1", Protocol.HTTP1, "failed", "status 503", why)


def test_a_run_that_broke_nothing_has_passed() -> None:
    """Explained losses are counted, and are no violation."""
    found = run(Moved(plan(9, 0), "shop"))
    found.losses = [("shop", loss(Why.GATEWAY))]
    told = body(found)
    assert told["passed"]
    assert told["requests"] == {
        "sent": 100,
        "gateway": 1,
        "in_flight": 0,
        "outage": 0,
        "machine": 0,
        "unexplained": 0,
    }


def test_a_run_that_did_nothing_has_not_passed() -> None:
    """No relocation, or no request: then nothing was shown."""
    assert body(run())["violations"] == ["nothing was measured"]
    silent = run(Moved(plan(9, 0), "shop"))
    silent.sent = 0
    assert not body(silent)["passed"]


def test_every_kind_of_violation_fails_the_run_with_the_seed_that_repeats_it() -> None:
    """Of one relocation, of one request, of the field."""
    found = run(Moved(plan(9, 0), "shop", violations=["left on mec-a: shop-1"]))
    found.losses = [("shop", loss(Why.UNEXPLAINED))]
    found.broken = ["shop had no running instance anywhere"]
    told = body(found)
    assert not told["passed"]
    assert len(told["violations"]) == 3
    assert told["command"] == "python -m tests.chaos --relocations 3 --seed 9 --applications 2 --rate 8"


def test_the_coverage_counts_what_was_hit_by_the_phase_that_was_really_hit() -> None:
    """A strike that found nobody covers nothing."""
    hit, missed = Struck(STRIKE, "drain", "api was killed"), Struck(STRIKE, "bake", "nobody", hit=False)
    assert coverage([Moved(plan(9, 0), "shop", struck=[hit, hit, missed])]) == {"kill api": {"drain": 2}}
