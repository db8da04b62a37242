"""Azure Resource Manager and its token authority on this machine, driven by the compiled facts.

Serves tests, benchmarks and first trials over HTTP. It must not know anything of the engine: no plan, no desired
state, no knowledge of who its client is. What it accepts, refuses and rewrites comes from ``schemas`` and from the
tables in ``data``.
"""
