# SPDX-License-Identifier: Apache-2.0
"""EMCO's names for what is configured here: which application is meant, and which cluster."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from relocate.checking import checked
from relocate.errors import NotFound
from relocate.model.application import Application
from relocate.model.cluster import Cluster
from relocate.model.values import Model, Name, Payload

KIND = "emco"
"""Among an application's workloads: what it is in EMCO. As a cluster's driver: EMCO runs it, and its settings say what it is there."""
PROVIDER, CLUSTER = "emco-provider", "emco-cluster"
"""Labels of any other cluster: its provider in EMCO, and its name there, if that is another one than here."""


class ServicePort(Model):
    """A port of a Service of one of the apps."""

    service: str = Field(min_length=1, max_length=63)
    port: Annotated[str, Field(min_length=1, max_length=63)] | Annotated[int, Field(ge=1, le=65535)]
    """Name or number."""


class EmcoWorkload(Model):
    """What an application is in EMCO."""

    project: str = Field(min_length=1, max_length=128)
    composite_app: str = Field(min_length=1, max_length=128)
    composite_app_version: str = Field(min_length=1, max_length=128)
    deployment_intent_group: str = Field(min_length=1, max_length=128)
    apps: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=128)
    """Those of the group that make up this application, and move together; not given: all of it."""
    ports: dict[Name, ServicePort] = Field(default_factory=dict, max_length=16)
    """By the route's port name, for a companion that sees Services. What is not named is the one Service port of that name."""


class Wanted(Payload):
    """Who should move where, in EMCO's words."""

    project: str
    composite_app: str
    composite_app_version: str
    deployment_intent_group: str
    app: str | None
    """None: every application of the group."""
    provider: str
    cluster: str

    @classmethod
    def of(cls, params: Mapping[str, str]) -> "Wanted":
        """What the parameters of a workflow say."""
        return cls(
            project=params["project"],
            composite_app=params["compositeApp"],
            composite_app_version=params["compositeAppVersion"],
            deployment_intent_group=params["deploymentIntentGroup"],
            app=params.get("targetAppName") or None,
            provider=params["targetClusterProvider"],
            cluster=params["targetClusterName"],
        )

    def applications(self, configured: Sequence[Application]) -> Sequence[str]:
        """Names of those that are meant, in the order of their names; what EMCO writes in other capitals is the same.

        Raises:
            NotFound: none is.
            InvalidRequest: an application says of itself in EMCO what makes no sense.
        """
        found = [one.name for one in configured if KIND in one.workloads and self._means(_workload(one))]
        if not found:
            app = f" with the app {self.app}" if self.app else ""
            group = f"{self.project}/{self.composite_app}/{self.composite_app_version}/{self.deployment_intent_group}"
            raise NotFound(f"no application is configured as EMCO's {group}{app} (workloads.{KIND})")
        return found

    def target(self, configured: Sequence[Cluster]) -> str:
        """Name of the cluster that is meant.

        Raises:
            NotFound: none is, or more than one.
        """
        found = [one.name for one in configured if self._is(one)]
        if len(found) != 1:
            several = f"{', '.join(found)} are all" if found else "no cluster is"
            raise NotFound(
                f"{several} configured as EMCO's {self.provider}+{self.cluster} "
                f"(settings of driver {KIND}, or labels {PROVIDER} and {CLUSTER})"
            )
        return found[0]

    def _means(self, workload: EmcoWorkload) -> bool:
        theirs = workload.model_dump(exclude={"apps", "ports"})
        if theirs != self.model_dump(include=set(theirs)):
            return False
        if self.app is None or workload.apps is None:
            return True
        return self.app.lower() in (app.lower() for app in workload.apps)

    def _is(self, cluster: Cluster) -> bool:
        if cluster.driver == KIND:
            return (cluster.settings["provider"], cluster.settings["cluster"]) == (self.provider, self.cluster)
        named = cluster.labels.get(CLUSTER, cluster.name)
        return (cluster.labels.get(PROVIDER), named) == (self.provider, self.cluster)


def _workload(application: Application) -> EmcoWorkload:
    return checked(EmcoWorkload, application.workloads[KIND], at=f"{application.name}.workloads.{KIND}")
