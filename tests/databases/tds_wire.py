"""The server's side of TDS 7.4, written from the public specification MS-TDS: packets, TLS inside them, tokens."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Sequence

PRELOGIN, REPLY, BATCH, RPC, ATTENTION = 0x12, 0x04, 0x01, 0x03, 0x06
SP_EXECUTESQL = 10
COLLATION = bytes([0x09, 0x04, 0xD0, 0x00, 0x34])
PACKET_SIZE = 4096
Cell = int | str


class ClosedError(Exception):
    """The client hung up."""


class Wire:
    """One client's connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._tls: ssl.SSLObject | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def read_message(self) -> tuple[int, bytes]:
        """Return type and content of a message, however many packets it takes."""
        content, is_last, kind = b"", False, 0
        while not is_last:
            kind, status, size = struct.unpack(">BBH4x", self._exactly(8))
            content += self._exactly(size - 8)
            is_last = bool(status & 1)
        return kind, content

    def send_message(self, content: bytes, kind: int = REPLY) -> None:
        """Send a message in packets of the size that was agreed on."""
        room = PACKET_SIZE - 8
        parts = [content[i : i + room] for i in range(0, len(content), room)]
        for number, part in enumerate(parts):
            self._send(struct.pack(">BBHHBB", kind, number == len(parts) - 1, len(part) + 8, 0, 0, 0) + part)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands inside packets of the negotiation; from then on packets are inside TLS."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush_handshake()
                self._incoming.write(self.read_message()[1])
            except ssl.SSLError as exc:
                raise ClosedError from exc
        self._flush_handshake()
        self._tls = tls

    def _flush_handshake(self) -> None:
        data = self._outgoing.read()
        if data:
            self.send_message(data, PRELOGIN)

    def _send(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._outgoing.read()
        self._socket.sendall(data)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += self._some(size - len(data))
        return data

    def _some(self, size: int) -> bytes:
        while self._tls is not None:
            try:
                return self._tls.read(size) or self._gone()
            except ssl.SSLWantReadError:
                self._incoming.write(self._socket.recv(65536) or self._gone())
            except ssl.SSLError:
                self._gone()
        return self._socket.recv(size) or self._gone()

    def _gone(self) -> bytes:
        raise ClosedError


def prelogin_options(content: bytes) -> dict[int, bytes]:
    """Return the options of a negotiation."""
    found: dict[int, bytes] = {}
    at = 0
    while content[at] != 0xFF:
        token, offset, size = struct.unpack_from(">BHH", content, at)
        found[token] = content[offset : offset + size]
        at += 5
    return found


def prelogin_answer(encryption: int) -> bytes:
    """Return an answer to a negotiation."""
    options = {0: bytes([16, 0, 0x10, 0, 0, 0]), 1: bytes([encryption]), 2: b"\0", 3: b"", 4: b"\0"}
    table, values, at = b"", b"", 5 * len(options) + 1
    for token, value in options.items():
        table += struct.pack(">BHH", token, at, len(value))
        values += value
        at += len(value)
    return table + b"\xff" + values


def login_fields(content: bytes) -> dict[str, str]:
    """Return who wants to log in, and where to."""
    places = {"user": 40, "password": 44, "app": 48, "server": 52, "database": 68}
    found = {}
    for name, place in places.items():
        offset, length = struct.unpack_from("<HH", content, place)
        raw = content[offset : offset + 2 * length]
        if name == "password":
            raw = bytes(((b ^ 0xA5) << 4 & 0xF0) | ((b ^ 0xA5) >> 4) for b in raw)
        found[name] = raw.decode("utf-16-le")
    return found


def batch_text(content: bytes) -> str:
    """Return the statement of a batch."""
    return content[int.from_bytes(content[:4], "little") :].decode("utf-16-le")


def call_texts(content: bytes) -> list[str]:
    """Return the texts that are handed to ``sp_executesql``: statement, declarations, values."""
    at = int.from_bytes(content[:4], "little")
    size, procedure = struct.unpack_from("<HH", content, at)
    if size != 0xFFFF or procedure != SP_EXECUTESQL:
        raise ValueError("another procedure than sp_executesql")
    at += 6
    found = []
    while at < len(content):
        at += 2 + 2 * content[at]  # name, and how it is passed
        if content[at] != 0xE7:
            raise ValueError(f"a parameter of type {content[at]:#x}")
        longest = int.from_bytes(content[at + 1 : at + 3], "little")
        text, at = _text(content, at + 8, is_long=longest == 0xFFFF)
        found.append(text)
    return found


def _text(content: bytes, at: int, *, is_long: bool) -> tuple[str, int]:
    if not is_long:
        size = int.from_bytes(content[at : at + 2], "little")
        return content[at + 2 : at + 2 + size].decode("utf-16-le"), at + 2 + size
    raw, at = b"", at + 8
    while size := int.from_bytes(content[at : at + 4], "little"):
        raw += content[at + 4 : at + 4 + size]
        at += 4 + size
    return raw.decode("utf-16-le"), at + 4


def _short(text: str) -> bytes:
    return bytes([len(text)]) + text.encode("utf-16-le")


def _long(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def _token(kind: int, body: bytes) -> bytes:
    return struct.pack("<BH", kind, len(body)) + body


def login_ack(database: str) -> bytes:
    """Return what lets a client in."""
    ack = _token(0xAD, bytes([1, 0x74, 0, 0, 4]) + _short("Microsoft SQL Server") + bytes([16, 0, 0x10, 0]))
    changes = _token(0xE3, b"\x01" + _short(database) + _short("master"))
    changes += _token(0xE3, b"\x07" + bytes([len(COLLATION)]) + COLLATION + b"\0")
    changes += _token(0xE3, b"\x04" + _short(str(PACKET_SIZE)) + _short(str(PACKET_SIZE)))
    return changes + ack + done()


def route(host: str, port: int) -> bytes:
    """Return what sends a client to another server."""
    value = struct.pack("<BHH", 0, port, len(host)) + host.encode("utf-16-le")
    return _token(0xE3, b"\x14" + struct.pack("<H", len(value)) + value + b"\0\0") + done()


def error(number: int, text: str, *, severity: int = 16) -> bytes:
    """Return what a refused statement or login gets."""
    body = (
        struct.pack("<iBB", number, 1, severity) + _long(text) + _short("standin") + _short("") + struct.pack("<I", 1)
    )
    return _token(0xAA, body) + done(failed=True)


def rows(columns: Sequence[str], found: Sequence[Sequence[Cell]], *, types: Sequence[type]) -> bytes:
    """Return a result."""
    meta = struct.pack("<BH", 0x81, len(columns))
    for name, kind in zip(columns, types, strict=True):
        shape = b"\x26\x04" if kind is int else b"\xe7" + struct.pack("<H", 256) + COLLATION
        meta += struct.pack("<IH", 0, 1) + shape + _short(name)
    body = b"".join(b"\xd1" + b"".join(_cell(cell) for cell in row) for row in found)
    return meta + body + done(kind=0xFF, count=len(found)) + struct.pack("<Bi", 0x79, 0) + done(kind=0xFE)


def _cell(cell: Cell) -> bytes:
    if isinstance(cell, int):
        return b"\x04" + struct.pack("<i", cell)
    raw = cell.encode("utf-16-le")
    return struct.pack("<H", len(raw)) + raw


def stopped() -> bytes:
    """Return the answer to a client that wants no more of the last one."""
    return struct.pack("<BHHQ", 0xFD, 0x20, 0, 0)


def done(*, kind: int = 0xFD, failed: bool = False, count: int | None = None) -> bytes:
    """Return the end of an answer, or of a part of it."""
    status = (2 if failed else 0) | (0x11 if count is not None else 0)
    return struct.pack("<BHHQ", kind, status, 0, count or 0)
