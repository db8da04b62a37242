"""A stand-in for the comments of pull requests on GitHub, GitLab and Azure DevOps, served on this machine."""

from __future__ import annotations

import contextlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "token-4c7f10"
_GITHUB = re.compile(r"/repos/team/shop/issues/(?:(?P<number>\d+)/comments|comments/(?P<id>\d+))")
_GITLAB = re.compile(r"/api/v4/projects/42/merge_requests/(?P<number>\d+)/notes(?:/(?P<id>\d+))?")
_AZURE = re.compile(
    r"/team/p-1/_apis/git/repositories/r-1/pullRequests/(?P<number>\d+)/threads(?:/(?P<thread>\d+)/comments/(?P<id>\d+))?"
)


@dataclass
class Reviews:
    """What stands on the one pull request, number 7, and what was asked."""

    address: str = ""
    texts: dict[int, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def variables(self, system: str) -> dict[str, str]:
        """Return the variables of a job of that system."""
        return {
            "github": {
                "GITHUB_ACTIONS": "true",
                "GITHUB_API_URL": self.address,
                "GITHUB_REPOSITORY": "team/shop",
                "GITHUB_REF": "refs/pull/7/merge",
                "GITHUB_TOKEN": TOKEN,
            },
            "gitlab": {
                "GITLAB_CI": "true",
                "CI_API_V4_URL": f"{self.address}/api/v4",
                "CI_PROJECT_ID": "42",
                "CI_MERGE_REQUEST_IID": "7",
                "GITLAB_TOKEN": TOKEN,
            },
            "azure-devops": {
                "TF_BUILD": "True",
                "SYSTEM_COLLECTIONURI": f"{self.address}/team/",
                "SYSTEM_TEAMPROJECTID": "p-1",
                "BUILD_REPOSITORY_ID": "r-1",
                "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
                "SYSTEM_ACCESSTOKEN": TOKEN,
            },
        }[system]

    def answer(self, method: str, target: str, headers: Any, body: Any) -> tuple[int, Any]:
        """Return status and body; what the real one would not take is refused."""
        parts = urlsplit(target)
        self.requests.append(f"{method} {parts.path}")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        for pattern, serve in ((_GITHUB, self._github), (_GITLAB, self._gitlab), (_AZURE, self._azure)):
            match = pattern.fullmatch(parts.path)
            if match is not None:
                if match["number"] not in (None, "7"):
                    return 404, {"message": "Not Found"}
                return serve(method, int(match["id"]) if match["id"] else 0, headers, query, body)
        return 404, {"message": "Not Found"}

    def _github(self, method: str, number: int, headers: Any, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 403, {"message": "Resource not accessible by integration"}
        return self._items(method, number, query, body, "PATCH", "body", "html_url")

    def _gitlab(self, method: str, number: int, headers: Any, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if headers["PRIVATE-TOKEN"] != TOKEN:
            return 401, {"message": "401 Unauthorized"}
        return self._items(method, number, query, body, "PUT", "body", "")

    def _items(
        self, method: str, number: int, query: dict[str, str], body: Any, change: str, member: str, link: str
    ) -> tuple[int, Any]:
        def shown(at: int) -> dict[str, Any]:
            found: dict[str, Any] = {"id": at, member: self.texts[at]}
            return found | ({link: f"{self.address}/team/shop/pull/7#issuecomment-{at}"} if link else {})

        if method == "GET" and not number:
            size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
            return 200, [shown(at) for at in sorted(self.texts)[(page - 1) * size : page * size]]
        if method == "POST" and not number:
            return 201, shown(self._add(body[member]))
        if method == change and number in self.texts:
            self.texts[number] = body[member]
            return 200, shown(number)
        return 404, {"message": "Not Found"}

    def _azure(self, method: str, number: int, headers: Any, query: dict[str, str], body: Any) -> tuple[int, Any]:
        if headers["Authorization"] != f"Bearer {TOKEN}":
            return 302, {}
        if "api-version" not in query:
            return 400, {"message": "No api-version was supplied"}
        if method == "GET" and not number:
            gone = {"id": 999, "isDeleted": True, "comments": [{"id": 1, "content": "<!-- trueup:plan -->\ngone"}]}
            return 200, {"value": [gone, *(self._thread(at) for at in sorted(self.texts))]}
        if method == "POST" and not number:
            return 200, self._thread(self._add(body["comments"][0]["content"]))
        if method == "PATCH" and number in self.texts:
            self.texts[number] = body["content"]
            return 200, {"id": number, "content": body["content"]}
        return 404, {"message": "Not Found"}

    def _thread(self, at: int) -> dict[str, Any]:
        return {
            "id": 1_000 + at,
            "comments": [{"id": at, "content": self.texts[at]}, {"id": 1, "content": "an answer"}],
        }

    def _add(self, text: str) -> int:
        number = max(self.texts, default=0) + 1
        self.texts[number] = text
        return number


@contextlib.contextmanager
def review_server() -> Iterator[Reviews]:
    """Serve an empty pull request."""
    reviews = Reviews()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = reviews.answer(self.command, self.path, self.headers, body)
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_PATCH = _serve  # noqa: N815  # names that the library calls

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        reviews.address = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield reviews
        finally:
            server.shutdown()
            thread.join()
