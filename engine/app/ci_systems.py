"""CI systems that a report is put on pull requests of, and the variable that says that a job runs there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SIGNS: Final[Mapping[str, str]] = {"github": "GITHUB_ACTIONS", "gitlab": "GITLAB_CI", "azure-devops": "TF_BUILD"}
