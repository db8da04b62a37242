"""A stand-in for SQL Server: real sockets and TLS, TDS on the wire, and as much of T-SQL as users and roles take."""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine.model.account import DatabaseEngine, Login
from engine.model.document import Secret
from tests.databases import tds_wire as wire

ADMIN, ADMIN_PASSWORD, DATABASE = "boss", "boss-password-7", "shop"
_PARTS: Final = re.compile(r"\[((?:[^\]]|\]\])*)\]|N'((?:[^']|'')*)'|([A-Za-z]+|\S)", re.DOTALL)
_MISSING: Final = "because it does not exist or you do not have permission."


class SqlError(Exception):
    """What the server refuses, with the number that SQL Server has for it."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number, self.text = number, text


@dataclass
class Database:
    """Users with passwords, and roles; names mean the same in either letter case."""

    users: dict[str, str] = field(default_factory=dict)
    roles: dict[str, set[str]] = field(
        default_factory=lambda: {"db_datareader": set(), "db_datawriter": set(), "odd]role": set()}
    )
    statements: list[str] = field(default_factory=list)

    def find(self, name: str) -> str | None:
        """Return a user as it is spelled here."""
        return next((user for user in self.users if user.casefold() == name.casefold()), None)

    def execute(self, statement: str) -> None:
        """Carry out a statement about a user or a role."""
        self.statements.append(statement)
        shape, texts = _read(statement)
        match shape:
            case "CREATE USER [] WITH PASSWORD = ''":
                self._create(*texts)
            case "ALTER USER [] WITH PASSWORD = ''":
                self.users[self._user(texts[0], "alter the user")] = texts[1]
            case "DROP USER IF EXISTS []":
                self._drop(texts[0])
            case "ALTER ROLE [] ADD MEMBER []":
                self._role(texts[0]).add(self._user(texts[1], "add the principal"))
            case "ALTER ROLE [] DROP MEMBER []":
                self._role(texts[0]).discard(self._user(texts[1], "drop the principal"))
            case _:
                raise SqlError(102, f"Incorrect syntax near '{statement}'.")

    def _create(self, name: str, password: str) -> None:
        if self.find(name) is not None:
            raise SqlError(15023, f"User, group, or role '{name}' already exists in the current database.")
        self.users[name] = password

    def _drop(self, name: str) -> None:
        found = self.find(name)
        if found is not None:
            del self.users[found]
            for members in self.roles.values():
                members.discard(found)

    def _user(self, name: str, doing: str) -> str:
        found = self.find(name)
        if found is None:
            raise SqlError(15151, f"Cannot {doing} '{name}', {_MISSING}")
        return found

    def _role(self, name: str) -> set[str]:
        found = next((role for role in self.roles if role.casefold() == name.casefold()), None)
        if found is None:
            raise SqlError(15151, f"Cannot alter the role '{name}', {_MISSING}")
        return self.roles[found]


def _read(statement: str) -> tuple[str, list[str]]:
    """Return a statement with its names and texts taken out, and those."""
    words, texts = [], []
    for name, text, word in _PARTS.findall(statement):
        words.append(word or ("''" if text or not name else "[]"))
        if not word:
            texts.append(name.replace("]]", "]") if name else text.replace("''", "'"))
    return " ".join(words), texts


@dataclass
class StandIn:
    """A running server.

    Attributes:
        logins: What clients said when they logged in.
        encryption: What it answers to a negotiation: 1 that it encrypts, 2 that it cannot.
        sends_to: Where it sends clients to; None: it serves them itself.
    """

    ca: Path
    context: ssl.SSLContext
    database: Database = field(default_factory=Database)
    logins: list[dict[str, str]] = field(default_factory=list)
    encryption: int = 1
    sends_to: Callable[[], tuple[str, int]] | None = None
    refuses_with: SqlError | None = None
    port: int = 0
    engine: DatabaseEngine = DatabaseEngine.SQL_SERVER

    def login(self, *, user: str = ADMIN, password: str = ADMIN_PASSWORD) -> Login:
        """Return how to speak to it."""
        return Login(
            engine=self.engine,
            host="127.0.0.1",
            port=self.port,
            database=DATABASE,
            user=user,
            password=Secret(password),
        )

    def serve(self, client: wire.Wire) -> None:
        """Speak with one client until it hangs up."""
        client.read_message()
        client.send_message(wire.prelogin_answer(self.encryption))
        client.start_tls(self.context)
        login = wire.login_fields(client.read_message()[1])
        self.logins.append(login)
        answer = self._admit(login)
        client.send_message(answer or wire.login_ack(login["database"]))
        while not answer:
            client.send_message(self._answer(*client.read_message()))

    def _admit(self, login: dict[str, str]) -> bytes:
        """Return why a client is not let in; empty when it is."""
        if self.sends_to is not None:
            return wire.route(*self.sends_to())
        if self.refuses_with is not None:
            return wire.error(self.refuses_with.number, self.refuses_with.text)
        held = {ADMIN: ADMIN_PASSWORD, **self.database.users}
        if held.get(login["user"]) != login["password"]:
            return wire.error(18456, f"Login failed for user '{login['user']}'.", severity=14)
        return b""

    def _answer(self, kind: int, content: bytes) -> bytes:
        if kind == wire.ATTENTION:
            return wire.stopped()
        if kind == wire.RPC:
            return self._ask(*wire.call_texts(content))
        try:
            self.database.execute(wire.batch_text(content))
        except SqlError as exc:
            return wire.error(exc.number, exc.text)
        return wire.done()

    def _ask(self, query: str, _: str, name: str) -> bytes:
        found = self.database.find(name)
        if "sys.database_role_members" in query:
            held = [(role,) for role, members in self.database.roles.items() if found in members]
            return wire.rows(["name"], held, types=[str])
        return wire.rows([""], [(1,)] if found is not None else [], types=[int])


@contextmanager
def stand_in(keys: Path, **settings: object) -> Iterator[StandIn]:
    """Run a server on a port that the system chose, with the certificate of a folder."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys / "db.crt", keys / "db.key")
    server = StandIn(keys / "ca.crt", context, **settings)  # type: ignore[arg-type]

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                server.serve(wire.Wire(self.request))
            except (wire.ClosedError, OSError):
                return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
