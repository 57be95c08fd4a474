#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the HTTP client takes for a call: processor time and memory, 1,000 calls in flight, plain answers and streams.

bench/http_client.py [--rounds 5]

`coppice_bench_http_client` calls a server in another process on the loopback, which answers at once: 2,000 bytes go
out, 1,000 come back, or a stream of 50 events of 1,000 bytes each. Writes results/http_client.json and
results/http_client.md.
"""
import argparse
import os

import measure
from report import table

CASES = {"plain": [], "50 events of 1,000 bytes": ["--events=50"]}


def case_of(program, flags, rounds):
    runs = [measure.run_json([program, *flags]) for _ in range(rounds)]
    for run in runs:  # what the server took, a process of ours, is no other's
        process = run["process"]
        server = run["server_cpu_microseconds_per_call"] * run["answered"] * 1e-6
        process["others"] = round(max(0.0, process["others"] - server / (process["wall_seconds"] * os.cpu_count())), 3)
        if run["failed"]:
            raise measure.Failed(f"{run['failed']} calls failed")
    return runs


def text_of(result):
    m = result["machine"]
    rows = []
    for name, runs in result["cases"].items():
        def middle(path, runs=runs):
            return measure.median([measure.at(run, path) for run in runs])
        rows.append([name, f"{middle('cpu_microseconds_per_call'):.1f}", f"{middle('of_that_system'):.1f}",
                     f"{middle('server_cpu_microseconds_per_call'):.1f}", f"{middle('calls_per_second'):,.0f}",
                     f"{middle('milliseconds_per_call.p50'):.1f}", f"{middle('milliseconds_per_call.p99'):.1f}",
                     f"{middle('bytes_per_call_in_flight') / 1000:.1f}", f"{middle('peak_bytes') / 1e6:.1f}"])
    others = max(run["process"]["others"] for runs in result["cases"].values() for run in runs)
    return (f"# Calls of the HTTP client\n\nMade by `bench/http_client.py`; do not edit. {m['date']}, {m['cpu']}, "
            f"{m['cores']} cores, Coppice {m['coppice']};\nothers took up to {100 * others:.0f} % of the cores. Medians of "
            f"{result['rounds']} rounds of 100,000 calls, 1,000 at once, one thread, to a server in\nanother process on the "
            "loopback that answers at once. None failed. Times of a call are those of a busy client.\n\n" +
            table(["answers", "CPU us a call", "of that system", "CPU us of the server", "calls a second", "p50 ms",
                   "p99 ms", "kB for each in flight", "peak MB"], rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    program = measure.program(arguments.build, "coppice_bench_http_client")
    result = {"kind": "http_client", "machine": measure.machine(), "rounds": arguments.rounds,
              "cases": {name: case_of(program, flags, arguments.rounds) for name, flags in CASES.items()}}
    measure.save(result, os.path.join(arguments.out, "http_client.json"))
    with open(os.path.join(arguments.out, "http_client.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
