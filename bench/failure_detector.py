#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often the failure detector takes the living for dead, and how soon it notices a death, by phi.

bench/failure_detector.py --data FOLDER [--seconds 60]

Processes of coppice_bench_faults give signs of life by a store every 0.1 s and note when they see those of the others,
while as many threads compute gradients without a pause: a machine with four times as many busy threads as cores, and
one with as many as cores. None of them dies, so each suspicion is a false one. The recorded intervals are then given to the detector of
coppice/dist/failure_detector.h (here in Python, the same formulas), with each phi: false alarms by sign of life, and
the bound, the silence after which a death is noticed; and to a normal tail alone, as Akka has it, and an exponential
one alone, as Cassandra. Then the detector itself, of signs and of steps, watches trainings in which nobody dies: each
worker that is taken for dead is a false alarm. Writes results/failure_detector.json and results/failure_detector.md.
"""
import argparse
import math
import os
import statistics
import subprocess
import tempfile

import measure
from report import table

PHIS = (1, 2, 4, 8, 12, 16)
WINDOW, LEAST_DEVIATION, BEAT_SECONDS = 200, 0.1, 0.1


def normal_tail(y):
    if y < 20:
        return -math.log10(0.5 * math.erfc(y / math.sqrt(2)))
    return (y * y / 2 + math.log(y * math.sqrt(2 * math.pi))) / math.log(10)


def normal(seconds, mean, deviation):
    return normal_tail((seconds - mean) / deviation)


def exponential(seconds, mean, _):
    return seconds / mean / math.log(10)


def both(seconds, mean, deviation):
    return min(normal(seconds, mean, deviation), seconds / max(mean, deviation) / math.log(10))


MODELS = {"ours": both, "normal alone": normal, "exponential alone": exponential}


def bound_of(model, phi, mean, deviation):
    low, high = 0.0, 1.0
    while model(high, mean, deviation) < phi:
        high *= 2
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if model(middle, mean, deviation) < phi else (low, middle)
    return high


def replay(intervals):
    """For each model and phi: (signs of life, false alarms, sum of bounds)."""
    counts = {(name, phi): [0, 0, 0.0] for name in MODELS for phi in PHIS}
    window = [0.5 * BEAT_SECONDS, 1.5 * BEAT_SECONDS]
    for i, interval in enumerate(intervals):
        mean = sum(window) / len(window)
        deviation = max(LEAST_DEVIATION, math.sqrt(max(0, sum(x * x for x in window) / len(window) - mean * mean)))
        for (name, phi), count in counts.items():
            count[0] += 1
            count[1] += MODELS[name](interval, mean, deviation) >= phi
            if i % 50 == 0:
                count[2] += 50 * bound_of(MODELS[name], phi, mean, deviation)
        window = (window + [interval])[-WINDOW:]
    return counts


def record(arguments, workers):
    with tempfile.TemporaryDirectory() as folder:
        command = [measure.program(arguments.build, "coppice_bench_faults"), "--stage=beats",
                   f"--data={arguments.data}", f"--notes={folder}", f"--workers={workers}",
                   f"--seconds={arguments.seconds}", f"--beat_seconds={BEAT_SECONDS}"]
        subprocess.run(command, check=True)
        # Each pair of processes by itself; a sign that came while others had not begun yet is none.
        return [intervals[5:] for name in sorted(os.listdir(folder)) if name.endswith(".json")
                for intervals in measure.load(os.path.join(folder, name))["intervals"].values()]


def train(arguments, workers):
    """A training in which nobody dies, as a user would run it; who was taken for dead all the same."""
    with tempfile.TemporaryDirectory() as folder:
        command = [measure.program(arguments.build, "coppice_bench_faults"), f"--data={arguments.data}",
                   f"--notes={folder}", f"--workers={workers}", f"--epochs={arguments.epochs}", "--minibatch=32",
                   f"--group_size={workers // 2}", "--block=20", "--density=0.02", "--learning_rate=0.1"]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        reports = [measure.load(os.path.join(folder, name)) for name in os.listdir(folder) if name.endswith(".json")]
    seconds = max(report["seconds"] for report in reports)
    return {"workers": workers, "seconds": seconds, "steps": sum(report["steps"] for report in reports),
            "signs": seconds / BEAT_SECONDS * workers * (workers - 1),
            "falsely_lost": max(report["lost"] for report in reports),
            "longest_pause": max(report["longest_pause_seconds"] for report in reports)}


def judge(pairs):
    totals = {}
    for intervals in pairs:
        for key, count in replay(intervals).items():
            total = totals.setdefault(key, [0, 0, 0.0])
            for i, value in enumerate(count):
                total[i] += value
    every = sorted(x for intervals in pairs for x in intervals)
    return {"signs": len(every), "mean": statistics.mean(every), "median": every[len(every) // 2],
            "p999": every[int(0.999 * len(every))], "most": every[-1],
            "results": [{"model": name, "phi": phi, "alarms": alarms, "rate": alarms / signs, "bound": bounds / signs}
                        for (name, phi), (signs, alarms, bounds) in totals.items()]}


def text_of(result):
    m = result["machine"]
    parts = []
    for load in result["loads"]:
        rows = []
        for phi in PHIS:
            row = [str(phi)]
            for name in MODELS:
                one = next(r for r in load["results"] if r["model"] == name and r["phi"] == phi)
                row += [f"{one['alarms']:,}", f"{one['rate']:.1e}" if one["alarms"] else f"< {3 / load['signs']:.0e}",
                        f"{one['bound']:.2f} s"]
            rows.append(row)
        header = ["phi"] + [f"{name}: {what}" for name in MODELS for what in ("false alarms", "by sign", "bound")]
        parts.append(f"**{load['workers']} processes that compute all the time.** {load['signs']:,} signs of life, "
                     f"{load['mean']:.3f} s apart in the mean, {load['p999']:.2f} s at the 99.9th percentile, "
                     f"{load['most']:.2f} s at most.\n\n{table(header, rows)}")
    tables = "\n".join(parts)
    rows = [[str(t["workers"]), f"{t['seconds']:.0f}", f"{t['steps']:,}", f"{t['signs']:,.0f}", str(t["falsely_lost"]),
             f"{t['falsely_lost'] / t['steps']:.0e}" if t["falsely_lost"] else f"< {3 / t['steps']:.0e}",
             f"{t['longest_pause']:.2f}"] for t in result["trainings"]]
    trainings = table(["workers", "seconds", "steps of all", "signs of life, about", "taken for dead", "by step",
                       "longest time between two steps, s"], rows)
    return f"""# Signs of life, and what is taken for death

Made by `bench/failure_detector.py`; do not edit. {m['date']}, Coppice {m['coppice']}. Processes on one machine of
{m['cores']} cores give a sign of life every {BEAT_SECONDS} s over a store, see those of the others, and compute at the
same time; none dies, so each alarm is a false one. Bound: the silence after which a death is noticed, in the mean. Where
no false alarm was seen, the rate is below 3 by the number of signs with 95 % confidence.

{tables}
## In trainings

Nobody dies; signs of life and times of steps are watched as always (phi 8), and each loss is a false alarm.

{trainings}
## Machine

{m['cpu']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}; load at the start {result['load'][0]:.1f}.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--workers", default="2,8", help="numbers of processes")
    parser.add_argument("--epochs", type=int, default=100, help="of the trainings in which nobody dies")
    arguments = parser.parse_args()
    result = {"kind": "failure_detector", "machine": measure.machine(), "load": os.getloadavg(), "loads": []}
    for workers in (int(x) for x in arguments.workers.split(",")):
        result["loads"].append({"workers": workers, **judge(record(arguments, workers))})
    result["trainings"] = [train(arguments, int(workers)) for workers in arguments.workers.split(",")]
    measure.save(result, os.path.join(arguments.out, "failure_detector.json"))
    with open(os.path.join(arguments.out, "failure_detector.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
