"""What a type or a kind does beside plain PUT, GET and DELETE, as values."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_STATUS: Final = re.compile(r"\{status\.([\w.]+)\}")
Path = tuple[str, ...]
"""Member names from the root of the ARM body; ``[]`` stands for every element of a list."""


class CarryMode(enum.StrEnum):
    """What a PUT does with children that live in the parent's body."""

    REPLACE = "replace"
    MERGE_BY_NAME = "merge_by_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedChildren:
    """A child list that a PUT without it would empty.

    Attributes:
        path: Where the list is.
        mode: REPLACE: the body gets the list Azure holds. MERGE_BY_NAME: the body's own elements win, the others
            are appended.
        child_kind: ``group/Kind`` of the objects that manage such children; empty when there is no such kind.
    """

    path: Path
    mode: CarryMode
    child_kind: str = ""

    @property
    def by_name(self) -> bool:
        """Whether the body's own elements are kept, by name."""
        return self.mode is CarryMode.MERGE_BY_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class StateGate:
    """A state that must be reached before a PUT is sent.

    Attributes:
        path: Where the state is in what Azure returns (for a list: every element counts).
        proceed: States that let a PUT through; empty: all but those in ``block``.
        block: States that do not.
        ignores_case: States compare without letter case.
    """

    path: Path
    proceed: frozenset[str] = frozenset()
    block: frozenset[str] = frozenset()
    ignores_case: bool = True

    def lets_through(self, state: str | None) -> bool:
        """Whether the state, None when Azure does not say one, lets a request through."""
        if state is None:
            return True
        seen = state.lower() if self.ignores_case else state
        return seen in self.proceed if self.proceed else seen not in self.block

    def read(self, body: Any) -> tuple[str, ...]:
        """Return the states in a body, in order; empty when there are none."""
        return tuple(v for v in _read(body, self.path) if isinstance(v, str))

    def is_open(self, body: Any) -> bool:
        """Whether every state in the body lets a request through."""
        return all(self.lets_through(state) for state in self.read(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request beside the resource's own.

    Attributes:
        path: Template; ``{id}`` is the resource's id, ``{status.…}`` what its status says.
        paged: The answer may go on at ``nextLink``.
        is_silent: Its answer holds nothing.
    """

    name: str
    method: str
    path: str
    api_version: str
    is_long_running: bool = False
    paged: bool = False
    is_silent: bool = False
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostCheck:
    """A state that must be reached after a write, before the work counts as done.

    Attributes:
        gate: Where the state is; an element of a list that does not say one has not reached it.
        says: What is told of a resource, or an element, that has not; its state follows.
        call: What to send when the state is a user's error; None for nothing.
        call_state, call_at, call_contains: That state, where its error code is, and what the code then holds.
    """

    gate: StateGate
    says: str
    call: Call | None = None
    call_state: str = ""
    call_at: Path = ()
    call_contains: str = ""

    def unfinished(self, body: Any) -> tuple[str, ...]:
        """Return who has not reached the state, in words; empty when the work is done."""
        if "[]" not in self.gate.path:
            return tuple(f"{self.says} {s}" for s in self.gate.read(body) if not self.gate.lets_through(s))
        at = self.gate.path.index("[]")
        return tuple(
            f"{self.says} {_name_of(item)}"
            for item in _read(body, self.gate.path[: at + 1])
            if not self._is_done(item, at)
        )

    def _is_done(self, item: Any, at: int) -> bool:
        states = _read(item, self.gate.path[at + 1 :])
        return bool(states) and all(isinstance(s, str) and self.gate.lets_through(s) for s in states)

    def needs_call(self, body: Any) -> bool:
        """Whether the state is one that only a call leads out of."""
        states = (s.lower() for s in self.gate.read(body))
        codes = (c.lower() for c in _read(body, self.call_at) if isinstance(c, str))
        return self.call is not None and self.call_state in states and any(self.call_contains in c for c in codes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportKey:
    """A value that can be written to a Secret or a ConfigMap.

    Attributes:
        name: Key under ``operatorSpec.secrets`` or ``operatorSpec.configMaps``.
        action: Name of the call whose answer holds it; empty when the resource's own body does.
        response: Where in that answer, as ``member[index or filter].member``.
        status: Where in the object's status; empty for an action.
        path: The same place in the ARM body.
        decode: ``base64`` when the answer is encoded so.
        source: What else it is made from, in words; empty for the two cases above.
        versions: Kind versions that offer it; empty for all.
    """

    name: str
    action: str = ""
    response: str = ""
    status: Path = ()
    path: Path = ()
    decode: str = ""
    source: str = ""
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildList:
    """A list in the parent's body whose elements are resources of their own.

    Attributes:
        children: Full ARM types of the elements, as Azure spells them; usually one.
    """

    path: Path
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftDelete:
    """A type whose deleted resources keep their name until purged.

    Attributes:
        mode_path: Member that says what to do about one.
        modes: Values of it that are not Azure's -> (value to send when nothing deleted is found, when something is).
        purges: Values of it for which a deleted resource is purged first, for good.
    """

    mode_path: Path
    deleted_url: str
    purge_url: str
    api_version: str
    modes: Mapping[str, tuple[str, str]]
    purges: frozenset[str]


class Speed(enum.StrEnum):
    """How soon to try again."""

    SLOW = "slow"
    VERY_SLOW = "very-slow"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an error means; ``speed`` counts only when it is not fatal."""

    is_fatal: bool
    speed: Speed = Speed.SLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """One exception of a type to the default classification; ``code`` ``*`` is any code."""

    code: str
    contains: tuple[str, ...] = ()
    pattern: str = ""
    is_fatal: bool | None = None
    speed: Speed | None = None
    why: str = ""

    def fits(self, code: str, message: str) -> bool:
        """Whether the error is meant."""
        if self.code not in ("*", code) or not all(text in message for text in self.contains):
            return False
        return not self.pattern or re.search(self.pattern, message) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerMark:
    """A tag that a tool leaves on what it manages; name and value are patterns, in lower case."""

    owner: str
    tag: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Everything special about one ARM type.

    Attributes:
        carried: Children to put back into a PUT.
        kept: Members that a PUT without them would set anew: they are put back where the object says nothing.
        gate: State of the resource itself to wait for before a PUT.
        owner_gate: State of its owner to wait for; the resource itself may not even be readable before.
        post_check: State that tells that the work is really done.
        child_id: What the ids of its children begin with, where that is not its own id: a template as of calls.
        secrets, config_maps: What can be exported.
        calls: The calls that exports need, by name.
        before_delete: Calls to send before the DELETE.
        delete_query, delete_headers: What the DELETE itself needs beyond the id.
        delete_takes: What goes with it, in words for a plan; empty for nothing but the resource.
        resolves_role: Member that takes a built-in role's name, to be looked up.
        status_limit: Member of the status that is cleared beyond so many elements: (path, limit).
        quirks: What the reference implementation gets wrong, for people: (severity, fact).
    """

    arm_type: str
    kind: str = ""
    carried: tuple[CarriedChildren, ...] = ()
    kept: tuple[Path, ...] = ()
    gate: StateGate | None = None
    owner_gate: StateGate | None = None
    post_check: PostCheck | None = None
    child_id: str = ""
    secrets: tuple[ExportKey, ...] = ()
    config_maps: tuple[ExportKey, ...] = ()
    calls: Mapping[str, Call] = field(default_factory=dict)
    before_delete: tuple[Call, ...] = ()
    delete_query: str = ""
    delete_headers: tuple[tuple[str, str], ...] = ()
    delete_takes: str = ""
    soft_delete: SoftDelete | None = None
    child_lists: tuple[ChildList, ...] = ()
    error_rules: tuple[ErrorRule, ...] = ()
    resolves_role: Path = ()
    status_limit: tuple[Path, int] | None = None
    quirks: tuple[tuple[str, str], ...] = ()


def fill_template(template: str, body: Any) -> str:
    """Fill ``{status.a.b}`` from a body; empty where the body does not have one of them."""
    for place in _STATUS.findall(template):
        value = next(iter(_read(body, tuple(place.split(".")))), None)
        if not isinstance(value, str) or not value or "/" in value:
            return ""
        template = template.replace(f"{{status.{place}}}", value)
    return template


def _name_of(item: Any) -> str:
    names = (item.get(n) for n in ("id", "name")) if isinstance(item, Mapping) else ()
    return next((f'"{n}"' for n in names if isinstance(n, str) and n), "one without a name")


def _read(value: Any, path: Path) -> list[Any]:
    if not path:
        return [value]
    if path[0] == "[]":
        return [found for item in value for found in _read(item, path[1:])] if isinstance(value, list) else []
    return _read(value[path[0]], path[1:]) if isinstance(value, Mapping) and path[0] in value else []
