"""A message about a settings file names the line that has to be mended."""

from __future__ import annotations

import pytest

from providers.manifests.yaml_places import line_of

CONTENT = b"""# who hears
cluster: prod
sinks:
- {name: a, type: slack}
- name: b
  type: slack
routes:
- sinks: [a,
          b]
  match:
    labels: {team: web}
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("", 2), ("cluster", 2), ("sinks[0]", 4), ("sinks[0].url", 4), ("sinks[1].type", 6), ("sinks[1].url", 5),
        ("routes[0].sinks", 8), ("routes[0].sinks[1]", 9), ("routes[0].match.labels.team", 11), ("silences[0]", 2),
    ],
)  # fmt: skip
def test_a_place_has_a_line(place: str, line: int) -> None:
    """What is missing is looked for where it should stand."""
    assert line_of(CONTENT, place) == line


def test_an_empty_document_has_a_first_line() -> None:
    """There is always a line to name."""
    assert line_of(b"# nothing\n", "sinks") == 1
