# SPDX-License-Identifier: Apache-2.0
"""Whatever happens, in whatever order: a conversation looks only at routes of which there is news, and misses nothing."""

from datetime import UTC, datetime

from hypothesis import given, note, settings, strategies as st

from steering.envoy.plan import GatewayPlan, plan_gateway
from steering.envoy.xds import RDS, route_version
from steering.model import RouteDocument
from steering.store.routes import StoredRoute
from tests.unit.steering.documents import SETTINGS, document, fence
from tests.unit.steering.envoy import Envoy

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ROUTES = ("game", "shop")
REFUSABLE = ("shop", "shop/http/a", "game/http/b", "relocate")
LONG = 60.0
"""Longer than any cluster lingers."""

STEPS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(ROUTES), st.integers(0, 4)),
    st.tuples(st.just("remove"), st.sampled_from(ROUTES)),
    st.tuples(st.just("listen")),
    st.tuples(st.just("answer"), st.integers(1, 3)),
    st.tuples(st.just("settle")),
    st.tuples(st.just("wait"), st.sampled_from((1.0, 16.0))),
    st.tuples(st.just("reconnect")),
)
REFUSALS = st.one_of(
    st.tuples(st.just("refuse"), st.sampled_from(REFUSABLE)),
    st.tuples(st.just("relent")),
)


class Story:
    """A database, and one Envoy that is told what stands in it."""

    def __init__(self) -> None:
        """Both begin empty."""
        self.stored: dict[str, StoredRoute] = {}
        self.plan = GatewayPlan(SETTINGS)
        self.envoy = Envoy()

    def step(self, what: str, *details: object) -> None:
        """Let one thing happen."""
        note(f"{what} {details}")
        getattr(self, what)(*details)

    def write(self, route: str, variant: int) -> None:
        """Replace a route's document."""
        self._store(route, _document(route, variant, self._version(route)))

    def remove(self, route: str) -> None:
        """Take a route away, if there ever was one."""
        if route in self.stored:
            self._store(route, None)

    def listen(self) -> None:
        """Messages are sent and not yet read."""
        self.envoy.listen(self.plan)

    def answer(self, count: int) -> None:
        """Some of them are read and answered."""
        self.envoy.answer(count)

    def settle(self) -> None:
        """Everything is said and answered."""
        self.envoy.exchange(self.plan)

    def wait(self, seconds: float) -> None:
        """Time goes by."""
        self.envoy.now += seconds

    def reconnect(self) -> None:
        """The connection breaks, and what was on its way is lost."""
        self.envoy = Envoy(self.envoy)

    def refuse(self, name: str) -> None:
        """From now on the Envoy refuses this resource."""
        self.envoy.refuses[name] = "no"

    def relent(self) -> None:
        """It refuses nothing any more."""
        self.envoy.refuses.clear()

    def end(self) -> None:
        """Everything is said and answered, and nothing lingers."""
        self.settle()
        self.wait(LONG)
        self.settle()

    def _version(self, route: str) -> int:
        return self.stored[route].version + 1 if route in self.stored else 1

    def _store(self, route: str, wanted: RouteDocument | None) -> None:
        self.stored[route] = StoredRoute(route, self._version(route), fence(1), wanted)
        self.plan = plan_gateway(SETTINGS, self.stored, {}, NOW, earlier=self.plan)


def _document(route: str, variant: int, version: int) -> RouteDocument:
    weights = ({"a": 100}, {"a": 50, "b": 50}, {"a": 0, "b": 100}, {"b": 100}, {"a": 100})[variant]
    host = f"{'other' if variant == len(ROUTES) else route}.{route}.example"
    return document(weights, route=route, hosts=(host,), failover=variant == 1, epoch=f"e{version}")


def _complete(story: Story) -> None:
    """Another connection, which looks at everything, has nothing to add; every route is where it shall be."""
    afresh = plan_gateway(SETTINGS, story.stored, {}, NOW)
    again = Envoy(story.envoy)
    again.exchange(afresh)
    again.now += LONG
    again.exchange(afresh)
    assert [entry for entry in again.log if entry[1] or entry[2]] == []
    held = {route: route_version(version) for route, version in story.envoy.versions(RDS).items()}
    assert held == {name: one.version for name, one in story.stored.items() if one.document is not None}


@settings(deadline=None)
@given(st.lists(STEPS, max_size=25))
def test_nothing_is_left_unsaid(steps: list[tuple[object, ...]]) -> None:
    """After any story an Envoy holds exactly what another connection would give it."""
    story = Story()
    for what, *details in steps:
        story.step(str(what), *details)
    story.end()
    _complete(story)


@settings(deadline=None)
@given(st.lists(st.one_of(STEPS, REFUSALS), max_size=25))
def test_refusals_are_forgotten_with_the_next_version(steps: list[tuple[object, ...]]) -> None:
    """Whatever was refused: once the Envoy relents, the next version of each route reaches it."""
    story = Story()
    for what, *details in steps:
        story.step(str(what), *details)
    story.end()
    story.relent()
    for route, one in list(story.stored.items()):
        if one.document is not None:
            story.write(route, 0)
    story.end()
    _complete(story)
