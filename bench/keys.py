#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Structures that know millions of strings: bytes a key, build time, look-up time, and what unseen strings are taken for.

bench/keys.py --data FOLDER [--keys 5000000] [--rounds 3]

The keys are different word n-grams (1 to 5 words) of the texts of FOLDER/cve-product and FOLDER/cldr-emoji, the unseen
ones a million others. One process a structure and round, in turns. Look-ups take the string, so that hashing is part of
them: one after the other (each waits for the answer before), and in batches. A second pass with 50,000 keys shows what
a look-up costs in cache. Goals: 1.4 bytes a key or less with 8-bit fingerprints, the hash under 2.7 bits a key, a batched
look-up in 40 ns or less, a single one in cache in 20 ns, construction under 1 us a key and thread. Writes
results/keys.json and results/keys.md.
"""
import argparse
import os

import measure
from measure import median
from report import table

OURS = ("pilots-0", "pilots-4", "pilots-8", "pilots-16", "levels-8", "levels-8-dense")
PEERS = ("bbhash-1", "bbhash-2", "cmph-chd", "cmph-bdz", "absl-map", "std-map")
NAMES = {"pilots-0": "ours, pilots, no fingerprints", "pilots-4": "ours, pilots, 4 bits",
         "pilots-8": "ours, pilots, 8 bits (default)", "pilots-16": "ours, pilots, 16 bits",
         "levels-8": "ours, levels (gamma 2), 8 bits", "levels-8-dense": "ours, levels (gamma 1), 8 bits",
         "bbhash-1": "BBHash, gamma 1", "bbhash-2": "BBHash, gamma 2", "cmph-chd": "cmph, CHD, load 0.99",
         "cmph-bdz": "cmph, BDZ", "absl-map": "absl::flat_hash_map of strings",
         "std-map": "std::unordered_map of strings"}
IN_CACHE = 50_000
FIGURES = ("bytes_per_key", "hash_bits_per_key", "build_cpu_ns_per_key", "hit_ns", "hit_batch_ns", "miss_ns",
           "miss_batch_ns", "false_hits")


def measure_one(structure, keys, arguments):
    inputs = [os.path.join(arguments.data, name, "trn.txt") for name in ("cve-product", "cldr-emoji")]
    return measure.run_json([measure.program(arguments.build, "coppice_bench_keys"), f"--input={','.join(inputs)}",
                             f"--structure={structure}", f"--keys={keys}", f"--threads={arguments.threads}"])


def summarize(rounds):
    return {name: median([r[name] for r in rounds]) for name in FIGURES}


def verdict(figures, in_cache):
    goals = {"bytes_per_key": 1.4, "hash_bits_per_key": 2.7, "hit_batch_ns": 40, "build_cpu_ns_per_key": 1000}
    missed = [f"{name} {figures[name]:.3g} > {goal}" for name, goal in goals.items() if figures[name] > goal]
    if in_cache["hit_ns"] > 20:
        missed.append(f"hit_ns in cache {in_cache['hit_ns']:.3g} > 20")
    return "All goals are reached." if not missed else "**Missed**: " + ", ".join(missed) + "."


def text_of(result):
    m = result["machine"]
    figures = {name: summarize(rounds) for name, rounds in result["structures"].items()}
    in_cache = {name: summarize(rounds) for name, rounds in result["in_cache"].items()}
    rows = []
    for name, f in figures.items():
        bits = f"{f['hash_bits_per_key']:.2f}" if f["hash_bits_per_key"] else "-"
        small = in_cache[name]
        rows.append([NAMES[name], f"{f['bytes_per_key']:.2f}", bits, f"{f['build_cpu_ns_per_key']:.0f}",
                     f"{f['hit_ns']:.0f} / {f['hit_batch_ns']:.0f}", f"{f['miss_ns']:.0f} / {f['miss_batch_ns']:.0f}",
                     f"{small['hit_ns']:.0f} / {small['hit_batch_ns']:.0f}", f"{100 * f['false_hits']:.4g} %"])
    header = ["structure", "bytes a key", "hash alone, bits a key", "build, CPU ns a key", "hit ns, single / batch",
              "miss ns, single / batch", f"hit ns, {result['in_cache_keys']:,} keys", "unseen taken for a key"]
    one = next(iter(result["structures"].values()))[0]
    others = max(r["process"]["others"] for rounds in result["structures"].values() for r in rounds)
    return (f"# Keys without the strings\n\nMade by `bench/keys.py`; do not edit. {result['keys']:,} word n-grams of "
            f"{one['key_bytes']:.1f} bytes on average, medians of {result['rounds']} rounds. {m['date']}, {m['cpu']}, "
            f"{m['cores']} cores, {m['memory_gb']:.0f} GB, Coppice {m['coppice']}; {result['versions']}; others took "
            f"up to {100 * others:.0f} % of the cores.\n\nThe hash functions of BBHash and cmph give every string a "
            f"number, seen or not, but for what BBHash's levels turn away. {verdict(figures['pilots-8'], in_cache['pilots-8'])}\n\n"
            + table(header, rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    parser.add_argument("--keys", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "the sets as text")
    names = OURS + PEERS
    result = {"kind": "keys", "machine": measure.machine(), "keys": arguments.keys, "in_cache_keys": IN_CACHE,
              "rounds": arguments.rounds, "versions": "BBHash 1.0.0, cmph 2.0.2, Abseil 20220623.1 of Debian 12",
              "structures": {name: [] for name in names}, "in_cache": {name: [] for name in names}}
    for step in range(arguments.rounds):
        for name in names:
            result["structures"][name].append(measure_one(name, arguments.keys, arguments))
            result["in_cache"][name].append(measure_one(name, IN_CACHE, arguments))
            measure.say(f"round {step + 1}: {name}")
    measure.save(result, os.path.join(arguments.out, "keys.json"))
    with open(os.path.join(arguments.out, "keys.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
