"""The rules of JUnit files of Jenkins' published schema, which readers of such files go by."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping

_COUNTS = {"name", "tests", "failures", "errors", "time"}
ATTRIBUTES: Mapping[str, set[str]] = {
    "testsuites": {*_COUNTS, "disabled"},
    "testsuite": {*_COUNTS, "skipped", "disabled", "timestamp", "hostname", "id", "package", "file"},
    "testcase": {"name", "classname", "time", "assertions", "status", "file", "line"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "skipped": {"message", "type"},
}
CHILDREN: Mapping[str, set[str]] = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error", "skipped"},
}


def check_junit(raw: str) -> ET.Element:
    """Parse a report and fail where it breaks a rule: names, places, required attributes, counts that do not add up."""
    root = ET.fromstring(raw)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= ATTRIBUTES[element.tag], element.attrib
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    for case in root.iter("testcase"):
        assert {"name", "classname"} <= set(case.attrib)
        assert len(case) <= 1
    for suite in root:
        _check_counts(suite)
        assert int(suite.attrib["skipped"]) == len(suite.findall(".//skipped"))
    _check_counts(root)
    return root


def _check_counts(element: ET.Element) -> None:
    assert int(element.attrib["tests"]) == len(list(element.iter("testcase")))
    assert int(element.attrib["failures"]) == len(list(element.iter("failure")))
    assert int(element.attrib["errors"]) == len(list(element.iter("error")))
    assert abs(float(element.attrib["time"]) - sum(float(c.attrib["time"]) for c in element.iter("testcase"))) < 0.01
