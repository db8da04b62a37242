"""The reference of the pod's metrics, made from the families themselves."""

from __future__ import annotations

from pathlib import Path

from engine.app.metric_names import ALL, LIMIT, Family, MetricKind

PAGE = Path(__file__).parent.parent / "docs" / "metrics.md"
_HEAD = f"""# Metrics

<!-- Made from engine/app/metric_names.py by TRUEUP_GOLDEN_ACCEPT=1 pytest tests/repo/test_metrics_reference.py -->

`trueup run --metrics-addr :8443` answers `/metrics`: OpenMetrics text with exemplars for who accepts it, else
Prometheus' older form. It is HTTPS, for tokens of whom the cluster lets `get` the path `/metrics` (a ClusterRole with
`nonResourceURLs`), unless `--secure-metrics=false`. The exemplar of a duration is the id of the plan that took so long.

No family has more than {LIMIT:,} series; what comes after them is counted under `other`. Names of objects and of
namespaces are no labels, but of `trueup_resource_drifted`, which is told with `--metrics-per-object` only. With several
replicas each counts what it works on itself: sum over all of them; take the lowest `trueup_coverage_ratio` and
`trueup_snapshot_timestamp_seconds`.

`deploy/monitoring` has a ServiceMonitor, rules for alerts and a dashboard.
"""
_TRACES = """
## Traces

With `pip install 'trueup[otel]'` and `OTEL_EXPORTER_OTLP_ENDPOINT` set, `trueup run` sends a trace of each pass by OTLP
over HTTP (protobuf). The image does not hold these packages; an image of your own on top of it can.

| span | below | says |
|---|---|---|
| `pass`, `full pass` | | how many objects, and what for |
| `read cluster`, `fetch from Azure`, `plan` | the pass | how many resources and steps |
| `compare` | `fetch from Azure` | one for each batch that came |
| `create ResourceGroup` and so on | the pass | each write: object, method, HTTP status, outcome, correlation id |
| `poll operation` | the write | the wait and the poll of a long-running operation, and how it stood |

No span holds a body, a secret or a message; of an error its class is told. Azure is sent no `traceparent`. Lines of the
log inside a pass have `trace_id`, and so have exemplars. Endpoint, headers, certificates, timeout and sampling are the
standard variables: `OTEL_EXPORTER_OTLP_*`, `OTEL_TRACES_SAMPLER`, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`,
`OTEL_SDK_DISABLED`. The chart sets the endpoint by `trueup.traces.endpoint`.
"""


def render_page() -> str:
    """Return the page."""
    parts = [_HEAD]
    for title, prefix in (("Of Azure Service Operator", "azure_"), ("Of Trueup", "trueup_")):
        rows = [_row(family) for family in ALL if family.name.startswith(prefix)]
        parts.append(f"\n## {title}\n\n| name | kind | labels | meaning |\n|---|---|---|---|\n" + "".join(rows))
    return "".join([*parts, _TRACES])


def _row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    kind = family.kind.value
    if family.kind is MetricKind.HISTOGRAM:
        kind += f", {family.buckets[0]:g} to {family.buckets[-1]:g} s"
    return f"| `{family.told}` | {kind} | {labels} | {family.help} |\n"
