"""Members that hold a secret by their name, where neither type definitions nor kinds say so.

Type definitions flag about half of the members that ASO's kinds fill from Secrets. What is left is told by its name,
and only to keep values out of what people read: a name says nothing about what Azure returns.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_SECRET: Final = re.compile(
    r"(?:password|passwd|passphrase|(?:client|shared|app)_?secret|secretvalue|connectionstring"
    r"|(?:api|account|access|shared|private|signing|subscription|primary|secondary|master|function|host|admin)_?key"
    r"|(?:sas|access|refresh|bearer|auth)_?token)s?[12]?$",
    re.IGNORECASE,
)
_NAMES_IN_MEMORY: Final = 4_096


@lru_cache(maxsize=_NAMES_IN_MEMORY)
def is_secret_name(name: str) -> bool:
    """Whether a text under this name is a secret: the name ends in a word for one.

    ``passwordSecretRef``, ``keyVaultSecretId`` or ``connectionStringName`` say where a secret is; they end in other
    words and are none.
    """
    return _SECRET.search(name) is not None and "public" not in name.lower()
