"""The page on troubleshooting has an entry for each word that users see, and none for words that nobody says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from engine.alerts.kube_events import REASONS
from engine.app.exit_codes import ExitCode
from engine.model.plan import Reason
from tests.conftest import ROOT

PAGE = ROOT / "docs/troubleshooting.md"
WORD = re.compile(r"[A-Z][A-Za-z]+")
MAKERS = {"warning": 0, "error": 0, "_false": 1}
"""Functions that make a condition, and which argument is its reason."""


def entries(heading: str) -> list[str]:
    """Return the words of the table below a heading."""
    part = PAGE.read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", part, re.MULTILINE)


def words(node: ast.AST, names: dict[str, str]) -> Iterator[str]:
    """Return every reason in an expression, constants of its module included."""
    for part in ast.walk(node):
        text = (
            part.value if isinstance(part, ast.Constant) else names.get(part.id) if isinstance(part, ast.Name) else ""
        )
        if isinstance(text, str) and WORD.fullmatch(text):
            yield text


def constants(tree: ast.Module) -> dict[str, str]:
    """Return the texts that a module gives names to."""
    found: dict[str, str] = {}
    for line in tree.body:
        target = line.targets[0] if isinstance(line, ast.Assign) else getattr(line, "target", None)
        value = getattr(line, "value", None)
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
            found[target.id] = value.value
    return found


def conditions_of(path: Path) -> Iterator[str]:
    """Return the reasons of the conditions that a module makes."""
    tree = ast.parse(path.read_text())
    names = constants(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in MAKERS and len(node.args) > MAKERS[name]:
            yield from words(node.args[MAKERS[name]], names)
        for keyword in node.keywords:
            if name == "Condition" and keyword.arg == "reason":
                yield from words(keyword.value, names)


def failures_of(path: Path) -> Iterator[str]:
    """Return the reasons of the errors and results that a module defines."""
    for node in ast.walk(ast.parse(path.read_text())):
        for line in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "reason":
                yield from words(line.value, {})
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "StepResult":
            yield from (w for k in node.keywords if k.arg == "reason" for w in words(k.value, {}))


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def said(heading: str) -> set[str]:
    """Return what the code says of one kind."""
    match heading:
        case "Exit codes":
            return {str(int(code)) for code in ExitCode}
        case "Conditions":
            return {word for path in sources("engine") for word in conditions_of(path)}
        case "Events":
            tree = ast.parse((ROOT / "engine/cluster/events.py").read_text())
            made = [k.value for n in ast.walk(tree) if isinstance(n, ast.Call) for k in n.keywords if k.arg == "reason"]
            return {word for value in made for word in words(value, {})} | REASONS.keys()
        case "Steps of a plan":
            return {reason.value for reason in Reason}
        case "Failures":
            return {word for path in sources("engine", "providers") for word in failures_of(path)}
        case _:
            rules = yaml.safe_load((ROOT / "deploy/monitoring/prometheusrule.yaml").read_text())
            return {rule["alert"] for group in rules["spec"]["groups"] for rule in group["rules"] if "alert" in rule}


@pytest.mark.parametrize("heading", ["Exit codes", "Conditions", "Events", "Steps of a plan", "Failures", "Alerts"])
def test_every_word_has_one_entry(heading: str) -> None:
    """What the code can say is on the page once, and nothing else is."""
    found = entries(heading)

    assert sorted(found) == sorted(said(heading))
