"""Manifests that are made from the chart are those of this chart, and hold nothing that must not go with them."""

from __future__ import annotations

import pytest
import yaml

from tests.chart.helm import Helm
from tests.chart.release import BASES, RELEASES, make_base, make_release


@pytest.mark.parametrize("name", RELEASES)
def test_the_base_is_of_this_chart(helm: Helm, name: str) -> None:
    """The kustomize base is what the chart makes now: make release-manifests."""
    assert (BASES / name / "trueup.yaml").read_text() == make_base(helm, name)


@pytest.mark.parametrize("name", RELEASES)
def test_a_release_holds_no_definitions_and_no_secret(helm: Helm, name: str) -> None:
    """Deleting a release YAML deletes no object of a kind; credentials are the user's; nothing speaks of Helm."""
    text = make_release(name, make_base(helm, name))

    kinds = [o["kind"] for o in yaml.safe_load_all(text)]
    assert kinds[0] == "Namespace"
    assert not {"CustomResourceDefinition", "Secret"} & set(kinds)
    assert "Helm" not in text


@pytest.mark.parametrize("name", RELEASES)
def test_no_rule_is_given_twice(name: str) -> None:
    """A role holds each of its rules once."""
    objects = yaml.safe_load_all((BASES / name / "trueup.yaml").read_text())
    roles = {o["metadata"]["name"]: [str(rule) for rule in o["rules"]] for o in objects if o["kind"].endswith("Role")}

    assert roles
    assert [role for role, rules in roles.items() if len(rules) > len(set(rules))] == []
