# SPDX-License-Identifier: Apache-2.0
"""OpenTelemetry traces, off unless they are asked for: from the request through the workflow to every activity.

FastAPI makes the span of a request (and goes on with the caller's `traceparent`), Temporal's interceptor those of the workflow and
of each activity, in whichever worker it runs; activities add what they write and ask. Where spans go, and how many, is
said by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER`, ...), over OTLP/HTTP, in JSON: the exporter
for protobuf needs files that xds-protos brings too, of another version, so that whichever is installed last wins.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from threading import Thread

from opentelemetry import trace
from temporalio.client import Interceptor

from relocate.errors import InvalidRequest

TRACER = trace.get_tracer("relocate")
"""Of activities. It makes nothing until a process is traced."""

GOODBYE_SECONDS = 3.0
"""How long a process that ends waits until its last spans have been taken; who collects them may be away."""


@contextmanager
def traced(process: str, *, wanted: bool) -> Iterator[Sequence[Interceptor]]:
    """Trace this process while the block runs; interceptors for its Temporal client.

    Args:
        process: what it is called in traces (`relocate-api`), unless `OTEL_SERVICE_NAME` says.
        wanted: False: nothing is traced.

    Raises:
        InvalidRequest: the extra `tracing` is not installed.
    """
    if not wanted:
        yield ()
        return
    try:
        from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from temporalio.contrib.opentelemetry import TracingInterceptor  # noqa: PLC0415
    except ImportError as error:
        text = f"tracing: {error.name} is not installed; pip install 'edge-relocation[service,tracing]'"
        raise InvalidRequest(text, field="tracing") from error
    name = os.environ.get("OTEL_SERVICE_NAME", f"relocate-{process}")
    resource = Resource.create({"service.name": name, "service.version": version("edge-relocation")})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield (TracingInterceptor(provider.get_tracer("temporalio")),)
    finally:
        ending = Thread(target=provider.shutdown, daemon=True)
        ending.start()
        ending.join(GOODBYE_SECONDS)


def trace_id() -> str:
    """Of the present trace, in hexadecimal; nothing where nobody traces."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else ""
