# SPDX-License-Identifier: Apache-2.0
"""What EMCO is asked stands on the page of its wire, and nothing else is."""

import re
from pathlib import Path

from relocate.clusters.contract import InstanceState
from tests.clusters.emco.world import GROUP, World, is_gone, labelled, reaches, workload

PAGE = Path(__file__).resolve().parents[3] / "docs/reference/emco.md"
HOLES = ("CONTEXT", "GPI", "INTENT", "LABEL", "PROVIDER", "CLUSTER")


def _shapes() -> dict[str, re.Pattern[str]]:
    """Requests of the page, each as a pattern."""
    table = PAGE.read_text().partition("| request | when |")[2]
    shapes = {}
    for said in re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE):
        text = re.escape(said.replace(" G/", f" {GROUP}/"))
        for hole in HOLES:
            text = re.sub(rf"\b{hole}\b", "[^/&]+", text)
        shapes[said] = re.compile(text)
    return shapes


async def test_nothing_is_asked_that_the_page_does_not_say(emco: World) -> None:
    """A plan, an adoption, a move by a label and its end without a companion ask all of it, and no more."""
    await emco.begin(intent={"allOf": labelled("edge")})
    source, target = (emco.driver(one, companion=None) for one in (emco.b, emco.a))
    emco.asked.clear()
    await target.plan(workload())
    await source.adopt(workload("shop-0"), emco.fence())
    await target.deploy(workload(), emco.fence())
    await reaches(target, InstanceState.RUNNING)
    await source.remove("shop", "shop-0", emco.fence())
    await is_gone(source, "shop-0")
    seen = {one: [said for said, shape in _shapes().items() if shape.fullmatch(one)] for one in emco.asked}
    assert [one for one, rows in seen.items() if not rows] == []
    assert {said for rows in seen.values() for said in rows} == set(_shapes())
