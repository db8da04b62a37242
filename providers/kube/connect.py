"""From a kubeconfig or a pod's own credentials to a client; every way this goes wrong, in words."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidSpecError, PolicyDeniedError

if TYPE_CHECKING:
    from providers.kube.access import Access
    from providers.kube.client import KubeClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Which cluster, as whom.

    Attributes:
        context: A context of the kubeconfig; empty for its current one.
        kubeconfig: A file, or several joined as in KUBECONFIG; empty for the default place.
        in_cluster: Use the pod's own service account; the other two must then be empty.
        service_account: Folder of its token and certificate; empty for the usual one.
        parallel: How many requests are in flight at most.
    """

    context: str = ""
    kubeconfig: str = ""
    in_cluster: bool = False
    service_account: str = ""
    parallel: int = 4

    def __str__(self) -> str:
        """Name the cluster for messages."""
        if self.in_cluster:
            return "the pod's cluster"
        return f"context {self.context!r}" if self.context else "the current context"


def connect(connection: Connection) -> KubeClient:
    """Make a client. Nothing is sent yet, but a credential plugin of the kubeconfig runs.

    Raises:
        InvalidSpecError: The kubeconfig is missing or malformed, or has no such context.
        PolicyDeniedError: A credential plugin failed.
    """
    from providers.kube.client import KubeClient
    from providers.kube.service_account import FOLDER, access_of_pod

    if connection.in_cluster:
        access = access_of_pod(Path(connection.service_account or FOLDER), parallel=connection.parallel)
    else:
        access = _access_of_kubeconfig(connection)
    return KubeClient(access, name=str(connection))


def _access_of_kubeconfig(connection: Connection) -> Access:
    # Importing the client costs 0.2 s and 34 MiB: only who reads a kubeconfig pays for it.
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration
    from kubernetes.config import ConfigException

    from providers.kube.access import Access, keepalive, read_retries

    configuration = Configuration()
    _load_kubeconfig(configuration, connection)
    configuration.connection_pool_maxsize = connection.parallel
    configuration.retries = read_retries()
    configuration.socket_options = keepalive()
    api = ApiClient(configuration)

    def headers() -> Mapping[str, str]:
        try:
            sent: dict[str, str] = dict(api.default_headers)
            api.update_params_for_auth(sent, [], ["BearerToken"], "/", "GET", None)
        except ConfigException as exc:
            raise PolicyDeniedError(f"The credentials of {connection} could not be renewed", detail=str(exc)) from exc
        return sent

    return Access(host=configuration.host.rstrip("/"), pool=api.rest_client.pool_manager, headers=headers)


def _load_kubeconfig(configuration: Any, connection: Connection) -> None:
    from kubernetes.config import ConfigException, load_kube_config
    from yaml import YAMLError

    try:
        with _complaints() as complaints:
            load_kube_config(  # type: ignore[no-untyped-call]  # typed in parts
                config_file=connection.kubeconfig or None,
                context=connection.context or None,
                client_configuration=configuration,
            )
    except ConfigException as exc:
        raise _unusable(connection, str(exc)) from exc
    except (YAMLError, OSError, UnicodeDecodeError) as exc:
        raise _unusable(connection, " ".join(str(exc).split())) from exc
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        # The loader trusts the shape of the file; what it trips over are our only clues.
        raise _unusable(connection, f"it does not have the shape of a kubeconfig ({type(exc).__name__})") from exc
    if complaints and not (configuration.api_key or configuration.cert_file):
        raise PolicyDeniedError(
            f"The credentials of {connection} could not be had",
            detail="; ".join(complaints),
            hint="run `kubectl get namespaces` with the same context to see what the plugin asks for",
        )


def _unusable(connection: Connection, detail: str) -> InvalidSpecError:
    where = f"kubeconfig {connection.kubeconfig!r}" if connection.kubeconfig else "the default kubeconfig"
    return InvalidSpecError(
        f"Cannot use {connection} of {where}",
        detail=detail,
        hint="`kubectl config get-contexts` lists what there is",
    )


@contextlib.contextmanager
def _complaints() -> Iterator[list[str]]:
    """Collect what the kubeconfig loader would only log: failures of credential plugins."""
    messages: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.ERROR:
                messages.append(" ".join(record.getMessage().split()))

    handler = Collector()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield messages
    finally:
        root.removeHandler(handler)
