"""``{id}/providers/Microsoft.Resources/tags/default``: tags without the resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.emulator.address import Address, Place, parse_address
from providers.emulator.answer import Answer, RefusedError, encode, encode_answer
from providers.emulator.bodies import decode_object
from providers.emulator.call import Call
from providers.emulator.facts import check_own_version, type_facts
from providers.emulator.scopes import Scopes, not_found
from providers.emulator.stamps import Stamper, set_etag
from providers.emulator.store import Record, Store
from providers.emulator.validation import check_tags

_NOTE = "tags:"


def is_tags(address: Address) -> bool:
    """Whether an address is that of the tags of something."""
    return address.namespace.lower() == "microsoft.resources" and [t.lower() for t in address.types] == ["tags"]


class Tags:
    """Reads and writes tags of resources, groups and subscriptions."""

    def __init__(self, store: Store, scopes: Scopes, stamper: Stamper) -> None:
        """Work on these parts."""
        self._store = store
        self._scopes = scopes
        self._stamper = stamper

    def answer(self, call: Call) -> Answer:
        """Answer GET, PUT, PATCH and DELETE."""
        check_own_version(call.api)
        scope = call.address.scope
        self._scopes.check_subscription(call.address)
        if call.method in ("GET", "HEAD"):
            return self._show(scope, self._read(scope))
        self._scopes.check_locks(scope.lower(), "PATCH", action="Microsoft.Resources/tags/write")
        tags = self._changed(call, self._read(scope))
        self._write(call, scope, tags)
        return self._show(scope, tags)

    def _changed(self, call: Call, tags: dict[str, str]) -> dict[str, str]:
        if call.method == "DELETE":
            return {}
        body = decode_object(call.body)
        properties = body.get("properties")
        given = properties.get("tags") if isinstance(properties, dict) else None
        check_tags(given)
        given = {k: v for k, v in (given or {}).items() if v is not None}
        if call.method == "PUT":
            return given
        changed = merge_tags(str(body.get("operation", "")), tags, given)
        check_tags(changed)
        return changed

    def _read(self, scope: str) -> dict[str, str]:
        if parse_address(scope).place is Place.SUBSCRIPTION:
            return dict(self._store.note(_NOTE + scope.lower()) or {})
        return dict(self._record(scope).value.get("tags") or {})

    def _write(self, call: Call, scope: str, tags: Mapping[str, str]) -> None:
        if parse_address(scope).place is Place.SUBSCRIPTION:
            self._store.set_note(_NOTE + scope.lower(), dict(tags))
            return
        record = self._record(scope)
        facts = type_facts(record.type, record.api)
        body = record.value
        if tags or facts.habits.get("tags") == "{}":
            body["tags"] = dict(tags)
        else:
            body.pop("tags", None)
        etag = self._stamper.next_etag(record)
        self._stamper.stamp(facts, body, body, call)
        set_etag(facts, body, etag)
        self._store.put(replace(record, etag=etag, body=encode(body)))

    def _record(self, scope: str) -> Record:
        record = self._store.get(scope.lower())
        if record is None:
            raise not_found(parse_address(scope))
        return record

    def _show(self, scope: str, tags: Mapping[str, Any]) -> Answer:
        return encode_answer(
            {
                "id": f"{scope}/providers/Microsoft.Resources/tags/default",
                "name": "default",
                "type": "Microsoft.Resources/tags",
                "properties": {"tags": dict(tags)},
            }
        )


def merge_tags(operation: str, tags: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Apply ``Merge``, ``Replace`` or ``Delete``; names meet without letter case."""
    folded = {k.lower(): k for k in tags}
    match operation.lower():
        case "replace":
            return dict(given)
        case "merge":
            return dict(tags) | {folded.get(k.lower(), k): v for k, v in given.items()}
        case "delete":
            gone = {k.lower() for k, v in given.items() if not v or tags.get(folded.get(k.lower(), k)) == v}
            return {k: v for k, v in tags.items() if k.lower() not in gone}
    raise RefusedError(
        400, "InvalidRequestContent", f"The operation '{operation}' is invalid. Allowed: Merge, Replace, Delete."
    )
