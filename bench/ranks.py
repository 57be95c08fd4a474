#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One ranker trained by several workers of this machine against one process: seconds, memory of each worker, bytes.

bench/ranks.py --data FOLDER [SET ...]

Sets: folders with trn.txt and labels.txt, as of compare.py. One process and the workers train in turns, as a user starts
them, with all defaults: one process and worker 0 have all cores, each other worker its share of them. Workers of one machine
cannot be faster than one process there, but they show what the messages and the sharing out cost, and what each worker
holds. The models are compared byte for byte.
Writes results/ranks.json and results/ranks.md.
"""
import argparse
import filecmp
import os
import tempfile

import measure
from report import table

MOST_RATIO = 1.15  # of the time of one process
MOST_SHARE = 0.5  # of its memory, of each worker but the first

LOOPBACK = {"COPPICE_ADDRESS": "127.0.0.1"}


def train(arguments, name, model, workers):
    """One training, by a process or by several."""
    program = measure.program(arguments.build, "coppice")
    folder = os.path.join(arguments.data, name)
    command = [program, "train", os.path.join(folder, "trn.txt"), "--label-names", os.path.join(folder, "labels.txt"),
               "-o", model, "--json", "--quiet"]
    launcher = [program, "dist", "launch", "-n", str(workers), "--"] if workers > 1 else []
    return measure.run_json([*launcher, *command], LOOPBACK)


def one_set(arguments, name, place):
    rounds = []
    models = [os.path.join(place, way) for way in ("one", "several")]
    for number in range(arguments.rounds):
        one = train(arguments, name, models[0], 1)
        several = train(arguments, name, models[1], arguments.workers)
        same = filecmp.cmp(*models, shallow=False)
        for run in (one, several):
            run.pop("model")
        rounds.append({"one": one, "several": several, "same_bytes": same})
        measure.say(f"{name} {number}: {one['seconds']:.1f} s, {several['seconds']:.1f} s, same bytes: {same}")
    return rounds


def summary(rounds):
    """Medians over the rounds; memory as the largest."""
    others = [max(worker["peak_bytes"] for worker in r["several"]["workers"][1:]) for r in rounds]
    one_peak = min(r["one"]["peak_bytes"] for r in rounds)
    return {"one": measure.median([r["one"]["process"]["wall_seconds"] for r in rounds]),
            "several": measure.median([r["several"]["process"]["wall_seconds"] for r in rounds]),
            "ratio": measure.median([r["several"]["process"]["wall_seconds"] / r["one"]["process"]["wall_seconds"]
                                     for r in rounds]),
            "cpu_ratio": measure.median([r["several"]["process"]["cpu_seconds"] / r["one"]["process"]["cpu_seconds"]
                                         for r in rounds]),
            "one_peak": one_peak, "first_peak": max(r["several"]["workers"][0]["peak_bytes"] for r in rounds),
            "others_peak": max(others), "others_share": max(others) / one_peak,
            "imbalance": measure.median([r["several"]["imbalance"] for r in rounds]),
            "same_bytes": all(r["same_bytes"] for r in rounds)}


def against(value, most):
    return f"{value:.2f}" + ("" if value <= most else " **missed**")


def row_of(name, rounds):
    s = summary(rounds)
    return [name, f"{s['one']:.1f}", f"{s['several']:.1f}", against(s["ratio"], MOST_RATIO), f"{s['cpu_ratio']:.2f}",
            f"{s['one_peak'] / 1e6:.0f}", f"{s['first_peak'] / 1e6:.0f}", f"{s['others_peak'] / 1e6:.0f}",
            against(s["others_share"], MOST_SHARE), f"{s['imbalance']:.2f}", "same" if s["same_bytes"] else "DIFFERENT"]


def text_of(result):
    m = result["machine"]
    runs = [r[way] for rounds in result["sets"].values() for r in rounds for way in ("one", "several")]
    others = max(run["process"]["others"] for run in runs)
    head = ["set", "one, s", f"{result['workers']} workers, s", "ratio", "of CPU", "one, MB", "first, MB", "others, MB",
            "share", "imbalance", "bytes"]
    return f"""# The linear ranker over ranks

Made by `bench/ranks.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, Coppice {m['coppice']};
others took up to {100 * others:.0f} % of the cores.

{table(head, [row_of(name, rounds) for name, rounds in result["sets"].items()])}
One process against {result['workers']} workers on the same machine, {result['rounds']} rounds in turns, medians; ratios
round by round. Memory: the largest peak of a process (VmHWM), of the first worker and of the others; share: of the
others' to the one process'. Goals: a ratio of at most {MOST_RATIO}, a share of at most {MOST_SHARE}. Imbalance: of the
seconds that workers trained, the most to the mean.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", default=["wordnet-hypernyms", "cve-product"])
    parser.add_argument("--data", help="folder of the sets (COPPICE_BENCH_DATA)")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "data sets")
    result = {"kind": "ranks", "machine": measure.machine(), "workers": arguments.workers, "rounds": arguments.rounds,
              "sets": {}}
    with tempfile.TemporaryDirectory(prefix="coppice_bench_") as place:
        for name in arguments.sets:
            result["sets"][name] = one_set(arguments, name, place)
            measure.save(result, os.path.join(arguments.out, "ranks.json"))
    with open(os.path.join(arguments.out, "ranks.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
