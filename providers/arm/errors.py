"""ARM's error answers in all their shapes, and the engine error each of them becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from engine.errors import (
    ConflictError,
    EngineError,
    InvalidSpecError,
    NotReadyError,
    OwnershipConflictError,
    PolicyDeniedError,
    Remedy,
    ThrottledError,
    TransientError,
    UnavailableError,
)
from engine.model.document import ABSENT
from providers.arm.answer import Answer
from schemas.behaviour_types import Speed, Verdict
from schemas.behaviours import classify_error

TEXT_LIMIT: Final = 1000
SLOW: Final = timedelta(hours=1)


class UnreachableError(UnavailableError):
    """No answer at all: name, route, certificate or proxy. Asking for other resources would not help either."""

    reason = "Unreachable"
    is_unsent = True


class UntrustedError(UnreachableError):
    """The other side's certificate is not trusted: asking again will not help."""

    reason = "Untrusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the other side says is wrong.

    Attributes:
        status: HTTP code; 200 for an operation that failed.
        code: ARM's code; empty when the answer has none. May hold spaces.
    """

    status: int
    code: str = ""
    message: str = ""
    retry_after: timedelta | None = None
    request_id: str = ""

    @property
    def text(self) -> str:
        """Return code, message and request id for a reader."""
        words = ": ".join(w for w in (self.code, self.message) if w) or f"HTTP {self.status} without an explanation"
        return f"{words} [request {self.request_id}]" if self.request_id else words


def decode_fault(answer: Answer, now: datetime) -> Fault:
    """Read an error answer: ARM's shape, the same without wrapper or in capitals, a page, or nothing."""
    value = answer.decode()
    code, message = explain(value)
    if not isinstance(value, dict) and answer.body:
        message = _foreign(answer)
    return Fault(
        status=answer.status,
        code=code,
        message=message,
        retry_after=answer.retry_after(now),
        request_id=answer.request_id,
    )


def explain(value: Any) -> tuple[str, str]:
    """Return code and message of an error in any of ARM's shapes; empty texts where there is none."""
    members = _folded(value)
    for name in ("error", "odata.error"):
        if members.get(name):
            inner = members[name]
            return ("", _cut(inner)) if isinstance(inner, str) else explain(inner)
    code, message = _text(members.get("code")), _text(members.get("message"))
    details = members.get("details")
    inner_texts = [_detail(item) for item in details[:3]] if isinstance(details, list) else []
    return code, _cut("; ".join(t for t in (message, *inner_texts) if t and t != code))


def explain_state(value: Any) -> tuple[str, str]:
    """Return state and reason out of a resource body whose provisioning failed."""
    properties = _folded(_folded(value).get("properties"))
    reasons = (properties.get(name) for name in ("provisioningdetails", "provisioningerror", "statusmessage", "error"))
    reason = next((r for r in reasons if r), "")
    text = ": ".join(t for t in explain(reason) if t) if isinstance(reason, dict) else _text(reason)
    return _text(properties.get("provisioningstate")), _cut(text)


def _detail(item: Any) -> str:
    members = _folded(item)
    return ": ".join(t for t in (_text(members.get("code")), _text(members.get("message"))) if t)


def _folded(value: Any) -> Mapping[str, Any]:
    return {str(k).lower(): v for k, v in value.items()} if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return _text(value.get("value"))
    return str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ""


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= TEXT_LIMIT else flat[: TEXT_LIMIT - 1] + "…"


def error_if_foreign(answer: Answer, what: str) -> UnavailableError | None:
    """Return the error for what a proxy, a login page or another server answered in ARM's place; None for ARM's own.

    ARM answers with JSON objects, and with nothing where there is nothing to say; it never redirects.
    """
    redirects = 300 <= answer.status < 400
    if not redirects and (isinstance(answer.decode(), dict) or not (answer.body or answer.status == 200)):
        return None
    text = f"redirected to {_host_of(answer)}" if redirects else _foreign(answer)
    error = UnavailableError(
        f"{what} was answered by something other than Azure Resource Manager",
        detail=f"HTTP {answer.status}, {text}",
        hint="check AZURE_RESOURCE_MANAGER_ENDPOINT and proxies on the way",
    )
    error.http_status = answer.status
    return error


def _host_of(answer: Answer) -> str:
    try:
        address = urlsplit(answer.header("location")).netloc
    except ValueError:
        address = ""
    return address.rpartition("@")[2][:100] or "nowhere"


def _foreign(answer: Answer) -> str:
    """Say what the answer is when it is not ARM's, without repeating it."""
    if not answer.body:
        return "the answer is empty"
    start = answer.body[:4000].decode("utf-8", "replace")
    if "<html" in start.lower() or "<!doctype" in start.lower():
        title = re.search(r"<title[^>]*>([^<]{1,200})", start, re.IGNORECASE)
        return "the answer is a web page" + (f" titled {' '.join(title[1].split())!r}" if title else "")
    if start.lstrip()[:1] in ("{", "["):
        return "the answer is JSON that was cut short, or nested too deeply"
    return "the answer is not JSON" if answer.decode() is ABSENT else "the answer is no JSON object"


def _codes(*names: str) -> frozenset[str]:
    return frozenset(name.lower() for name in names)


# Codes speak before HTTP codes do: providers send the same trouble as 400, 404, 409 or 429. What only needs time was
# read off recorded failures whose very same body was accepted later; the rest is the table of behaviours.
_WAITING: Final = _codes(
    "RetryableError",
    "ReferencedResourceNotProvisioned",
    "RetryableErrorDueToAnotherOperation",
    "ManagedEnvironmentNotProvisioned",
    "ManagedEnvironmentNotFound",
    "PrincipalNotFound",
    "FailedIdentityOperation",
    "InvalidResourceReference",
    "StorageProvisioningStateNotSucceeded",
    "StorageAccountIsNotProvisioned",
    "VulnerabilityAssessmentADSIsDisabled",
    "WorkspaceNotFound",
    "NetworkSecurityGroupNotFoundForFlowLog",
    "DependentResourceNotFound",
    "CustomKubeletIdentityMissingPermissionError",
    "ResourceGroupNotFound",
    "ParentResourceNotFound",
    "ResourceNotFound",
    "NotFound",
    "MissingSubscriptionRegistration",
    "SubscriptionNotRegistered",
)
_WRONG: Final = _codes(
    "InvalidResourceNamespace",
    "InvalidApiVersionParameter",
    "MissingApiVersionParameter",
    "SubscriptionNotFound",
    "InvalidSubscriptionId",
)
_DENIED: Final = _codes(
    "AuthorizationFailed",
    "LinkedAuthorizationFailed",
    "RequestDisallowedByPolicy",
    "ScopeLocked",
    "InvalidAuthenticationToken",
    "InvalidAuthenticationTokenTenant",
    "ExpiredAuthenticationToken",
    "AuthenticationFailed",
)
_TAKEN: Final = _codes("StorageAccountAlreadyTaken", "VaultAlreadyExists")
_BUSY: Final = _codes("AnotherOperationInProgress", "Conflict", "ServerIsBusy")
_NOT_THERE_AT_ALL: Final = _codes(
    "SubscriptionNotFound",
    "InvalidSubscriptionId",
    "InvalidResourceType",
    "InvalidResourceNamespace",
    "InvalidApiVersionParameter",
    "NoRegisteredProviderFound",
    "InvalidResourceName",
    "TenantNotFound",
)
_HINTS: Final[Mapping[str, str]] = {
    "authorizationfailed": "give the identity a role at this scope, or use another identity",
    "linkedauthorizationfailed": "the identity needs a role on the resource it refers to as well",
    "requestdisallowedbypolicy": "an Azure Policy forbids it",
    "scopelocked": "a lock forbids it; remove the lock first",
    "missingsubscriptionregistration": "register the resource provider in the subscription",
    "subscriptionnotregistered": "register the resource provider in the subscription",
    "subscriptionnotfound": "check AZURE_SUBSCRIPTION_ID and the tenant of the identity",
    "invalidauthenticationtokentenant": "AZURE_TENANT_ID is not the tenant of the subscription",
    "storageaccountalreadytaken": "the name is in use elsewhere in Azure; choose another azureName",
    "vaultalreadyexists": "the name is in use, perhaps by a deleted vault; recover or purge it",
}

_HINT_BY_REMEDY: Final[Mapping[Remedy, str]] = {
    Remedy.RETRY: "try again later: the same request is mostly taken then",
    Remedy.WAIT: "try again once what it needs is there and ready",
    Remedy.ASK: "it stays refused until what it asks for is changed",
}


def is_gone(answer: Answer, fault: Fault) -> bool:
    """Whether a 404 says that the resource, its parent or its resource group is not there.

    Not so when the subscription, the type or the api-version is what was not found, nor when something other than
    ARM answered. ARM's answers without body (HEAD) count by their request ids.
    """
    if answer.status != 404 or fault.code.lower() in _NOT_THERE_AT_ALL:
        return False
    return bool(fault.code) or (answer.is_from_arm and not answer.body)


def missing_scope(fault: Fault) -> str:
    """Return what is gone beside the resource itself: ``group``, ``parent`` or an empty text."""
    return {"resourcegroupnotfound": "group", "parentresourcenotfound": "parent"}.get(fault.code.lower(), "")


def error_from_fault(fault: Fault, *, what: str, arm_type: str = "") -> EngineError:
    """Return the engine error for an answer that refuses, or for an operation that failed.

    Args:
        fault: What the other side said.
        what: Method and resource, for the summary.
        arm_type: Some types have rules of their own.

    Source: of 344 refused writes in recorded traffic 339 succeeded later with the same body, so nothing but a short
    list of codes is final. A 400 that explains nothing carries a long ``retry_after``: time cures some, a person more.
    """
    summary = f"Azure refused {what}" if fault.status >= 300 else f"Azure did not finish {what}"
    verdict = classify_error(arm_type, fault.code, fault.message, http_status=fault.status)
    kind = _kind_by_code(fault.code.lower(), verdict) or _kind_by_status(fault.status)
    hint = _HINTS.get(fault.code.lower(), "") or _hint_by_status(fault.status) or _HINT_BY_REMEDY[kind.remedy]
    if not issubclass(kind, TransientError):
        return _numbered(kind(summary, detail=fault.text, hint=hint), fault)
    wait = fault.retry_after
    if wait is None and verdict.speed is Speed.VERY_SLOW and kind in (TransientError, ConflictError):
        wait = SLOW
    return _numbered(kind(summary, detail=fault.text, hint=hint, retry_after=wait), fault)


def _numbered(error: EngineError, fault: Fault) -> EngineError:
    error.http_status = fault.status
    error.code, error.said = fault.code, fault.message
    return error


def _kind_by_code(code: str, verdict: Verdict) -> type[EngineError] | None:
    for codes, kind in (
        (_DENIED, PolicyDeniedError),
        (_TAKEN, OwnershipConflictError),
        (_WAITING, NotReadyError),
        (_WRONG, InvalidSpecError),
    ):
        if code in codes:
            return kind
    if verdict.is_fatal:
        return InvalidSpecError
    return ConflictError if code in _BUSY else None


_BY_STATUS: Final[Mapping[int, type[EngineError]]] = {
    401: PolicyDeniedError,
    403: PolicyDeniedError,
    404: NotReadyError,
    405: InvalidSpecError,
    408: UnavailableError,
    409: ConflictError,
    412: ConflictError,
    413: InvalidSpecError,
    414: InvalidSpecError,
    415: InvalidSpecError,
    422: InvalidSpecError,
    429: ThrottledError,
}


def _kind_by_status(status: int) -> type[EngineError]:
    if status >= 500 or 300 <= status < 400:
        return UnavailableError
    return _BY_STATUS.get(status, TransientError)


def _hint_by_status(status: int) -> str:
    if status == 401:
        return "the token was not accepted: check AZURE_TENANT_ID and AZURE_RESOURCE_MANAGER_AUDIENCE"
    return "give the identity a role at this scope" if status == 403 else ""
