"""Every number the pod tells: its name, kind, labels and meaning. Public: add, deprecate, never repurpose."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

LIMIT: Final = 2000
"""Series of one family at most; what comes after them is counted under ``other``."""
_REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Those that ASO's histograms have."""
_PASS_SECONDS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1800.0)


class MetricKind(enum.StrEnum):
    """As Prometheus calls them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One number, by its labels.

    Attributes:
        name: Without the ``_total`` that counters end in where they are told.
        buckets: Upper bounds of a histogram; empty for others.
    """

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def told(self) -> str:
        """Return the name as queries use it."""
        return f"{self.name}_total" if self.kind is MetricKind.COUNTER else self.name


def _counter(name: str, text: str, *labels: str) -> Family:
    return Family(name=name, kind=MetricKind.COUNTER, help=text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> Family:
    return Family(name=name, kind=MetricKind.GAUGE, help=text, labels=labels)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Family:
    return Family(name=name, kind=MetricKind.HISTOGRAM, help=text, labels=labels, buckets=buckets)


_ASO: Final = ("resource", "requestType")
ASO_ANSWERED: Final = _counter(
    "azure_successful_requests", "Requests to Azure that were answered, errors included.", *_ASO, "responseCode"
)
ASO_FAILED: Final = _counter("azure_failed_requests", "Requests to Azure that were not answered.", *_ASO)
ASO_TIMES: Final = _histogram(
    "azure_requests_time_seconds", "How long requests to Azure took.", _REQUEST_SECONDS, *_ASO
)

REQUESTS: Final = _counter(
    "trueup_azure_requests",
    "Requests to Azure; code is none without an answer, provider a resource provider's namespace.",
    "method",
    "code",
    "provider",
)
REQUEST_TIMES: Final = _histogram(
    "trueup_azure_request_duration_seconds", "How long they took.", _REQUEST_SECONDS, "method", "provider"
)
THROTTLED: Final = _counter("trueup_azure_throttled", "Requests that Azure answered with 429.", "provider")
QUOTA_LEFT: Final = _gauge(
    "trueup_azure_ratelimit_remaining",
    "How many requests Azure Resource Manager would take now, as far as its answers tell.",
    "subscription",
    "operation",
)

RESOURCES: Final = _gauge(
    "trueup_resources",
    "Objects by what the last look came to: in_sync, drifted, pending, blocked, skipped, unknown or error.",
    "state",
    "group",
    "kind",
)
DRIFTED: Final = _gauge(
    "trueup_resource_drifted",
    "Whether an object is drifted, with --metrics-per-object; drifted ones come first within the limit.",
    "namespace",
    "group",
    "kind",
    "name",
)
NOT_CONVERGING: Final = _gauge(
    "trueup_not_converging", "Resources left alone because a write did not last.", "group", "kind"
)
DRIFT_DETECTED: Final = _counter(
    "trueup_drift_detected",
    "Resources found to have moved in Azure; origin is both where their object was edited as well.",
    "group",
    "kind",
    "origin",
)
DRIFT_AGE: Final = _gauge("trueup_drift_age_seconds", "Since when the oldest drift is known; 0 without drift.")
PLAN_ACTIONS: Final = _gauge("trueup_plan_actions", "Steps of the last full pass by what they do.", "action")
SUPPRESSED: Final = _gauge(
    "trueup_suppressed_differences",
    "What differed in the last full pass and was no change, by the rule for it.",
    "rule",
)
APPLIED: Final = _counter(
    "trueup_apply", "Writes that were carried out, by the last method sent and what became of them.", "method", "result"
)
WRITES_AVOIDED: Final = _counter(
    "trueup_noop_writes_avoided", "Resources that a full pass found as asked, so that nothing was sent for them."
)

ALERT_MESSAGES: Final = _counter(
    "trueup_alert_messages",
    "Tries to send messages about drift: taken by the sink, failed and to be tried again, or dead.",
    "sink",
    "result",
)
ALERT_MESSAGES_WAITING: Final = _gauge("trueup_alert_messages_waiting", "Messages that are still to be sent.", "sink")
ALERT_MESSAGE_AGE: Final = _gauge(
    "trueup_alert_message_age_seconds", "Since when the oldest message waits; 0 when none does."
)
ALERT_MESSAGES_DEAD: Final = _gauge(
    "trueup_alert_messages_dead", "Messages that nobody took and that are not tried again, the newest ones.", "sink"
)
ALERTS_TOLD: Final = _gauge("trueup_alerts_told", "Alerts that a sink was told of and that last.", "sink")
ALERT_SETTINGS_GOOD: Final = _gauge(
    "trueup_alert_settings_good", "1 while the file of alerts can be used as it is; 0: the settings before it hold."
)

PASS_TIMES: Final = _histogram(
    "trueup_pass_duration_seconds", "How long passes took, writes included.", _PASS_SECONDS, "scope"
)
PLAN_TIMES: Final = _histogram(
    "trueup_plan_duration_seconds", "How long it took to look at Azure and compare.", _PASS_SECONDS, "scope"
)
LAST_SUCCESS: Final = _gauge(
    "trueup_last_success_timestamp_seconds", "When a full pass last ended with everything looked at; 0 before."
)
COVERAGE: Final = _gauge(
    "trueup_coverage_ratio",
    "Share of objects that could be compared with Azure; subscription is unknown for those never looked at.",
    "subscription",
)
SNAPSHOT: Final = _gauge(
    "trueup_snapshot_timestamp_seconds",
    "When a full pass last read everything it looked for in a subscription; at first, when one tried.",
    "subscription",
)
OBSERVE_PERIOD: Final = _gauge("trueup_observe_period_seconds", "How often everything is to be looked at.")
OPERATIONS: Final = _gauge("trueup_operations_running", "Long-running operations whose end nobody has seen yet.")
OPERATION_AGE: Final = _gauge(
    "trueup_operation_age_seconds", "How long the oldest of them has been running; 0 without any."
)

OBJECTS: Final = _gauge("trueup_objects", "Objects by their Ready condition.", "ready")
QUEUE: Final = _gauge("trueup_queue", "Objects that are due, now or later, and that are worked on.", "state")
QUEUE_LATENCY: Final = _histogram(
    "trueup_queue_latency_seconds", "How late objects that were due were taken up.", _REQUEST_SECONDS
)
FAILING_WATCHES: Final = _gauge("trueup_failing_watches", "Lists that cannot be watched now.")
SHARDS_HELD: Final = _gauge("trueup_shards_held", "Shards whose Lease this replica holds.")
BUILD: Final = _gauge("trueup_build_info", "1; the label says which version runs.", "version")

ALL: Final = (
    ASO_ANSWERED,
    ASO_FAILED,
    ASO_TIMES,
    REQUESTS,
    REQUEST_TIMES,
    THROTTLED,
    QUOTA_LEFT,
    RESOURCES,
    DRIFTED,
    NOT_CONVERGING,
    DRIFT_DETECTED,
    DRIFT_AGE,
    PLAN_ACTIONS,
    SUPPRESSED,
    APPLIED,
    WRITES_AVOIDED,
    ALERT_MESSAGES,
    ALERT_MESSAGES_WAITING,
    ALERT_MESSAGE_AGE,
    ALERT_MESSAGES_DEAD,
    ALERTS_TOLD,
    ALERT_SETTINGS_GOOD,
    PASS_TIMES,
    PLAN_TIMES,
    LAST_SUCCESS,
    COVERAGE,
    SNAPSHOT,
    OBSERVE_PERIOD,
    OPERATIONS,
    OPERATION_AGE,
    OBJECTS,
    QUEUE,
    QUEUE_LATENCY,
    FAILING_WATCHES,
    SHARDS_HELD,
    BUILD,
)
