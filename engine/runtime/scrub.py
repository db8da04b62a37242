"""A recording without its secrets: each is replaced by a stand-in that is the same wherever the secret was.

Comparing stand-ins says what comparing the secrets would, so that a recording played back gives the same report. A
stand-in is a keyed hash; the key stays in the state folder. A text that holds a secret becomes a stand-in as a whole,
and names the stand-ins of what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from engine.compare.baseline import fingerprint
from engine.compare.compare import secrecy_of
from engine.compare.decoding import LONGEST_TEXT, decode_baseline
from engine.compare.encoding import encode_baseline
from engine.compare.secrets import HASH_KEY, as_unsent, find_secrets, hash_of, is_foreign, is_hash, is_unsent
from engine.desired.build import body_for_secrets
from engine.desired.index import Index
from engine.desired.policy import BASELINE, READ_PREFIXES
from engine.model.document import Document, Secret
from engine.model.ids import ArmId
from engine.model.state import ActualState, Baseline, CustomResource, Presence
from engine.runtime.recording import Named, Recording

_MARK: Final = "hash:"
_LEAST: Final = 6
"""Shorter secrets are words of their own: they are replaced only where their place says that they are secret."""
_PLAYED_KEY: Final = b"trueup.snapshot"


def scrub(recording: Recording) -> Recording:
    """Return a copy of the recording in which no secret is left."""
    index = Index.build(recording.objects, subscription=recording.subscription)
    own = {id(resource): find_secrets(body_for_secrets(resource, index)) for resource in recording.objects}
    given = {secret.reveal() for data in recording.secrets.values() for secret in (data or {}).values()}
    scrubber = _Scrubber(recording.secret_key, given.union(*own.values()))
    asked = _texts_by_id(recording.objects, own, index)
    resources = {i: scrubber.actual(recording, a, asked.get(i, frozenset())) for i, a in recording.resources.items()}
    secrets: dict[Named, Mapping[str, Secret] | None] = {
        name: {k: Secret(scrubber.stand_in(s.reveal())) for k, s in data.items()} if data is not None else None
        for name, data in recording.secrets.items()
    }
    return replace(
        recording,
        objects=tuple(scrubber.object(r, own[id(r)], index) for r in recording.objects),
        secrets=secrets,
        config_maps={
            name: {k: scrubber.text(v) for k, v in data.items()} if data is not None else None
            for name, data in recording.config_maps.items()
        },
        resources=resources,
        baselines={i: scrubber.baseline(b, asked.get(i, frozenset())) for i, b in recording.baselines.items()},
        secret_key=_PLAYED_KEY,
    )


def _texts_by_id(
    objects: Iterable[CustomResource], own: Mapping[int, frozenset[str]], index: Index
) -> dict[ArmId, frozenset[str]]:
    """Return the secrets that each resource is sent."""
    out: dict[ArmId, frozenset[str]] = {}
    for resource in index.resources:
        target = index.target_of(resource)
        if target is not None and own.get(id(resource)):
            out[target.id] = out.get(target.id, frozenset()) | own[id(resource)]
    return out


class _Scrubber:
    """Replaces secrets, and remembers the stand-ins it gave."""

    def __init__(self, key: bytes, secrets: Iterable[str]) -> None:
        self._key = key
        self._long = sorted((text for text in secrets if len(text) >= _LEAST), key=lambda t: (-len(t), t))
        self._pattern = re.compile("|".join(map(re.escape, self._long))) if self._long else None
        self._given: dict[str, str] = {}

    def stand_in(self, text: str) -> str:
        """Return what stands for a text that is a secret, or holds one."""
        if not text:
            return text
        mark = Secret(text).hash_with(self._key)
        if mark not in self._given:
            inner = [Secret(t).hash_with(self._key) for t in self._long if t in text and t != text]
            self._given[mark] = ":".join(_MARK + part for part in (mark, *inner))
        return self._given[mark]

    def text(self, text: str, own: frozenset[str] = frozenset()) -> str:
        """Return the text, or what stands for it."""
        is_known = text in own or (self._pattern is not None and self._pattern.search(text) is not None)
        return self.stand_in(text) if is_known else text

    def value(self, value: Any, own: frozenset[str] = frozenset()) -> Any:
        """Return JSON with stand-ins for the texts that are known to be secrets."""
        if isinstance(value, str):
            return self.text(value, own)
        if type(value) is dict:
            return {key: self.value(item, own) for key, item in value.items()}
        return [self.value(item, own) for item in value] if type(value) is list else value

    def object(self, resource: CustomResource, own: frozenset[str], index: Index) -> CustomResource:
        """Return an object with what a plan reads of it; of one that is no resource only its name."""
        is_known = index.identify(resource) is not None
        spec = Document(value=self.value(resource.spec.value, own) if is_known else {})
        kept = {k: self.annotation(k, v, own) for k, v in resource.annotations.items() if k.startswith(READ_PREFIXES)}
        return replace(
            resource,
            spec=spec,
            status=Document(value=self.value(resource.status.value, own)) if resource.status is not None else None,
            annotations=kept,
            namespace_annotations={
                k: v for k, v in resource.namespace_annotations.items() if k.startswith(READ_PREFIXES)
            },
        )

    def annotation(self, name: str, text: str, own: frozenset[str]) -> str:
        """Return an annotation; of our memory what says of stand-ins what it said of secrets."""
        if name != BASELINE:
            return self.text(text)
        try:
            baseline = decode_baseline(text, secret_key=self._key)
        except ValueError:
            return self.text(text)
        scrubbed = self.baseline(baseline, own)
        return encode_baseline(scrubbed, LONGEST_TEXT, secret_key=_PLAYED_KEY).text

    def actual(self, recording: Recording, actual: ActualState, own: frozenset[str]) -> ActualState:
        """Return what Azure answered; its print is that of the body as it was."""
        if actual.document is None:
            return replace(actual, cause=self.text(actual.cause))
        target = recording.targets[actual.id]
        try:
            body = self._body(actual.document.value, target.arm_type, target.api_version, own)
        except (ValueError, RecursionError) as exc:
            cause = f"its body cannot be read: {exc}"
            return replace(actual, presence=Presence.UNREADABLE, document=None, cause=cause)
        return replace(actual, document=Document(value=body), body_hash=fingerprint(actual.document.raw))

    def baseline(self, baseline: Baseline, own: frozenset[str]) -> Baseline:
        """Return a baseline whose hashes are those of the stand-ins."""
        bodies = (
            self._body(document.value, baseline.id.resource_type, baseline.api_version, own)
            for document in (baseline.desired, baseline.actual)
        )
        desired, actual = (Document(value=self._rehash(body)) for body in bodies)
        return replace(baseline, desired=desired, actual=actual)

    def _body(self, body: Any, arm_type: str, api_version: str, own: frozenset[str]) -> Any:
        marked = secrecy_of(arm_type, api_version, {}).replace(body, self.stand_in)
        return self.value(marked, own)

    def _rehash(self, value: Any) -> Any:
        if is_foreign(value):
            return value
        if is_hash(value):
            mark = hash_of(value)
            again = {HASH_KEY: Secret(self._given.get(mark, _MARK + mark)).hash_with(_PLAYED_KEY)}
            return as_unsent(again) if is_unsent(value) else again
        if type(value) is dict:
            return {key: self._rehash(item) for key, item in value.items()}
        return [self._rehash(item) for item in value] if type(value) is list else value
