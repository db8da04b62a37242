"""Requests that Azure refused before: which they are, and what the reader of a plan should know of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from engine.errors import EngineError
from engine.model.ids import ApiVersion
from engine.model.plan import Request
from engine.model.refusal import Refusal
from engine.model.state import DesiredState
from engine.planning.finding import Finding
from engine.planning.tags import TAGS_API, is_tag

_NOT_TAKEN: Final = frozenset({405, 415, 501})
"""HTTP codes about method and form of a request; never about what it says."""
_DOUBTFUL: Final = frozenset({400, 422})
_CODES: Final = frozenset(
    {
        "httpmethodnotsupported",
        "locationrequired",
        "methodnotallowed",
        "missingrequiredparameter",
        "patchnotallowed",
        "patchnotsupported",
        "patchoperationnotsupported",
        "unsupportedhttpmethod",
        "unsupportedmediatype",
    }
)
"""ARM codes that say that the method is not taken, or that what a PATCH leaves out is needed."""
_METHOD: Final = re.compile(
    r"\bpatch\b.{0,80}\b(not|n't|un)\s*(supported|allowed|implemented|permitted|available)"
    r"|not\s+(support|allow|implement|permit)\w*.{0,80}\bpatch\b"
    r"|required property .{1,120}not found"
    r"|\buse (a |an |the |http )?'?put\b",
    re.IGNORECASE | re.DOTALL,
)
_MEMBER: Final = re.compile(
    r"could not find member '(?P<a>[^']+)'"
    r"|(unknown|unrecognized|unexpected|additional) (member|property|field|parameter)s?:? ['\"](?P<b>[^'\"]+)['\"]"
    r"|['\"](?P<c>[^'\"]+)['\"] (is not a known|does not exist on|is not (an )?updat\w+|cannot be (patched|updated "
    r"(by|with|via|through|using) (a )?patch))",
    re.IGNORECASE,
)


def refusal_of(request: Request, error: EngineError, arm_type: str, api_version: ApiVersion) -> Refusal | None:
    """Return what an error says of a PATCH; None when it is about what the PATCH asks for, or about anything else.

    A 400 counts where it says that the method is not taken, that something the patch need not hold is missing, or
    that a member of the patch is not known to it. A value that is not valid is refused in a PUT as well.
    """
    if request.method != "PATCH":
        return None
    is_tags = TAGS_API in request.url
    member = _named_member(error, request.body)
    is_method = error.http_status in _NOT_TAKEN or (error.http_status in _DOUBTFUL and _is_about_method(error))
    if not is_method and not (is_tags and error.http_status == 404) and not member:
        return None
    what = TAGS_API if is_tags else "" if is_method else member
    return Refusal(arm_type=arm_type.lower(), api_version=api_version, member=what, why=error.detail or error.summary)


def refused_of(refusals: Iterable[Refusal], desired: DesiredState) -> frozenset[str]:
    """Return what Azure refused of the type at this api-version; of the tags API at any."""
    return frozenset(r.member for r in _about(refusals, desired))


def refusal_notes(refusals: Iterable[Refusal], requests: Iterable[Request], finding: Finding) -> tuple[str, ...]:
    """Return why a request is larger than it might be; empty where no refusal had a part in it."""
    own = [r for r in requests if r.method in ("PUT", "PATCH") and TAGS_API not in r.url]
    if not own or not finding.diff.changes:
        return ()
    only_tags = all(is_tag(c.path) for c in finding.diff.changes)
    told = [r for r in _about(refusals, finding.desired) if r.member != TAGS_API or only_tags]
    return tuple(_sentence(r) for r in told if own[0].method == "PUT" or r.member == TAGS_API)


def _about(refusals: Iterable[Refusal], desired: DesiredState) -> Iterator[Refusal]:
    folded = desired.arm_type.lower()
    for one in refusals:
        if one.arm_type == folded and (one.member == TAGS_API or one.api_version == desired.api_version):
            yield one


def _sentence(refusal: Refusal) -> str:
    what = "the tags API" if refusal.member == TAGS_API else f"PATCH of {refusal.member}" if refusal.member else "PATCH"
    return f"{what} was refused for this type at {refusal.api_version} before: {refusal.why}"


def _is_about_method(error: EngineError) -> bool:
    code, _, _ = error.detail.partition(":")
    return code.strip().lower() in _CODES or _METHOD.search(error.detail) is not None


def _named_member(error: EngineError, body: Any) -> str:
    """Return the member of the patch that the error calls unknown; empty where it does not, or names another."""
    if error.http_status not in _DOUBTFUL:
        return ""
    found = _MEMBER.search(error.detail)
    named = next((g for g in found.groupdict().values() if g), "") if found else ""
    leaf = named.replace("/", ".").strip(".").lower().rpartition(".")[2]
    return next((path for path in _members(body) if path.lower().rpartition(".")[2] == leaf), "") if leaf else ""


def _members(body: Any, path: str = "") -> Iterator[str]:
    for name, value in body.items() if isinstance(body, Mapping) else ():
        here = f"{path}.{name}" if path else str(name)
        yield here
        yield from _members(value, here)
