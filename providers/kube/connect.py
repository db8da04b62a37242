"""From a kubeconfig or a pod's own credentials to a client; every way this goes wrong, in words."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.errors import InvalidSpecError, PolicyDeniedError

if TYPE_CHECKING:
    from providers.kube.client import KubeClient

CONNECT_ATTEMPTS = 0
READ_ATTEMPTS = 2
THROTTLED_ATTEMPTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Which cluster, as whom.

    Attributes:
        context: A context of the kubeconfig; empty for its current one.
        kubeconfig: A file, or several joined as in KUBECONFIG; empty for the default place.
        in_cluster: Use the pod's own service account; the other two must then be empty.
        parallel: How many requests are in flight at most.
    """

    context: str = ""
    kubeconfig: str = ""
    in_cluster: bool = False
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
    # Importing the client costs 0.2 s and 34 MiB: only verbs that talk to a cluster pay for it.
    from kubernetes.client.api_client import ApiClient
    from kubernetes.client.configuration import Configuration
    from urllib3.util.retry import Retry

    from providers.kube.client import KubeClient

    configuration = Configuration()
    if connection.in_cluster:
        _load_in_cluster(configuration)
    else:
        _load_kubeconfig(configuration, connection)
    configuration.connection_pool_maxsize = connection.parallel
    configuration.retries = Retry(
        total=THROTTLED_ATTEMPTS,
        connect=CONNECT_ATTEMPTS,
        read=READ_ATTEMPTS,
        status=THROTTLED_ATTEMPTS,
        redirect=False,
        raise_on_status=False,
    )
    return KubeClient(ApiClient(configuration), name=str(connection))


def _load_in_cluster(configuration: Any) -> None:
    from kubernetes.config import ConfigException, load_incluster_config

    try:
        load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # typed in parts
    except (ConfigException, OSError) as exc:
        raise InvalidSpecError(
            "This process has no service account of a cluster",
            detail=str(exc),
            hint="outside a pod name a cluster with --context or --kubeconfig",
        ) from exc


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
