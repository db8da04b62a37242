"""How the pod works: ASO's settings, read from the environment once, each with its effect."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from engine.cluster.durations import parse_go_duration
from engine.errors import InvalidSpecError
from engine.model.policy import ReconcilePolicy

DEFAULT_PERIOD: Final = timedelta(hours=1)
_QPS: Final = 5.0
_BURST: Final = 100
DEFAULT_NAMESPACE: Final = "azureserviceoperator-system"
_TRUE: Final = frozenset({"1", "t", "true"})
_FALSE: Final = frozenset({"", "0", "f", "false"})


class Mode(enum.StrEnum):
    """``AZURE_OPERATOR_MODE``: ASO's three, and two that only report."""

    MANAGE = "watchers-and-webhooks"
    WATCHERS = "watchers"
    WEBHOOKS = "webhooks"
    PLAN = "plan"
    WATCH = "watch"

    @property
    def writes(self) -> bool:
        """Whether Azure and the objects are written."""
        return self in (Mode.MANAGE, Mode.WATCHERS)

    @property
    def reports(self) -> bool:
        """Whether passes end with a report instead of writes."""
        return self in (Mode.PLAN, Mode.WATCH)

    @property
    def installs(self) -> bool:
        """Whether definitions and admission policies are this pod's business."""
        return self in (Mode.MANAGE, Mode.WEBHOOKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRate:
    """``RATE_LIMIT_MODE=bucket``: how many retries there may be, over all objects.

    Attributes:
        per_s: ``RATE_LIMIT_QPS``.
        burst: ``RATE_LIMIT_BUCKET_SIZE``.
    """

    per_s: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """What the settings say.

    Attributes:
        namespace: Of the pod (``POD_NAMESPACE``).
        sync_period: How often drift is corrected; None for never.
        namespaces: The only ones looked at; all when empty.
        default_policy: Of objects that neither carry a policy nor live in a namespace that does.
        several_clouds: Credentials may name a cloud of their own.
        concurrency: ``MAX_CONCURRENT_RECONCILES``.
        retry_rate: None where retries only wait for themselves.
    """

    mode: Mode = Mode.MANAGE
    namespace: str = DEFAULT_NAMESPACE
    sync_period: timedelta | None = DEFAULT_PERIOD
    namespaces: tuple[str, ...] = ()
    default_policy: ReconcilePolicy = ReconcilePolicy.MANAGE
    several_clouds: bool = False
    concurrency: int = 4
    retry_rate: RetryRate | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Operating:
        """Read the settings.

        Raises:
            InvalidSpecError: One has a value that means nothing, or two exclude each other.
        """
        texts = {name: value.strip() for name, value in environment.items()}
        found = cls(
            mode=_mode(texts.get("AZURE_OPERATOR_MODE", "")),
            namespace=texts.get("POD_NAMESPACE", "") or DEFAULT_NAMESPACE,
            sync_period=_period(texts.get("AZURE_SYNC_PERIOD", "")),
            namespaces=_names(texts.get("AZURE_TARGET_NAMESPACES", "")),
            default_policy=_policy(texts.get("DEFAULT_RECONCILE_POLICY", "")),
            several_clouds=_switch("ALLOW_MULTI_ENV_MANAGEMENT", texts),
            concurrency=int(_number("MAX_CONCURRENT_RECONCILES", texts, 4, whole=True)) or 4,
            retry_rate=_rate(texts),
        )
        if found.namespaces and found.mode is Mode.WEBHOOKS:
            raise InvalidSpecError(
                "AZURE_TARGET_NAMESPACES cannot be used with AZURE_OPERATOR_MODE=webhooks",
                hint="definitions and admission policies hold for the whole cluster: leave the namespaces out",
            )
        return found


def _mode(text: str) -> Mode:
    try:
        return Mode(text.lower() or Mode.MANAGE)
    except ValueError:
        known = ", ".join(Mode)
        raise InvalidSpecError(f"AZURE_OPERATOR_MODE is {text!r}", hint=f"it is one of {known}") from None


def _period(text: str) -> timedelta | None:
    if text.lower() == "never":
        return None
    try:
        found = parse_go_duration(text) if text else DEFAULT_PERIOD
    except InvalidSpecError as exc:
        raise InvalidSpecError(f"AZURE_SYNC_PERIOD: {exc}", hint="or never, to report drift only") from None
    if found <= timedelta(0):
        raise InvalidSpecError(f"AZURE_SYNC_PERIOD is {text!r}", hint="more than 0, or never to report drift only")
    return found


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def _policy(text: str) -> ReconcilePolicy:
    try:
        return ReconcilePolicy(text or ReconcilePolicy.MANAGE)
    except ValueError:
        known = ", ".join(ReconcilePolicy)
        raise InvalidSpecError(f"DEFAULT_RECONCILE_POLICY is {text!r}", hint=f"it is one of {known}") from None


def _switch(name: str, texts: Mapping[str, str]) -> bool:
    text = texts.get(name, "").lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise InvalidSpecError(f"{name} is {text!r}", hint="it is true or false")


def _number(name: str, texts: Mapping[str, str], default: float, *, whole: bool = False) -> float:
    text = texts.get(name, "")
    try:
        found = float(int(text) if whole else float(text)) if text else default
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise InvalidSpecError(f"{name} is {text!r}", hint="it is a number" + (" without fraction" if whole else ""))
    return found


def _rate(texts: Mapping[str, str]) -> RetryRate | None:
    mode = texts.get("RATE_LIMIT_MODE", "").lower()
    if mode in ("", "disabled"):
        return None
    if mode != "bucket":
        raise InvalidSpecError(f"RATE_LIMIT_MODE is {mode!r}", hint="it is bucket or disabled")
    per_s = _number("RATE_LIMIT_QPS", texts, _QPS)
    burst = int(_number("RATE_LIMIT_BUCKET_SIZE", texts, _BURST, whole=True))
    if not per_s or not burst:
        raise InvalidSpecError("RATE_LIMIT_QPS and RATE_LIMIT_BUCKET_SIZE must be more than 0")
    return RetryRate(per_s=per_s, burst=burst)
