"""One comment per pull request and mark: written again in its place, so that a discussion holds the last word only.

Sources: GitHub REST 2022-11-28 (issue comments), GitLab REST v4 (merge request notes), Azure DevOps REST 7.1 (threads).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import quote

from engine.errors import InvalidSpecError
from providers.reviews.http import Connection

_PER_PAGE: Final = 100
_PAGES: Final = 100
_AZURE: Final = "?api-version=7.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment that stands on a pull request.

    Attributes:
        path: Where it is changed.
        url: Where people see it; empty where the system does not say.
    """

    path: str
    text: str
    url: str = ""


class PullRequest(Protocol):
    """A pull request of some system."""

    limit: int
    """Characters that a comment may have."""

    def comments(self) -> Iterator[Comment]:
        """Yield its comments, oldest first."""
        ...

    def create(self, text: str) -> Comment:
        """Add a comment."""
        ...

    def update(self, comment: Comment, text: str) -> Comment:
        """Give a comment another text."""
        ...


def put_comment(pull: PullRequest, mark: str, text: str) -> Comment:
    """Write the comment with this mark, over the one there is.

    Raises:
        InvalidSpecError: The text is longer than the system takes.
        EngineError: The system did not do it.
    """
    head = f"<!-- trueup:{mark} -->"
    whole = f"{head}\n{text}"
    if len(whole) > pull.limit:
        raise InvalidSpecError(
            "the comment is too long",
            detail=f"{len(whole):,} characters, {pull.limit:,} are taken",
            hint="-o markdown keeps to the limit",
        )
    for comment in pull.comments():
        if comment.text.startswith(head):
            return pull.update(comment, whole)
    return pull.create(whole)


class GitHub:
    """A pull request of GitHub or GitHub Enterprise."""

    limit = 65_536

    def __init__(self, connection: Connection, repository: str, number: int) -> None:
        """Name it by ``owner/name`` and number."""
        self._connection = connection
        self._repository = quote(repository)
        self._number = number

    def comments(self) -> Iterator[Comment]:
        """Yield its comments."""
        for item in _pages(self._connection, f"repos/{self._repository}/issues/{self._number}/comments"):
            yield self._read(item)

    def create(self, text: str) -> Comment:
        """Add a comment."""
        path = f"repos/{self._repository}/issues/{self._number}/comments"
        return self._read(self._connection.send("POST", path, {"body": text}))

    def update(self, comment: Comment, text: str) -> Comment:
        """Give a comment another text."""
        return self._read(self._connection.send("PATCH", comment.path, {"body": text}))

    def _read(self, item: Any) -> Comment:
        path = f"repos/{self._repository}/issues/comments/{item['id']}"
        return Comment(path=path, text=item.get("body") or "", url=item.get("html_url") or "")


class GitLab:
    """A merge request of GitLab."""

    limit = 1_000_000

    def __init__(self, connection: Connection, project: str, number: int) -> None:
        """Name it by the project's id or path and by its number in the project."""
        self._connection = connection
        self._notes = f"projects/{quote(project, safe='')}/merge_requests/{number}/notes"

    def comments(self) -> Iterator[Comment]:
        """Yield its notes."""
        for item in _pages(self._connection, self._notes, sort="asc", order_by="created_at"):
            yield self._read(item)

    def create(self, text: str) -> Comment:
        """Add a note."""
        return self._read(self._connection.send("POST", self._notes, {"body": text}))

    def update(self, comment: Comment, text: str) -> Comment:
        """Give a note another text."""
        return self._read(self._connection.send("PUT", comment.path, {"body": text}))

    def _read(self, item: Any) -> Comment:
        return Comment(path=f"{self._notes}/{item['id']}", text=item.get("body") or "")


class AzureDevOps:
    """A pull request of Azure DevOps; a comment is the first of a thread."""

    limit = 150_000

    def __init__(self, connection: Connection, project: str, repository: str, number: int) -> None:
        """Name it by the ids of project and repository, and its number."""
        self._connection = connection
        place = f"{quote(project, safe='')}/_apis/git/repositories/{quote(repository, safe='')}"
        self._threads = f"{place}/pullRequests/{number}/threads"

    def comments(self) -> Iterator[Comment]:
        """Yield the first comment of each thread that is not deleted."""
        answer = self._connection.send("GET", self._threads + _AZURE)
        for thread in answer.get("value", ()):
            first = next(iter(thread.get("comments") or ()), None)
            if first is not None and not thread.get("isDeleted") and not first.get("isDeleted"):
                yield self._read(thread["id"], first)

    def create(self, text: str) -> Comment:
        """Open a thread that nobody needs to resolve."""
        body = {"comments": [{"parentCommentId": 0, "content": text, "commentType": "text"}], "status": "closed"}
        thread = self._connection.send("POST", self._threads + _AZURE, body)
        return self._read(thread["id"], thread["comments"][0])

    def update(self, comment: Comment, text: str) -> Comment:
        """Give a comment another text."""
        self._connection.send("PATCH", comment.path + _AZURE, {"content": text})
        return comment

    def _read(self, thread: int, item: Any) -> Comment:
        return Comment(path=f"{self._threads}/{thread}/comments/{item['id']}", text=item.get("content") or "")


def _pages(connection: Connection, path: str, **query: str) -> Iterator[Any]:
    """Yield the items of all pages; a page that is not full is the last one."""
    for page in range(1, _PAGES + 1):
        items = connection.send("GET", path, query={"per_page": str(_PER_PAGE), "page": str(page), **query})
        yield from items
        if len(items) < _PER_PAGE:
            return
