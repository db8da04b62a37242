"""Real database servers as processes of this machine, with TLS, on a port that the system chose."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.model.account import DatabaseEngine, Login
from engine.model.document import Secret
from tests.apiserver.certificates import Authority

ADMIN_PASSWORD = "boss-password-7"
_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/sbin", "/usr/bin", "/usr/local/bin")


@dataclass(frozen=True)
class DatabaseServer:
    """One running server."""

    engine: DatabaseEngine
    port: int
    admin: str
    ca: Path
    folder: Path

    def login(self, *, user: str = "", password: str = ADMIN_PASSWORD, database: str = "") -> Login:
        """Return how to speak to it; as its administrator unless told otherwise."""
        default = {DatabaseEngine.MYSQL: "mysql", DatabaseEngine.POSTGRESQL: "postgres"}[self.engine]
        return Login(
            engine=self.engine,
            host="127.0.0.1",
            port=self.port,
            database=database or default,
            user=user or self.admin,
            password=Secret(password),
        )

    @property
    def log(self) -> str:
        """Return what the server wrote down."""
        return (self.folder / "log").read_text(errors="replace")


def find_program(name: str) -> str:
    """Return where a program is; the test is skipped where it is nowhere."""
    found = shutil.which(name) or next(
        (str(p / name) for place in _PLACES for p in sorted(Path("/").glob(place[1:])) if (p / name).exists()), ""
    )
    if not found:
        pytest.skip(f"{name} is not installed (Debian: postgresql, mariadb-server-core mariadb-client-core)")
    return found


@contextmanager
def postgresql_server(keys: Path) -> Iterator[DatabaseServer]:
    """Run PostgreSQL until the block is left; it logs every statement."""
    initdb, program = find_program("initdb"), find_program("postgres")
    who = "postgres" if os.geteuid() == 0 else None
    with _folder(who) as folder:
        ca = _take_keys(keys, folder, who)
        secret = folder / "secret"
        secret.write_text(ADMIN_PASSWORD)
        data = folder / "data"
        if who:
            shutil.chown(secret, who)
        _run([initdb, "-D", str(data), "-U", "boss", "--pwfile", str(secret), "-A", "scram-sha-256", "-E", "UTF8"], who)
        port = free_port()
        options = {"ssl": "on", "ssl_cert_file": folder / "db.crt", "ssl_key_file": folder / "db.key", "fsync": "off"}
        options |= {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "log_statement": "all"}
        words = [w for name, value in options.items() for w in ("-c", f"{name}={value}")]
        command = [program, "-D", str(data), "-p", str(port), *words]
        with _process(command, folder, who, "ready to accept connections"):
            yield DatabaseServer(DatabaseEngine.POSTGRESQL, port, "boss", ca, folder)


@contextmanager
def mariadb_server(keys: Path) -> Iterator[DatabaseServer]:
    """Run MariaDB until the block is left; it logs every statement."""
    install, program = find_program("mariadb-install-db"), find_program("mariadbd")
    find_program("my_print_defaults")
    with _folder(None) as folder:
        ca = _take_keys(keys, folder, None)
        data = folder / "data"
        root = [f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', 'nobody')}"]
        kind = ["--auth-root-authentication-method=normal", "--skip-test-db"]
        _run([install, "--no-defaults", f"--datadir={data}", *kind, *root], None)
        port = free_port()
        first = folder / "first.sql"
        first.write_text(
            f"CREATE USER boss@'%' IDENTIFIED BY '{ADMIN_PASSWORD}';\nGRANT ALL ON *.* TO boss@'%' WITH GRANT OPTION;\n"
            "CREATE DATABASE shop;\nCREATE DATABASE blog;\n"
        )
        tls = [f"--ssl-{part}={path}" for part, path in (("ca", ca), ("cert", folder / "db.crt"))]
        command = [program, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1", *root]
        command += [f"--socket={folder / 's'}", f"--pid-file={folder / 'pid'}", f"--init-file={first}", *tls]
        command += [f"--ssl-key={folder / 'db.key'}", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"]
        with _process(command, folder, None, "ready for connections"):
            yield DatabaseServer(DatabaseEngine.MYSQL, port, "boss", ca, folder)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _folder(who: str | None) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="trueup-db-"))
    try:
        if who:
            shutil.chown(folder, who)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_keys(folder: Path) -> Path:
    """Make an authority, and a certificate for servers on this machine."""
    Authority(folder).issue("db", "localhost")
    return folder


def _take_keys(keys: Path, folder: Path, who: str | None) -> Path:
    for name in ("ca.crt", "db.crt", "db.key"):
        shutil.copy(keys / name, folder / name)
        if who:
            shutil.chown(folder / name, who)
    return folder / "ca.crt"


def _run(command: Sequence[str], who: str | None) -> None:
    done = subprocess.run(command, user=who, capture_output=True, check=False, timeout=120, cwd="/")
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


@contextmanager
def _process(command: Sequence[str], folder: Path, who: str | None, ready: str) -> Iterator[None]:
    """Run a server; a thread keeps what it says."""
    process = subprocess.Popen(
        command, user=who, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
    )
    is_ready = threading.Event()
    reader = threading.Thread(target=_keep, args=(process, folder / "log", ready, is_ready), daemon=True)
    reader.start()
    try:
        is_ready.wait(60)
        assert process.poll() is None, (folder / "log").read_text(errors="replace")
        yield
    finally:
        process.send_signal(signal.SIGINT if "postgres" in command[0] else signal.SIGTERM)
        process.wait(timeout=60)
        reader.join(timeout=10)


def _keep(process: subprocess.Popen[bytes], log: Path, ready: str, is_ready: threading.Event) -> None:
    assert process.stdout is not None
    with process.stdout as said, log.open("wb", buffering=0) as kept:
        for line in said:
            kept.write(line)
            if ready.encode() in line:
                is_ready.set()
    is_ready.set()
