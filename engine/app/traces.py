"""Traces of passes by OpenTelemetry, where its packages are and the environment says whereto."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Final

from engine.app.logs import Log
from engine.runtime.spans import Span, Tracer, trace_with

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span as OtelSpan

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN: Final = "http/protobuf"
_LAST_WORDS_S: Final = 3.0
"""So long the end of the pod waits for a receiver that does not answer."""


@asynccontextmanager
async def tracing(log: Log) -> AsyncIterator[None]:
    """Keep spans meanwhile, if the environment says where they go; what is left is sent in the end."""
    if not _is_wanted(os.environ, log):
        yield
        return
    try:
        provider = _open_provider()
    except ImportError as exc:
        log.warn(f"no traces are sent, as a package is missing ({exc.name}): pip install 'trueup[otel]'")
        yield
        return
    trace_with(OtelTracer(provider))
    log.info("sending traces", endpoint=next(filter(None, map(os.environ.get, _ENDPOINTS)), ""))
    try:
        yield
    finally:
        # The SDK heeds no limit while it tries again.
        sending = threading.Thread(target=provider.force_flush, daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, _LAST_WORDS_S)


def _is_wanted(environ: Mapping[str, str], log: Log) -> bool:
    """Whether traces are to be sent, by the variables that OpenTelemetry defines."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if is_off or environ.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp" or not any(map(environ.get, _ENDPOINTS)):
        return False
    protocol = next((environ[name] for name in _PROTOCOLS if environ.get(name)), _SPOKEN)
    if protocol != _SPOKEN:
        log.warn(f"no traces are sent: OTEL_EXPORTER_OTLP_PROTOCOL is {protocol!r}, and only {_SPOKEN!r} is spoken")
        return False
    return True


def _open_provider() -> TracerProvider:
    """Return what sends spans in batches, from a thread of its own."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {"service.name": os.environ.get("OTEL_SERVICE_NAME") or "trueup", "service.version": version_of("trueup")}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class OtelTracer(Tracer):
    """Keeps spans with OpenTelemetry's SDK."""

    def __init__(self, provider: TracerProvider) -> None:
        """Take what makes spans."""
        self._tracer = provider.get_tracer("trueup", version_of("trueup"))

    @contextmanager
    def span(self, name: str, about: dict[str, str | int]) -> Iterator[Span]:
        """Begin a span; of an error only its class is kept, as messages may hold anything."""
        attributes = {f"trueup.{key}": value for key, value in about.items()}
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as begun:
            told = _OtelSpan(begun)
            try:
                yield told
            except BaseException as exc:
                told.fail(type(exc).__name__)
                raise

    def trace_id(self) -> str:
        """Return the id of the current trace as 32 digits; empty outside, and where it is not sampled."""
        from opentelemetry.trace import format_trace_id, get_current_span

        context = get_current_span().get_span_context()
        return format_trace_id(context.trace_id) if context.is_valid and context.trace_flags.sampled else ""


class _OtelSpan:
    """Implements ``Span``."""

    def __init__(self, begun: OtelSpan) -> None:
        self._begun = begun

    def note(self, **about: str | int) -> None:
        for key, value in about.items():
            self._begun.set_attribute(f"trueup.{key}", value)

    def fail(self, why: str) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._begun.set_status(Status(StatusCode.ERROR, why))
