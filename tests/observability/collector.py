# SPDX-License-Identifier: Apache-2.0
"""The other end of OTLP/HTTP: takes what exporters send, as the protocol's own messages, and keeps the spans."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from opentelemetry.proto_json.collector.trace.v1.trace_service import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

PATH = "/v1/traces"


@dataclass(frozen=True)
class Span:
    """One span as it was sent."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    """Nothing for a root."""
    attributes: Mapping[str, str]
    events: tuple[str, ...]
    seconds: float


@dataclass
class Collector:
    """What has been sent so far."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def take(self, body: bytes) -> None:
        """One request."""
        request = ExportTraceServiceRequest.from_json(body)
        found = [span for resource in request.resource_spans for span in _spans(resource)]
        with self._lock:
            self.spans += found

    def of(self, trace: str) -> list[Span]:
        """The spans of one trace."""
        with self._lock:
            return [span for span in self.spans if span.trace == trace]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Listen on loopback while the block runs."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known = self.path == PATH and self.headers["Content-Type"] == "application/json"
            if known:
                collector.take(body)
            answer = ExportTraceServiceResponse().to_json().encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    class Server(ThreadingHTTPServer):
        # Three processes send as they like, and behind the usual five that wait the next is not heard for seconds.
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()


def _spans(resource: Any) -> Iterator[Span]:
    service = _attributes(resource.resource.attributes)["service.name"]
    for scope in resource.scope_spans:
        for span in scope.spans:
            yield Span(
                service=service,
                name=span.name,
                trace=span.trace_id.hex(),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex(),
                attributes=_attributes(span.attributes),
                events=tuple(event.name for event in span.events),
                seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            )


def _attributes(found: Any) -> dict[str, str]:
    return {one.key: str(next(iter(one.value.to_dict().values()))) for one in found}
