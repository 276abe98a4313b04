# SPDX-License-Identifier: Apache-2.0
"""Answers through one gateway instance."""

from collections.abc import Sequence
from functools import lru_cache

from relocate.phases import proof
from tests.modelcheck.world import Gateway, World


def ask(world: World, gateway: Gateway, instance: str, count: int) -> Sequence[proof.Answer]:
    """Answers on fresh connections, shared out exactly as the weights say."""
    document = gateway.holds(instance, world.route.name)
    if document is None:
        return [answered(instance, None, None, "refuses connections")]
    answers: list[proof.Answer] = []
    for side, weight in document.weights.items():
        if not weight:
            continue
        answering, well = world.users_answer(instance, document, side)
        health = "healthy" if well else world.seen_from(instance, document, answering)
        one = answered(instance, document.epoch, answering, None if health == "healthy" else health)
        if one.failure is not None:
            return [*answers, one]
        answers += [one] * round(count * weight / 100)
    return answers


@lru_cache(maxsize=4096)
def answered(instance: str, epoch: str | None, side: str | None, failure: str | None) -> proof.Answer:
    """One answer."""
    return proof.Answer(instance=instance, epoch=epoch, side=side, failure=failure)
