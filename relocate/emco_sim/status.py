# SPDX-License-Identifier: Apache-2.0
"""`GET .../status` of a deployment intent group, in its real shape and with its real traps.

A filter that matches nothing leaves nothing that is not ready: then `readyStatus` is `Ready`. So it is right after an update as well,
and `resource=` is compared with names of resources, never with their kinds.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

from relocate.emco_sim.errors import Refused
from relocate.emco_sim.group import Context, State
from relocate.emco_sim.placement import Cluster


class Seen(NamedTuple):
    """What a cluster's monitor says of one application there."""

    ready: bool
    present: bool
    """False: the monitor does not know it, or there is no monitor."""
    reachable: bool = True


@dataclass(frozen=True)
class Query:
    """What is asked for."""

    status: str = "deployed"
    """`deployed` or `ready`."""
    output: str = "all"
    """`summary` or `all`."""
    apps: Collection[str] = ()
    clusters: Collection[str] = ()
    """As `provider+cluster`."""
    resources: Collection[str] = ()

    @classmethod
    def read(cls, given: Sequence[tuple[str, str]]) -> "Query":
        """From the query's parameters. Raises Refused."""
        single = {"status": "deployed", "output": "all"}
        many: dict[str, list[str]] = {"app": [], "cluster": [], "resource": []}
        for name, value in given:
            if name in many:
                many[name].append(value)
            elif name in single:
                single[name] = value
            elif name != "instance":
                raise Refused(HTTPStatus.BAD_REQUEST, f"Invalid query parameter: {name}")
        if single["status"] not in ("deployed", "ready") or single["output"] not in ("summary", "all", "detail"):
            raise Refused(HTTPStatus.BAD_REQUEST, "Invalid query")
        return cls(single["status"], single["output"], many["app"], many["cluster"], many["resource"])


def deployed_status(context: Context, state: State) -> str:
    """What has become of a context, in one word."""
    if context.failed:
        return "UpdatedFailed" if context.superseded else "InstantiateFailed"
    if state is State.TERMINATED and context.terminating:
        return "Terminated" if context.deleted >= context.applied else "Terminating"
    if context.superseded:
        return "Updated"
    return "Instantiated" if context.applied >= context.wanted else "Instantiating"


def status(context: Context, state: State, query: Query, seen: Mapping[tuple[str, Cluster], Seen]) -> Mapping[str, Any]:
    """The part of the answer that comes from a context.

    Raises:
        Refused: an application is asked for that is not in it.
    """
    unknown = set(query.apps) - set(context.placement)
    if unknown:
        raise Refused(HTTPStatus.BAD_REQUEST, f"App(s) {', '.join(sorted(unknown))} not found in the AppContext")
    field = f"{query.status}Status"
    counts: Counter[str] = Counter()
    apps: list[Mapping[str, Any]] = []
    for app in sorted(query.apps or context.placement):
        clusters = []
        for cluster in sorted(context.placement[app]):
            if query.clusters and str(cluster) not in query.clusters:
                continue
            here = seen.get((app, cluster), Seen(ready=False, present=False))
            of_each = _ready(here) if query.status == "ready" else _deployed(context, app, cluster)
            listed = [each for each in _resources(app) if not query.resources or each["name"] in query.resources]
            counts.update(of_each for _ in listed)
            clusters.append(
                {
                    "clusterProvider": cluster.provider,
                    "cluster": cluster.name,
                    "connectivity": "Available" if here.reachable else "Retrying",
                    "resources": [{**each, field: of_each} for each in listed],
                }
            )
        if clusters:
            apps.append({"name": app, "clusters": clusters})
    found: dict[str, Any] = {"deployedStatus": deployed_status(context, state)}
    if query.status == "ready":
        found["readyStatus"] = "Ready" if not counts["NotReady"] + counts["NotPresent"] else "NotReady"
    found[f"{query.status}Counts"] = dict(counts)
    return found if query.output == "summary" else found | {"apps": apps}


def _resources(app: str) -> Sequence[Mapping[str, Any]]:
    return [
        {"GVK": {"Group": "apps", "Version": "v1", "Kind": "Deployment"}, "name": f"r1-{app}"},
        {"GVK": {"Group": "", "Version": "v1", "Kind": "Service"}, "name": f"{app}-service"},
    ]


def _ready(seen: Seen) -> str:
    if not seen.present:
        return "NotPresent"
    return "Ready" if seen.ready else "NotReady"


def _deployed(context: Context, app: str, cluster: Cluster) -> str:
    if (app, cluster) in context.deleted:
        return "Deleted"
    return "Applied" if (app, cluster) in context.applied else "Pending"
