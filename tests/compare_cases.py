"""Hand-made schema nodes and short ways to compare under them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.compare.compare import compare_bodies
from engine.compare.facts import FactTable
from engine.compare.finding import Finding, Weight
from engine.compare.notes import Frame
from engine.compare.owned import OwnedChildren
from engine.compare.subject import RememberedBodies, Subject
from engine.compare.walk import walk
from engine.model.change import ResourceDiff
from engine.model.path import FieldPath
from schemas.comparison_facts import ComparisonFact, Effect, parse_path
from schemas.nodes import ANY, EnumNode, Flag, ListNode, Node, ObjectNode, Property, TextNode, UnionNode

TEXT = TextNode()
SECRET = TextNode(sensitive=True)
REGION = TextNode(location=True)
TIER = EnumNode(("Hot", "Cool"))
TAGS = ObjectNode({}, lambda: TEXT)

STORAGE_TYPE, STORAGE_VERSION = "Microsoft.Storage/storageAccounts", "2023-01-01"
STORAGE_ID = "/subscriptions/0/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/app"


def shape(
    members: Mapping[str, Node],
    *,
    read_only: Iterable[str] = (),
    write_only: Iterable[str] = (),
    sensitive: bool = False,
) -> ObjectNode:
    """Return an object with these members."""
    flags = {**dict.fromkeys(read_only, Flag.READ_ONLY), **dict.fromkeys(write_only, Flag.WRITE_ONLY)}
    return ObjectNode(
        {n: Property(n, flags.get(n, Flag.NONE), lambda node=node: node) for n, node in members.items()},
        sensitive=sensitive,
    )


def list_of(item: Node, **facts: Any) -> ListNode:
    """Return a list of such elements."""
    return ListNode(lambda: item, **facts)


def union(discriminator: str, base: ObjectNode, **variants: ObjectNode) -> UnionNode:
    """Return an object whose members depend on one of them."""
    return UnionNode(
        discriminator, base.properties, {name.lower(): lambda node=node: node for name, node in variants.items()}
    )


def fact(path: str, effect: Effect, **fields: Any) -> ComparisonFact:
    """Return a row for every type."""
    return ComparisonFact(types=("*",), path=parse_path(path), effect=effect, note="it does", source="a test", **fields)


def find(desired: Any, actual: Any, node: Node = ANY, *facts: ComparisonFact, **frame: Any) -> list[Finding]:
    """Return the findings of a walk under a hand-made shape."""
    fields: dict[str, Any] = {"owned": OwnedChildren("Test/type", "", ()), **frame}
    return walk(desired, actual, Frame(shape=node, facts=FactTable(facts), **fields))


def open_places(findings: Iterable[Finding]) -> list[str]:
    """Return the pointers of what no rule excuses."""
    return [FieldPath(f.at).pointer for f in findings if f.weight is Weight.OPEN]


def rules_at(findings: Iterable[Finding]) -> dict[str, str]:
    """Return pointer -> rule of what was excused."""
    return {FieldPath(f.at).pointer: f.rule for f in findings if f.weight is not Weight.OPEN}


def diff_storage(desired: Any, actual: Any, baseline: tuple[Any, Any] | None = None, **subject: Any) -> ResourceDiff:
    """Compare two bodies of a storage account."""
    fields: dict[str, Any] = {"arm_type": STORAGE_TYPE, "api_version": STORAGE_VERSION, "id": STORAGE_ID, **subject}
    remembered = RememberedBodies(*baseline) if baseline is not None else None
    return compare_bodies(desired, actual, Subject(**fields), remembered=remembered)


def told(diff: ResourceDiff) -> list[tuple[str, str, str]]:
    """Return (pointer, kind, origin) of every change."""
    return [(c.path.pointer, c.kind.value, c.origin.value) for c in diff.changes]
