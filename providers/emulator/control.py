"""``/_emulator``: what was asked, what is to go wrong, many resources at once. Only for this machine, without token."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
import orjson

from providers.emulator.address import GROUP_TYPE, Address, Place, parse_address
from providers.emulator.answer import Answer, RefusedError, encode_answer
from providers.emulator.applications import Applications
from providers.emulator.authorization import Roles
from providers.emulator.bodies import decode_object
from providers.emulator.call import Call
from providers.emulator.facts import TypeFacts, supported_versions, type_facts
from providers.emulator.resources import Resources, spell_id
from providers.emulator.script import Script, parse_rule
from providers.emulator.store import Store, make_record
from providers.emulator.traffic import Traffic

_DEFAULT_LOCATION = "westeurope"
_LINES_PER_FLUSH = 5000
_ETAG = re.compile(rb'"etag":\s*("(?:[^"\\]|\\.)*")')


class _BulkLine(msgspec.Struct):
    """One resource to load. The body stays raw: parsing 100,000 of them would cost memory nobody gives back."""

    id: str
    body: msgspec.Raw
    api: str = ""
    type: str = ""
    desired: bool = False


class Control:
    """The emulator's own interface."""

    def __init__(
        self,
        store: Store,
        resources: Resources,
        script: Script,
        traffic: Traffic,
        roles: Roles,
        applications: Applications,
    ) -> None:
        """Work on these parts."""
        self._store = store
        self._resources = resources
        self._script = script
        self._traffic = traffic
        self._roles = roles
        self._applications = applications

    def answer(self, method: str, name: str, body: bytes, now: datetime) -> Answer:
        """Answer one request to the control API."""
        handlers: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", "requests"): lambda: encode_answer(self._traffic.document()),
            ("DELETE", "requests"): self._reset,
            ("GET", "script"): lambda: encode_answer({"value": self._script.documents()}),
            ("POST", "script"): lambda: self._add(body),
            ("DELETE", "script"): self._clear,
            ("POST", "roles"): lambda: self._give(body),
            ("DELETE", "roles"): self._allow_everything,
            ("POST", "applications"): lambda: self._add_application(body),
            ("POST", "bulk"): lambda: self._bulk(body, now),
            ("GET", "health"): lambda: encode_answer({"resources": len(self._store)}),
        }
        handler = handlers.get((method, name))
        if handler is None:
            known = ", ".join(sorted(f"{m} {n}" for m, n in handlers))
            raise RefusedError(404, "NotFound", f"The control API has: {known}.")
        return handler()

    def _reset(self) -> Answer:
        self._traffic.reset()
        return Answer(204)

    def _clear(self) -> Answer:
        self._script.clear()
        return Answer(204)

    def _add(self, body: bytes) -> Answer:
        document = _parse(body)
        rules = document if isinstance(document, list) else [document]
        if not all(isinstance(r, dict) for r in rules):
            raise RefusedError(400, "InvalidScript", "A rule is an object.")
        for rule in rules:
            parse_rule(rule)
        return encode_answer({"ids": [self._script.add(r) for r in rules]}, 201)

    def _give(self, body: bytes) -> Answer:
        document = _parse(body)
        return encode_answer({"roles": self._roles.give(document if isinstance(document, list) else [document])}, 201)

    def _add_application(self, body: bytes) -> Answer:
        document = _parse(body)
        found = document if isinstance(document, dict) else {}
        client, secret = found.get("client"), found.get("secret")
        if not (isinstance(client, str) and client and isinstance(secret, str) and secret):
            raise RefusedError(400, "InvalidApplication", 'An application is {"client": id, "secret": text}.')
        return encode_answer({"objectId": self._applications.add(client, secret).object_id}, 201)

    def _allow_everything(self) -> Answer:
        self._roles.clear()
        return Answer(204)

    def _bulk(self, body: bytes, now: datetime) -> Answer:
        """Store one resource per line, ``{"id","api","body"}``, with the body as GET is to answer it.

        ``"desired": true`` says that the body is one to PUT: it is completed and respelled as a PUT's would be.
        """
        count = 0
        decode = msgspec.json.Decoder(_BulkLine).decode
        for number, line in enumerate(body.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                self._load(decode(line), now)
            except msgspec.DecodeError as exc:
                raise RefusedError(400, "InvalidRequestContent", f"line {number}: {exc}") from exc
            except RefusedError as exc:
                raise RefusedError(400, exc.code, f"line {number}: {exc.message}") from exc
            count += 1
            if count % _LINES_PER_FLUSH == 0:
                self._store.flush()
        return encode_answer({"loaded": count}, 201)

    def _load(self, line: _BulkLine, now: datetime) -> None:
        address = parse_address(line.id)
        if address.place not in (Place.RESOURCE, Place.GROUP):
            raise RefusedError(400, "InvalidRequestContent", f"{line.id} is not the id of a resource.")
        api = line.api or next(iter(supported_versions(address.arm_type)), "")
        facts = type_facts(address.arm_type, api)
        self._ensure_group(address, now)
        call = _call("PUT", address, api, now)
        if line.desired:
            self._resources.load(address, facts, decode_object(bytes(line.body)), call)
        else:
            self._store_verbatim(address, facts, bytes(line.body), call)

    def _store_verbatim(self, address: Address, facts: TypeFacts, body: bytes, call: Call) -> None:
        found = _ETAG.search(body)
        etag = orjson.loads(found[1]) if found else '"0"'
        if b"\t" in body:
            body = orjson.dumps(orjson.loads(body))
        created = call.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        record = make_record(spell_id(address, facts), facts.name, api=call.api, etag=etag, created=created, body=body)
        self._store.put(record)

    def _ensure_group(self, address: Address, now: datetime) -> None:
        if not address.group or address.place is Place.GROUP:
            return
        group = parse_address(f"/subscriptions/{address.subscription}/resourceGroups/{address.group}")
        if self._store.get(group.key) is None:
            facts = type_facts(GROUP_TYPE, supported_versions(GROUP_TYPE)[0])
            call = _call("PUT", group, facts.api, now)
            self._resources.load(group, facts, {"location": _DEFAULT_LOCATION}, call)


def _call(method: str, address: Address, api: str, now: datetime) -> Call:
    return Call(method, address, "", {"api-version": api}, {}, b"", "emulator-bulk", now)


def _parse(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise RefusedError(400, "InvalidRequestContent", f"not JSON: {exc}") from exc
