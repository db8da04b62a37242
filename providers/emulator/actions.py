"""POST actions: keys that are invented once and stay, until they are regenerated; other actions just succeed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from providers.emulator.address import Address, Place, parse_address
from providers.emulator.answer import Answer, RefusedError, encode_answer, gateway_error
from providers.emulator.bodies import decode_object
from providers.emulator.call import Call
from providers.emulator.facts import TypeFacts, load_table, type_facts
from providers.emulator.invent import Context, expand
from providers.emulator.operations import Operations, make_operation
from providers.emulator.regions import region_code
from providers.emulator.resources import spell_id
from providers.emulator.scopes import Scopes, not_found
from providers.emulator.script import Script
from providers.emulator.stamps import Stamper
from providers.emulator.store import Record, Store
from providers.emulator.styles import Style

_GENERATION = "key:"
_KEY = re.compile(r"\{key:(\w+)\}")
_KEY_BYTES = 64
_NAMES_OF_KEY = ("keyName", "keyType", "keyKind", "name", "policyKey")


class Actions:
    """Answers POST below a resource."""

    def __init__(
        self, store: Store, operations: Operations, scopes: Scopes, script: Script, stamper: Stamper, signing_key: str
    ) -> None:
        """Derive keys from the emulator's own."""
        self._store = store
        self._operations = operations
        self._scopes = scopes
        self._script = script
        self._stamper = stamper
        self._key = bytes.fromhex(signing_key)

    def answer(self, call: Call) -> Answer:
        """Answer one action."""
        target = parse_address(call.address.parent_id)
        action = call.address.types[-1]
        if target.place not in (Place.RESOURCE, Place.GROUP):
            return self._above_resources(call, action)
        facts = type_facts(target.arm_type, call.api)
        self._scopes.check(target, "POST")
        self._scopes.check_locks(target.key, "POST", action=f"{facts.name}/{action}/action")
        record = self._store.get(target.key) or self._implied(target, facts)
        if record is None:
            raise not_found(target)
        template = _templates(facts.name).get(action.lower())
        known = [a for a in facts.operations.actions if a.name.lower() == action.lower()] if facts.operations else []
        if template is None and facts.operations is not None and not known:
            raise gateway_error(
                404, "InvalidResourceType", f"The resource type '{facts.name}' has no action '{action}'."
            )
        if action.lower().startswith("list"):
            self._check_settled(facts, target)
        if action.lower().startswith("regenerate"):
            self._regenerate(target, facts, call)
            template = _templates(facts.name).get("listkeys", template)
        if template is not None:
            return encode_answer(self._fill(template, target, record))
        if known and known[0].is_long_running:
            return self._begin(call, target, record)
        return encode_answer({})

    def _implied(self, target: Address, facts: TypeFacts) -> Record | None:
        """Return a resource that comes with its parent, as old as that; None when there is none."""
        parent = self._store.get(target.parent_id.lower()) if self._scopes.is_implicit(target) else None
        return replace(parent, id=spell_id(target, facts)) if parent is not None else None

    def _above_resources(self, call: Call, action: str) -> Answer:
        """Answer an action at a subscription: names are always free."""
        self._scopes.check_subscription(call.address)
        if action.lower() != "checknameavailability":
            raise gateway_error(404, "InvalidResourceType", f"There is no action '{action}' at '{call.address.scope}'.")
        return encode_answer({"nameAvailable": True})

    def _check_settled(self, facts: TypeFacts, target: Address) -> None:
        if any(o.verb == "create" for o in self._operations.running_on(target.key)):
            word = facts.name.rpartition("/")[2].removesuffix("s")
            code = f"{word[:1].upper()}{word[1:]}IsNotProvisioned"
            raise RefusedError(
                409, code, "The resource's provisioning state must be 'Succeeded' before executing the operation."
            )

    def _regenerate(self, target: Address, facts: TypeFacts, call: Call) -> None:
        body = decode_object(call.body or b"{}")
        asked = next((str(body[n]) for n in _NAMES_OF_KEY if n in body), "primary")
        text = str(_templates(facts.name).get("listkeys", ""))
        names = list(dict.fromkeys(_KEY.findall(text))) or [asked]
        chosen = [n for n in names if n.lower() == asked.lower()] or [
            n for n in names if n.lower().startswith(asked.lower().removesuffix("key"))
        ]
        if not chosen:
            raise RefusedError(400, "InvalidParameterValue", f"There is no key '{asked}'; keys: {', '.join(names)}.")
        note = f"{_GENERATION}{target.key}:{chosen[0]}"
        self._store.set_note(note, int(self._store.note(note) or 0) + 1)

    def _fill(self, template: Any, target: Address, record: Record) -> Any:
        location = region_code(str(record.value.get("location") or ""))
        context = Context(target, record.id, location, self._stamper.tenant, record.created)
        return self._keys(expand(template, context, "action"), target)

    def _keys(self, value: Any, target: Address) -> Any:
        if isinstance(value, str):
            return _KEY.sub(lambda m: self._invent(target, m[1]), value)
        if isinstance(value, list):
            return [self._keys(v, target) for v in value]
        if isinstance(value, Mapping):
            return {k: self._keys(v, target) for k, v in value.items()}
        return value

    def _invent(self, target: Address, name: str) -> str:
        generation = int(self._store.note(f"{_GENERATION}{target.key}:{name}") or 0)
        seed = f"{target.key}:{name}:{generation}".encode()
        block = hmac.digest(self._key, seed, hashlib.sha512)
        return base64.b64encode(block[:_KEY_BYTES]).decode()

    def _begin(self, call: Call, target: Address, record: Record) -> Answer:
        style = Style(202, "al", False, "", 10, "operationStatuses")
        operation = make_operation(
            target,
            "action",
            style,
            location=str(record.value.get("location") or "westus2"),
            api=call.api,
            now=call.now,
            polls=self._script.polls(call),
            serial=self._stamper.serial(),
        )
        operation.leaves = {"untouched": True}
        self._operations.start(operation)
        return Answer(202, headers=self._operations.headers(operation, call.base, call.now))


@cache
def _templates(arm_type: str) -> Mapping[str, Any]:
    rows = load_table("actions.json")
    row = rows.get(arm_type.lower(), {})
    return {name.lower(): rows[body] if isinstance(body, str) else body for name, body in row.items()}
