"""One kind's entry of the behaviour facts, turned into a row of the compiled table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.build.status_paths import Catalogue, split_status

_SPEEDS = {"Slow": "slow", "VerySlow": "very-slow"}
_KNOWN = frozenset(
    (
        *("group", "kind", "scope", "versions", "hub_version", "hooks", "source", "quirks", "importer", "webhook"),
        *("arm_resource_modifier", "pre_reconcile_owner_check", "pre_reconcile_check", "error_classifier"),
        *("post_reconcile_check", "successful_creation_handler", "deleter", "secret_exporter", "config_map_exporter"),
        *("generated_config_maps", "manual_conversions", "reconciler", "secret_inputs", "secret_watch"),
        *("secret_exporter_missing",),
    )
)
"""Blocks this compiler knows; names, webhooks, importers, conversions and kinds outside ARM are not its business."""


class KindRows:
    """Builds the row of one kind."""

    def __init__(self, entry: Mapping[str, Any], catalogue: Catalogue) -> None:
        self._entry = entry
        self._catalogue = catalogue
        self._name = f"{entry['group']}/{entry['kind']}"

    def row(self) -> dict[str, Any]:
        """Return the row; members that say nothing are left out."""
        unknown = self._entry.keys() - _KNOWN
        if unknown:
            raise ValueError(f"{self._name}: unknown blocks {sorted(unknown)}")
        arm_type = self._catalogue.arm_type(self._entry["group"], self._entry["kind"])
        full = {
            "type": arm_type or self._name,
            "kind": self._name,
            **self._modifier(),
            "gate": self._gate("pre_reconcile_check", self._entry["kind"]),
            "ownerGate": self._owner_gate(),
            **self._post_check(),
            **self._exports(),
            "beforeDelete": list(self._before_delete()),
            "errors": [_error_rule(r) for r in self._entry.get("error_classifier", {}).get("rules", ())],
            "childId": self._entry.get("successful_creation_handler", {}).get("value"),
            "quirks": [[q["severity"], q["fact"]] for q in self._entry.get("quirks", ())],
        }
        return {key: value for key, value in full.items() if value not in (None, [], {})}

    def _modifier(self) -> dict[str, Any]:
        raw = self._entry.get("arm_resource_modifier", {})
        match raw.get("kind", ""):
            case "":
                return {}
            case "reinclude_children":
                carried = {"path": raw["body_property"].split("."), "mode": raw["mode"], "child": raw["child_resource"]}
                return {"carried": [{k: v for k, v in carried.items() if v}]}
            case "resolve_builtin_role":
                return {"resolvesRole": raw["body_property"].split(".")}
            case "soft_delete_mode":
                return {}  # the table of ours says it, with what the reference gets wrong put right
        raise ValueError(f"{self._name}: unknown change of the body {raw['kind']!r}")

    def _owner_gate(self) -> dict[str, Any] | None:
        raw = self._entry.get("pre_reconcile_owner_check")
        if raw is None:
            return None
        _, owner, status = raw["property"].split(" ")
        return self._gate_row(raw, owner, status)

    def _gate(self, block: str, kind: str) -> dict[str, Any] | None:
        raw = self._entry.get(block)
        return self._gate_row(raw, kind, raw["property"]) if raw else None

    def _gate_row(self, raw: Mapping[str, Any], kind: str, status: str) -> dict[str, Any]:
        ignores_case = raw["compare"] == "case-insensitive"
        states = raw.get("proceed_states") or raw.get("pass_states") or []
        row = {
            "path": self._body_path(kind, status),
            "proceed": sorted(_fold(states, ignores_case)),
            "block": sorted(_fold(raw.get("block_states", []), ignores_case)),
        }
        return {k: v for k, v in row.items() if v} | ({} if ignores_case else {"ignoresCase": False})

    def _post_check(self) -> dict[str, Any]:
        raw = self._entry.get("post_reconcile_check")
        if raw is None:
            return {}
        if raw.get("kind") == "status_trim":
            return {"statusLimit": [["ipConfigurations"], 2000]}
        row = self._gate_row(raw, self._entry["kind"], raw["property"])
        if "side_effect" in raw:
            row["call"] = _call(raw["side_effect"]["call"] | {"id": "sync"}) | {"silent": True}
        return {"postCheck": row}

    def _exports(self) -> dict[str, Any]:
        secrets = self._entry.get("secret_exporter", {})
        manual = self._entry.get("config_map_exporter", {})
        generated = self._entry.get("generated_config_maps", {})
        only_in = generated.get("only_in_versions", {})
        return {
            "calls": [_call(a) for a in (*secrets.get("actions", ()), *manual.get("actions", ()))],
            "secrets": [self._key(name, raw, ()) for name, raw in secrets.get("keys", {}).items()],
            "configMaps": [
                *(
                    self._key(name, {"status": p}, only_in.get(name, ()))
                    for name, p in generated.get("keys", {}).items()
                ),
                *(self._key(name, raw, ()) for name, raw in manual.get("keys", {}).items()),
            ],
        }

    def _key(self, name: str, raw: Mapping[str, Any], versions: object) -> dict[str, Any]:
        status = raw.get("status")
        row = {
            "name": name,
            "action": raw.get("action"),
            "response": raw.get("response"),
            "status": split_status(status) if status else None,
            "path": self._body_path(self._entry["kind"], status) if status else None,
            "decode": "base64" if raw.get("decode") == "base64" else None,
            "source": raw.get("from"),
            "versions": versions,
        }
        return {k: v for k, v in row.items() if v}

    def _body_path(self, kind: str, status: str) -> list[str]:
        found = self._catalogue.status_to_body(self._entry["group"], kind, status)
        if found is None:
            raise ValueError(f"{self._name}: {kind} has no {status}")
        return found

    def _before_delete(self) -> Iterator[dict[str, Any]]:
        """Yield calls on other resources; a DELETE of the resource itself is a matter of its query and headers."""
        for step in self._entry.get("deleter", {}).get("steps", ()):
            if step.get("method") not in (None, "DELETE"):
                yield _call(step | {"id": step["path"].rpartition("/")[2]})


def _call(raw: Mapping[str, Any]) -> dict[str, Any]:
    row = {"name": raw["id"], "method": raw["method"], "path": raw["path"], "apiVersion": raw["api_version"]}
    extra = {"lro": bool(raw.get("lro")), "paged": bool(raw.get("paged")), "body": raw.get("body")}
    return row | {k: v for k, v in extra.items() if v}


def _error_rule(raw: Mapping[str, Any]) -> dict[str, Any]:
    match, effect = raw["match"], raw["set"]
    row = {
        "code": match["code"],
        "contains": match.get("message_contains_all"),
        "pattern": match.get("message_regex"),
        "fatal": effect["classification"] == "fatal" if "classification" in effect else None,
        "speed": _SPEEDS[effect["retry"]] if "retry" in effect else None,
        "why": raw.get("why"),
    }
    return {k: v for k, v in row.items() if v is not None}


def _fold(states: list[str], ignores_case: bool) -> list[str]:
    return [s.lower() for s in states] if ignores_case else states
