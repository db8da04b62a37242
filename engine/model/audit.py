"""Who wrote what to Azure, and what became of it: the words of the audit log."""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An identity as its token describes it; members that the token does not have are empty.

    Attributes:
        name: User principal name; empty for applications.
    """

    name: str = ""
    object_id: str = ""
    app_id: str = ""
    tenant_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who lets requests be sent: the identity towards Azure, and where on earth the process runs.

    Attributes:
        user, host: Of the operating system.
        process: Process id.
        release: Version of this program.
    """

    principal: Principal = Principal()
    user: str = ""
    host: str = ""
    process: int = 0
    release: str = ""


class Fate(enum.StrEnum):
    """What became of one request.

    UNKNOWN: nobody answered, or with a server error: it may have been carried out. UNFINISHED: Azure took it and
    goes on; a later run follows it.
    """

    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNFINISHED = "unfinished"
    NOT_SENT = "not_sent"
