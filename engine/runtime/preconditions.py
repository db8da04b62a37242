"""If-Match and If-None-Match of requests that are sent more than once."""

from __future__ import annotations

from dataclasses import replace

from engine.errors import EngineError
from engine.model.plan import Request

_CREATES = "if-none-match"
_UPDATES = "if-match"


def is_conditional(request: Request) -> bool:
    """Whether the request is only to be carried out over what was read."""
    return is_create(request) or any(n.lower() == _UPDATES and v != "*" for n, v in request.headers)


def is_create(request: Request) -> bool:
    """Whether the request is only to be carried out where there is nothing."""
    return any(n.lower() == _CREATES for n, _ in request.headers)


def is_clean_refusal(error: EngineError) -> bool:
    """Whether Azure refused a request before it had an effect; no answer, and a failed operation, may have had one."""
    return error.is_unsent or 400 <= error.http_status < 500


def unconditional_if_ours(request: Request, error: EngineError) -> Request:
    """Return a create without its condition once Azure began one for us: what is there now is ours."""
    if not 200 <= error.http_status < 300:
        return request
    return replace(request, headers=tuple(h for h in request.headers if h[0].lower() != _CREATES))
