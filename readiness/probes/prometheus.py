# SPDX-License-Identifier: Apache-2.0
"""The prometheus probe: an instant query whose value is compared with a threshold.

Source of the answer's form: Prometheus HTTP API, "Instant queries" (`/api/v1/query`).
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

import httpx
from pydantic import Field, TypeAdapter, ValidationError

from readiness.answers import because, bounded, not_yet, ready
from readiness.connection import Connection
from readiness.contract import Probe
from readiness.model import Model, Target, Verdict
from readiness.settings import Settings, checked
from readiness.tls import context

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

Sample = tuple[float, str]


class Series(Model, extra="ignore"):
    """One series of a vector."""

    metric: dict[str, str] = Field(default_factory=dict)
    value: Sample


class Vector(Model, extra="ignore"):
    """A vector result."""

    result_type: Literal["vector"] = Field(alias="resultType")
    result: tuple[Series, ...]

    def values(self) -> list[float]:
        """The value of each series."""
        return [float(series.value[1]) for series in self.result]


class Scalar(Model, extra="ignore"):
    """A scalar result."""

    result_type: Literal["scalar"] = Field(alias="resultType")
    result: Sample

    def values(self) -> list[float]:
        """The one value."""
        return [float(self.result[1])]


class Answer(Model, extra="ignore"):
    """A successful answer of the query API."""

    status: Literal["success"]
    data: Annotated[Vector | Scalar, Field(discriminator="result_type")]


ANSWER: TypeAdapter[Answer] = TypeAdapter(Answer)


class PrometheusSettings(Settings):
    """Which server is asked what, and which values count as ready."""

    url: str = Field(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*)?$", max_length=1024)
    """The server's address, without `/api/v1/query`."""
    query: str = Field(min_length=1, max_length=4096)
    """PromQL that gives a scalar or an instant vector."""
    comparison: Literal["<", "<=", ">", ">=", "==", "!="]
    threshold: float = Field(allow_inf_nan=False)
    ca_file: str | None = None
    headers: dict[str, str] = Field(default_factory=dict, max_length=32)
    """Request headers, such as an authorization."""


class PrometheusProbe(Probe):
    """Ready when there is data and *every* series compares as asked. No data and NaN are not ready.

    It asks the Prometheus server, not the target, so by a gateway it says nothing.
    """

    through_gateways = False
    confined = False

    def __init__(self, settings: PrometheusSettings) -> None:
        """Args: settings: server, query and comparison."""
        self._settings = settings

    @classmethod
    def open(cls, settings: Mapping[str, object]) -> Self:
        """Make the probe; see `PrometheusSettings`."""
        return cls(checked("prometheus", PrometheusSettings, settings))

    async def check(self, target: Target, *, timeout: float) -> Verdict:  # noqa: ARG002  the contract's, see the class
        """Run the query once."""
        return await bounded(self._ask(timeout), timeout)

    async def _ask(self, timeout: float) -> Verdict:
        trust = context(self._settings.ca_file, "http/1.1")
        connection = Connection()
        try:
            async with httpx.AsyncClient(verify=trust, trust_env=False, timeout=timeout) as client:
                response = await client.get(
                    f"{self._settings.url.rstrip('/')}/api/v1/query",
                    params={"query": self._settings.query, "timeout": f"{timeout:.3f}s"},
                    headers=self._settings.headers,
                    extensions={"trace": connection.trace},
                )
        except httpx.TimeoutException as error:
            raise TimeoutError from error
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return not_yet(f"prometheus: {because(error)}")
        finally:
            await connection.abandon()
        return self._judged(response)

    def _judged(self, response: httpx.Response) -> Verdict:
        observed: dict[str, Any] = {"status": str(response.status_code)}
        if response.status_code != httpx.codes.OK:
            return not_yet(f"prometheus answered {response.status_code}: {response.text[:128]}", observed)
        try:
            values = ANSWER.validate_json(response.content).data.values()
        except (ValidationError, ValueError):
            return not_yet("prometheus answered something that is neither a scalar nor an instant vector", observed)
        observed["values"] = ", ".join(f"{value:g}" for value in values)
        if not values:
            return not_yet("the query gives no data", observed)
        return self._compared(values, observed)

    def _compared(self, values: list[float], observed: dict[str, str]) -> Verdict:
        compare = COMPARISONS[self._settings.comparison]
        wanted = f"{self._settings.comparison} {self._settings.threshold:g}"
        wrong = [value for value in values if math.isnan(value) or not compare(value, self._settings.threshold)]
        if wrong:
            return not_yet(f"{len(wrong)} of {len(values)} series: {wrong[0]:g} is not {wanted}", observed)
        return ready(f"all of {len(values)} series are {wanted}", observed)
