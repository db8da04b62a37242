"""Names on objects that other software reads; all of them are ASO's, byte for byte."""

from __future__ import annotations

from typing import Final

from engine.desired.identity import RESOURCE_ID as RESOURCE_ID
from engine.desired.policy import OPERATOR

PREFIX: Final = "serviceoperator.azure.com/"
FINALIZER: Final = PREFIX + "finalizer"

OPERATOR_NAMESPACE: Final = OPERATOR
POLLER_TOKEN: Final = PREFIX + "poller-resume-token"
POLLER_ID: Final = PREFIX + "poller-resume-id"
SYNC_TOKEN: Final = PREFIX + "bi-poller-resume-token"
LATEST_GENERATION: Final = PREFIX + "latest-reconciled-generation"
NAME_FROM_CONFIG: Final = PREFIX + "azure-name-from-config"
CREDENTIAL_FROM: Final = PREFIX + "credential-from"

OWNER_NAME: Final = PREFIX + "owner-name"
OWNER_GROUP_KIND: Final = PREFIX + "owner-group-kind"
OWNER_UID: Final = PREFIX + "owner-uid"
LAST_VERSION: Final = PREFIX + "last-reconciled-version"

LABEL_LIMIT: Final = 63
"""Label values are cut to this many characters, as Kubernetes allows no longer ones."""
