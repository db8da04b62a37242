"""What database clients raise, as errors of the engine; no password is ever repeated."""

from __future__ import annotations

from collections.abc import Iterable

from engine.errors import EngineError, UnavailableError
from engine.model.account import Login
from engine.model.document import MASK, Secret


class StatementError(EngineError):
    """The server refused what was asked of it; time or another object may cure that."""


class LoginError(EngineError):
    """The server did not let the administrator in."""


def unreachable(login: Login, why: str, secrets: Iterable[Secret]) -> UnavailableError:
    """Return the error for a server that does not answer."""
    return UnavailableError(
        f"{login.engine} server {login.host} cannot be reached",
        detail=scrub(why, (login.password, *secrets)),
        hint="the network and the server's firewall must let this pod in",
    )


def refused_login(login: Login, why: str) -> LoginError:
    """Return the error for an administrator who is not let in."""
    return LoginError(
        f"{login.engine} server {login.host} refuses {login.user}",
        detail=scrub(why, (login.password,)),
        hint="check serverAdminUsername and the Secret of serverAdminPassword",
    )


def refused(login: Login, why: str, secrets: Iterable[Secret]) -> StatementError:
    """Return the error for a statement that was refused."""
    detail = scrub(why, (login.password, *secrets))
    return StatementError(f"{login.engine} server {login.host} refused a change", detail=detail)


def scrub(text: str, secrets: Iterable[Secret]) -> str:
    """Return a text without passwords, be they written plainly or quoted."""
    for secret in secrets:
        plain = secret.reveal()
        for form in (plain, plain.replace("'", "''")):
            if form:
                text = text.replace(form, MASK)
    return text
