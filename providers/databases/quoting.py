"""Names and texts inside SQL: whatever they hold, they stay one name, one text.

Values go to a server as parameters wherever it takes them. Statements about users take none, so that names and
passwords stand in the text of the statement. Each way of quoting knows one sign that must be doubled, and the session
is set up so that no other sign means anything.
"""

from __future__ import annotations

from engine.errors import InvalidSpecError
from engine.model.account import DatabaseEngine

_SIGNS = {
    DatabaseEngine.MYSQL: ("`", "`"),
    DatabaseEngine.POSTGRESQL: ('"', '"'),
    DatabaseEngine.SQL_SERVER: ("[", "]"),
}
"""What a name stands between; within it the closing sign is doubled."""


def quote_name(engine: DatabaseEngine, name: str) -> str:
    """Return a name as an identifier.

    Raises:
        InvalidSpecError: No server can hold it.
    """
    begin, end = _SIGNS[engine]
    return f"{begin}{_checked(name).replace(end, end * 2)}{end}"


def quote_text(text: str) -> str:
    """Return a text as a literal.

    In MySQL the session's mode must hold NO_BACKSLASH_ESCAPES, in PostgreSQL standard_conforming_strings must be on.
    SQL Server wants an N before it, or it takes away what its code page lacks.

    Raises:
        InvalidSpecError: No server can hold it.
    """
    doubled = _checked(text).replace("'", "''")
    return f"'{doubled}'"


def _checked(text: str) -> str:
    if not text or "\0" in text:
        raise InvalidSpecError("a name or password is empty or holds a NUL character, which no server takes")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidSpecError("a name or password holds half a character, which no server takes") from None
    return text
