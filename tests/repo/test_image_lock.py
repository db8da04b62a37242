"""What the image installs is what was tested."""

from __future__ import annotations

import re
import tomllib

from tests.conftest import ROOT


def pins(path: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (ROOT / path).read_text(), flags=re.MULTILINE))


def test_the_image_has_the_versions_that_were_tested() -> None:
    """The lock of the image holds every dependency of the product, each in the version of the lock of the tests."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[\[<>=~! ]", item)[0].lower().replace("_", "-") for item in wanted}
    image, tested = pins("deploy/image/requirements.lock"), pins("requirements.lock")

    assert names <= image.keys()
    assert {name: tested.get(name) for name in image} == image
