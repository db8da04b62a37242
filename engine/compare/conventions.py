"""Habits of many services, each only probable: they excuse a difference while nobody remembers another value.

The rules in ``rules`` are certain and hide a difference for good. What is here holds on a first read, or while neither
side has moved since the last settled write: whoever moves is shown, even where both forms mean the same. No habit
excuses that a value is gone or blank, except where the body itself says where it went.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_interface
from typing import Any, Final

from engine.compare import rules, texts
from engine.compare.finding import Place, name_of
from engine.compare.places import get_member
from engine.model.document import ABSENT, Secret
from schemas.nodes import EnumNode, Node

_TERM = re.compile(r"[A-Za-z][\w.-]*")
_TERM_NAMES = ("type", "kind", "tier", "mode", "protocol", "charset", "characterset", "collation", "encoding", "locale")
_HOST_NAMES = ("host", "hostname", "fqdn", "domain", "domainname", "cname", "exchange", "nsdname")
_HASH_NAMES = ("thumbprint", "fingerprint", "sha1", "sha256", "hash")
_VERSION_NAMES = ("version", "revision")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#\s]+)([^?#\s]*)([?#]\S*)?", re.IGNORECASE)
_EXACT_URLS = ("redirect", "reply", "callback", "origin")
_PORTS = {"http": "80", "https": "443", "amqps": "5671", "ftp": "21", "wss": "443", "ws": "80"}
_SIGNED = re.compile(r"[?&](sig|sv|se|code|x-amz-signature)=", re.IGNORECASE)
_STARS = re.compile(r"\*{3,}")
_KEY_VERSION = re.compile(r"/[0-9a-f]{32}")
_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d\d):(\d\d)(?:\.(\d+))?")
_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_ZERO_ZONE = re.compile(r"(\.0+)?(Z|[+-]00:00)", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{32,128}")
_ARMOR = re.compile(r"-----(BEGIN|END) [A-Z ]+-----")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{64,}={0,2}")
_FREE = ("free", "f0", "f1")

Habit = Callable[[str, str, Node, str], bool]


def find_habit(desired: Any, actual: Any, node: Node, at: Place) -> str | None:
    """Return the habit that makes two unequal scalars probably one value; None when there is none.

    Args:
        desired: What the user wrote, revealed when it is a secret.
        actual: What Azure holds.
        node: What the schema says of the place.
        at: The place; the member's name limits most habits.
    """
    if isinstance(desired, str) and isinstance(actual, str):
        name = name_of(at).lower() if desired and actual else ""
        return next((rule for rule, is_same in _TEXT_HABITS if name and is_same(desired, actual, node, name)), None)
    return "spelled-as-text" if _is_spelled_as_text(desired, actual) else None


def find_absence_habit(desired: Any, actual: Any, at: Place, bodies: tuple[Any, Any]) -> str | None:
    """Return the habit that tells why Azure shows nothing here; None when there is none.

    Args:
        desired: What the user wrote.
        actual: ABSENT, null or blank.
        at: The place in the desired body.
        bodies: Both whole bodies.
    """
    name = tuple(s.lower() if isinstance(s, str) else "" for s in at)
    if name == ("identity",) and actual is ABSENT and _has_identity_elsewhere(desired, bodies[1]):
        return "identity-elsewhere"
    if name == ("sku", "capacity") and any(_is_free(get_member(body, "sku")) for body in bodies):
        return "capacity-not-scaled"
    return None


def find_camel_key(members: dict[str, Any], key: str, value: Any, taken: dict[str, Any]) -> str | None:
    """Return the key of a free map that has a small first letter where one was sent capital, with the same value."""
    other = key[:1].lower() + key[1:]
    if other == key or other in taken or key in members or other not in members:
        return None
    shown, found = value.reveal() if isinstance(value, Secret) else value, members[other]
    return other if type(found) is type(shown) and found == shown else None


def _has_identity_elsewhere(desired: Any, actual: Any) -> bool:
    properties, kind = get_member(actual, "properties"), get_member(desired, "type")
    if type(properties) is not dict or not isinstance(kind, str):
        return False
    others = [v for k, v in properties.items() if k.lower().endswith("identity")]
    if kind.lower() == "systemassigned" and any(isinstance(get_member(v, "principalId"), str) for v in others):
        return True
    return any(str(get_member(other, "type")).lower() == kind.lower() for other in others)


def _is_free(sku: Any) -> bool:
    return any(str(get_member(sku, key)).lower() in _FREE for key in ("name", "tier"))


def _is_spelled_as_text(desired: Any, actual: Any) -> bool:
    text, value = (desired, actual) if isinstance(desired, str) else (actual, desired)
    if not isinstance(text, str):
        return False
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    return rules.is_number(value) and text == str(value)


def _is_same_term(desired: str, actual: str, _node: Node, name: str) -> bool:
    return name.endswith(_TERM_NAMES) and desired.lower() == actual.lower() and bool(_TERM.fullmatch(desired))


def _is_same_word_list(desired: str, actual: str, node: Node, _name: str) -> bool:
    if "," not in desired or "," not in actual:
        return False
    left, right = ([w.strip().lower() for w in text.split(",")] for text in (desired, actual))
    if not all(map(_TERM.fullmatch, left)):
        return False
    if isinstance(node, EnumNode):
        return sorted(left) == sorted(right)
    return "".join(desired.split()) == "".join(actual.split())


def _is_same_xml(desired: str, actual: str, _node: Node, _name: str) -> bool:
    is_both = all(t.lstrip().startswith("<") and t.rstrip().endswith(">") for t in (desired, actual))
    return is_both and texts.is_same_xml(desired, actual)


def _is_same_json(desired: str, actual: str, _node: Node, _name: str) -> bool:
    return all(t.lstrip()[:1] in ("{", "[") for t in (desired, actual)) and texts.is_same_json(desired, actual)


def _has_same_lines(desired: str, actual: str, _node: Node, _name: str) -> bool:
    return desired.replace("\r\n", "\n").strip() == actual.replace("\r\n", "\n").strip()


def _is_same_path(desired: str, actual: str, _node: Node, name: str) -> bool:
    return name.endswith("path") and desired.removeprefix("/") == actual.removeprefix("/") != ""


def _is_same_url(desired: str, actual: str, _node: Node, name: str) -> bool:
    if any(word in name for word in _EXACT_URLS):
        return False
    left, right = _url_form(desired), _url_form(actual)
    return left is not None and left == right


def _url_form(text: str) -> tuple[str, str, str, str] | None:
    found = _URL.fullmatch(text)
    if found is None:
        return None
    scheme, host, path, rest = found[1].lower(), found[2], found[3], found[4] or ""
    host = host.removesuffix(":").removesuffix(f":{_PORTS.get(scheme)}")
    return scheme, host.lower(), path.rstrip("/"), rest


def _is_same_unsigned_url(desired: str, actual: str, _node: Node, _name: str) -> bool:
    if not (_URL.fullmatch(desired) and _SIGNED.search(desired)):
        return False
    return actual.partition("?")[0] == desired.partition("?")[0] and not _SIGNED.search(actual)


def _is_masked(desired: str, actual: str, _node: Node, _name: str) -> bool:
    """Whether Azure shows asterisks for the text, or for one value of a connection string."""
    parts = _STARS.split(actual)
    if len(parts) < 2 or "**" in desired:
        return False
    return bool(re.fullmatch("[^;]+".join(map(re.escape, parts)), desired)) or parts == ["", ""]


def _is_latest_key(desired: str, actual: str, _node: Node, _name: str) -> bool:
    plain = desired.rstrip("/")
    is_key = "://" in plain and (".vault." in plain or ".managedhsm." in plain)
    return is_key and actual.startswith(plain) and bool(_KEY_VERSION.fullmatch(actual[len(plain) :]))


def _is_same_label(desired: str, actual: str, _node: Node, name: str) -> bool:
    if not name.endswith(_VERSION_NAMES) or desired[:1] == actual[:1]:
        return False
    left, right = (t[1:] if t[:1] in ("v", "V") else t for t in (desired, actual))
    return left == right and left[:1].isdigit()


def _is_same_host(desired: str, actual: str, _node: Node, name: str) -> bool:
    is_host = name.endswith(_HOST_NAMES) and "." in desired and "/" not in desired
    return is_host and desired.lower().removesuffix(".") == actual.lower().removesuffix(".")


def _is_same_address(desired: str, actual: str, _node: Node, _name: str) -> bool:
    if not all(t[:1] in "0123456789abcdefABCDEF:" and ("." in t or ":" in t) for t in (desired, actual)):
        return False
    try:
        left, right = ip_interface(desired), ip_interface(actual)
    except ValueError:
        return False
    return left == right or (left.network == right.network and right.ip == right.network.network_address)


def _is_same_span(desired: str, actual: str, _node: Node, _name: str) -> bool:
    left, right = _span_s(desired), _span_s(actual)
    return left is not None and left == right


def _span_s(text: str) -> float | None:
    found = _SPAN.fullmatch(text)
    if found is None:
        return texts.duration_s(text) if text[:1] in ("P", "p") else None
    days, hours, minutes, seconds, rest = (part or "0" for part in found.groups())
    return ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + float(f"{seconds}.{rest}")


def _is_same_time(desired: str, actual: str, _node: Node, _name: str) -> bool:
    if _DAY.fullmatch(desired):
        desired += "T00:00:00"
    found = _CLOCK.fullmatch(desired)
    return found is not None and actual.startswith(desired) and bool(_ZERO_ZONE.fullmatch(actual[len(desired) :]))


def _is_same_hash(desired: str, actual: str, _node: Node, name: str) -> bool:
    if not name.endswith(_HASH_NAMES):
        return False
    left, right = ("".join(t.lower().replace(":", "").split()) for t in (desired, actual))
    return left == right and bool(_HEX.fullmatch(left))


def _is_same_certificate(desired: str, actual: str, _node: Node, _name: str) -> bool:
    left, right = ("".join(_ARMOR.sub("", t).split()) for t in (desired, actual))
    return left == right and bool(_BASE64.fullmatch(left))


_TEXT_HABITS: Final[tuple[tuple[str, Habit], ...]] = (
    ("term-case", _is_same_term),
    ("word-list", _is_same_word_list),
    ("path-slash", _is_same_path),
    ("url-form", _is_same_url),
    ("url-signature", _is_same_unsigned_url),
    ("masked", _is_masked),
    ("key-version", _is_latest_key),
    ("version-label", _is_same_label),
    ("host-name", _is_same_host),
    ("ip-form", _is_same_address),
    ("time-span", _is_same_span),
    ("time-zone", _is_same_time),
    ("thumbprint", _is_same_hash),
    ("line-ends", _has_same_lines),
    ("certificate-layout", _is_same_certificate),
    ("xml-layout", _is_same_xml),
    ("json-layout", _is_same_json),
)
