"""Rendering held against what was really sent, and against every sample there is."""

from __future__ import annotations

import collections
import lzma
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from engine.desired.status import convert_status
from providers.manifests.objects import Manifests
from providers.manifests.source import ManifestSource
from providers.manifests.yaml_text import read_yaml
from schemas.kind_types import Kind, ObjectType
from schemas.kinds import all_kinds
from tests.conftest import ROOT
from tests.whole_input import build_all

pytestmark = pytest.mark.shared

ODD_SAMPLES = {
    ("RedisAccessPolicy", "/spec/type"): "unknown member",
    ("ServersEncryptionProtector", "/spec/azureName"): "unknown member",
    ("CustomCertificate", "/spec/location"): "unknown member",
    ("CustomDomain", "/spec/location"): "unknown member",
    ("CustomDomain", "/spec/customCertificate/group"): "unknown member",
    ("CustomDomain", "/spec/customCertificate/kind"): "unknown member",
    ("CustomDomain", "/spec/customCertificate/name"): "unknown member",
    ("HcpOpenShiftCluster", "/spec/properties/platform"): "'vnetIntegrationSubnetReference' is missing",
    ("HcpOpenShiftCluster", "/spec/properties/etcd/dataEncryption/customerManaged/kms"): "'visibility' is missing",
}
"""Samples that the schema of their kind refuses or prunes; a strict API server would say the same."""


def test_bodies_are_those_that_were_sent(shared: Path) -> None:
    """The command passes the acceptance check on every recorded sample."""
    check = [sys.executable, str(shared / "checks" / "render.py"), "--trueup", f"{sys.executable} -m engine"]

    done = subprocess.run(check, capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_sample_is_rendered_or_truly_wrong(shared: Path) -> None:
    """Of all samples only those are refused that their kind's schema refuses, each for that reason."""
    found: dict[tuple[str, str], str] = {}
    count = 0
    for file in sorted((shared / "aso" / "samples").rglob("*.yaml")):
        manifests = Manifests()
        for document in read_yaml(file.read_bytes()):
            manifests.add(document, file.name, is_explicit=True)
        assert not manifests.problems, file
        result = build_all(manifests.resources, subscription="00000000-0000-0000-0000-000000000000")
        outcomes = len(result.states) + len({problem.key for problem in result.problems}) + len(result.notices)
        assert outcomes >= len(manifests.resources), file
        count += len(manifests.resources)
        for problem in result.problems:
            assert problem.key is not None
            assert problem.path is not None, str(problem)
            found[problem.key.kind, problem.path.pointer] = str(problem)

    assert count > 700
    assert set(found) == set(ODD_SAMPLES)
    for place, text in found.items():
        assert ODD_SAMPLES[place] in text


def test_every_answer_has_a_status(shared: Path) -> None:
    """Every recorded answer becomes a status of each kind that speaks its type and version, unions included."""
    by_type: dict[tuple[str, str], list[Kind]] = collections.defaultdict(list)
    for kind in all_kinds():
        by_type[kind.arm_type.lower(), kind.api_version.lower()].append(kind)
    converted = variants = 0
    with lzma.open(shared / "corpus" / "pairs.jsonl.xz", "rb") as file:
        for line in file:
            pair = orjson.loads(line)
            for kind in by_type[pair["type"].lower(), pair["api"].lower()]:
                status = convert_status(kind, pair["actual"])
                converted += 1
                assert status.get("id", pair["actual"].get("id")) == pair["actual"].get("id")
                variants += _count_variants(kind.status, status)

    assert converted > 2000
    assert variants > 20


def _count_variants(expr: ObjectType, status: object) -> int:
    """Count the union members that were picked."""
    if not isinstance(status, dict):
        return 0
    here = sum(1 for name in expr.variants.values() if name in status)
    inner = (
        _count_variants(member.type, status[name])
        for name, member in expr.members.items()
        if name in status and isinstance(member.type, ObjectType)
    )
    return here + sum(inner)


def test_sources_read_the_whole_folder(shared: Path) -> None:
    """The folder of all samples is read as a source without a problem."""
    import asyncio

    source = ManifestSource([str(shared / "aso" / "samples")], read_stdin=lambda: b"")

    resources = asyncio.run(source.list_resources())

    assert len(resources) > 700
    assert not source.problems()
