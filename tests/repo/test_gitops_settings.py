"""The settings of Argo CD hold the scripts that lie beside them."""

from __future__ import annotations

import yaml

from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "gitops" / "argocd"
SCRIPTS = {"*.azure.com/*": "health.lua", "trueup.dev/DriftReport": "driftreport.lua"}


def test_settings_hold_the_scripts() -> None:
    """Each script stands in argocd-cm.yaml as it is in its own file."""
    held = yaml.safe_load(yaml.safe_load((FOLDER / "argocd-cm.yaml").read_text())["data"]["resource.customizations"])

    assert held == {kind: {"health.lua": (FOLDER / name).read_text()} for kind, name in SCRIPTS.items()}
