"""The sentences of the reports: why a step is what it is, who moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from engine.errors import TransientError
from engine.model.change import Attribution, ChangeKind, ChangeOrigin, FieldChange
from engine.model.document import ABSENT, canonical
from engine.model.plan import Action, Reason, Request, Step
from engine.model.result import StepResult
from engine.reporting.values import printable

_REASONS = {
    Reason.IN_SYNC: "Azure matches the manifest.",
    Reason.MISSING: "It does not exist in Azure.",
    Reason.SPEC_CHANGED: "The manifest changed since the last apply.",
    Reason.DRIFTED: "It was changed in Azure since the last apply.",
    Reason.CONFLICTED: "It was changed in Azure and in the manifest since the last apply.",
    Reason.DIFFERS: "Azure differs from the manifest; no earlier apply is remembered, so who moved is not known.",
    Reason.NOT_SETTLED: "The last write was not seen to its end.",
    Reason.IMMUTABLE_CHANGE: "A property changed that Azure sets only when the resource is created.",
    Reason.NO_LONGER_IN_INPUT: "It is no longer in the input.",
    Reason.OBJECT_DELETED: "The object was deleted.",
    Reason.POLICY_SKIP: "Its reconcile policy says skip.",
    Reason.DRIFT_POLICY: "Its drift policy says not to write.",
    Reason.DETACHED: "Its reconcile policy says detach on delete: the resource stays in Azure.",
    Reason.WAITING_FOR_OWNER: "Its owner is not there yet.",
    Reason.WAITING_FOR_REFERENCE: "Something it refers to is not there yet.",
    Reason.WAITING_FOR_INPUT: "A value it needs is not known yet.",
    Reason.DEPENDENCY_BLOCKED: "Something it depends on cannot go on.",
    Reason.GUARDED: "A guard holds it back.",
    Reason.UNREADABLE: "Azure could not be read, so nothing is planned for it.",
    Reason.NOT_CONVERGING: "The same difference came back after a successful write.",
}
_CAUSES = frozenset(
    {
        Reason.WAITING_FOR_OWNER,
        Reason.WAITING_FOR_REFERENCE,
        Reason.WAITING_FOR_INPUT,
        Reason.DEPENDENCY_BLOCKED,
        Reason.UNREADABLE,
        Reason.NOT_CONVERGING,
    }
)
"""Reasons whose detail is only a cause; elsewhere the detail is the whole explanation."""
_MOVED = {
    (ChangeOrigin.DRIFT, ChangeKind.ADD): "removed in Azure",
    (ChangeOrigin.DRIFT, ChangeKind.REMOVE): "added in Azure",
    (ChangeOrigin.DRIFT, ChangeKind.CHANGE): "changed in Azure",
    (ChangeOrigin.DRIFT, ChangeKind.REORDER): "reordered in Azure",
    (ChangeOrigin.USER, ChangeKind.ADD): "added in the manifest",
    (ChangeOrigin.USER, ChangeKind.REMOVE): "removed from the manifest",
    (ChangeOrigin.USER, ChangeKind.CHANGE): "changed in the manifest",
    (ChangeOrigin.USER, ChangeKind.REORDER): "reordered in the manifest",
}
_COUNTS = {
    ChangeOrigin.USER: "the manifest changed since the last apply",
    ChangeOrigin.DRIFT: "Azure changed since the last apply, the manifest did not",
    ChangeOrigin.BOTH: "manifest and Azure both changed since the last apply",
    ChangeOrigin.UNKNOWN: "no rule makes the two values equal, and nothing is remembered that tells who moved",
}
PRINCIPALS = {
    "User": "a person",
    "Application": "an application",
    "ManagedIdentity": "a managed identity",
    "Key": "a key",
}
_TAGS = "/providers/microsoft.resources/tags/default?"


def reason_meaning(reason: Reason) -> str:
    """Return what a reason says of any step that has it."""
    return _REASONS[reason]


def reason_sentence(step: Step) -> str:
    """Return why the step is what it is; printable, one line. The detail of a guard is left to the guards."""
    sentence = _REASONS[step.reason]
    if step.reason is Reason.DRIFTED and step.action is Action.CREATE:
        sentence = "It was deleted in Azure since the last apply."
    if not step.detail or (step.reason is Reason.GUARDED and step.guards):
        return sentence
    detail = full_stop(step.detail)
    return f"{sentence[:-1]}: {detail}" if step.reason in _CAUSES else _capital(detail)


def _capital(text: str) -> str:
    """Start with a capital, unless the text starts with a path or a name."""
    first = text.split(" ", 1)[0]
    return text[0].upper() + text[1:] if first.isalpha() and first.islower() else text


def full_stop(text: str) -> str:
    """Make a text printable and end it with a full stop; it may start with a name, so its first letter stays."""
    clean = printable(text.strip())
    return clean if not clean or clean[-1] in ".!?" else clean + "."


def failure_reason(result: StepResult) -> str:
    """Return our own word for a failure; empty where it would promise a retry that was not made.

    The cause has Azure's code and words in any case.
    """
    was_retried = result.requests > len(result.step.requests)
    return "" if result.reason == TransientError.reason and not was_retried else result.reason


GONE: Final = "deleted in Azure"
INCOMPLETE: Final = "The plan is not complete: it can be read, not applied."
_MEMORY_SHORTENED: Final = "in a part that is remembered only as a fingerprint"


def who_moved(change: FieldChange) -> str:
    """Return who moved since the last apply; empty where nothing is remembered."""
    if change.origin is ChangeOrigin.BOTH:
        return "changed in Azure and in the manifest"
    return _MOVED.get((change.origin, change.kind), "")


def of_fingerprint(who: str) -> str:
    """Return who moved what is remembered too shortly for a value."""
    return f"{who}; {_MEMORY_SHORTENED}" if who else _MEMORY_SHORTENED


def author_text(author: Attribution, now: datetime | None) -> str:
    """Return ``changed by a person, colleague@contoso.example, 3 h ago``; without a clock the time itself."""
    who = PRINCIPALS.get(author.by_type, "somebody")
    when = age_text(now - author.at) if now is not None else f"at {author.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return f"changed by {who}, {printable(author.by)}, {when}"


def age_text(age: timedelta) -> str:
    """Return ``45 s ago``, ``5 min ago``, ``3 h ago``, ``12 days ago``; what lies ahead of the clock is just now."""
    seconds = int(age.total_seconds())
    if seconds < 1:
        return "just now"
    for limit, unit, name in ((60, 1, "s"), (3_600, 60, "min"), (48 * 3_600, 3_600, "h")):
        if seconds < limit:
            return f"{seconds // unit} {name} ago"
    return f"{age.days:,} days ago"


def baseline_tells_more(change: FieldChange) -> bool:
    """Whether the value of the last apply is neither of the two that are shown anyway."""
    if change.sensitive or change.baseline is ABSENT:
        return False
    remembered = canonical(change.baseline)
    return all(v is ABSENT or canonical(v) != remembered for v in (change.before, change.after))


def request_label(request: Request) -> str:
    """Return the method, and the tags API by name."""
    return f"{request.method} tags" if is_tags_request(request) else request.method


def sent_text(step: Step) -> str:
    """Return the requests of a step that writes; printable."""
    return ", ".join(printable(request_label(r)) for r in step.requests) if step.action.mutates else ""


def type_text(arm_type: str, api_version: str) -> str:
    """Return a type with its api-version, where one is known."""
    return f"{arm_type}@{api_version}" if api_version else arm_type


def is_tags_request(request: Request) -> bool:
    """Whether the request goes to the tags API, which touches nothing else."""
    return _TAGS in request.url.lower()


def why_it_counts(change: FieldChange) -> str:
    """Return what made a difference a change."""
    why = _COUNTS[change.origin]
    return f"{why}; the rule {change.rule} holds only while neither side moves" if change.rule else why


def plural(count: int, one: str, many: str = "") -> str:
    """Return ``1 write``, ``2,041 writes``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def duration_text(duration: timedelta) -> str:
    """Return ``3.2 s``, ``2 min 5 s``, ``1 h 4 min``."""
    seconds = max(0.0, duration.total_seconds())
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
