"""Groups of Microsoft Entra, as objects of a cluster ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from engine.cluster.exports import Target
from engine.cluster.names import RESOURCE_ID
from engine.cluster.objects import ClusterObject
from engine.desired.exporters import CONFIG_MAP
from engine.desired.groups import is_group, read_group
from engine.errors import InvalidSpecError
from engine.model.document import Document
from engine.model.group import FoundGroup, GraphAccess, WantedGroup
from engine.model.ids import ArmId, ResourceKey
from engine.model.state import ActualState, CustomResource, Presence
from engine.planning.groups import plan_group
from engine.ports import EntraGroups, ExportWriter
from engine.runtime.controller.outside import Errand, Look


class GraphTokens(Protocol):
    """Ways into Microsoft Graph, for whoever speaks for an object."""

    async def graph(self, resource: CustomResource) -> tuple[GraphAccess, str]:
        """Return where Graph is and what lets in, and which Secret the credential came from.

        Raises:
            EngineError: There is no credential, or it is not accepted.
        """
        ...


class SecurityGroups:
    """The handler of the kind ``SecurityGroup``."""

    def __init__(self, directory: EntraGroups, tokens: GraphTokens, exports: ExportWriter) -> None:
        """Keep the parts."""
        self._exports = exports
        self._directory = directory
        self._tokens = tokens

    def takes(self, key: ResourceKey) -> bool:
        """Whether an object asks for a group of the directory."""
        return is_group(key)

    async def prepare(self, found: ClusterObject) -> Errand:
        """Return the group an object asks for."""
        wanted = read_group(found.resource)
        access, credential = await self._tokens.graph(found.resource)
        return _GroupErrand(self._directory, self._exports, access, wanted, found.resource, credential)

    async def prepare_removal(self, found: ClusterObject) -> Errand | None:
        """Return the group to delete; one whose id was never noted is looked for by the name it was created under."""
        return await self.prepare(found)


class _GroupErrand:
    """One group."""

    memory: str | None = None

    def __init__(
        self,
        directory: EntraGroups,
        exports: ExportWriter,
        access: GraphAccess,
        wanted: WantedGroup,
        resource: CustomResource,
        credential: str,
    ) -> None:
        self._directory = directory
        self._exports = exports
        self._resource = resource
        self._access = access
        self._wanted = wanted
        self._changes: Mapping[str, str] = {}
        self._found: FoundGroup | None = None
        self.resource_id = resource.annotations.get(RESOURCE_ID, "")
        self.credential = credential
        self.actual: ActualState | None = None

    async def look(self) -> Look:
        found = await self._find()
        self._take(found)
        if found is None:
            return Look(is_there=False, differs=True)
        self._changes = plan_group(self._wanted, found)
        return Look(is_there=True, differs=bool(self._changes))

    async def _find(self) -> FoundGroup | None:
        directory, access, wanted = self._directory, self._access, self._wanted
        if self.resource_id:
            return await directory.find(access, self.resource_id)
        found = await directory.find_unique(access, wanted.unique_name)
        if found is not None or not wanted.adopts:
            return found
        named = await directory.find_named(access, wanted.display_name)
        if len(named) > 1:
            raise InvalidSpecError(
                f"{len(named)} groups are called {wanted.display_name!r}",
                hint="give the object another displayName, or set operatorSpec.creationMode: AlwaysCreate",
            )
        return named[0] if named else None

    def _take(self, found: FoundGroup | None) -> None:
        self._found = found
        if found is None:
            return
        self.resource_id = found.id
        body = {"entraID": found.id, "displayName": found.display_name, "groupEmailAddress": found.mail}
        if found.description:
            body["description"] = found.description
        self.actual = ActualState(id=ArmId(found.id), presence=Presence.PRESENT, document=Document(value=body))

    async def write(self) -> None:
        if self._found is None:
            self._take(await self._directory.create(self._access, self._wanted))
            return
        await self._directory.update(self._access, self._found.id, self._changes)
        self._take(await self._directory.find(self._access, self._found.id))

    async def remove(self) -> None:
        group_id = self.resource_id
        if not group_id:
            found = await self._directory.find_unique(self._access, self._wanted.unique_name)
            group_id = found.id if found is not None else ""
        if group_id:
            await self._directory.delete(self._access, group_id)

    async def export(self) -> None:
        if self._wanted.id_goes_to is None or self._found is None:
            return
        key, (name, entry) = self._resource.key, self._wanted.id_goes_to
        target = Target(kind=CONFIG_MAP, namespace=key.namespace, name=name, data={entry: self._found.id})
        await self._exports.write(target, key, self._resource.uid)
