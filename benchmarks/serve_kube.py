"""Serve a workload's custom resources as a Kubernetes API server, until standard input ends.

    python -m benchmarks.serve_kube --workload standard --resources 10000

Prints one JSON line when ready: ``{"url"}``.
"""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks.fake_kube import FakeKube, KubeServer
from benchmarks.workloads import build_workload


def main() -> None:
    """Fill the server, say where it is, wait."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workload", required=True)
    parser.add_argument("--resources", type=int, required=True)
    args = parser.parse_args()
    kube = FakeKube(token="token")
    for instance in build_workload(args.workload, args.resources):
        kube.add_raw(instance.template.fake_kind, [instance.object])
    with KubeServer(kube) as server:
        sys.stdout.write(json.dumps({"url": server.url}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
