"""Numbers as text: OpenMetrics for who asks for it, Prometheus' own older form for everybody else."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Final

from engine.app.metrics import Metric, Sample

OPENMETRICS: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN: Final = "text/plain; version=0.0.4; charset=utf-8"


def choose_form(accept: str) -> str:
    """Return the content type that somebody likes best by what they accept; OpenMetrics where they say nothing."""
    best, chosen = 0.0, ""
    for item in accept.split(","):
        kind, *parameters = (part.strip().lower() for part in item.split(";"))
        form = {"application/openmetrics-text": OPENMETRICS, "text/plain": PLAIN, "text/*": PLAIN}.get(kind, "")
        weight = _weight(parameters)
        if form and weight > best:
            best, chosen = weight, form
    return chosen or (OPENMETRICS if accept.strip() in ("", "*/*") else PLAIN)


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def render(metrics: Iterable[Metric], form: str) -> str:
    """Return all numbers as text."""
    is_open = form == OPENMETRICS
    lines = [line for metric in metrics for line in _lines(metric, is_open=is_open)]
    return "\n".join([*lines, *(["# EOF"] if is_open else []), ""])


def _lines(metric: Metric, *, is_open: bool) -> Iterator[str]:
    family = metric.family
    name = family.name if is_open else family.told
    yield f"# TYPE {name} {family.kind}"
    yield f"# HELP {name} {_escape(family.help)}"
    for sample in metric.samples():
        yield _line(family.name, family.labels, sample, is_open=is_open)


def _line(name: str, names: tuple[str, ...], sample: Sample, *, is_open: bool) -> str:
    labels = [*zip(names, sample.labels, strict=True), *([("le", sample.bound)] if sample.bound else [])]
    text = f"{name}{sample.suffix}{_labels(labels)} {_number(sample.number)}"
    found = sample.exemplar
    if found is None or not is_open:
        return text
    about = [("plan_id", found.plan_id), *([("trace_id", found.trace_id)] if found.trace_id else [])]
    return f"{text} # {_labels(about)} {_number(found.value)} {found.at:.3f}"


def _labels(labels: Iterable[tuple[str, str]]) -> str:
    inside = ",".join(f'{name}="{_escape(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _number(number: float) -> str:
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return str(int(number)) if number == int(number) else repr(number)


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
