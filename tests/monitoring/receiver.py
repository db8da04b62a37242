"""A receiver of OTLP over HTTP on loopback, and the spans that came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FAILED = 2


@dataclass(frozen=True, kw_only=True)
class Told:
    """One span, as it came."""

    name: str
    trace: str
    id: str
    parent: str
    failed: bool
    about: Mapping[str, Any]


@dataclass
class Receiver:
    """One that runs.

    Attributes:
        raw: Bodies as they came.
    """

    port: int = 0
    raw: list[bytes] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    spans: list[Told] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Return what OTEL_EXPORTER_OTLP_ENDPOINT is set to."""
        return f"http://127.0.0.1:{self.port}"

    def take(self, body: bytes) -> None:
        """Decode what came."""
        self.raw.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            self.spans += [_told(span) for scope in resource.scope_spans for span in scope.spans]

    def below(self, parent: Told) -> list[str]:
        """Return the names of a span's children in the order they began."""
        return [s.name for s in self.spans if s.parent == parent.id]


def _told(span: Any) -> Told:
    return Told(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        failed=span.status.code == FAILED,
        about={a.key.removeprefix("trueup."): a.value.string_value or a.value.int_value for a in span.attributes},
    )


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run one."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/traces"
            made.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.port = server.server_port
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
