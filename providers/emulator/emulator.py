"""Puts the parts together: one emulator on one state folder, without any network."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from engine.ports import Clock
from providers.emulator.actions import Actions
from providers.emulator.answer import Answer, RefusedError
from providers.emulator.applications import Applications
from providers.emulator.authority import Authority
from providers.emulator.authorization import Roles
from providers.emulator.catalogue import Catalogue
from providers.emulator.certificates import client_certificate, ensure_certificates
from providers.emulator.connection import Identity, load_identity, write_private
from providers.emulator.control import Control
from providers.emulator.gateway import Gateway, Request
from providers.emulator.graph import Directory
from providers.emulator.journal import Journal
from providers.emulator.limits import Limits
from providers.emulator.lists import Lists
from providers.emulator.operations import Operations
from providers.emulator.options import EmulatorOptions
from providers.emulator.resources import Resources
from providers.emulator.scopes import Scopes
from providers.emulator.script import Script
from providers.emulator.soft_delete import SoftDeletes
from providers.emulator.stamps import Stamper
from providers.emulator.store import Store
from providers.emulator.tags import Tags
from providers.emulator.tokens import TokenVault
from providers.emulator.traffic import Traffic

_PUBLIC_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")


class Emulator:
    """ARM and its token authority as functions of requests. Everything is done in the calling thread."""

    def __init__(self, options: EmulatorOptions, clock: Clock) -> None:
        """Open the state folder; it is made when missing.

        Raises:
            InvalidSpecError: The folder is in use or damaged.
        """
        options.state.mkdir(parents=True, exist_ok=True)
        self.options = options
        self.clock = clock
        self.ca: Path = ensure_certificates(options.state, clock.now())
        self.identity: Identity = load_identity(options.state, options.subscription)
        self.script = Script(options.polls)
        self._roles = Roles()
        self._applications = Applications(self.identity)
        self.traffic = Traffic(keep_bodies=options.keep_bodies)
        self._store = Store(Journal(options.state / "journal.log"))
        self._directory = Directory()
        self._audiences: tuple[str, ...] = _PUBLIC_AUDIENCES
        self._vault = TokenVault(self.identity, takes_any=options.plain_http)
        self._compose()

    def _compose(self) -> None:
        store, identity, options = self._store, self.identity, self.options
        operations = Operations(store, identity.signing_key, options.retry_after_s)
        scopes = Scopes(store, (identity.subscription,))
        stamper = Stamper(store, identity.tenant)
        soft_deletes = SoftDeletes(store, operations, scopes, self.script, stamper)
        resources = Resources(store, operations, scopes, self.script, stamper, soft_deletes, refuses_busy=options.busy)
        operations.on_end = resources.finish
        self._control = Control(store, resources, self.script, self.traffic, self._roles, self._applications)
        self._gateway = Gateway(
            self._vault,
            _PUBLIC_AUDIENCES,
            Limits(options.limits_scale),
            store,
            operations,
            resources,
            Lists(store, operations, scopes, options.page_size),
            Tags(store, scopes, stamper),
            Actions(store, operations, scopes, self.script, stamper, identity.signing_key),
            Catalogue(store, scopes, identity.tenant, identity.subscription),
            soft_deletes,
            self._roles,
        )
        self._authority = self._make_authority(_PUBLIC_AUDIENCES)

    def serve_at(self, arm: str) -> None:
        """Accept the address ARM is served at as an audience, and leave the credential files in the state folder."""
        audiences = self._audiences = (arm, *_PUBLIC_AUDIENCES)
        self._gateway = replace(self._gateway, audiences=audiences)
        self._authority = self._make_authority(audiences)
        write_private(self.options.state / "federated.jwt", self._authority.federated_token().encode())

    def _make_authority(self, audiences: tuple[str, ...]) -> Authority:
        lifetime = timedelta(seconds=self.options.token_lifetime_s)
        certificate = client_certificate(self.options.state)
        return Authority(self.identity, self._applications, self._vault, certificate, audiences, lifetime)

    def arm(self, request: Request) -> Answer:
        """Answer a request to ARM; refusals become answers."""
        try:
            return self._gateway.answer(request, self.clock.now(), self.clock.monotonic())
        except RefusedError as exc:
            return exc.answer()

    def authority(self, request: Request) -> Answer:
        """Answer a request to the token authority."""
        segments = request.path.strip("/").split("/")
        return self._authority.answer(request.method, segments, request.body, base=request.base, now=self.clock.now())

    def graph(self, request: Request) -> Answer:
        """Answer a request to Microsoft Graph; refusals become answers."""
        path = request.path.strip("/").partition("/")[2]
        try:
            self._vault.check(request.headers.get("authorization", ""), self._audiences, self.clock.now())
            return self._directory.answer(request.method, path, request.query, request.headers, request.body)
        except RefusedError as exc:
            return exc.answer()

    def control(self, request: Request) -> Answer:
        """Answer a request to the control API."""
        name = request.path.rstrip("/").rpartition("/")[2]
        try:
            return self._control.answer(request.method, name, request.body, self.clock.now())
        except RefusedError as exc:
            return exc.answer()
        finally:
            self._store.flush()

    def close(self) -> None:
        """Write what is left and release the state folder."""
        self._store.close()

    def now(self) -> datetime:
        """Return the emulator's time."""
        return self.clock.now()
