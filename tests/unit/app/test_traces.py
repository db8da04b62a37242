"""When traces are kept, and what a span says."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from contextvars import copy_context

import pytest

from engine.app.logs import Log
from engine.app.traces import tracing
from engine.runtime.spans import span, trace_id
from tests.monitoring.receiver import receiver


def run_traced(environ: dict[str, str], *, fails: bool = False) -> str:
    """Run a pass with a write in it, with these variables; return what was logged."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environ.items():
            patch.setenv(name, value)
        return _run(fails=fails)


def _run(*, fails: bool) -> str:
    out = io.StringIO()
    log = Log(out)

    async def work() -> None:
        async with tracing(log):
            with span("pass", objects=1):
                log.info("inside")
                await asyncio.create_task(write())
            log.info("outside")

    async def write() -> None:
        with span("write", kind="ResourceGroup") as told:
            told.note(http_status=201)
            if fails:
                raise ValueError("the password is hunter2")

    try:
        copy_context().run(asyncio.run, work())
    except ValueError:
        assert fails
    return out.getvalue()


@pytest.mark.loopback
def test_spans_arrive_as_a_tree() -> None:
    """One trace a pass, children below it also from tasks of it; lines of the log inside name the trace."""
    with receiver() as found:
        said = run_traced({"OTEL_EXPORTER_OTLP_ENDPOINT": found.address, "OTEL_SERVICE_NAME": "mine"})

    child, root = found.spans
    assert (root.name, root.parent, root.about, root.failed) == ("pass", "", {"objects": 1}, False)
    assert (child.name, child.parent, child.trace) == ("write", root.id, root.trace)
    assert child.about == {"kind": "ResourceGroup", "http_status": 201}
    assert found.services == {"mine"}
    assert [root.trace in line for line in said.splitlines()] == [False, True, False]


@pytest.mark.loopback
def test_an_error_leaves_only_its_class() -> None:
    """Messages may hold anything."""
    with receiver() as found:
        run_traced({"OTEL_EXPORTER_OTLP_ENDPOINT": found.address}, fails=True)

    assert [s.failed for s in found.spans] == [True, True]
    assert b"hunter2" not in b"".join(found.raw)
    assert b"ValueError" in b"".join(found.raw)


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, ""),
        ({"OTEL_TRACES_EXPORTER": "none"}, ""),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "only 'http/protobuf' is spoken"),
    ],
    ids=["disabled", "no-exporter", "grpc"],
)
def test_what_turns_traces_off(more: dict[str, str], said: str) -> None:
    """The variables of OpenTelemetry; a protocol that is not spoken is told of."""
    with receiver() as found:
        log = run_traced({"OTEL_EXPORTER_OTLP_ENDPOINT": found.address, **more})

    assert found.spans == []
    assert said in log
    assert "trace_id" not in log


def test_without_the_packages_the_pod_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which one is missing and how to get it; nothing else is different."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    said = run_traced({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})

    assert "pip install 'trueup[otel]'" in said
    assert said.count("\n") == 3


def test_no_tracer_costs_nothing() -> None:
    """Without one every span is the same object, and there is no trace."""
    assert span("a", n=1) is span("b")
    assert trace_id() == ""


@pytest.mark.loopback
def test_a_receiver_that_is_not_there_holds_nobody_up() -> None:
    """The end waits a moment for the last spans, not for as long as the SDK tries; the log says what is in the way."""
    code = (
        "import asyncio, sys\n"
        "from engine.app.logs import Log, take_over_logging\n"
        "from engine.app.traces import tracing\n"
        "from engine.runtime.spans import span\n"
        "async def work(log):\n"
        "    async with tracing(log):\n"
        "        with span('pass'):\n"
        "            pass\n"
        "log = Log(sys.stderr)\n"
        "take_over_logging(log)\n"
        "asyncio.run(work(log))\n"
    )
    environ = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_EXPORTER_OTLP_TIMEOUT": "60"}

    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=30, check=True
    )

    assert "Connection refused" in done.stderr
