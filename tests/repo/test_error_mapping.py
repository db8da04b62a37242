"""Library exceptions stop at their adapter."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator

import azure.core.exceptions
import azure.identity
import httpx
import pytest

import engine
import engine.errors
import providers
from engine.errors import EngineError, PolicyDeniedError, UnavailableError
from providers.arm.auth import CredentialKind, error_from_azure
from providers.arm.transport import HTTPX_ERRORS, error_from_httpx


def httpx_exceptions() -> list[type[Exception]]:
    found = (getattr(httpx, name) for name in httpx.__all__)
    return [x for x in found if inspect.isclass(x) and issubclass(x, Exception)]


def azure_exceptions() -> list[type[Exception]]:
    modules = (azure.core.exceptions, azure.identity)
    found = {x for m in modules for x in vars(m).values() if inspect.isclass(x) and issubclass(x, Exception)}
    return sorted((x for x in found if x.__module__.startswith("azure.")), key=lambda x: x.__name__)


def make(kind: type[Exception]) -> Exception:
    """Return an instance without calling constructors that want live requests."""
    exc = kind.__new__(kind)
    Exception.__init__(exc, "the text")
    exc.__dict__.update(message="the text", _error_format=None)
    return exc


@pytest.mark.parametrize("kind", httpx_exceptions(), ids=lambda k: k.__name__)
def test_httpx_exceptions_are_mapped(kind: type[Exception]) -> None:
    """Every public exception of httpx is caught by the transport and becomes an engine error."""
    error = error_from_httpx(make(kind), host="management.azure.com")

    assert issubclass(kind, HTTPX_ERRORS)
    assert isinstance(error, EngineError)


@pytest.mark.parametrize("kind", azure_exceptions(), ids=lambda k: k.__name__)
def test_azure_exceptions_are_mapped(kind: type[Exception]) -> None:
    """Every public exception of azure.core and azure.identity becomes a refusal or an absence, with advice."""
    error = error_from_azure(make(kind), CredentialKind.SECRET, {})

    assert isinstance(error, (PolicyDeniedError, UnavailableError))
    assert error.hint


def test_enumeration_sees_the_libraries() -> None:
    """The two lists above are not empty by accident."""
    assert httpx.ConnectError in httpx_exceptions()
    assert azure.core.exceptions.ClientAuthenticationError in azure_exceptions()
    assert len(httpx_exceptions()) > 20


def our_modules() -> Iterator[str]:
    for package in (engine, providers):
        yield from (m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))


def test_engine_errors_stem_from_the_engine_alone() -> None:
    """No engine error subclasses a library's error, so nobody catches one by accident."""
    for name in our_modules():
        if not name.endswith("__main__"):
            importlib.import_module(name)
    pending, seen = [EngineError], []
    while pending:
        kind = pending.pop()
        seen.append(kind)
        pending.extend(kind.__subclasses__())

    strangers = [
        k
        for k in seen
        if not all(b.__module__.partition(".")[0] in ("engine", "providers", "builtins") for b in k.__mro__)
    ]

    assert strangers == []
    assert len(seen) >= 12
