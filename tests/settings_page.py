"""The reference of settings: variables of the environment, annotations, and values of the chart."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from tests.conftest import ROOT

PAGE: Final = ROOT / "docs" / "settings.md"
_CHART: Final = ROOT / "deploy" / "helm" / "trueup"
_NAME: Final = re.compile(r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$")
_ANNOTATION: Final = re.compile(r"^(serviceoperator\.azure\.com|trueup\.dev)/[a-z][a-z-]*$")
_PREFIXES: Final = {
    "PREFIX": "serviceoperator.azure.com/",
    "OWN_PREFIX": "trueup.dev/",
}

_NO_VARIABLES: Final = frozenset(
    {"CERTIFICATE_VERIFY_FAILED", "CERT_REQUIRED", "TCP_KEEPCNT", "TCP_KEEPIDLE", "TCP_KEEPINTVL"}
)
"""Names of other programs and of the operating system."""
_BY_LIBRARIES: Final = re.compile(r"\b(KUBECONFIG|NO_PROXY)\b")
"""Libraries read them for us: the code names them in prose alone."""
_TOLD: Final = yaml.safe_load((ROOT / "tests" / "settings.yaml").read_text())
VARIABLES: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = _TOLD["variables"]
"""Heading -> variable -> who reads it, what holds without it, what it means."""
ANNOTATIONS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = _TOLD["annotations"]
"""Heading -> name -> of what it is, what it means."""
_HEAD: Final = """# Settings

<!-- Made from tests/settings.yaml and the chart:
     TRUEUP_GOLDEN_ACCEPT=1 pytest tests/repo/test_settings_reference.py -->

Options of the command are in [the command line](cli.md). What of these settings is ASO's, and how it differs there, is
in [differences from ASO](differences-from-aso.md#settings).
"""
_ENVIRONMENT: Final = """
## Environment

A value that means nothing ends the start with an error that names the variable.
"""
_ON_OBJECTS: Final = """
## Annotations and labels

A value that nobody knows never leads to a write: it is told as an event.
"""


@dataclass(frozen=True)
class Value:
    """One value of the chart."""

    name: str
    default: Any
    text: str
    section: str


def render_page() -> str:
    """Return the page."""
    parts = [_HEAD, _ENVIRONMENT]
    for title, variables in VARIABLES.items():
        parts.append(f"\n### {title}\n\n| variable | read by | default | meaning |\n|---|---|---|---|\n")
        parts += [f"| `{n}` | {v['by']} | {v.get('default', '')} | {v['means']} |\n" for n, v in variables.items()]
    parts.append(_ON_OBJECTS)
    for title, names in ANNOTATIONS.items():
        parts.append(f"\n### {title}\n\n| name | of | meaning |\n|---|---|---|\n")
        parts += [f"| `{n}` | {v['of']} | {v['means']} |\n" for n, v in names.items()]
    parts.append("\n## Values of the chart\n")
    section = ""
    for value in chart_values():
        if value.section != section:
            section = value.section
            parts.append(f"\n### {section}\n\n| value | default | meaning |\n|---|---|---|\n")
        parts.append(f"| `{value.name}` | {_shown(value.default)} | {value.text} |\n")
    return "".join(parts)


def _shown(value: Any) -> str:
    return "" if value in ("", None, [], {}) else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def chart_values() -> Iterator[Value]:
    """Yield the values in their order, each with the comment above it; one without tells by its name."""
    text = (_CHART / "values.yaml").read_text()
    schema = json.loads((_CHART / "values.schema.json").read_text())
    comments, sections = _comments(text)
    section = ""
    for name, value in _leaves(yaml.safe_load(text), schema):
        section = sections.get(name.partition(".")[0], section)
        above = [comments[part] for part in _parents(name) if part in comments]
        yield Value(name, value, above[0] if above else "", section)


def _parents(name: str) -> list[str]:
    """Return the name, then what it stands in where that has one comment for all."""
    parts = name.split(".")
    return [".".join(parts[:n]) for n in range(len(parts), 0, -1)]


def _comments(text: str) -> tuple[dict[str, str], dict[str, str]]:
    comments: dict[str, str] = {}
    sections: dict[str, str] = {}
    above: list[str] = []
    path: list[str] = []
    section = ""
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("# ---"):
            section, above = bare.removeprefix("# ---").strip().capitalize(), []
        elif bare.startswith("#"):
            above.append(bare.removeprefix("#").strip())
        elif (found := re.match(r"^( *)([A-Za-z]\w*):", line)) is not None:
            path = [*path[: len(found[1]) // 2], found[2]]
            if above:
                comments[".".join(path)] = " ".join(above)
            if len(path) == 1:
                sections[path[0]] = section
            above = []
        elif not bare:
            above = []
    return comments, sections


def _leaves(values: Mapping[str, Any], schema: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        inner = schema.get("properties", {}).get(name, {})
        if (
            isinstance(value, dict)
            and value
            and (inner.get("properties") or inner.get("additionalProperties") is False)
        ):
            yield from _leaves(value, inner, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def names_in_code() -> tuple[set[str], set[str]]:
    """Return the variables and the annotations that the code speaks of."""
    variables: set[str] = set()
    annotations: set[str] = set()
    for root in ("engine", "providers"):
        for path in sorted((ROOT / root).rglob("*.py")):
            if "emulator" in path.parts or "demo" in path.parts:
                continue
            for text in _texts(ast.parse(path.read_text())):
                if _NAME.match(text) and text not in _NO_VARIABLES:
                    variables.add(text)
                variables |= set(_BY_LIBRARIES.findall(text))
                if _ANNOTATION.match(text):
                    annotations.add(text)
    return variables, annotations


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.Name) and isinstance(node.right, ast.Constant):
            yield _PREFIXES.get(node.left.id, "") + str(node.right.value)
