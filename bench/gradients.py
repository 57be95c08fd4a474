#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What compressing gradients takes, and adding up those of all workers.

bench/gradients.py [--rounds 5]

Gradients of 14.6 million parameters (an acoustic model's), Laplace distributed, on one thread. Encode: from a gradient to
a message, the search for the threshold included. Decode: from the messages of all workers to their sum, which is set to
zero first. Goals: 1 G elements a second encoded, 300 M sent elements a second decoded, and the bits an element that
theory asks for (H(d) / d + 1). Writes results/gradients.json and results/gradients.md.
"""
import argparse
import math
import os

import measure
from report import table

CASES = ((0.0025, 8), (0.0025, 32), (0.0025, 128), (0.02, 8), (0.0002, 128))
GOALS = {"encode_elements_per_second": 1e9, "decode_sent_elements_per_second": 3e8}


def measure_case(density, workers, arguments):
    runs = [measure.run_json([measure.program(arguments.build, "coppice_bench_gradients"), f"--density={density}",
                              f"--workers={workers}"]) for _ in range(arguments.rounds)]
    figures = {key: measure.median([run[key] for run in runs]) for key in runs[0]
               if isinstance(runs[0][key], (int, float))}
    return {**figures, "encoding": runs[0]["encoding"], "others": max(run["process"]["others"] for run in runs)}


def theory(density):
    """Bits of an element: its share of the entropy of which are sent, and its sign."""
    entropy = -density * math.log2(density) - (1 - density) * math.log2(1 - density)
    return entropy / density + 1


def row(r):
    def speed(key, unit):
        return f"{r[key] / unit:.2f}" + (" **missed**" if r[key] < GOALS.get(key, 0) else "")
    return [f"{100 * r['density']:.3g} %", f"{r['workers']:.0f}", r["encoding"], f"{r['bits_per_sent_element']:.1f}",
            f"{theory(r['density']):.1f}", speed("kernel_elements_per_second", 1e9),
            speed("naive_kernel_elements_per_second", 1e9), speed("encode_elements_per_second", 1e9),
            f"{1e3 * r['encode_seconds']:.1f}", speed("decode_sent_elements_per_second", 1e6),
            speed("naive_decode_sent_elements_per_second", 1e6), f"{1e3 * r['decode_seconds']:.1f}"]


def text_of(result):
    m = result["machine"]
    head = ["sent", "workers", "encoding", "bits an element", "in theory", "kernel, G elements/s", "plain loop",
            "encode, G elements/s", "ms", "decode, M sent elements/s", "message by message", "ms"]
    return (f"# Compressed gradients\n\nMade by `bench/gradients.py`; do not edit. {m['date']}, {m['cpu']}, one thread, "
            f"Coppice {m['coppice']};\n{'run at a real-time priority (chrt) while ' if result['real_time'] else ''}others took up to {100 * max(r['others'] for r in result['cases']):.0f} % of the "
            f"cores. Medians of {result['rounds']} processes. Goals: 1 G elements/s encoded, 300 M sent elements/s\n"
            f"decoded. Where few are sent the time to decode is that of setting 14.6 million sums to zero.\n\n" + table(head, [row(r) for r in result["cases"]]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    result = {"kind": "gradients", "machine": measure.machine(), "rounds": arguments.rounds,
              "real_time": os.sched_getscheduler(0) == os.SCHED_RR, "cases": []}
    for density, workers in CASES:
        result["cases"].append(measure_case(density, workers, arguments))
        measure.say(f"{density}, {workers}: {result['cases'][-1]}")
    measure.save(result, os.path.join(arguments.out, "gradients.json"))
    with open(os.path.join(arguments.out, "gradients.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
