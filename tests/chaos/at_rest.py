# SPDX-License-Identifier: Apache-2.0
"""What must be true of an application between two relocations, whatever has happened before."""

import ssl
from collections.abc import Sequence

import httpx

from relocate.clusters.contract import InstanceState
from relocate.demo import site
from relocate.demo.system import System
from relocate.parts import Parts
from tests.chaos.observer import Observer

ASKED = 3
"""Fresh connections through each gateway instance."""
ANSWER_SECONDS = 3.0


class AtRest:
    """Looks at one application from every side."""

    def __init__(self, system: System, parts: Parts, observer: Observer, application: str) -> None:
        """Args: system, parts: where one looks; observer: who asks the clusters; application: which."""
        self._system = system
        self._parts = parts
        self._observer = observer
        self._application = application

    async def why_not(self, *, serves: bool = True) -> str | None:
        """What is not as it must be, or None.

        Args:
            serves: False for an application whose only instance we killed for good: it cannot answer.
        """
        placed = self._parts.database.placements.of(self._application)
        if [one.active for one in placed] != [True]:
            told = ", ".join(f"{one.instance} on {one.cluster} (active: {one.active})" for one in placed)
            return f"one active placement is due; there are: {told or 'none'}"
        here = placed[0]
        holder = self._parts.database.leases.holder(self._application)
        if holder is not None:
            return f"the lease is still held by {holder}"
        return (
            await self._why_document(here.cluster)
            or await self._why_instances(here.cluster, here.instance, serves=serves)
            or (await self._why_answers(here.cluster) if serves else None)
        )

    async def _why_document(self, cluster: str) -> str | None:
        state = await (await self._parts.adapter(site.GATEWAY)).read(self._application)
        if state is None:
            return "it has no route"
        document = state.document
        if document.weights != {cluster: 100}:
            return f"the weights are {document.weights}, and it is placed on {cluster}"
        if document.probe_paths:
            return f"{len(document.probe_paths)} probe paths are left"
        return "the route still names a fall-back" if document.failover else None

    async def _why_instances(self, cluster: str, instance: str, *, serves: bool) -> str | None:
        for name in self._system.ports.clusters:
            found = await self._observer.instances(name, self._application)
            if found is None:
                return f"the agent of {name} does not answer"
            orphans = [one.instance for one in found if (name, one.instance) != (cluster, instance)]
            if orphans:
                return f"left on {name}: {', '.join(orphans)}"
            states = [one.state for one in found]
            if name == cluster and serves and states != [InstanceState.RUNNING]:
                return f"{instance} on {cluster} is {', '.join(states) or 'not there'}"
        return None

    async def _why_answers(self, cluster: str) -> str | None:
        for instance in site.INSTANCES:
            answers = await asked(self._system, self._application, instance)
            if set(answers) != {cluster}:
                return f"through {instance} it is answered by {answers}, and it is placed on {cluster}"
        return None


async def asked(system: System, application: str, instance: str, count: int = ASKED) -> Sequence[str]:
    """Who answers fresh requests through one gateway instance; an error stands as what it was."""
    context = ssl.create_default_context(cafile=str(system.certificates.ca))
    url, host = f"https://127.0.0.1:{system.ports.listeners[instance]}/whoami", site.host_of(application)
    answers: list[str] = []
    for _ in range(count):
        try:
            async with httpx.AsyncClient(verify=context, trust_env=False, timeout=ANSWER_SECONDS) as client:
                answer = await client.get(url, headers={"host": host}, extensions={"sni_hostname": host})
        except httpx.HTTPError as error:
            answers.append(type(error).__name__)
        else:
            answers.append(str(answer.json()["cluster"]) if answer.is_success else f"status {answer.status_code}")
    return answers
