"""What a pass is doing, told to a tracer where there is one; without one a span costs a look into the context."""

from __future__ import annotations

from contextlib import AbstractContextManager
from contextvars import ContextVar
from types import TracebackType
from typing import Protocol, Self


class Span(Protocol):
    """One stretch of work that began and is not over."""

    def note(self, **about: str | int) -> None:
        """Say more of it: names and numbers, never what a body holds."""
        ...

    def fail(self, why: str) -> None:
        """Say by one word what it failed with."""
        ...


class Tracer(Protocol):
    """Keeps spans."""

    def span(self, name: str, about: dict[str, str | int]) -> AbstractContextManager[Span]:
        """Begin a span below the one that the context is in."""
        ...

    def trace_id(self) -> str:
        """Return the id of the trace that the context is in, if it is kept; else an empty text."""
        ...


class _NoSpan:
    """Implements ``Span`` for nobody."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        """Keep nothing."""

    def note(self, **about: str | int) -> None:
        """Keep nothing."""

    def fail(self, why: str) -> None:
        """Keep nothing."""


_NO_SPAN = _NoSpan()
_TRACER: ContextVar[Tracer | None] = ContextVar("trueup_tracer", default=None)


def trace_with(tracer: Tracer) -> None:
    """Let this task, and tasks that it begins, tell their spans to a tracer."""
    _TRACER.set(tracer)


def span(name: str, /, **about: str | int) -> AbstractContextManager[Span]:
    """Begin a span; it ends with the block."""
    tracer = _TRACER.get()
    return _NO_SPAN if tracer is None else tracer.span(name, about)


def trace_id() -> str:
    """Return the id of the trace that is being kept; empty where none is."""
    tracer = _TRACER.get()
    return "" if tracer is None else tracer.trace_id()
