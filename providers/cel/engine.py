"""Compiles and evaluates expressions with the C++ engine and ASO's extra function."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings

from engine.cluster.expressions import KEYS, MERGE, expand_macros
from engine.cluster.resource_ids import describe_id
from engine.errors import InvalidSpecError

_TYPE: Final = cel.Type
_NUMBERS: Final = re.compile(
    r"no matching overload for '_(?:<|<=|>|>=|==|!=)_' applied to '\((?:int|uint|double), (?:int|uint|double)\)'"
)
_MISSING: Final = re.compile(r'Key not found in map : "(.*)"', re.DOTALL)
_CACHED: Final = 1_024


class CelCompiler:
    """Implements ``Compiler``; what was compiled once is kept."""

    def __init__(self) -> None:
        """Compile nothing yet."""
        self._programs: dict[tuple[str, bool], CelProgram] = {}

    def compile(self, text: str, *, secrets: bool) -> CelProgram:
        """Compile an expression over ``self`` and, if ``secrets``, ``secret``.

        Raises:
            InvalidSpecError: It is none, or its types do not fit.
        """
        key = (text, secrets)
        if key not in self._programs:
            if len(self._programs) >= _CACHED:
                self._programs.clear()
            self._programs[key] = CelProgram(text, secrets=secrets)
        return self._programs[key]


class CelProgram:
    """Implements ``Program``."""

    def __init__(self, text: str, *, secrets: bool) -> None:
        """Compile."""
        self._text = text
        self._secrets = secrets
        self._expression = _compile(_environment(secrets=secrets), expand_macros(text))

    @property
    def result(self) -> str:
        """Return the type of the result as CEL prints it."""
        name: str = self._expression.return_type().name()
        return name.lower().replace("<", "(").replace(">", ")")

    def run(self, values: Mapping[str, Any]) -> Any:
        """Return the result as plain data; no text of an error repeats a value where secrets are at hand.

        Raises:
            InvalidSpecError: It cannot be evaluated over these values.
        """
        try:
            found = self._expression.eval(data=dict(values))
            if found.type() != _TYPE.ERROR:
                return found.plain_value()
            problem = str(found.plain_value())
        except (RuntimeError, TypeError, ValueError) as exc:
            problem = str(exc)
        raise InvalidSpecError(self._explain(problem))

    def _explain(self, problem: str) -> str:
        missing = _MISSING.search(problem)
        if missing and (not self._secrets or missing[1] in self._text):
            return f"no such key: {missing[1]}"
        if self._secrets and "secret" in self._text:
            return problem.partition(":")[0] if problem[:1].isupper() else "it cannot be evaluated"
        return problem


def _compile(environment: Any, text: str) -> Any:
    try:
        return environment.compile(text)
    except RuntimeError as exc:
        problem = str(exc)
    if _only_compares_numbers(problem):
        return environment.compile(text, disable_check=True)
    lines = [line.partition(": ")[2] for line in problem.split("\n") if "ERROR: " in line]
    raise InvalidSpecError("; ".join(line.partition(": ")[2] or line for line in lines) or problem)


def _only_compares_numbers(problem: str) -> bool:
    """Whether all that is wrong is that numbers of two types are compared: evaluated, they can be."""
    errors = [line for line in problem.split("\n") if "ERROR: " in line]
    return bool(errors) and all(_NUMBERS.search(line) for line in errors)


@cache
def _environment(*, secrets: bool) -> Any:
    variables = {"self": _TYPE.Map(_TYPE.STRING, _TYPE.DYN)}
    if secrets:
        variables["secret"] = _TYPE.Map(_TYPE.STRING, _TYPE.STRING)
    return cel.NewEnv(
        variables=variables,
        extensions=[ext_strings.ExtStrings(), ext_optional.ExtOptional(), ext_bindings.ExtBindings()],
        functions=[
            _function("aso.parseResourceId", _TYPE.DYN, describe_id, _TYPE.STRING),
            _function(KEYS, _TYPE.List(_TYPE.DYN), _keys, _TYPE.Map(_TYPE.DYN, _TYPE.DYN), _TYPE.List(_TYPE.DYN)),
            _function(MERGE, _TYPE.Map(_TYPE.DYN, _TYPE.DYN), _merge, _TYPE.List(_TYPE.DYN)),
        ],
    )


def _function(name: str, returned: Any, made: Any, *parameters: Any) -> Any:
    """Declare a function of one parameter, with an overload per type of it."""
    overloads = [
        cel.Overload(f"{name}_{index}", return_type=returned, parameters=[parameter], impl=made)
        for index, parameter in enumerate(parameters)
    ]
    return cel.FunctionDecl(name, overloads)


def _keys(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Mapping) else list(range(len(value)))


def _merge(entries: Any) -> dict[Any, Any]:
    merged: dict[Any, Any] = {}
    for entry in entries:
        for key, value in entry.items():
            if key in merged:
                raise ValueError(f"insert failed: key {key!r} already exists")
            merged[key] = value
    return merged
