"""Manifests as tests write them: YAML text in, objects and desired states out."""

from __future__ import annotations

from textwrap import dedent

from engine.desired.build import BuildResult
from engine.desired.inputs import NO_INPUTS, Inputs
from engine.model.state import CustomResource, DesiredState
from providers.manifests.objects import Manifests
from providers.manifests.yaml_text import read_yaml
from tests.whole_input import build_all

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"

GROUP = """
apiVersion: resources.azure.com/v1api20200601
kind: ResourceGroup
metadata: {name: rg}
spec: {location: westeurope}
"""

ACCOUNT = """
apiVersion: storage.azure.com/v1api20230101
kind: StorageAccount
metadata: {name: acct}
spec:
  location: westeurope
  kind: StorageV2
  sku: {name: Standard_LRS}
  accessTier: Hot
  owner: {name: rg}
"""


def read_manifests(*texts: str) -> Manifests:
    """Return everything in these documents, read as ``t.yaml``."""
    manifests = Manifests()
    for document in read_yaml("\n---\n".join(dedent(text).strip("\n") for text in texts).encode()):
        manifests.add(document, "t.yaml", is_explicit=True)
    return manifests


def read_resources(*texts: str) -> list[CustomResource]:
    """Return the objects in these documents; every document must be sound."""
    manifests = read_manifests(*texts)
    assert not manifests.problems, [str(problem) for problem in manifests.problems]
    return manifests.resources


def build_from(
    *texts: str, inputs: Inputs = NO_INPUTS, subscription: str = SUBSCRIPTION, strict: bool = False
) -> BuildResult:
    """Build all objects in these documents."""
    return build_all(read_resources(*texts), inputs, subscription=subscription, strict=strict)


def build_one(*texts: str, inputs: Inputs = NO_INPUTS, subscription: str = SUBSCRIPTION) -> DesiredState:
    """Build these documents and return the state of the last one; nothing may be wrong."""
    result = build_from(*texts, inputs=inputs, subscription=subscription)
    assert not result.problems, problems_of(result)
    key = read_resources(*texts)[-1].key
    return next(state for state in result.states if state.key == key)


def problems_of(result: BuildResult) -> list[str]:
    """Return the problems as people read them."""
    return [str(problem) for problem in result.problems]
