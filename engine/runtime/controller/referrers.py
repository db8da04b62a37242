"""Which objects take something from which Secret or ConfigMap: a change there is work here."""

from __future__ import annotations

from collections.abc import Iterable

from engine.cluster.credentials import GLOBAL_SECRET, NAMESPACE_SECRET
from engine.cluster.names import CREDENTIAL_FROM
from engine.desired.identity import ObjectIdentity
from engine.desired.wanted import wanted_inputs
from engine.model.state import CustomResource

InputName = tuple[str, str, str]
"""``secret`` or ``configmap``, namespace, name."""
SECRET, CONFIG_MAP = "secret", "configmap"


class Referrers:
    """An index from names to objects; it holds no contents."""

    def __init__(self, operator_namespace: str) -> None:
        """Know no object yet; the operator's own credential is that of every object."""
        self._global: InputName = (SECRET, operator_namespace, GLOBAL_SECRET)
        self._by_name: dict[InputName, set[ObjectIdentity]] = {}
        self._names: dict[ObjectIdentity, frozenset[InputName]] = {}

    def put(self, resource: CustomResource) -> None:
        """Learn what an object refers to now."""
        identity, names = resource.key.identity, self._names_of(resource)
        if self._names.get(identity) == names:
            return
        self.drop(identity)
        self._names[identity] = names
        for name in names:
            self._by_name.setdefault(name, set()).add(identity)

    def drop(self, identity: ObjectIdentity) -> None:
        """Forget an object that is gone."""
        for name in self._names.pop(identity, ()):
            held = self._by_name[name]
            held.discard(identity)
            if not held:
                del self._by_name[name]

    def of(self, name: InputName) -> Iterable[ObjectIdentity]:
        """Return who refers to it."""
        return tuple(self._by_name.get(name, ()))

    def all(self) -> Iterable[ObjectIdentity]:
        """Return every object."""
        return tuple(self._names)

    def _names_of(self, resource: CustomResource) -> frozenset[InputName]:
        namespace = resource.key.namespace
        wanted = wanted_inputs([resource])
        credential = resource.annotations.get(CREDENTIAL_FROM, "") or NAMESPACE_SECRET
        return frozenset(
            {
                self._global,
                (SECRET, namespace, credential),
                *((SECRET, *name) for name in wanted.secrets),
                *((CONFIG_MAP, *name) for name in wanted.config_maps),
            }
        )
