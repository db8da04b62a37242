"""A desired state as the request it stands for: for programs, for people, for an HTTP client."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import orjson
import yaml

from engine.model.document import MASK, Marker, Secret
from engine.model.state import DesiredState
from engine.reporting.values import printable, printable_json

_URL_SAFE = "/:?&=@!$'()*+,;~%"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendering:
    """How requests are written.

    Attributes:
        endpoint: ARM's address without trailing slash.
        show_secrets: Print values of Secrets; otherwise ``***``.
    """

    endpoint: str
    show_secrets: bool = False

    def url(self, state: DesiredState) -> str | None:
        """Return the address of the PUT; None while the id is not known."""
        if state.id is None:
            return None
        return f"{self.endpoint}{state.id.text}?api-version={state.api_version}"

    def body(self, state: DesiredState) -> Any:
        """Return the body as plain JSON: unknown values are null."""
        return self._plain(state.body)

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if isinstance(value, Secret):
            return value.reveal() if self.show_secrets else MASK
        return None if isinstance(value, Marker) else value


def render_ndjson(rendering: Rendering, state: DesiredState) -> str:
    """Return one line for programs."""
    line = {
        "object": {
            "apiVersion": state.key.api_version,
            "kind": state.key.kind,
            "namespace": state.key.namespace,
            "name": state.key.name,
        },
        "id": state.id.text if state.id is not None else None,
        "type": state.arm_type,
        "api": state.api_version,
        "method": "PUT",
        "url": rendering.url(state),
        "body": rendering.body(state),
        "unknown": [path.pointer for path in state.unknown],
        "waits": [wait.text for wait in state.waits],
    }
    return printable_json(orjson.dumps(_sort(line))).decode() + "\n"


def _sort(line: Mapping[str, Any]) -> Mapping[str, Any]:
    """Keep the public order of the line's own keys; sort those of the body."""
    body = orjson.loads(orjson.dumps(line["body"], option=orjson.OPT_SORT_KEYS))
    return {**line, "body": body}


def render_http(rendering: Rendering, state: DesiredState) -> str:
    """Return a request as HTTP clients in editors read it; ``###`` ends it."""
    url = rendering.url(state)
    head = [printable(f"# {state.key}"), *_comments(state)]
    if url is None:
        return "\n".join([*head, "# no request: the id is not known", "", "###", ""])
    parts = urlsplit(url)
    raw = orjson.dumps(rendering.body(state), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    body = printable_json(raw).decode()
    request = [
        f"PUT {quote(url, safe=_URL_SAFE)} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        "",
        body,
        "",
        "###",
        "",
    ]
    return "\n".join([*head, *request])


def render_yaml(rendering: Rendering, state: DesiredState) -> str:
    """Return the body as a YAML document."""
    place = state.id.text if state.id is not None else "id not known"
    head = [printable(f"# {text}") for text in (state.key, f"{place} ({state.arm_type}@{state.api_version})")]
    return "\n".join(["---", *head, *_comments(state), _encode_yaml(rendering.body(state))])


def render_text(rendering: Rendering, state: DesiredState) -> str:
    """Return what a person wants to know: which resource, what is still open, what would be sent."""
    lines = [f"{state.key}", f"  id    {state.id.text if state.id is not None else '(not known yet)'}"]
    lines.append(f"  type  {state.arm_type}@{state.api_version}")
    lines.extend(f"  waits {wait.text}" for wait in state.waits)
    lines = [printable(line) for line in lines]
    body = _encode_yaml(rendering.body(state)).rstrip("\n").split("\n")
    return "\n".join([*lines, "  body", *(f"    {line}" for line in body), "", ""])


def _encode_yaml(body: Any) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text: str = yaml.dump(body, Dumper=dumper, sort_keys=True, allow_unicode=True, width=120)
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return str(yaml.dump(body, Dumper=dumper, sort_keys=True, width=120))


def _comments(state: DesiredState) -> list[str]:
    unknown = [f"# not known yet: {path.pointer}" for path in state.unknown]
    return [printable(line) for line in (*unknown, *(f"# waits: {wait.text}" for wait in state.waits))]


FORMATS: Mapping[str, Callable[[Rendering, DesiredState], str]] = {
    "text": render_text,
    "yaml": render_yaml,
    "http": render_http,
    "ndjson": render_ndjson,
}
