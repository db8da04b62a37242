"""Key vaults that were deleted: they keep their name until they are purged or recovered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.emulator.address import Address, parse_address
from providers.emulator.answer import Answer, RefusedError, encode_answer, gateway_error
from providers.emulator.bodies import read_path
from providers.emulator.call import Call
from providers.emulator.operations import Operation, Operations, make_operation, time_text
from providers.emulator.regions import region_code
from providers.emulator.scopes import Scopes
from providers.emulator.script import Script
from providers.emulator.stamps import Stamper
from providers.emulator.store import Record, Store
from providers.emulator.styles import Style

_VAULTS = "microsoft.keyvault/vaults"
_NOTE = "deleted-vault:"
_KEPT = timedelta(days=90)
_PURGE = Style(202, "l", False, "", 10, "operationResults")


def is_deleted_vault(address: Address) -> bool:
    """Whether an address is about vaults that were deleted."""
    return address.namespace.lower() == "microsoft.keyvault" and "deletedvaults" in [t.lower() for t in address.types]


class SoftDeletes:
    """Remembers deleted vaults."""

    def __init__(self, store: Store, operations: Operations, scopes: Scopes, script: Script, stamper: Stamper) -> None:
        """Work on these parts."""
        self._store = store
        self._operations = operations
        self._scopes = scopes
        self._script = script
        self._stamper = stamper

    def remember(self, record: Record, deleted: str) -> None:
        """Note that a resource was removed, if it is one that can come back."""
        if record.type.lower() == _VAULTS:
            note = {"body": record.value, "api": record.api, "deleted": deleted}
            self._store.set_note(_NOTE + _name(record.id), note)

    def revive(self, address: Address, arm_type: str, desired: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the body to create a resource with: the deleted one's when it is to be recovered.

        Raises:
            RefusedError: 409; a deleted vault has that name. 404; there is none to recover.
        """
        if arm_type.lower() != _VAULTS:
            return desired
        note = self._store.note(_NOTE + address.name.lower())
        mode = str(read_path(desired, ("properties", "createMode"))).lower()
        if mode == "recover":
            if note is None:
                raise _not_found(address.name)
            self._store.set_note(_NOTE + address.name.lower(), None)
            body: dict[str, Any] = note["body"]
            return body
        if note is not None:
            raise RefusedError(
                409,
                "ConflictError",
                "A vault with the same name already exists in deleted state. You need to either recover or purge "
                "existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more "
                "information on soft delete.",
            )
        return desired

    def answer(self, call: Call) -> Answer:
        """Answer GET of one or all deleted vaults, and POST purge."""
        self._scopes.check_subscription(call.address)
        if len(call.address.names) < len(call.address.types) and call.address.types[-1].lower() != "purge":
            shown = [self._show(call, note) for _, note in self._store.notes(_NOTE)]
            return encode_answer({"value": shown})
        name = call.address.names[-1]
        note = self._store.note(_NOTE + name.lower())
        if note is None or region_code(str(note["body"].get("location", ""))) != region_code(call.address.names[0]):
            raise _not_found(name)
        if call.method == "GET":
            return encode_answer(self._show(call, note))
        if call.method != "POST":
            raise gateway_error(405, "MethodNotAllowed", "Deleted vaults can be read and purged.")
        return self._purge(call, name, str(note["body"].get("location", "")))

    def finish(self, operation: Operation) -> bool:
        """End a purge; whether the operation was one."""
        if operation.verb != "purge":
            return False
        if operation.error is None:
            self._store.set_note(_NOTE + operation.key.rpartition("/")[2], None)
        return True

    def _purge(self, call: Call, name: str, location: str) -> Answer:
        target = parse_address(call.address.parent_id)
        operation = make_operation(
            target,
            "purge",
            _PURGE,
            location=location,
            api=call.api,
            now=call.now,
            polls=self._script.polls(call),
            serial=self._stamper.serial(),
        )
        operation.key = f"{target.parent_id}/deletedvaults/{name}".lower()
        self._operations.start(operation)
        return Answer(202, headers=self._operations.headers(operation, call.base, call.now))

    def _show(self, call: Call, note: Mapping[str, Any]) -> Mapping[str, Any]:
        body = note["body"]
        location = region_code(str(body.get("location", "")))
        scope = f"/subscriptions/{call.address.subscription}/providers/Microsoft.KeyVault"
        return {
            "id": f"{scope}/locations/{location}/deletedVaults/{body['name']}",
            "name": body["name"],
            "type": "Microsoft.KeyVault/deletedVaults",
            "properties": {
                "vaultId": body["id"],
                "location": location,
                "tags": body.get("tags") or {},
                "deletionDate": note["deleted"],
                "scheduledPurgeDate": time_text(call.now + _KEPT),
            },
        }


def _name(resource_id: str) -> str:
    return resource_id.rpartition("/")[2].lower()


def _not_found(name: str) -> RefusedError:
    return RefusedError(
        404,
        "DeletedVaultNotFound",
        f"The specified deleted vault '{name}' does not exist. Ensure that the vault was indeed deleted and that it is "
        "in recoverable state. If soft delete was not enabled then the vault is permanently deleted. Follow this link "
        "for more information: https://go.microsoft.com/fwlink/?linkid=2149745",
    )
