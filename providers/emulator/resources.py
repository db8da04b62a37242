"""PUT, PATCH, GET, HEAD and DELETE of one resource, whatever its type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.emulator import inline
from providers.emulator.address import Address, Place, parse_address
from providers.emulator.answer import Answer, RefusedError, encode, gateway_error
from providers.emulator.bodies import decode_object, merge_patch
from providers.emulator.call import Call
from providers.emulator.catalogue import REGISTERED
from providers.emulator.dependents import check_dependents
from providers.emulator.elements import complete_elements
from providers.emulator.facts import TypeFacts, type_facts
from providers.emulator.guards import check_patchable, check_preconditions, check_unchangeable
from providers.emulator.invent import Context
from providers.emulator.operations import Operation, Operations, make_operation
from providers.emulator.readback import clean_body, complete_body, set_state
from providers.emulator.regions import region_code
from providers.emulator.rewrite import merges_on_put
from providers.emulator.scopes import Scopes, not_found
from providers.emulator.script import Script
from providers.emulator.soft_delete import SoftDeletes
from providers.emulator.stamps import Stamper, set_etag
from providers.emulator.store import Record, Store, make_record
from providers.emulator.styles import Style, choose_style
from providers.emulator.validation import check_body

_UNMETHOD = b'{"Message":"The requested resource does not support http method \'%s\'."}'


class Resources:
    """The semantics of writes and reads; all state is in the store."""

    def __init__(
        self,
        store: Store,
        operations: Operations,
        scopes: Scopes,
        script: Script,
        stamper: Stamper,
        soft_deletes: SoftDeletes,
        *,
        refuses_busy: bool,
    ) -> None:
        """Work on these parts; ``refuses_busy``: one operation at a time on a network resource and its children."""
        self._refuses_busy = refuses_busy
        self._store = store
        self._operations = operations
        self._scopes = scopes
        self._script = script
        self._stamper = stamper
        self._soft_deletes = soft_deletes

    def get(self, call: Call) -> Answer:
        """Answer GET and HEAD."""
        address = call.address
        facts = type_facts(address.arm_type, call.api)
        if call.method == "GET" and facts.operations is not None and facts.operations.is_head_only:
            return Answer(405, _UNMETHOD % b"GET")
        for operation in self._operations.running_on(address.key):
            self._operations.look(operation, call.now)
        record = self._store.get(address.key)
        if record is None:
            self._scopes.check(address, call.method)
            if not self._scopes.is_implicit(address):
                raise not_found(address)
            record = self._implied(address, facts, call)
        if call.method == "HEAD":
            return Answer(204)
        return Answer(200, record.body, {"ETag": record.etag} if facts.takes_etag else {})

    def put(self, call: Call) -> Answer:
        """Answer PUT: create or replace."""
        facts, old = self._begin(call)
        desired = decode_object(call.body)
        check_body(call.address, facts, desired)
        check_unchangeable(facts, desired, old, self._context(call, call.address, facts, desired, old))
        if old is None:
            desired = dict(self._soft_deletes.revive(call.address, facts.name, desired))
        elif merges_on_put(facts.name):
            desired = merge_patch(clean_body(facts, old.value), desired)
        return self._write(call, facts, desired, old)

    def patch(self, call: Call) -> Answer:
        """Answer PATCH: a JSON merge patch of the members the type lets be patched."""
        facts, old = self._begin(call)
        if facts.operations is not None and "PATCH" not in facts.operations.methods:
            return Answer(405, _UNMETHOD % b"PATCH")
        if old is None:
            raise not_found(call.address)
        patch = decode_object(call.body)
        check_body(call.address, facts, patch, is_patch=True)
        check_patchable(facts, patch)
        check_unchangeable(facts, patch, old, self._context(call, call.address, facts, patch, old))
        return self._write(call, facts, merge_patch(clean_body(facts, old.value), patch), old)

    def delete(self, call: Call) -> Answer:
        """Answer DELETE: at once, or as an operation."""
        address = call.address
        facts = type_facts(address.arm_type, call.api)
        if not facts.can_delete:
            return Answer(405, _UNMETHOD % b"DELETE")
        self._scopes.check(address, call.method)
        old = self._store.get(address.key)
        if old is None:
            if facts.is_tracked or address.place is Place.GROUP:
                raise not_found(address)
            return Answer(204)
        self._scopes.check_locks(address.key, "DELETE")
        check_preconditions(call, facts, old)
        check_dependents(self._store, address, facts.name)
        style = choose_style(facts, "delete")
        failure = self._script.operation_failure(call)
        if not style.is_running and failure is None:
            self.remove(address.key, self._stamper.time(call.now))
            return Answer(style.status, old.body if style.has_body else b"")
        self._show_state(old, facts, "Deleting")
        return self._announce(call, facts, "delete", style, old)

    def finish(self, operation: Operation) -> None:
        """Carry out what an operation ends with; called when it ended."""
        record = self._store.get(operation.key)
        if self._soft_deletes.finish(operation) or record is None or operation.leaves.get("untouched"):
            return
        if operation.verb == "delete" and operation.error is None:
            self.remove(operation.key, operation.ended)
            return
        if operation.error is not None and operation.verb == "create" and operation.leaves.get("absent"):
            self.remove(operation.key, operation.ended)
            return
        facts = type_facts(record.type, record.api)
        state = "Failed" if operation.error is not None and operation.verb != "delete" else "Succeeded"
        self._show_state(record, facts, operation.state or state)

    def remove(self, key: str, when: str) -> None:
        """Remove a resource with everything in it, and its element in the parent's body."""
        record = self._store.get(key)
        if record is None:
            return
        for child in list(self._store.descendants(key)):
            self._remove_one(child, when)
        self._remove_one(record, when)
        self._refresh_parent(record)

    def _remove_one(self, record: Record, when: str) -> None:
        self._store.remove(record.key)
        self._soft_deletes.remember(record, when)

    def load(self, address: Address, facts: TypeFacts, desired: Mapping[str, Any], call: Call) -> Record:
        """Store a resource as if it had been put and had settled; nothing is checked."""
        record, _ = self._build(call, address, facts, dict(desired), None, state="Succeeded")
        self._store.put(record)
        return record

    def _check_registered(self, address: Address) -> None:
        """Refuse what belongs to a resource provider that the subscription does not use."""
        namespace = address.arm_type.partition("/")[0]
        if self._store.note(REGISTERED + namespace.lower()) == "NotRegistered":
            text = (
                f"The subscription is not registered to use namespace '{namespace}'. "
                "See https://aka.ms/rps-not-found for how to register subscriptions."
            )
            raise gateway_error(409, "MissingSubscriptionRegistration", text)

    def _begin(self, call: Call) -> tuple[TypeFacts, Record | None]:
        address = call.address
        facts = type_facts(address.arm_type, call.api)
        self._check_registered(address)
        self._scopes.check(address, call.method)
        self._scopes.check_locks(address.key, call.method)
        old = self._store.get(address.key)
        check_preconditions(call, facts, old)
        self._check_busy(address)
        return facts, old

    def _check_busy(self, address: Address) -> None:
        running = [o for o in self._operations.running_on(address.key) if o.verb == "delete"]
        if running:
            raise RefusedError(
                409,
                "Conflict",
                f"The resource '{address.id}' is being deleted. Please try again after it is gone.",
            )
        if self._refuses_busy and address.namespace.lower() == "microsoft.network":
            root = "/".join(address.key.split("/")[:9])
            for operation in self._operations.running_below(root):
                raise RefusedError(
                    409,
                    "AnotherOperationInProgress",
                    "Another operation on this or dependent resource is in progress. To retrieve status of the "
                    f"operation use uri: {operation.path}/{operation.status_word}/{operation.id}.",
                )

    def _write(self, call: Call, facts: TypeFacts, desired: dict[str, Any], old: Record | None) -> Answer:
        verb = "create" if old is None else "update"
        style = choose_style(facts, "patch" if call.method == "PATCH" else verb)
        state = style.state if style.is_running else "Succeeded"
        failure = self._script.operation_failure(call)
        if failure is not None and not style.is_running:
            style, state = replace(style, status=201 if old is None else 200, headers="a", has_body=True), "Updating"
        elif failure is not None and state.lower() in ("", "succeeded"):
            state = "Updating"
        record, children = self._build(call, call.address, facts, desired, old, state=state or "Updating")
        self._store.put(record)
        for child in children:
            self._store.put(child)
        self._refresh_parent(record)
        record = self._store.get(record.key) or record
        if not style.is_running:
            return Answer(
                style.status, record.body if style.has_body else b"", self._resource_headers(call, style, record)
            )
        return self._announce(call, facts, verb, style, record)

    def _build(
        self, call: Call, address: Address, facts: TypeFacts, desired: dict[str, Any], old: Record | None, *, state: str
    ) -> tuple[Record, list[Record]]:
        cleaned = clean_body(facts, inline.without_lists(facts.name, desired))
        context = self._context(call, address, facts, desired, old)
        body = complete_body(facts, cleaned, context)
        set_state(facts, body, state)
        etag = self._stamper.etag(address.key, old.etag if old else "", call.now)
        self._stamper.stamp(facts, body, old.value if old else None, call)
        children = self._build_children(call, address, facts, desired, etag)
        set_etag(facts, body, etag)
        complete_elements(facts, body, etag)
        record = make_record(
            context.resource_id, facts.name, api=facts.api, etag=etag, created=context.created, body=encode(body)
        )
        return record, children

    def _build_children(
        self, call: Call, address: Address, facts: TypeFacts, desired: Mapping[str, Any], etag: str
    ) -> list[Record]:
        children = []
        for each in inline.inline_lists(facts.name):
            child_type = f"{facts.name}/{each.child}"
            wanted = dict(inline.take_children(each, desired))
            kept = {n.lower() for n in wanted}
            if each.keeps_others or (call.method == "PATCH" and not inline.has_list(each, desired)):
                kept |= {parse_address(r.id).name.lower() for r in self._store.collection(address.key, child_type)}
            for record in list(self._store.collection(address.key, child_type)):
                if parse_address(record.id).name.lower() not in kept:
                    self._store.remove(record.key)
            for name, body in wanted.items():
                child = parse_address(f"{address.id}/{each.child}/{name}")
                child_facts = type_facts(child_type, facts.api)
                old = self._store.get(child.key)
                built, _ = self._build(call, child, child_facts, body, old, state="Succeeded")
                children.append(built)
        return children

    def _refresh_parent(self, record: Record) -> None:
        """Write the inline lists of a resource, and its element in its parent."""
        self._refresh_lists(record)
        parent = self._store.get(record.parent)
        if parent is not None and inline.inline_list_of(record.type) is not None:
            self._refresh_lists(parent)

    def _refresh_lists(self, record: Record) -> None:
        lists = inline.inline_lists(record.type)
        held = self._store.get(record.key)
        if not lists or held is None:
            return
        body = held.value
        for each in lists:
            children = self._store.collection(record.key, f"{record.type}/{each.child}")
            body.setdefault("properties", {})[each.member] = [inline.element_of(each, c.value) for c in children]
        self._store.put(replace(held, body=encode(body)))

    def _show_state(self, record: Record, facts: TypeFacts, state: str) -> None:
        body = record.value
        set_state(facts, body, state)
        etag = self._stamper.next_etag(record)
        set_etag(facts, body, etag)
        changed = replace(record, body=encode(body), etag=etag)
        self._store.put(changed)
        self._refresh_parent(changed)

    def _announce(self, call: Call, facts: TypeFacts, verb: str, style: Style, record: Record) -> Answer:
        location = str(record.value.get("location") or "westus2")
        operation = make_operation(
            call.address,
            verb,
            style,
            location=location,
            api=call.api,
            now=call.now,
            polls=self._script.polls(call),
            serial=self._stamper.serial(),
        )
        failure = self._script.operation_failure(call, take=True)
        if failure is not None:
            operation.error = failure.error
            operation.leaves = {"absent": failure.leaves_nothing}
        self._operations.start(operation)
        headers = self._operations.headers(operation, call.base, call.now)
        headers |= self._resource_headers(call, style, record)
        if facts.name.lower().startswith("microsoft.network/"):
            headers["Azure-AsyncNotification"] = "Enabled"
        return Answer(style.status, record.body if style.has_body and verb != "delete" else b"", headers)

    def _resource_headers(self, call: Call, style: Style, record: Record) -> dict[str, str]:
        if "s" not in style.headers:
            return {}
        relative = record.type.lower().startswith(("microsoft.managedidentity/", "microsoft.alertsmanagement/"))
        return {"Location": f"{'' if relative else call.base}{record.id}?api-version={call.api}"}

    def _implied(self, address: Address, facts: TypeFacts, call: Call) -> Record:
        record, _ = self._build(call, address, facts, {}, None, state="Succeeded")
        return record

    def _context(
        self, call: Call, address: Address, facts: TypeFacts, desired: Mapping[str, Any], old: Record | None
    ) -> Context:
        location = desired.get("location")
        if not location and address.place is not Place.GROUP:
            location = self._location_above(address)
        return Context(
            address,
            old.id if old else spell_id(address, facts),
            region_code(str(location or "")),
            self._stamper.tenant,
            old.created if old else self._stamper.time(call.now),
        )

    def _location_above(self, address: Address) -> str:
        key = address.parent_id.lower()
        while key:
            record = self._store.get(key)
            location = record.value.get("location") if record else None
            if location:
                return str(location)
            key = parse_address(key).parent_id if record else ""
        return ""


def spell_id(address: Address, facts: TypeFacts) -> str:
    """Return an id with Azure's spelling of the fixed words and the client's spelling of the names."""
    if address.place is Place.GROUP:
        return f"/subscriptions/{address.subscription}/resourceGroups/{address.group}"
    spelling = facts.spelling if facts.spelling.lower() == facts.name.lower() else facts.name
    namespace, *types = spelling.split("/")
    pairs = "/".join(f"{t}/{n}" for t, n in zip(types, address.names, strict=True))
    scope = address.scope
    if address.group and scope.count("/") == 4:
        word = facts.habits.get("group", "resourceGroups")
        scope = f"/subscriptions/{address.subscription}/{word}/{address.group}"
    return f"{scope}/providers/{namespace}/{pairs}"
