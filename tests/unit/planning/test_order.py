from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.planning.order import sort_topologically


def test_needs_come_first_and_rank_breaks_ties() -> None:
    """A node stands after everything it needs; free nodes stand in the order of their rank."""
    order, cycles = sort_topologically("abcd", {"a": "d", "b": "", "c": "ab"}, rank={"a": 0, "b": 1, "c": 2, "d": 3})

    assert (order, cycles) == (("b", "d", "a", "c"), ())


def test_a_cycle_is_named_and_its_members_come_last() -> None:
    """The members of a cycle are returned in the order they need each other."""
    order, cycles = sort_topologically("abcx", {"a": "b", "b": "c", "c": "a"}, rank={"a": 0, "b": 1, "c": 2, "x": 3})

    assert order[0] == "x"
    assert cycles == (("a", "b", "c"),)


@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), max_size=3), max_size=12), st.randoms())
def test_order_holds_for_any_graph_and_any_input_order(edges: dict[int, set[int]], random: object) -> None:
    """Whatever the graph, all nodes are returned once, acyclic needs come first, and input order does not matter."""
    nodes = sorted({*edges, *(d for ds in edges.values() for d in ds)})
    shuffled = list(nodes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    rank = {n: n for n in nodes}

    order, cycles = sort_topologically(shuffled, edges, rank=rank)

    assert sorted(order) == nodes
    assert (order, cycles) == sort_topologically(nodes, edges, rank=rank)
    if not cycles:
        assert all(order.index(d) < order.index(n) for n in nodes for d in edges.get(n, ()) if d != n)
