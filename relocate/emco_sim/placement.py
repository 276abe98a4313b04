# SPDX-License-Identifier: Apache-2.0
"""From placement intents to clusters: pure, and as EMCO decides it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from relocate.emco_sim.errors import Refused

UNQUALIFIED = "The specified Logical Cloud doesn't provide the mandatory clusters"
"""What EMCO says to a cluster that is not in the logical cloud, and to one that is named twice."""


class Cluster(NamedTuple):
    """One cluster of one provider."""

    provider: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}+{self.name}"


Labelled = Callable[[str, str], Sequence[Cluster]]
"""Clusters of a provider that have a label."""

Placement = Mapping[str, frozenset[Cluster]]
"""Clusters by application."""


def placed(intents: Sequence[Mapping[str, Any]], known: Collection[Cluster], labelled: Labelled) -> Placement:
    """Where each application goes.

    Args:
        intents: app intents (`spec.app`, `spec.intent`), of every placement intent of the group.
        known: clusters of the logical cloud.
        labelled: finds clusters by label.

    Raises:
        Refused: a cluster is not known, or is named twice; or an application would be nowhere.
    """
    found: dict[str, list[Cluster]] = {}
    for spec in (intent["spec"] for intent in intents):
        wanted = found.setdefault(spec["app"], [])
        intent = spec["intent"]
        for entry in intent.get("allOf") or ():
            wanted.extend(_one_of(entry["anyOf"], labelled) if "anyOf" in entry else _named(entry, labelled))
        if intent.get("anyOf"):
            wanted.extend(_one_of(intent["anyOf"], labelled))
    for app, clusters in found.items():
        if not clusters:
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, f"No Qualified Clusters to deploy App {app}")
        if len(set(clusters)) != len(clusters) or not set(clusters) <= set(known):
            raise Refused(HTTPStatus.BAD_REQUEST, UNQUALIFIED)
    return {app: frozenset(clusters) for app, clusters in found.items()}


class _Entry(BaseModel):
    """One item of an intent: a cluster, or every cluster with a label; inside `allOf` it may be a group of them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    provider: str | None = Field(default=None, alias="clusterProvider", min_length=1)
    cluster: str | None = Field(default=None, min_length=1)
    label: str | None = Field(default=None, alias="clusterLabel", min_length=1)
    any_of: list["_Entry"] | None = Field(default=None, alias="anyOf", max_length=128)

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        if self.any_of is not None and (self.provider, self.cluster, self.label) == (None, None, None):
            return self
        if self.provider is None or (self.cluster is None) == (self.label is None) or self.any_of is not None:
            raise ValueError("Must validate one and only one schema (oneOf)")
        return self


class _Intent(BaseModel):
    model_config = ConfigDict(strict=True)

    all_of: list[_Entry] | None = Field(default=None, alias="allOf", max_length=128)
    any_of: list[_Entry] | None = Field(default=None, alias="anyOf", max_length=128)


class _Spec(BaseModel):
    model_config = ConfigDict(strict=True)

    app: str = Field(min_length=1)
    intent: _Intent


class _AppIntent(BaseModel):
    spec: _Spec


def check_intent(body: Mapping[str, Any]) -> None:
    """See that an app intent is one, as far as EMCO's schema looks. Raises Refused."""
    try:
        _AppIntent.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        text = f"Invalid Input: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise Refused(HTTPStatus.BAD_REQUEST, text) from error


def _named(entry: Mapping[str, Any], labelled: Labelled) -> Sequence[Cluster]:
    provider = entry["clusterProvider"]
    if "cluster" in entry:
        return [Cluster(provider, entry["cluster"])]
    return labelled(provider, entry["clusterLabel"])


def _one_of(entries: Sequence[Mapping[str, Any]], labelled: Labelled) -> Sequence[Cluster]:
    """Exactly one of a group; a placement controller would choose, we take the first."""
    return [cluster for entry in entries for cluster in _named(entry, labelled)][:1]
