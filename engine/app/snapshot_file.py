"""Saved snapshots: ``trueup.snapshot/1``, one JSON document that holds everything a report is made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson

from engine.app.snapshot_holds import decode_holds, holds_json
from engine.compare.returning import decode_mended, encode_mended
from engine.errors import EngineError, InvalidSpecError
from engine.model.document import Document, Secret
from engine.model.hold import HoldKind
from engine.model.ids import ApiVersion, ArmId, Fingerprint, Generation, ResourceKey
from engine.model.path import FieldPath
from engine.model.policy import ReconcilePolicy
from engine.model.problem import Problem
from engine.model.state import ActualState, Baseline, CustomResource, Presence, ReadTarget, StatusTrust
from engine.runtime.recording import Recording

SNAPSHOT_FORMAT: Final = "trueup.snapshot/1"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MOST_BYTES: Final = 4 << 30


def encode_snapshot(recording: Recording, *, compress: bool = False) -> bytes:
    """Return the file of a recording without secrets (see ``engine.runtime.scrub``).

    Raises:
        InvalidSpecError: Something in it is no JSON, as half a surrogate pair in a text is none.
    """
    value = {
        "format": SNAPSHOT_FORMAT,
        "taken": recording.taken.isoformat(),
        "endpoint": recording.endpoint,
        "subscription": recording.subscription,
        "strict": recording.strict,
        "inputs": list(recording.inputs),
        "secretKey": recording.secret_key.hex(),
        "objects": [_object_json(resource) for resource in recording.objects],
        "problems": [_problem_json(problem) for problem in recording.problems],
        "secrets": [[*name, _reveal(data)] for name, data in sorted(recording.secrets.items())],
        "configMaps": [[*name, data] for name, data in sorted(recording.config_maps.items())],
        "places": [[*name, place] for name, place in sorted(recording.places.items())],
        "resources": [_resource_json(recording.targets[i], a) for i, a in sorted(recording.resources.items())],
        "contents": [[i.text, _texts(held)] for i, held in sorted(recording.contents.items())],
        "holds": [[i.text, kind, holds_json(held)] for (i, kind), held in sorted(recording.holds.items())],
        "roles": [[*name, role] for name, role in sorted(recording.roles.items())],
        "baselines": [_baseline_json(baseline) for _, baseline in sorted(recording.baselines.items())],
    }
    try:
        raw = orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE)
    except orjson.JSONEncodeError as exc:
        raise InvalidSpecError("the snapshot cannot be written as JSON", detail=str(exc)) from exc
    if not compress:
        return raw
    import zstandard

    return zstandard.ZstdCompressor(level=9).compress(raw)


def _reveal(data: Mapping[str, Secret] | None) -> dict[str, str] | None:
    return {key: secret.reveal() for key, secret in sorted(data.items())} if data is not None else None


def _texts(ids: Iterable[ArmId] | None) -> list[str] | None:
    return [i.text for i in ids] if ids is not None else None


def _key_json(key: ResourceKey | None) -> list[str] | None:
    return [key.namespace, key.group, key.version, key.kind, key.name] if key is not None else None


def _object_json(resource: CustomResource) -> dict[str, Any]:
    return {
        "key": _key_json(resource.key),
        "spec": resource.spec.value,
        "status": resource.status.value if resource.status is not None else None,
        "trust": resource.trust.value,
        "annotations": dict(resource.annotations),
        "labels": dict(resource.labels),
        "generation": resource.generation,
        "uid": resource.uid,
        "resourceVersion": resource.resource_version,
        "deleting": resource.deleting,
        "origin": resource.origin,
        "namespaceAnnotations": dict(resource.namespace_annotations),
    }


def _problem_json(problem: Problem) -> dict[str, Any]:
    path = problem.path.pointer if problem.path is not None else None
    return {"text": str(problem.error), "origin": problem.origin, "key": _key_json(problem.key), "path": path}


def _resource_json(target: ReadTarget, actual: ActualState) -> dict[str, Any]:
    return {
        "id": actual.id.text,
        "type": target.arm_type,
        "api": target.api_version,
        "presence": actual.presence.value,
        "body": actual.document.value if actual.document is not None else None,
        "bodyHash": actual.body_hash,
        "etag": actual.etag,
        "cause": actual.cause,
    }


def _baseline_json(baseline: Baseline) -> dict[str, Any]:
    return {
        "id": baseline.id.text,
        "api": baseline.api_version,
        "desired": baseline.desired.value,
        "actual": baseline.actual.value,
        "bodyHash": baseline.body_hash,
        "rules": baseline.rules,
        "key": _key_json(baseline.key),
        "reconcile": baseline.reconcile.value,
        "protect": baseline.protect,
        "at": baseline.at.isoformat() if baseline.at is not None else None,
        "source": baseline.source,
        **({"mended": encode_mended(baseline.mended)} if baseline.mended else {}),
        **({"renewing": True} if baseline.renewing else {}),
        **({"asAsked": True} if baseline.as_asked else {}),
    }


def read_snapshot(path: Path) -> Recording:
    """Read a saved snapshot.

    Raises:
        InvalidSpecError: The file is missing, no snapshot, damaged, or of another format.
    """
    value = _decode_json(path, _unpack(path, _read(path)))
    found = value.get("format") if isinstance(value, dict) else None
    if found != SNAPSHOT_FORMAT:
        known = isinstance(found, str) and found.startswith("trueup.snapshot/")
        hint = "upgrade trueup, or take the snapshot again" if known else "trueup snapshot -o FILE makes one"
        raise InvalidSpecError(f"{path} is no snapshot that this release reads", detail=str(found or ""), hint=hint)
    try:
        return _decode(value)
    except (KeyError, TypeError, ValueError, AttributeError, EngineError) as exc:
        raise InvalidSpecError(f"{path} is damaged", detail=str(exc), hint="take the snapshot again") from exc


def is_snapshot(path: Path) -> bool:
    """Whether a file is a snapshot, judged by its beginning."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError:
        return False
    return head.startswith(_ZSTD) or SNAPSHOT_FORMAT.rpartition("/")[0].encode() in head


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise InvalidSpecError(f"the snapshot {path} cannot be read", detail=exc.strerror or str(exc)) from exc


def _unpack(path: Path, raw: bytes) -> bytes:
    if not raw.startswith(_ZSTD):
        return raw
    import zstandard

    try:
        return zstandard.ZstdDecompressor().decompress(raw, max_output_size=_MOST_BYTES)
    except zstandard.ZstdError as exc:
        raise InvalidSpecError(f"{path} is damaged", detail=str(exc), hint="take the snapshot again") from exc


def _decode_json(path: Path, raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise InvalidSpecError(f"{path} is no snapshot", detail=str(exc)) from exc


def _decode(value: dict[str, Any]) -> Recording:
    resources = [(_target(item), _actual(item)) for item in value["resources"]]
    baselines = [_baseline(item) for item in value["baselines"]]
    return Recording(
        taken=datetime.fromisoformat(value["taken"]),
        endpoint=value["endpoint"],
        subscription=value["subscription"],
        strict=bool(value["strict"]),
        inputs=tuple(value["inputs"]),
        secret_key=bytes.fromhex(value["secretKey"]),
        objects=tuple(_object(item) for item in value["objects"]),
        problems=tuple(_problem(item) for item in value["problems"]),
        secrets={(a, b): _hide(data) for a, b, data in value["secrets"]},
        config_maps={(a, b): data for a, b, data in value["configMaps"]},
        places={(a, b): place for a, b, place in value["places"]},
        targets={target.id: target for target, _ in resources},
        resources={actual.id: actual for _, actual in resources},
        contents={ArmId(i): _ids(held) for i, held in value["contents"]},
        holds={(ArmId(i), HoldKind(kind)): decode_holds(held) for i, kind, held in value.get("holds", ())},
        roles={(a, b): role for a, b, role in value["roles"]},
        baselines={baseline.id: baseline for baseline in baselines},
    )


def _hide(data: Mapping[str, str] | None) -> dict[str, Secret] | None:
    return {key: Secret(text) for key, text in data.items()} if data is not None else None


def _ids(texts: Iterable[str] | None) -> tuple[ArmId, ...] | None:
    return tuple(ArmId(text) for text in texts) if texts is not None else None


def _key(value: list[str] | None) -> ResourceKey | None:
    if value is None:
        return None
    namespace, group, version, kind, name = value
    return ResourceKey(namespace=namespace, group=group, version=version, kind=kind, name=name)


def _object(item: dict[str, Any]) -> CustomResource:
    key = _key(item["key"])
    if key is None:
        raise ValueError("an object without a name")
    return CustomResource(
        key=key,
        spec=Document(value=item["spec"]),
        status=Document(value=item["status"]) if item["status"] is not None else None,
        trust=StatusTrust(item["trust"]),
        annotations=item["annotations"],
        labels=item["labels"],
        generation=Generation(item["generation"]),
        uid=item["uid"],
        resource_version=item["resourceVersion"],
        deleting=item["deleting"],
        origin=item["origin"],
        namespace_annotations=item["namespaceAnnotations"],
    )


def _problem(item: dict[str, Any]) -> Problem:
    path = FieldPath.parse_pointer(item["path"]) if item["path"] is not None else None
    return Problem(error=InvalidSpecError(item["text"]), origin=item["origin"], key=_key(item["key"]), path=path)


def _target(item: dict[str, Any]) -> ReadTarget:
    return ReadTarget(id=ArmId(item["id"]), arm_type=item["type"], api_version=ApiVersion(item["api"]))


def _actual(item: dict[str, Any]) -> ActualState:
    presence = Presence(item["presence"])
    return ActualState(
        id=ArmId(item["id"]),
        presence=presence,
        document=Document(value=item["body"]) if presence is Presence.PRESENT else None,
        etag=item["etag"],
        cause=item["cause"],
        body_hash=item["bodyHash"],
    )


def _baseline(item: dict[str, Any]) -> Baseline:
    return Baseline(
        id=ArmId(item["id"]),
        api_version=ApiVersion(item["api"]),
        desired=Document(value=item["desired"]),
        actual=Document(value=item["actual"]),
        body_hash=Fingerprint(item["bodyHash"]),
        rules=item["rules"],
        key=_key(item["key"]),
        reconcile=ReconcilePolicy(item["reconcile"]),
        protect=item["protect"],
        at=datetime.fromisoformat(item["at"]) if item["at"] is not None else None,
        source=item["source"],
        mended=decode_mended(item.get("mended", [])),
        renewing=bool(item.get("renewing")),
        as_asked=bool(item.get("asAsked")),
    )
