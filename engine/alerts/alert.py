"""One thing that somebody should know of, and what it is called so that it is told once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from engine.desired.identity import ObjectIdentity
from engine.drift.document import parse_stamp, stamp
from engine.drift.finding import State
from engine.drift.severity import Severity
from engine.reporting.values import printable

DRIFT: Final = "drift"
MISSING: Final = "missing"
UNREADABLE: Final = "unreadable"
TEST: Final = "test"
TYPES: Final = (DRIFT, MISSING, UNREADABLE)
_TEXTS: Final = (
    *("key", "version", "type", "namespace", "object", "resource", "arm_type", "title", "who", "request"),
    *("api_version", "cluster"),
)
_BLIND_SHARE: Final = 0.5
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
LabelsOf = Callable[[ObjectIdentity], Mapping[str, str]]
"""Returns the labels of an object; none for one that is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What is told.

    Attributes:
        key: Names what it is about; the same drift, worse or better, has the same one.
        version: Another one when something else moved: then it is told again.
        object: ``namespace/Kind/name``; empty where it is about no single object.
        lines: What moved, a place each, cut; never a secret.
        who: Who wrote the resource last; empty where Azure does not say.
        labels: Of the object, for routing.
        api_version: Of the object; empty where it is about no single one.
        cluster: Name that it was told under.
    """

    key: str
    version: str
    type: str
    severity: Severity
    namespace: str
    object: str
    resource: str
    arm_type: str
    title: str
    lines: tuple[str, ...] = ()
    who: str = ""
    request: str = ""
    since: datetime
    labels: Mapping[str, str] = field(default_factory=dict)
    api_version: str = ""
    cluster: str = ""

    @property
    def identity(self) -> ObjectIdentity | None:
        """Return the object; None where it is about no single one."""
        if not self.object:
            return None
        _, kind, name = self.object.split("/", 2)
        return (self.namespace, self.api_version.rpartition("/")[0], kind, name)

    def is_named_as(self, other: Alert) -> bool:
        """Whether receivers that go by what an alert says of itself take both for one."""
        return (self.severity, self.type, self.object) == (other.severity, other.type, other.object)

    def to_json(self) -> dict[str, Any]:
        """Return the alert as it is stored; labels are not."""
        texts = {name: getattr(self, name) for name in _TEXTS}
        return {**texts, "severity": self.severity.value, "lines": list(self.lines), "since": stamp(self.since)}


def read_alert(found: Mapping[str, Any]) -> Alert:
    """Return an alert as it was stored.

    Raises:
        ValueError, KeyError: It was not stored by us.
    """
    since = parse_stamp(found["since"])
    if since is None:
        raise ValueError(f"{found['since']!r} is no time")
    rest = {k: v for k, v in found.items() if k not in ("since", "severity", "lines")}
    return Alert(**rest, since=since, severity=Severity(found["severity"]), lines=tuple(found["lines"]))


def alerts_of(report: Mapping[str, Any], *, cluster: str, labels_of: LabelsOf) -> list[Alert]:
    """Return the alerts of a DriftReport; of what merely differs, with nobody known to have moved it, there is none."""
    namespace = str(report["metadata"]["namespace"])
    findings = [f for f in report.get("findings", ()) if f["state"] != State.DIFFERS.value]
    return [_alert(f, namespace, cluster=cluster, labels_of=labels_of) for f in findings]


def _alert(finding: Mapping[str, Any], namespace: str, *, cluster: str, labels_of: LabelsOf) -> Alert:
    about = finding["object"]
    name = f"{namespace}/{about['kind']}/{about['name']}"
    is_gone = finding["state"] == State.MISSING.value
    lines = [f"{m['place']}: {m['before']} → {m['after']}" for m in finding.get("changes", ())]
    more, by = finding.get("changesNotShown", 0), finding.get("lastModified")
    identity = (namespace, str(about["apiVersion"]).rpartition("/")[0], str(about["kind"]), str(about["name"]))
    return Alert(
        key=_print(cluster, str(finding["resource"]).lower() or name),
        version=finding["fingerprint"],
        type=MISSING if is_gone else DRIFT,
        severity=Severity(finding["severity"]),
        namespace=namespace,
        object=name,
        resource=printable(finding["resource"]),
        arm_type=finding["type"],
        title=f"{name} {'was deleted in Azure' if is_gone else 'was changed in Azure at ' + finding['what']}",
        lines=(*lines, *([f"and {more} more places"] if more else [])),
        who=printable(f"{by['by']} ({by['byType']})") if by else "",
        request=finding["request"],
        since=parse_stamp(finding["since"]) or _NEVER,
        labels=labels_of(identity),
        api_version=str(about["apiVersion"]),
        cluster=cluster,
    )


def is_cut(report: Mapping[str, Any]) -> bool:
    """Whether there is more drift than the report shows: what is not in it need not have ended."""
    return int(report.get("summary", {}).get("notShown", 0)) > 0


def unreadable_alert(
    reports: Iterable[Mapping[str, Any]], *, cluster: str, since: datetime, part: str = ""
) -> Alert | None:
    """Return the alert that Azure itself cannot be read, when that holds for half of all resources or more.

    Its version is fixed, so that counts are no news.

    Args:
        reports: DriftReports.
        cluster: Its name.
        since: When that began, if it is so.
        part: Of the cluster, where several look at parts of it.
    """
    summaries = [report.get("summary", {}) for report in reports]
    checked, unreadable = (sum(int(s.get(n, 0)) for s in summaries) for n in ("checked", "unreadable"))
    if not unreadable or unreadable < checked * _BLIND_SHARE:
        return None
    return Alert(
        key=_print(cluster, UNREADABLE + part),
        version=UNREADABLE,
        type=UNREADABLE,
        severity=Severity.CRITICAL,
        namespace="",
        object="",
        resource="",
        arm_type="",
        title=f"Azure cannot be read: {unreadable:,} of {checked:,} resources; of drift nothing is told meanwhile",
        since=since,
        cluster=cluster,
    )


def make_test_alert(cluster: str, now: datetime) -> Alert:
    """Return an alert about nothing, another one each second."""
    return Alert(
        key=_print(cluster, f"{TEST} {stamp(now)}"),
        version=TEST,
        type=TEST,
        severity=Severity.INFO,
        namespace="",
        object="",
        resource="",
        arm_type="",
        title="This is a test of Trueup's alerts: nothing is the matter",
        lines=("sent by trueup alerts test, which ends it at once",),
        since=now,
    )


def _print(cluster: str, about: str) -> str:
    return hashlib.blake2b(f"{cluster}\0{about}".encode("utf-8", "replace"), digest_size=10).hexdigest()
