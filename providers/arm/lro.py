"""Long-running operations as a state machine without input or output: (poller, answer) -> go on, succeeded, failed.

What is polled, in this order: ``Azure-AsyncOperation``, ``Operation-Location``, an absolute ``Location`` (each only on
ARM's own host), the resource itself while its state is not terminal. The headers decide, never the status code.

Source: 4,949 recorded writes with their polls; the rules hold whatever client asks.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import orjson

from engine.errors import InvalidSpecError
from engine.model.document import ABSENT, Document
from engine.model.ids import ArmId
from providers.arm.answer import Answer
from providers.arm.aso_token import is_aso_token, translate
from providers.arm.errors import Fault, decode_fault, explain, explain_state
from providers.arm.origin import Origin

TOKEN_FORMAT: Final = 1
MAX_UNANSWERED: Final = 30
MAX_WAIT: Final = timedelta(minutes=5)
MIN_WAIT: Final = timedelta(milliseconds=100)
LONGEST_PATIENCE: Final = timedelta(minutes=5)
"""A token that asks to wait longer for a resource was made by a clock that is wrong."""
_DEFAULT_WAIT_CAP_S: Final = 30.0
_NOT_VISIBLE_YET: Final = 5
_FAILED: Final = frozenset({"failed", "canceled", "cancelled"})
_ALSO_SETTLED: Final[Mapping[str, frozenset[str]]] = {
    "microsoft.sql/servers/outboundfirewallrules": frozenset({"ready"}),
}


class PollKind(enum.StrEnum):
    """What is asked.

    RESOURCE follows a write that was taken; REST only looks until nothing works on the resource any more, where
    nobody knows whether the write was taken, or where the record of its operation is lost.
    """

    OPERATION = "operation"
    LOCATION = "location"
    RESOURCE = "resource"
    REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Poller:
    """Saved form of an operation that goes on.

    Attributes:
        url: What to GET next. Signed by ARM; holds no secret of ours.
        resource_url: The URL written to: asked when the operation's own record is gone; empty for POST.
        polls: How many answers there were.
        unanswered: How many polls in a row said nothing.
        answered: Whether the write was; False in a token that was made before it was sent.
        until: Before this time of day a resource that is not to be seen may be on its way, unanswered.
    """

    method: str
    kind: PollKind
    url: str
    resource_url: str
    polls: int = 0
    unanswered: int = 0
    answered: bool = True
    until: float = 0.0

    def encode(self) -> str:
        """Return the resume token."""
        return orjson.dumps({"format": TOKEN_FORMAT, **asdict(self)}).decode()

    def beside(self, url: str) -> Poller:
        """Return the poller of a call as one that knows the resource it was sent for: that is read in the end."""
        path, _, query = url.partition("?")
        return replace(self, resource_url=f"{path.rpartition('/')[0]}?{query}")

    @property
    def resource(self) -> ArmId:
        """Return the id behind the URL written to."""
        path = self.resource_url.partition("?")[0].partition("://")[2].partition("/")[2]
        return ArmId("/" + path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Ask again after ``wait``."""

    poller: Poller
    wait: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Succeeded:
    """It ended well. ``document`` is the resource where the last answer showed it; read it again to be sure."""

    document: Document | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It ended badly, in ARM's words."""

    fault: Fault


Verdict = Running | Succeeded | Failed


def decode_poller(token: str, origin: Origin) -> Poller:
    """Read a resume token, ours or one that ASO left.

    Raises:
        InvalidSpecError: It is damaged, of another format, or leads to another host.
    """
    try:
        return _restore(orjson.loads(token), origin)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise InvalidSpecError(
            "A saved operation cannot be resumed",
            detail=f"{type(exc).__name__}: its token is damaged or belongs to another endpoint",
            hint="forget it; the next plan reads the resource again",
        ) from exc


def _restore(members: Any, origin: Origin) -> Poller:
    if is_aso_token(members):
        members = translate(members)
    elif members.pop("format") != TOKEN_FORMAT:
        raise ValueError("another format")
    poller = Poller(**{**members, "kind": PollKind(members["kind"])})
    urls = (poller.url, poller.resource_url) if poller.resource_url else (poller.url,)
    if any(origin.localize(url) is None for url in urls):
        raise ValueError("another host")
    return poller


def intend(method: str, url: str, until: datetime | None = None) -> Poller:
    """Return what finds out about a write whose answer nobody may ever see.

    Args:
        method: PUT, PATCH, POST or DELETE.
        url: The URL that is written to.
        until: So long a resource that Azure does not show yet is waited for; None for not at all.
    """
    last = until.timestamp() if until is not None else 0.0
    return Poller(method=method, kind=PollKind.REST, url=url, resource_url=url, answered=False, until=last)


def start(method: str, answer: Answer, *, url: str, origin: Origin, now: datetime) -> Verdict:
    """Decide what a successful answer to a write means.

    Args:
        method: PUT, PATCH, POST or DELETE.
        answer: Its code is 2xx.
        url: The URL written to.
        origin: Where polls may go.
        now: For a Retry-After that is a date.
    """
    value = answer.decode()
    resource_url = "" if method == "POST" else url
    state = _state(value) if method in ("PUT", "PATCH") else ""
    target = _target(answer, origin)
    if target is not None and not (state == "succeeded" and answer.status != 202):
        kind, poll_url = target
        return _go_on(Poller(method=method, kind=kind, url=poll_url, resource_url=resource_url), answer, now)
    poller = Poller(method=method, kind=PollKind.RESOURCE, url=resource_url, resource_url=resource_url)
    if target is None and resource_url and _goes_on_unsaid(answer, state, poller):
        return _go_on(poller, answer, now)
    if state in _FAILED:
        return Failed(fault=_state_fault(answer, value))
    return Succeeded(document=_document(answer, value))


def advance(poller: Poller, answer: Answer, *, origin: Origin, now: datetime) -> Verdict:
    """Decide what the answer to a poll means; 401 and 403 are the caller's, they say nothing of the operation."""
    value = answer.decode()
    if answer.is_silent or (answer.is_success and answer.body and value is ABSENT):
        return no_answer(poller, answer.retry_after(now))
    if poller.kind is PollKind.REST:
        return _advance_rest(poller, answer, value, now)
    if poller.kind is PollKind.RESOURCE:
        return _advance_resource(poller, answer, value, now)
    if answer.status in (404, 410):
        return _without_record(poller, answer, now)
    if not answer.is_success:
        return Failed(fault=decode_fault(answer, now))
    moved = _renewed(poller, answer, origin)
    if poller.kind is PollKind.OPERATION:
        return _advance_operation(moved, answer, value, now)
    return _advance_location(moved, answer, value, now)


def no_answer(poller: Poller, retry_after: timedelta | None = None) -> Running:
    """Count a poll that said nothing (408, 429, 5xx, a broken connection) and go on."""
    silent = replace(poller, unanswered=poller.unanswered + 1)
    return Running(poller=silent, wait=_bounded(retry_after, 2.0 ** min(silent.unanswered, 6)))


def _advance_operation(poller: Poller, answer: Answer, value: Any, now: datetime) -> Verdict:
    status = _word(value, "status")
    if not status:
        return _without_status(poller, answer, value, now)
    if status == "succeeded":
        return Succeeded()
    if status in _FAILED:
        return Failed(fault=_operation_fault(answer, value, status))
    return _go_on(poller, answer, now)


def _without_status(poller: Poller, answer: Answer, value: Any, now: datetime) -> Verdict:
    """Read an operation's answer that breaks the contract: by the resource state in it, else by the code."""
    state = _state(value)
    if state in _FAILED:
        return Failed(fault=_state_fault(answer, value))
    if state == "succeeded" or (not state and answer.status != 202):
        return Succeeded()
    return _go_on(poller, answer, now)


def _advance_location(poller: Poller, answer: Answer, value: Any, now: datetime) -> Verdict:
    if answer.status == 202:
        return _go_on(poller, answer, now)
    if _word(value, "status") in _FAILED and _word(value, "provisioningState") == "":
        return Failed(fault=_operation_fault(answer, value, _word(value, "status")))
    return _by_state(poller, answer, value, now)


def _advance_resource(poller: Poller, answer: Answer, value: Any, now: datetime) -> Verdict:
    if poller.method == "DELETE":
        if answer.status in (404, 410, 204):
            return Succeeded()
        return _go_on(poller, answer, now) if answer.is_success else Failed(fault=decode_fault(answer, now))
    if answer.status == 404 and poller.unanswered < _NOT_VISIBLE_YET:
        return no_answer(poller, answer.retry_after(now))
    if not answer.is_success:
        return Failed(fault=decode_fault(answer, now))
    return _by_state(poller, answer, value, now)


def _advance_rest(poller: Poller, answer: Answer, value: Any, now: datetime) -> Verdict:
    """Go on while something works on the resource; how it stands then is for the next read to say."""
    left = poller.until - now.timestamp()
    if answer.status == 404 and 0 < left <= LONGEST_PATIENCE.total_seconds():
        later = _go_on(poller, answer, now)
        return replace(later, wait=min(later.wait, max(timedelta(seconds=left), MIN_WAIT)))
    state = _state(value) if answer.is_success else ""
    if state in _FAILED or _is_settled(state, poller):
        return Succeeded()
    return _go_on(poller, answer, now)


def _by_state(poller: Poller, answer: Answer, value: Any, now: datetime) -> Verdict:
    state = _state(value)
    if state in _FAILED:
        return Failed(fault=_state_fault(answer, value))
    if _is_settled(state, poller):
        return Succeeded(document=_document(answer, value) if poller.method in ("PUT", "PATCH") else None)
    return _go_on(poller, answer, now)


def _without_record(poller: Poller, answer: Answer, now: datetime) -> Verdict:
    """Go on without the operation's record: the resource itself knows how a write ended, and whether it is gone."""
    if not poller.resource_url:
        return Failed(fault=decode_fault(answer, now))
    kind = PollKind.REST if poller.method == "DELETE" else PollKind.RESOURCE
    return _go_on(replace(poller, kind=kind, url=poller.resource_url), answer, now)


def _goes_on_unsaid(answer: Answer, state: str, poller: Poller) -> bool:
    """Whether work goes on although no usable header says where to ask."""
    if poller.method == "DELETE" or not state:
        return answer.status == 202
    return state not in _FAILED and not _is_settled(state, poller)


def _target(answer: Answer, origin: Origin) -> tuple[PollKind, str] | None:
    for name, kind in (
        ("azure-asyncoperation", PollKind.OPERATION),
        ("operation-location", PollKind.OPERATION),
        ("location", PollKind.LOCATION),
    ):
        if (local := origin.localize(answer.header(name))) is not None:
            return kind, local
    return None


def _renewed(poller: Poller, answer: Answer, origin: Origin) -> Poller:
    """Follow a newly signed URL; the path names the operation, old and new signatures are both accepted."""
    names = ("location",) if poller.kind is PollKind.LOCATION else ("azure-asyncoperation", "operation-location")
    urls = (origin.localize(answer.header(name)) for name in names)
    url = next((u for u in urls if u is not None), poller.url)
    return replace(poller, url=url) if answer.status == 202 or poller.kind is PollKind.OPERATION else poller


def _go_on(poller: Poller, answer: Answer, now: datetime) -> Running:
    wait = _bounded(answer.retry_after(now), min(1.5 ** min(poller.polls, 20), _DEFAULT_WAIT_CAP_S))
    return Running(poller=replace(poller, polls=poller.polls + 1, unanswered=0), wait=wait)


def _bounded(asked: timedelta | None, default_s: float) -> timedelta:
    return min(max(timedelta(seconds=default_s) if asked is None else asked, MIN_WAIT), MAX_WAIT)


def _state(value: Any) -> str:
    """Return the provisioning state in lower case; empty when there is none. It is always under ``properties``."""
    return _word(value.get("properties"), "provisioningState") if isinstance(value, dict) else ""


def _word(value: Any, name: str) -> str:
    if not isinstance(value, dict):
        return ""
    word = value.get(name) or value.get(name[:1].upper() + name[1:])
    return word.strip().lower() if isinstance(word, str) else ""


def _is_settled(state: str, poller: Poller) -> bool:
    """Whether a state is a good end. Unknown words mean that work goes on."""
    if state in ("", "succeeded"):
        return True
    return state in _ALSO_SETTLED.get(poller.resource.resource_type.lower(), ())


def _operation_fault(answer: Answer, value: Any, status: str) -> Fault:
    code, message = explain(value)
    return Fault(
        status=answer.status,
        code=code or status.capitalize(),
        message=message or "the operation gave no reason",
        request_id=answer.request_id,
    )


def _state_fault(answer: Answer, value: Any) -> Fault:
    state, reason = explain_state(value)
    message = reason or "the resource gives no reason for its provisioning state"
    return Fault(status=answer.status, code=state, message=message, request_id=answer.request_id)


def _document(answer: Answer, value: Any) -> Document | None:
    """Return the body where it can be the resource itself."""
    return Document(raw=answer.body, value=value) if isinstance(value, dict) and value else None
