"""How a write is answered: at once, or as one of the shapes Azure's long-running operations have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from providers.emulator.facts import TypeFacts, load_table

_SETTLED = frozenset({"", "succeeded", "failed", "canceled", "ready"})


@dataclass(frozen=True, slots=True)
class Style:
    """One shape of answer.

    Attributes:
        headers: ``a`` Azure-AsyncOperation, ``l`` Location to poll, ``s`` Location that names the resource itself.
        state: provisioningState while it runs; empty when the answer shows none.
        retry_after: Seconds Azure asks to wait; None when it says nothing.
        poll: Word before the operation's id in its address.
        running: What its status says until it ends.
    """

    status: int
    headers: str
    has_body: bool
    state: str
    retry_after: int | None
    poll: str
    running: str = "InProgress"

    @property
    def is_running(self) -> bool:
        """Whether anything goes on after the answer."""
        return "a" in self.headers or "l" in self.headers or self.state.lower() not in _SETTLED


def choose_style(facts: TypeFacts, verb: str) -> Style:
    """Return how a type answers ``create``, ``update``, ``patch`` or ``delete``.

    As recorded, else as its operations say; PATCH was never recorded, so its answers follow the operations alone.
    """
    row = _table().get(facts.name.lower(), {})
    poll, running = str(row.get("poll", "operationStatuses")), str(row.get("running", "InProgress"))
    if verb in row:
        status, headers, has_body, state, retry_after = row[verb]
        return Style(status, headers, has_body, state or "", retry_after, poll, running)
    if verb == "patch":
        return _patch_style(facts, poll, running)
    if verb == "update" and "create" in row:
        _, headers, _, state, retry_after = row["create"]
        headers = "a" if "a" in headers else ""
        return Style(200, headers, True, "Updating" if headers else "", retry_after, poll, running)
    return _by_operations(facts, verb, poll)


def _by_operations(facts: TypeFacts, verb: str, poll: str) -> Style:
    method = "DELETE" if verb == "delete" else "PUT"
    known = facts.operations
    operation = known.operations.get(method) if known else None
    long = known is not None and known.is_long_running(method, facts.api)
    if operation is None or not long:
        status = 200 if verb != "create" or (operation and 201 not in operation.codes and operation.codes) else 201
        return Style(status, "", verb != "delete", "", None, poll)
    if verb == "delete":
        return Style(202, {"azure-async-operation": "al"}.get(operation.final, "l"), False, "", 10, poll)
    status = 201 if verb == "create" and 201 in operation.codes else 200 if 200 in operation.codes else 202
    headers = "l" if operation.final == "location" or operation.codes == (202,) else "a"
    return Style(
        status, headers, status != 202 or headers == "a", "Creating" if verb == "create" else "Updating", 10, poll
    )


def _patch_style(facts: TypeFacts, poll: str, running: str) -> Style:
    known = facts.operations
    codes = known.operations["PATCH"].codes if known and "PATCH" in known.operations else ()
    if known is None or not known.is_long_running("PATCH", facts.api):
        return Style(200 if not codes or 200 in codes else codes[0], "", True, "", None, poll)
    if 202 in codes:
        headers = "l" if known.operations["PATCH"].final == "location" else "al"
        return Style(202, headers, False, "Updating", 10, poll, running)
    return Style(200 if not codes or 200 in codes else codes[0], "a", True, "Updating", 10, poll, running)


@cache
def _table() -> Mapping[str, Any]:
    return load_table("styles.json")
