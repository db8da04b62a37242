"""Laws of shared shapes: nothing that differs is ever stored as one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.build.sharing import Draft, digest_graph

Graph = dict[int, Draft]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Draw a small graph; cycles, loops and unreachable nodes included."""
    size = draw(st.integers(1, 8))
    children = st.lists(st.integers(0, size - 1), max_size=3).map(tuple)
    return {i: Draft(draw(st.sampled_from([b"x", b"y"])), draw(children)) for i in range(size)}


def classes(graph: Graph) -> dict[int, int]:
    """Tell nodes apart the slow way: refine by content and children until nothing changes."""
    colour: dict[int, object] = {node: graph[node].content for node in graph}
    for _ in graph:
        seen: dict[object, int] = {}
        keys = {n: (graph[n].content, tuple(colour[c] for c in graph[n].children)) for n in graph}
        colour = {n: seen.setdefault(keys[n], len(seen)) for n in graph}
    return {n: hash(colour[n]) for n in graph}


@given(graphs())
def test_equal_digests_mean_equal_shapes(graph: Graph) -> None:
    """Two nodes share a digest only when nothing reachable from them differs."""
    digests, apart = digest_graph(graph), classes(graph)

    for one in graph:
        for other in graph:
            assert digests[one] != digests[other] or apart[one] == apart[other]


@given(graphs(), st.randoms(use_true_random=False))
def test_names_and_order_of_nodes_do_not_matter(graph: Graph, random: object) -> None:
    """The same graph under other names, read in another order, has the same digests."""
    nodes = list(graph)
    random.shuffle(nodes)  # type: ignore[attr-defined]
    name = {node: f"n{place}" for place, node in enumerate(nodes)}
    renamed = {name[n]: Draft(graph[n].content, tuple(name[c] for c in graph[n].children)) for n in nodes}

    digests, other = digest_graph(graph), digest_graph(renamed)

    assert {name[n]: d for n, d in digests.items()} == other
