"""ARM behind the engine's ports: read many resources, write one, follow an operation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Self
from urllib.parse import quote

from engine.errors import EngineError, InvariantError, UnavailableError
from engine.model.audit import Principal
from engine.model.document import ABSENT, Body, encode_wire
from engine.model.hold import HoldKind, Holds, Unread
from engine.model.ids import ApiVersion, ArmId
from engine.model.plan import Request
from engine.model.purpose import Purpose
from engine.model.result import OperationProgress, OperationStatus, RequestIds
from engine.model.state import ActualState
from engine.ports import Begun, Clock, ReadTarget
from providers.arm import lro
from providers.arm.actions import Caller
from providers.arm.answer import Answer
from providers.arm.auth import Authorizer, build_authorizer, is_microsoft
from providers.arm.claims import read_principal
from providers.arm.errors import Fault, decode_fault, error_from_fault, is_gone
from providers.arm.holds import LISTS, decode_holds
from providers.arm.observe import Observer
from providers.arm.options import ArmOptions
from providers.arm.origin import SAFE_IN_PATH, Origin
from providers.arm.pages import Item, split_page
from providers.arm.registering import Registrar
from providers.arm.retry import RetryPolicy
from providers.arm.scrub import Scrubber
from providers.arm.throttle import Throttle
from providers.arm.token import FixedToken, Token, TokenCell, TokenSource
from providers.arm.transport import MakeWire, Traffic, Transport
from schemas.behaviour_types import Call
from schemas.operations import lookup_operations

_RESOURCES_API: Final = ApiVersion("2021-04-01")
_ROLES_API: Final = ApiVersion("2022-04-01")
_IN_TEXT: Final = "'"
_MOST_PAGES: Final = 1_000


class AzureResourceManager:
    """Implements ``ActualSource`` and ``StepApplier``; use it as an asynchronous context manager."""

    def __init__(
        self,
        options: ArmOptions,
        clock: Clock,
        *,
        tokens: TokenSource | None = None,
        make_wire: MakeWire | None = None,
    ) -> None:
        """Prepare; nothing is sent before the first read.

        Args:
            options: Where, as whom, how hard.
            clock: For waits, token lifetimes and rate limits.
            tokens: Who authorises; made from ``options.credential`` unless given.
            make_wire: Makes connections; real ones unless given.

        Raises:
            InvalidSpecError: The endpoint or the CA file cannot be used.
        """
        self._clock = clock
        self._tokens = tokens or _token_source(options, clock, Origin.parse(options.endpoint))
        self._throttle = Throttle(clock, options.credential.get("AZURE_CLIENT_ID", ""), in_flight=options.in_flight)
        self._transport = Transport(options, tokens=self._tokens, throttle=self._throttle, make_wire=make_wire)
        self._retry = RetryPolicy(clock=clock, attempts=options.retry_attempts, budget_s=options.retry_budget_s)
        self._observers = {
            purpose: Observer(
                partial(self._read, purpose=purpose),
                origin=self._transport.origin,
                lookup=lookup_operations,
                clock=clock,
                in_flight=options.in_flight[Purpose.SWEEP],
            )
            for purpose in Purpose
        }
        self._caller = Caller(transport=self._transport, retry=self._retry, clock=clock, check=self._check)
        self._registrar = Registrar(self._transport.origin.text, self._register)
        self._scrubber = Scrubber()
        self._roles: dict[tuple[str, str], str] = {}

    async def __aenter__(self) -> Self:
        """Return the adapter."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._transport.__aexit__()

    @property
    def traffic(self) -> Traffic:
        """Return the counters of what went over the wire."""
        return self._transport.traffic

    async def sign_in(self) -> None:
        """Fetch a token now, so that a wrong credential is one clear error and not one per resource.

        Raises:
            PolicyDeniedError: The credential is missing, wrong or expired.
            UnavailableError: The authority did not answer.
        """
        await self._tokens.headers()

    async def principal(self) -> Principal:
        """Return as whom requests are sent, as the token itself says; nothing of it is verified here.

        Raises:
            PolicyDeniedError: The credential is missing, wrong or expired.
            UnavailableError: The authority did not answer.
        """
        return read_principal(await self._tokens.headers())

    def last_principal(self) -> Principal:
        """Return as whom the last request was sent, without asking anybody; empty where no token says it."""
        return read_principal(self._tokens.held())

    def quota_left(self) -> Mapping[tuple[str, str], float]:
        """Return how many more requests fit now, by subscription (empty for the tenant's) and kind of request."""
        return self._throttle.left()

    def observe(
        self, targets: Sequence[ReadTarget], *, purpose: Purpose = Purpose.SWEEP
    ) -> AsyncGenerator[Sequence[ActualState], None]:
        """Yield batches that together hold one state per distinct target, by the cheapest reads.

        A reader that may leave early closes it (``contextlib.aclosing``): requests are under way behind it.
        """
        return self._observers[purpose].observe(targets)

    async def fetch(self, target: ReadTarget, *, purpose: Purpose = Purpose.SWEEP) -> ActualState:
        """Read one resource by GET, by HEAD where the type has no GET."""
        return await self._observers[purpose].fetch(target)

    async def list_children(self, group: ArmId) -> Sequence[ArmId] | None:
        """Return the ids of all resources in a resource group, none if it is gone; None when it cannot be read."""
        url = self._transport.origin.resource_url(group, _RESOURCES_API, below="/resources")
        items = await self._list(url)
        if isinstance(items, Fault):
            return () if items.code.lower() == "resourcegroupnotfound" else None
        return None if items is None else tuple(ArmId(item.id) for item in items)

    async def list_holds(self, scope: ArmId, kind: HoldKind) -> Holds:
        """Return the locks, or the deny assignments, at a subscription or group and below; ``unread`` when refused."""
        below, api_version = LISTS[kind]
        items = await self._list(self._transport.origin.resource_url(scope, api_version, below=below))
        if isinstance(items, Fault):
            return Holds(unread=(Unread(kind=kind, scope=scope, cause=items.text),))
        try:
            if items is not None:
                return decode_holds(kind, (item.document for item in items))
            cause = "the list broke off"
        except ValueError as exc:
            cause = str(exc)
        return Holds(unread=(Unread(kind=kind, scope=scope, cause=cause),))

    async def find_role_definition(self, scope: str, role_name: str) -> str | None:
        """Return the id of a role definition by its display name, without letter case; None when there is none.

        Raises:
            EngineError: Role definitions cannot be read.
        """
        key = (scope.lower().strip("/"), role_name.lower())
        if key not in self._roles:
            found = await self._look_up_role(scope, role_name)
            if found is None:
                return None
            self._roles[key] = found
        return self._roles[key]

    async def call(self, call: Call, path: str, begun: Begun | None = None) -> Any:
        """Send a call beside a resource's own requests and return its answer's JSON.

        Raises:
            EngineError: Azure refuses, nobody answers, or the answer is none of Azure's.
        """
        return await self._caller.call(call, path, begun)

    def _check(self, answer: Answer, what: str) -> None:
        _check_from_arm(answer, what, self._clock.now())

    def keep_secrets(self, body: Body) -> None:
        """Learn the secrets of a desired body: from now on no error repeats one of them, whatever Azure answers."""
        self._scrubber.learn(body)

    def intend(self, request: Request, *, resource: ArmId, patience: timedelta = timedelta(0)) -> str:
        """Return the token that finds out what became of a write whose answer nobody saw.

        From now on it waits so long for a resource that Azure does not show.
        """
        until = self._clock.now() + patience if patience else None
        return lro.intend(request.method, self._url(request.url, resource), until).encode()

    async def begin(
        self,
        request: Request,
        *,
        resource: ArmId,
        purpose: Purpose = Purpose.SWEEP,
        announce: Callable[[str], None] | None = None,
    ) -> OperationProgress:
        """Send one write; the answer says whether an operation goes on.

        A DELETE of what is gone already is a success. Whether a write that was not answered was done is not known.

        Raises:
            TransientError: Refused for now: throttled, conflict, something not ready; with ``retry_after`` if known.
            PolicyDeniedError: Refused for good for this identity.
            InvalidSpecError: Refused for what it says.
            InvariantError: It holds a value that is not known; nothing was sent.
        """
        what = f"{request.method} {resource.text}"
        url = self._url(request.url, resource)
        body = _encode(request, what)
        self._scrubber.learn(request.body)
        tell = partial(announce, self.intend(request, resource=resource)) if announce is not None else None
        answer = await self._transport.send(
            request.method, url, body=body, headers=request.headers, purpose=purpose, announce=tell
        )
        ids = RequestIds(correlation=answer.correlation_id, request=answer.request_id)
        try:
            return replace(self._judge_write(request.method, url, answer, resource), ids=ids)
        except EngineError as exc:
            error = await self._registrar.heed(exc, resource)
            error.correlation_id, error.request_id = ids.correlation, ids.request
            if error is exc:
                raise
            raise error from exc

    async def _register(self, url: str) -> None:
        """Ask for a resource provider; a refusal is told in its own words."""
        answer = await self._transport.send("POST", url, purpose=Purpose.FOLLOW)
        if not answer.is_success:
            raise error_from_fault(decode_fault(answer, self._clock.now()), what=f"POST {url.partition('?')[0]}")

    def _judge_write(self, method: str, url: str, answer: Answer, resource: ArmId) -> OperationProgress:
        """Return what the answer to a write means, or raise what it says."""
        what = f"{method} {resource.text}"
        now = self._clock.now()
        if not answer.is_success:
            answer = self._scrubber.clean(answer)
        _check_from_arm(answer, what, now)
        if not answer.is_success:
            fault = decode_fault(answer, now)
            if method == "DELETE" and is_gone(answer, fault):
                return OperationProgress(status=OperationStatus.SUCCEEDED, http_status=answer.status)
            raise error_from_fault(fault, what=what, arm_type=resource.resource_type)
        self.traffic.bodies_parsed += bool(answer.body)
        verdict = self._verdict(
            answer, lambda found: lro.start(method, found, url=url, origin=self._transport.origin, now=now)
        )
        return replace(self._progress(verdict, what, resource), http_status=answer.status)

    async def poll(self, token: str) -> OperationProgress:
        """Ask once how the operation stands; an answer that says nothing counts as "goes on".

        Raises:
            InvalidSpecError: The token is damaged or belongs to another endpoint.
            PolicyDeniedError: The identity may not ask; the operation may well go on.
            UnavailableError: Nobody answered for a long time; the operation may well go on.
        """
        poller = lro.decode_poller(token, self._transport.origin)
        what = f"{poller.method} {poller.resource.text}"
        try:
            answer = await self._transport.send("GET", poller.url, purpose=Purpose.POLL)
        except UnavailableError:
            if poller.unanswered >= lro.MAX_UNANSWERED:
                raise
            return self._progress(lro.no_answer(poller), what, poller.resource)
        now = self._clock.now()
        if answer.status in (401, 403):
            raise error_from_fault(decode_fault(self._scrubber.clean(answer), now), what=what)
        self.traffic.bodies_parsed += bool(answer.body)
        verdict = self._verdict(
            answer, lambda found: lro.advance(poller, found, origin=self._transport.origin, now=now)
        )
        if isinstance(verdict, lro.Running) and verdict.poller.unanswered > lro.MAX_UNANSWERED:
            raise error_from_fault(decode_fault(self._scrubber.clean(answer), now), what=what)
        return replace(self._progress(verdict, what, poller.resource), answered=poller.answered)

    def _verdict(self, answer: Answer, judge: Callable[[Answer], lro.Verdict]) -> lro.Verdict:
        """Return what an answer means; a failure is told in words without the secrets that were sent."""
        verdict = judge(answer)
        return judge(self._scrubber.clean(answer)) if isinstance(verdict, lro.Failed) else verdict

    async def _read(self, method: str, url: str, *, purpose: Purpose = Purpose.SWEEP) -> Answer:
        async def attempt() -> Answer:
            return await self._transport.send(method, url, purpose=purpose)

        answer = await self._retry.read(attempt)
        return answer if answer.is_success else self._scrubber.clean(answer)

    async def _list(self, url: str) -> list[Item] | Fault | None:
        """Return all items of a list; the fault that refused it; None when it broke off or does not end."""
        items: list[Item] = []
        following: str | None = url
        seen: set[str] = set()
        while following:
            if following in seen or len(seen) >= _MOST_PAGES:
                return None
            seen.add(following)
            try:
                answer = await self._read("GET", following)
                if not answer.is_success:
                    return decode_fault(answer, self._clock.now())
                page, link = split_page(answer.body)
            except (EngineError, ValueError):
                return None
            items.extend(page)
            following = self._transport.origin.localize(link) if link else ""
        return items if following is not None else None

    async def _look_up_role(self, scope: str, role_name: str) -> str | None:
        wanted = role_name.replace("'", "''")
        path = f"/{quote(scope.strip('/'), safe=SAFE_IN_PATH)}/providers/Microsoft.Authorization/roleDefinitions"
        query = f"?api-version={_ROLES_API}&$filter=roleName%20eq%20'{quote(wanted, safe=_IN_TEXT)}'"
        answer = await self._read("GET", self._transport.origin.text + path + query)
        if not answer.is_success:
            raise error_from_fault(decode_fault(answer, self._clock.now()), what=f"the look-up of role {role_name!r}")
        self.traffic.bodies_parsed += 1
        value: Any = answer.decode()
        found = value.get("value") if isinstance(value, dict) else None
        for item in found if isinstance(found, list) else ():
            if _role_name(item).lower() == role_name.lower():
                return str(item["id"])
        return None

    def _url(self, url: str, resource: ArmId) -> str:
        """Return the request's URL with the resource's name quoted, whatever characters it has."""
        base = self._transport.origin.text + resource.text
        if url.startswith(base):
            url = self._transport.origin.text + quote(resource.text, safe=SAFE_IN_PATH) + url[len(base) :]
        return self._transport.origin.require(url)

    def _progress(self, verdict: lro.Verdict, what: str, resource: ArmId) -> OperationProgress:
        match verdict:
            case lro.Running(poller=poller, wait=wait):
                return OperationProgress(status=OperationStatus.RUNNING, token=poller.encode(), wait=wait)
            case lro.Succeeded(document=document):
                return OperationProgress(status=OperationStatus.SUCCEEDED, document=document)
            case lro.Failed(fault=fault):
                error = error_from_fault(fault, what=what, arm_type=resource.resource_type)
                return OperationProgress(status=OperationStatus.FAILED, error=error)


def _token_source(options: ArmOptions, clock: Clock, origin: Origin) -> TokenSource:
    """Return where tokens come from; the credential is built when the first one is needed.

    A token that Azure would accept never goes over plain text: there only an authority of one's own is asked.
    """
    if origin.is_plain and (is_microsoft(options.authority) or not options.credential.get("AZURE_TENANT_ID")):
        return FixedToken()
    authorizers: list[Authorizer] = []

    async def fetch() -> Token:
        if not authorizers:
            authorizers.append(await asyncio.to_thread(build_authorizer, options))
        return await authorizers[0].fetch()

    return TokenCell(fetch, clock)


def _encode(request: Request, what: str) -> bytes:
    try:
        return b"" if request.body is ABSENT else encode_wire(request.body)
    except ValueError as exc:
        raise InvariantError(f"{what} holds a value that is not known yet; nothing was sent") from exc


def _check_from_arm(answer: Answer, what: str, now: datetime) -> None:
    """Refuse what a proxy, a login page or another server answered in ARM's place."""
    is_json = not answer.body or answer.decode() is not ABSENT
    if is_json and (answer.body or answer.is_success or answer.is_from_arm):
        return
    error = UnavailableError(
        f"{what} was answered by something other than Azure Resource Manager",
        detail=f"HTTP {answer.status}, {decode_fault(answer, now).text}",
        hint="check AZURE_RESOURCE_MANAGER_ENDPOINT and proxies on the way",
    )
    error.http_status = answer.status
    raise error


def _role_name(item: Any) -> str:
    properties = item.get("properties") if isinstance(item, dict) else None
    name = properties.get("roleName") if isinstance(properties, dict) else None
    return name if isinstance(name, str) and "id" in item else ""
