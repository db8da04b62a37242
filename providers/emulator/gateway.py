"""ARM's front door: token, limits, address, then the part of the emulator that is responsible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from providers.emulator.actions import Actions
from providers.emulator.address import Address, Place, parse_address
from providers.emulator.answer import Answer, RefusedError, gateway_error
from providers.emulator.authorization import Roles
from providers.emulator.call import Call
from providers.emulator.catalogue import Catalogue, is_role_definition
from providers.emulator.limits import Limits
from providers.emulator.lists import Lists
from providers.emulator.operations import Operations, is_poll_word
from providers.emulator.resources import Resources
from providers.emulator.soft_delete import SoftDeletes, is_deleted_vault
from providers.emulator.store import Store
from providers.emulator.tags import Tags, is_tags
from providers.emulator.tokens import TokenVault

_WRITERS = {"PUT": "put", "PATCH": "patch", "DELETE": "delete", "GET": "get", "HEAD": "get"}
_OWN_PLACES = frozenset(
    {
        Place.SUBSCRIPTIONS,
        Place.TENANTS,
        Place.SUBSCRIPTION,
        Place.LOCATIONS,
        Place.PROVIDERS,
        Place.PROVIDER,
        Place.PROVIDER_ACTION,
    }
)
_ACTOR = "x-ms-emulator-actor"


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire. Names of headers are in lower case, of query parameters too."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str


@dataclass(frozen=True, slots=True)
class Gateway:
    """Routes requests; holds no state of its own."""

    vault: TokenVault
    audiences: tuple[str, ...]
    limits: Limits
    store: Store
    operations: Operations
    resources: Resources
    lists: Lists
    tags: Tags
    actions: Actions
    catalogue: Catalogue
    soft_deletes: SoftDeletes
    roles: Roles

    def answer(self, request: Request, now: datetime, monotonic: float) -> Answer:
        """Answer a request to ARM; what it changed is durable when this returns.

        Raises:
            RefusedError: The request is refused.
        """
        principal = self.vault.check(request.headers.get("authorization", ""), self.audiences, now)
        address = parse_address(request.path)
        if any(ord(c) < ord(" ") for c in address.id):
            raise gateway_error(400, "InvalidRequestUri", "The request URI holds control characters.")
        headers = self.limits.take(request.method, address.subscription.lower(), principal.object_id, monotonic)
        actor = request.headers.get(_ACTOR) or principal.client
        if not request.headers.get(_ACTOR):
            self.roles.check(principal, request.method, address, request.body)
        call = Call(request.method, address, request.base, request.query, request.headers, request.body, actor, now)
        try:
            answer = self._route(call)
            if not request.headers.get(_ACTOR):
                answer = self.roles.shorten(principal, address, answer)
        except RefusedError as exc:
            exc.headers |= headers
            raise
        finally:
            self.store.flush()
        return Answer(answer.status, answer.body, {**headers, **answer.headers}, answer.content_type)

    def _route(self, call: Call) -> Answer:
        address = call.address
        polled = self._poll(call)
        if polled is not None:
            return polled
        if address.place in _OWN_PLACES:
            return self.catalogue.answer(call)
        if is_deleted_vault(address):
            return self.soft_deletes.answer(call)
        if is_tags(address):
            return self.tags.answer(call)
        if is_role_definition(address) and call.method == "GET":
            known = self.catalogue.roles(call)
            if known is not None:
                return known
        return self._route_resource(call, address)

    def _route_resource(self, call: Call, address: Address) -> Answer:
        match address.place:
            case Place.RESOURCE | Place.GROUP if call.method in _WRITERS:
                return getattr(self.resources, _WRITERS[call.method])(call)  # type: ignore[no-any-return]  # by name
            case Place.COLLECTION if call.method == "GET":
                return self.lists.of_type(call)
            case Place.COLLECTION if call.method == "POST":
                return self.actions.answer(call)
            case Place.GROUPS if call.method == "GET":
                return self.lists.groups(call)
            case Place.RESOURCES if call.method == "GET":
                return self.lists.resources(call)
        if address.place is Place.UNKNOWN:
            raise gateway_error(404, "InvalidResource", f"The path '{address.id}' names nothing in Azure.")
        raise RefusedError(
            405, "MethodNotAllowed", f"The HTTP method '{call.method}' is not supported at '{address.id}'."
        )

    def _poll(self, call: Call) -> Answer | None:
        segments = call.address.id.strip("/").split("/")
        if call.method != "GET" or not is_poll_word(segments):
            return None
        operation = self.operations.find(segments[-1])
        if operation is None:
            return None
        return self.operations.poll(operation, segments[-2], base=call.base, now=call.now)
