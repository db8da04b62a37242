"""From settings to the options of the ARM adapter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.app.settings import Settings

if TYPE_CHECKING:  # the adapter is imported only by verbs that speak to Azure
    from providers.arm.options import ArmOptions


def build_arm_options(settings: Settings) -> ArmOptions:
    """Return how to reach Azure, and as whom."""
    from providers.arm.options import USER_AGENT, ArmOptions

    return ArmOptions(
        endpoint=settings.endpoint,
        audience=settings.audience,
        authority=settings.authority,
        credential=settings.credential,
        ca_file=settings.ca_file,
        proxy=settings.proxy,
        user_agent=f"{USER_AGENT} {settings.user_agent_suffix}".rstrip(),
    )
