"""Turns one file of published nodes into drafts: descriptions gone, verdicts in, plain values folded into letters."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from schemas.build import pack
from schemas.build.aso_facts import STRONGER, Tree
from schemas.build.sharing import Draft
from schemas.build.sources import NodeList, target
from schemas.build.verdicts import NONE, Verdict, is_unread, judge_text, list_table

Key = tuple[int, Hashable]
Reference = str | int
"""In a draft's content: a letter for a plain value, or the position among the draft's children."""

_BODY = "body"
_PER_VERSION = ("type", "apiVersion")
_STRING_RULES = {"pattern": "p", "minLength": "m", "maxLength": "x"}
_NUMBER_RULES = {"minValue": "m", "maxValue": "x"}
_LIST_RULES = {"minLength": "m", "maxLength": "x"}
_READ_ONLY = 2
_WRITE_ONLY = 4


class FileGraph:
    """The drafts that the bodies of one file reach. A node is drafted once per verdict its property adds to it."""

    def __init__(self, nodes: NodeList) -> None:
        self.drafts: dict[Key, Draft] = {}
        self._nodes = nodes
        self._marks: dict[tuple[int, str], str] = {}
        self._marked: set[tuple[int, int]] = set()
        self._pending: list[tuple[Key, str]] = []

    def mark(self, index: int, facts: Tree) -> None:
        """Note facts known per path below a body; they count wherever the same object is used in this file."""
        if (index, id(facts)) in self._marked or not facts:
            return
        self._marked.add((index, id(facts)))
        node = self._nodes[index]
        members = node.get("properties") or node.get("baseProperties") or {}
        for name, below in facts.items():
            if name in members:
                self._mark_member(index, name, target(members[name]["type"]), below)
            elif name == "{}" and "additionalProperties" in node:
                self._mark_member(index, name, target(node["additionalProperties"]), below)
        for variant in node.get("elements", {}).values() if node["$type"] == "DiscriminatedObjectType" else ():
            self.mark(target(variant), facts)

    def _mark_member(self, owner: int, name: str, index: int, below: Tree | str) -> None:
        while isinstance(below, dict) and "[]" in below and self._nodes[index]["$type"] == "ArrayType":
            index, below = target(self._nodes[index]["itemType"]), below["[]"]
        if isinstance(below, dict):
            self.mark(index, below)
        elif STRONGER[below] >= STRONGER[self._marks.get((owner, name), "I")]:
            self._marks[owner, name] = below

    def add_body(self, index: int, arm_type: str) -> Key:
        """Draft a resource's body and everything below it, without the members that only repeat type and version."""
        provider = arm_type.partition("/")[0].lower()
        root: Key = (index, _BODY)
        self._pending.append((root, provider))
        while self._pending:
            key, provider = self._pending.pop()
            if key not in self.drafts:
                self.drafts[key] = _Drafter(self, provider, key).draft()
        return root

    def node(self, index: int) -> dict[str, Any]:
        """Return a published node."""
        return self._nodes[index]

    def marked(self, owner: int, name: str) -> str:
        """Return what is known of a member from the ASO catalogue."""
        return self._marks.get((owner, name), "")

    def want(self, key: Key, provider: str) -> None:
        """Have a node drafted."""
        self._pending.append((key, provider))


class _Drafter:
    """Drafts one node, collecting its children."""

    def __init__(self, graph: FileGraph, provider: str, key: Key) -> None:
        self._graph = graph
        self._provider = provider
        self._index = key[0]
        self._role = key[1]
        self._children: list[Key] = []

    def draft(self) -> Draft:
        node = self._graph.node(self._index)
        return Draft(pack.encode(self._content(node)), tuple(self._children))

    def _content(self, node: dict[str, Any]) -> list[Any]:
        verdict = self._role if isinstance(self._role, Verdict) else NONE
        match node["$type"]:
            case "ObjectType":
                return self._object(node)
            case "DiscriminatedObjectType":
                base = self._members(node["baseProperties"])
                variants = {v: self._reference(target(ref), NONE) for v, ref in sorted(node["elements"].items())}
                return ["u", node["discriminator"], base, variants]
            case "ArrayType":
                facts = _rules(node, _LIST_RULES)
                facts |= {"k": verdict.identifiers} if verdict.identifiers else {}
                facts |= {verdict.order: 1} if verdict.order else {}
                item = self._reference(target(node["itemType"]), self._item_verdict(node, verdict))
                return ["l", item, facts] if facts else ["l", item]
            case "UnionType":
                return _enum([self._graph.node(target(e)) for e in node["elements"]])
            case "StringLiteralType":
                return _enum([node])
            case "StringType":
                letters = ("S" if node.get("sensitive") else "") + verdict.text
                return ["s", ({"k": letters} if letters else {}) | _rules(node, _STRING_RULES)]
            case "IntegerType":
                known = {"f": verdict.text == "f"} if verdict.text else {}
                return ["n", known | _rules(node, _NUMBER_RULES)]
        raise ValueError(f"unknown kind of node {node['$type']!r}: this compiler is older than the definitions")

    def _object(self, node: dict[str, Any]) -> list[Any]:
        content: list[Any] = ["o", self._members(node["properties"])]
        if "additionalProperties" in node:
            text = self._graph.marked(self._index, "{}")
            content.append(self._reference(target(node["additionalProperties"]), Verdict(text)))
        if node.get("sensitive"):
            content += [None] * (3 - len(content)) + [1]
        return content

    def _members(self, members: Mapping[str, Any]) -> dict[str, Any]:
        skipped = _PER_VERSION if self._role == _BODY else ()
        return {name: self._member(name, member) for name, member in sorted(members.items()) if name not in skipped}

    def _member(self, name: str, member: Mapping[str, Any]) -> Any:
        index = target(member["type"])
        reference = self._reference(index, self._judge(name, member, index))
        flags = member["flags"]
        if not flags & _READ_ONLY and is_unread(member.get("description", "")):
            flags |= _WRITE_ONLY
        return [reference, flags] if flags else reference

    def _judge(self, name: str, member: Mapping[str, Any], index: int) -> Verdict:
        """Put together what is known of a member: ASO's facts first, then names, wording and the list table."""
        innermost = self._innermost(index)
        text = ""
        if innermost in ("StringType", "IntegerType"):
            text = self._graph.marked(self._index, name)
        if innermost == "StringType":
            text = text if text == "r" else judge_text(name, member.get("description", ""))
        return self._judge_list(name, index, text)

    def _judge_list(self, name: str, index: int, text: str) -> Verdict:
        node = self._graph.node(index)
        if node["$type"] != "ArrayType":
            return Verdict(text)
        found = list_table().judge(self._provider, name, self._element_members(target(node["itemType"])))
        return found._replace(text=text)

    def _item_verdict(self, node: Mapping[str, Any], verdict: Verdict) -> Verdict:
        return self._judge_list("[]", target(node["itemType"]), verdict.text)

    def _element_members(self, index: int) -> frozenset[str] | None:
        node = self._graph.node(index)
        members = node.get("properties") or node.get("baseProperties")
        if members is None:
            return frozenset() if node["$type"] == "ArrayType" else None
        return frozenset(n for n, m in members.items() if not m["flags"] & _READ_ONLY)

    def _innermost(self, index: int) -> str:
        node = self._graph.node(index)
        while node["$type"] == "ArrayType":
            node = self._graph.node(target(node["itemType"]))
        return str(node["$type"])

    def _reference(self, index: int, verdict: Verdict) -> Reference:
        node = self._graph.node(index)
        letter = _letter(node, verdict)
        if letter:
            return letter
        key: Key = (index, verdict if node["$type"] in ("ArrayType", "StringType", "IntegerType") else NONE)
        self._graph.want(key, self._provider)
        self._children.append(key)
        return len(self._children) - 1


def _letter(node: Mapping[str, Any], verdict: Verdict) -> str:
    """Return the letter of a value without rules of its own; empty for anything that needs a line."""
    match node["$type"]:
        case "BooleanType":
            return "b"
        case "AnyType":
            return "a"
        case "StringType" if not _rules(node, _STRING_RULES):
            if node.get("sensitive"):
                return "" if verdict.text else "S"
            return verdict.text or "s"
        case "IntegerType" if not _rules(node, _NUMBER_RULES):
            return verdict.text or "i"
    return ""


def _rules(node: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {short: node[name] for name, short in names.items() if name in node}


def _enum(nodes: list[dict[str, Any]]) -> list[Any]:
    values = [n["value"] for n in nodes if n["$type"] == "StringLiteralType"]
    return ["e", values] if len(values) == len(nodes) else ["e", values, 1]
