"""The CustomResourceDefinition of DriftReport."""

from __future__ import annotations

from typing import Any, Final

from engine.drift.document import GROUP, KIND, PLURAL, VERSION

_TEXT: Final = {"type": "string"}
_TIME: Final = {"type": "string", "format": "date-time"}
_COUNT: Final = {"type": "integer", "format": "int64"}

_COUNTS: Final = {
    "checked": "Resources that were looked at.",
    "drifted": "Resources that were changed in Azure since the last apply.",
    "missing": "Resources that were deleted in Azure.",
    "differs": "Resources that differ, and nobody knows who moved.",
    "unreadable": "Resources that could not be read.",
    "pending": "Resources that wait for an edit to be sent.",
    "absent": "Resources that were never made.",
    "ignored": "Differences that are left as they are because somebody said so.",
    "critical": "Findings of this severity.",
    "warning": "Findings of this severity.",
    "info": "Findings of this severity.",
    "notShown": "Findings beyond those in the list.",
}


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
                state=_described(
                    {"type": "string", "enum": ["InSync", "Drifted", "Differs", "Unreadable"]},
                    "The worst that holds for a resource.",
                ),
                worst=_described(_TEXT, "Severity of the worst finding."),
                top=_described(_TEXT, "The worst finding in a few words."),
                since=_described(_TIME, "When the oldest finding was first seen."),
                **{name: _described(_COUNT, text) for name, text in _COUNTS.items()},
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
        object=_described(_object(apiVersion=_TEXT, kind=_TEXT, name=_TEXT), "What asks for the resource."),
        resource=_described(_TEXT, "Id of the resource in Azure."),
        type=_described(_TEXT, "Type of the resource in Azure."),
        state=_described(
            {"type": "string", "enum": ["Drifted", "Missing", "Differs"]},
            "Changed in Azure, deleted in Azure, or different with nobody known to have moved it.",
        ),
        severity=_described(
            {"type": "string", "enum": ["info", "warning", "critical"]}, "By what moved: an open door is no tag."
        ),
        since=_described(_TIME, "When Trueup first saw the resource differ."),
        what=_described(_TEXT, "What moved, in a few words."),
        policy=_described(
            {"type": "string", "enum": ["correct", "report", "ignore"]},
            "What is to happen, by trueup.dev/drift-policy.",
        ),
        request=_described(_TEXT, "What would put it right, or why nothing is sent."),
        fingerprint=_described(_TEXT, "Another one when something else moves."),
        changes=_described(
            _list(_object(path=_TEXT, place=_TEXT, before=_TEXT, after=_TEXT, who=_TEXT)),
            "Places that moved: as it was, and as it is in Azure now. Secrets are never shown.",
        ),
        changesNotShown=_described(_COUNT, "Places beyond those in the list."),
        lastModified=_described(_object(by=_TEXT, byType=_TEXT, at=_TIME), "Who wrote the resource last."),
    )


def _object(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": members}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items, "x-kubernetes-list-type": "atomic"}


def _described(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {**schema, "description": text}
