"""The CustomResourceDefinition of DriftReport."""

from __future__ import annotations

from typing import Any, Final

from engine.drift.document import GROUP, KIND, PLURAL, VERSION

_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_COUNT: Final = {"type": "integer", "format": "int64"}


def drift_report_definition() -> dict[str, Any]:
    """Return the definition; a list of the reports of all namespaces is a dashboard."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{PLURAL}.{GROUP}",
            "labels": {"app.kubernetes.io/managed-by": "trueup"},
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": "driftreport",
                "shortNames": ["drift"],
                "categories": ["trueup"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": _schema()},
                    "additionalPrinterColumns": _columns(),
                }
            ],
        },
    }


def _columns() -> list[dict[str, Any]]:
    return [
        _column("State", "string", ".summary.state"),
        _column("Worst", "string", ".summary.worst"),
        _column("Drifted", "integer", ".summary.drifted"),
        _column("Missing", "integer", ".summary.missing"),
        _column("Differs", "integer", ".summary.differs"),
        _column("Unreadable", "integer", ".summary.unreadable"),
        _column("Checked", "integer", ".summary.checked"),
        _column("Since", "date", ".summary.since"),
        _column("Top", "string", ".summary.top"),
        _column("Ignored", "integer", ".summary.ignored", wide=True),
        _column("Pending", "integer", ".summary.pending", wide=True),
        _column("Absent", "integer", ".summary.absent", wide=True),
    ]


def _column(name: str, kind: str, path: str, *, wide: bool = False) -> dict[str, Any]:
    return {"name": name, "type": kind, "jsonPath": path, **({"priority": 1} if wide else {})}


def _schema() -> dict[str, Any]:
    return _object(
        apiVersion=_TEXT,
        kind=_TEXT,
        metadata={"type": "object"},
        summary=_described(
            _object(
                state={"type": "string", "enum": ["InSync", "Drifted", "Differs", "Unreadable"]},
                worst=_TEXT,
                top=_TEXT,
                since=_TIME,
                **dict.fromkeys(
                    (
                        "checked", "drifted", "missing", "differs", "unreadable", "pending", "absent", "ignored",
                        "critical", "warning", "info", "notShown",
                    ),
                    _COUNT,
                ),
            ),
            "Counts of resources; ignored counts differences.",
        ),
        findings=_described(_list(_finding()), "What differs, the worst and the oldest first; summary has the counts."),
        ended=_described(
            _list(_object(object=_TEXT, what=_TEXT, how=_TEXT, since=_TIME, until=_TIME)),
            "Drift that ended lately, the newest first.",
        ),
        remembered=_described(
            _list(_object(since=_TIME, objects=_TEXT)), "Since when the resources that are not shown differ."
        ),
    )  # fmt: skip


def _finding() -> dict[str, Any]:
    return _object(
        object=_object(apiVersion=_TEXT, kind=_TEXT, name=_TEXT),
        resource=_described(_TEXT, "Id of the resource in Azure."),
        type=_TEXT,
        state={"type": "string", "enum": ["Drifted", "Missing", "Differs"]},
        severity={"type": "string", "enum": ["info", "warning", "critical"]},
        since=_described(_TIME, "When Trueup first saw the resource differ."),
        what=_TEXT,
        policy={"type": "string", "enum": ["correct", "report", "ignore"]},
        request=_described(_TEXT, "What would put it right, or why nothing is sent."),
        fingerprint=_TEXT,
        changes=_described(
            _list(_object(path=_TEXT, place=_TEXT, before=_TEXT, after=_TEXT, who=_TEXT)),
            "Places that moved: as it was, and as it is in Azure now. Secrets are never shown.",
        ),
        changesNotShown=_COUNT,
        lastModified=_described(_object(by=_TEXT, byType=_TEXT, at=_TIME), "Who wrote the resource last."),
    )


def _object(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "x-kubernetes-list-type": "atomic"}


def _described(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {**schema, "description": text}
