"""What may be listed: the whole cluster at once, or namespaces one by one. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from engine.errors import EngineError
from providers.kube.client import KubeClient

EVERYWHERE: Final = ("",)


def scopes(client: KubeClient, path: str, namespaces: Sequence[str]) -> Sequence[str]:
    """Return where to list what is wanted of these namespaces; an empty name is the whole cluster.

    One list costs less than many, but a narrow identity may not ask for it.

    Args:
        client: The cluster.
        path: Of the list of the whole cluster.
        namespaces: The wanted ones; all when empty.
    """
    if not namespaces:
        return EVERYWHERE
    try:
        client.get(path, {"limit": "1"})
    except EngineError:
        return tuple(namespaces)
    return EVERYWHERE
