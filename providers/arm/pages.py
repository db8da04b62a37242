"""Bodies looked at as little as possible: list pages are split into raw items, of which only the id is decoded."""

from __future__ import annotations

from typing import Final

import msgspec

from engine.model.document import Document


class _Page(msgspec.Struct, gc=False, frozen=True):
    value: list[msgspec.Raw]
    next_link: str | None = msgspec.field(default=None, name="nextLink")


class _Head(msgspec.Struct, gc=False, frozen=True):
    id: str | None = None
    etag: str | None = None


class _Name(msgspec.Struct, gc=False, frozen=True):
    id: str | None = None


_decode_page: Final = msgspec.json.Decoder(_Page).decode
_decode_head: Final = msgspec.json.Decoder(_Head).decode
_decode_name: Final = msgspec.json.Decoder(_Name).decode
_UNUSABLE: Final = (msgspec.MsgspecError, RecursionError, UnicodeDecodeError)


class Item(msgspec.Struct, gc=False, frozen=True):
    """One resource of a page, not parsed."""

    id: str
    etag: str
    document: Document


class TooDeepError(ValueError):
    """Something on a page is nested so deeply that nothing of the page can be used."""


def split_page(body: bytes) -> tuple[list[Item], str]:
    """Return a page's items that have an id, and the link to the next page (empty: this is the last).

    Raises:
        TooDeepError: One item spoils the page; the others can be read by themselves.
        ValueError: It is not a page: not JSON, cut short, or without a list ``value``.
    """
    try:
        page = _decode_page(body)
        items = [_listed(raw) for raw in page.value]
    except RecursionError as exc:
        raise TooDeepError("nested too deeply") from exc
    except _UNUSABLE as exc:
        raise ValueError(f"not a page of a list: {exc}") from exc
    return [item for item in items if item.id], page.next_link or ""


def read_item(body: bytes) -> Item:
    """Return the one resource of a GET; its id is empty when the body has none.

    Raises:
        ValueError: It is not a JSON object.
    """
    try:
        return _item(body)
    except _UNUSABLE as exc:
        raise ValueError(f"not a JSON object: {exc}") from exc


def _listed(raw: msgspec.Raw) -> Item:
    """Return one item of a page; what is no object, or has no usable id, is an item without one."""
    try:
        return _item(raw)
    except msgspec.ValidationError:
        return Item("", "", Document(bytes(raw)))


def _item(raw: msgspec.Raw | bytes) -> Item:
    try:
        head = _decode_head(raw)
    except msgspec.ValidationError:
        # An etag that is no text is none.
        return Item(_decode_name(raw).id or "", "", Document(bytes(raw)))
    return Item(head.id or "", head.etag or "", Document(bytes(raw)))
