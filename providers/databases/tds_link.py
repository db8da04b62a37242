"""A connection to SQL Server whose TLS is ours: what the client library believes to be a plain socket.

TDS hides the TLS handshake in packets of its own, between the negotiation and the login. The library can do that
through pyOpenSSL, of which it uses functions that are gone; here it is done by the context that checks every other
database server. The library's offer goes out with encryption asked for, and it gets the answer as if there were none.

Source: the public specification MS-TDS, sections 2.2.6.5 (PRELOGIN), 2.2.7.9 (ENVCHANGE, routing) and 3.2.5.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from typing import Final

_HEADER: Final = 8
_PRELOGIN: Final = 0x12
_LAST: Final = 1
_ENCRYPTION, _END_OF_OPTIONS = 1, 0xFF
_ON, _NOT_SUPPORTED, _REQUIRED = 1, 2, 3
_ENVCHANGE, _ERROR, _INFO, _LOGIN_ACK = 0xE3, 0xAA, 0xAB, 0xAD
_ROUTING: Final = 20
_SIZED_TOKENS: Final = frozenset({_ENVCHANGE, _ERROR, _INFO, _LOGIN_ACK})
_DONE_TOKENS: Final = frozenset({0xFD, 0xFE, 0xFF})
_DONE_SIZE: Final = 13
_CHUNK: Final = 65536


class LinkError(Exception):
    """The server cannot be reached, does not encrypt, or does not prove who it is."""


class RedirectedError(Exception):
    """The server sends its clients to another one."""

    def __init__(self, host: str, port: int) -> None:
        """Keep where to."""
        super().__init__(f"{host}:{port}")
        self.host, self.port = host, port


class RefusedError(Exception):
    """The server does not let the client in."""

    def __init__(self, number: int, text: str) -> None:
        """Keep the last number, and all it said."""
        super().__init__(text)
        self.number, self.text = number, text


class Link:
    """Looks like a socket to the library; the first thing sent must be the library's negotiation."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext, timeout_s: float) -> None:
        """Connect; nothing is sent yet.

        Raises:
            LinkError: Nobody answers.
        """
        try:
            self._socket = socket.create_connection((host, port), timeout_s)
        except OSError as exc:
            raise LinkError(str(exc)) from exc
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._ready = bytearray()
        self._is_negotiated = self._is_logged_in = False

    def sendall(self, data: bytes | bytearray, flags: int = 0) -> None:
        """Send; the first time, negotiate."""
        try:
            if self._is_negotiated:
                self._tls.write(data)
                self._socket.sendall(self._outgoing.read())
            else:
                self._ready += self._negotiate(bytes(data))
                self._is_negotiated = True
        except OSError as exc:
            raise LinkError(str(exc)) from exc

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what is there, up to a size; empty when the server has hung up."""
        try:
            if not self._ready and not self._is_logged_in:
                self._is_logged_in = True
                self._ready += self._login_answer()
            if self._ready:
                data = bytes(self._ready[:size])
                del self._ready[:size]
                return data
            return self._read(size)
        except OSError as exc:
            raise LinkError(str(exc)) from exc

    def recv_into(self, buffer: bytearray | memoryview, size: int = 0, flags: int = 0) -> int:
        """Do the same into a buffer."""
        data = self.recv(size or len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def settimeout(self, timeout: float | None) -> None:
        """Set how long to wait for the server."""
        self._socket.settimeout(timeout)

    def gettimeout(self) -> float | None:
        """Return how long the server is waited for."""
        return self._socket.gettimeout()

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """Set an option of the real socket."""
        self._socket.setsockopt(level, option, value)

    def shutdown(self, how: int) -> None:
        """Say that nothing more will be sent."""
        self._socket.shutdown(how)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _negotiate(self, offer: bytes) -> bytes:
        self._socket.sendall(_with_encryption(offer, _ON))
        answer = self._packet()
        if _encryption_of(answer) not in (_ON, _REQUIRED):
            raise LinkError("the server does not encrypt")
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._send_handshake()
                self._incoming.write(self._packet()[_HEADER:])
        self._send_handshake()
        return _with_encryption(answer, _NOT_SUPPORTED)

    def _send_handshake(self) -> None:
        data = self._outgoing.read()
        if data:
            header = struct.pack(">BBHHBB", _PRELOGIN, _LAST, _HEADER + len(data), 0, 0, 0)
            self._socket.sendall(header + data)

    def _packet(self) -> bytes:
        """Read one packet that is not encrypted."""
        header = self._exactly(_HEADER)
        return header + self._exactly(int.from_bytes(header[2:4], "big") - _HEADER)

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise LinkError("the server hung up before the login")
            data += more
        return data

    def _read(self, size: int) -> bytes:
        """Read of what is encrypted."""
        while True:
            try:
                return self._tls.read(size)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                more = self._socket.recv(_CHUNK)
                if not more:
                    return b""
                self._incoming.write(more)

    def _login_answer(self) -> bytes:
        """Read the whole answer to the login.

        The library would follow a redirection in clear text, and wait before it tells of most refusals.
        """
        packets, tokens, is_last = b"", b"", False
        while not is_last:
            header = self._read_exactly(_HEADER)
            body = self._read_exactly(int.from_bytes(header[2:4], "big") - _HEADER) if len(header) == _HEADER else b""
            packets, tokens = packets + header + body, tokens + body
            is_last = len(header) < _HEADER or bool(header[1] & _LAST)
        check_answer(tokens)
        return packets

    def _read_exactly(self, size: int) -> bytes:
        """Read so much, or less when the server has hung up."""
        data = b""
        while len(data) < size and (more := self._read(size - len(data))):
            data += more
        return data


def _tokens(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the tokens of an answer to a login, up to the first that says nothing of its size."""
    at = 0
    while at + 3 <= len(content):
        token = content[at]
        if token in _DONE_TOKENS:
            at += _DONE_SIZE
            continue
        if token not in _SIZED_TOKENS:
            return
        size = int.from_bytes(content[at + 1 : at + 3], "little")
        yield token, content[at + 3 : at + 3 + size]
        at += 3 + size


def check_answer(content: bytes) -> None:
    """Return if an answer to a login lets the client in.

    Raises:
        RedirectedError: It sends it to another server.
        RefusedError: It does not.
    """
    number, texts = 0, []
    for token, body in _tokens(content):
        if token == _ENVCHANGE and body[:1] == bytes([_ROUTING]):
            _, _, port, length = struct.unpack_from("<HBHH", body, 1)
            raise RedirectedError(body[8 : 8 + 2 * length].decode("utf-16-le"), port)
        if token == _LOGIN_ACK:
            return
        if token == _ERROR:
            number, _, length = struct.unpack_from("<iHH", body)
            texts.append(body[8 : 8 + 2 * length].decode("utf-16-le"))
    if texts:
        raise RefusedError(number, " ".join(texts))


def _option(packet: bytes) -> int:
    """Return where in a negotiation its word on encryption stands.

    Raises:
        LinkError: It says nothing of it.
    """
    at = _HEADER
    while at + 5 <= len(packet) and packet[at] != _END_OF_OPTIONS:
        token, offset, size = struct.unpack_from(">BHH", packet, at)
        if token == _ENCRYPTION and size and _HEADER + offset < len(packet):
            return _HEADER + int(offset)
        at += 5
    raise LinkError("the server says nothing about encryption")


def _encryption_of(packet: bytes) -> int:
    return packet[_option(packet)]


def _with_encryption(packet: bytes, word: int) -> bytes:
    at = _option(packet)
    return packet[:at] + bytes([word]) + packet[at + 1 :]
