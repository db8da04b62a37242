"""The audit log of a run that writes, and who its author is."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TextIO

import orjson

from engine.app.console import warn
from engine.errors import InvalidSpecError
from engine.model.audit import Author, Principal
from engine.model.ids import ResourceKey
from engine.ports import AuditLog


@contextmanager
def open_audit(folder: Path, principal: Principal) -> Iterator[AuditLog]:
    """Lend the log of a state folder; say at the end what could not be noted."""
    from providers.state.audit import AuditFile

    log = AuditFile(folder, author=describe_author(principal))
    try:
        yield log
    finally:
        log.close()
        for warning in log.warnings():
            warn(warning)


class StreamAudit:
    """The audit log of a pod: lines on its standard output, kept by whatever collects the logs of the cluster."""

    def __init__(
        self,
        stream: TextIO,
        *,
        author: Author,
        principal_of: Callable[[ResourceKey], Principal],
        complain: Callable[[str], None],
    ) -> None:
        """Write nothing yet.

        Args:
            stream: Where lines go.
            author: Who runs the process; towards Azure it speaks as many identities.
            principal_of: Returns as whom the writes for an object are sent.
            complain: Told of lines that are missing.
        """
        self._stream = stream
        self._author = author
        self._principal_of = principal_of
        self._complain = complain

    def author_of(self, key: ResourceKey) -> Author:
        """Return who writes for an object."""
        return replace(self._author, principal=self._principal_of(key))

    def append(self, record: dict[str, Any]) -> None:
        """Print a line, at once.

        Raises:
            InvalidSpecError: Nobody takes it.
        """
        try:
            self._stream.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE).decode())
            self._stream.flush()
        except OSError as exc:
            raise InvalidSpecError("the audit log cannot be written to standard output", detail=str(exc)) from exc

    def miss(self, problem: str) -> None:
        """Say in the log that a line is missing."""
        self._complain(problem)


def describe_author(principal: Principal) -> Author:
    """Return who runs this process, towards Azure and on this machine."""
    return Author(
        principal=principal, user=_user(), host=socket.gethostname(), process=os.getpid(), release=version("trueup")
    )


def _user() -> str:
    """Return the name of the system's user, or its number: containers often run as nobody that has a name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
