"""Digests of graphs: equal shapes are equal, different ones are not, cycles included."""

from __future__ import annotations

from schemas.build.sharing import Draft, digest_graph


def test_an_unrolled_cycle_differs_from_nothing_it_does_not_equal() -> None:
    """Two cycles with the same content have the same digest although their lengths differ: no walk can tell."""
    one = digest_graph({"a": Draft(b"x", ("a",))})
    two = digest_graph({"a": Draft(b"x", ("b",)), "b": Draft(b"x", ("a",))})

    assert one["a"] == two["a"] == two["b"]


def test_cycles_that_differ_far_away_differ() -> None:
    """A difference at the far end of a long cycle reaches every node of it."""
    size = 40
    plain = {i: Draft(b"x", ((i + 1) % size,)) for i in range(size)}
    marked = {**plain, size - 1: Draft(b"y", (0,))}

    plain_digests, marked_digests = digest_graph(plain), digest_graph(marked)

    assert len(set(plain_digests.values())) == 1
    assert len(set(marked_digests.values())) == size
    assert not set(plain_digests.values()) & set(marked_digests.values())


def test_children_in_another_order_differ() -> None:
    """The order of children belongs to the shape."""
    leaves = {"a": Draft(b"a", ()), "b": Draft(b"b", ())}
    digests = digest_graph({**leaves, "ab": Draft(b"n", ("a", "b")), "ba": Draft(b"n", ("b", "a"))})

    assert digests["ab"] != digests["ba"]


def test_deep_graphs_need_no_recursion() -> None:
    """A chain far deeper than Python's recursion limit is digested."""
    depth = 20_000
    chain = {i: Draft(b"n", (i + 1,)) for i in range(depth)} | {depth: Draft(b"end", ())}

    assert len(digest_graph(chain)) == depth + 1
