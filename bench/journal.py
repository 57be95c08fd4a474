#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What it takes to write a run's events into the journal, against SQLite's own calls that insert the same rows.

bench/journal.py [--rounds 5] [--folder FOLDER]

Events of 2 KB, one a commit and in batches, at both durabilities, both ways in turns on the same disk; money set aside
for a call in three budgets, and settled; coroutines that commit one event after another, one alone and 1,000 side by
side. Goal: less than 25 microseconds for a commit of one event (median, durability "process"). Writes
results/journal.json and results/journal.md.
"""
import argparse
import os

import measure
from report import table

GOAL_MICROSECONDS = 25


def middle(runs, *path):
    def value(run):
        for key in path:
            run = run[key]
        return run
    return measure.median([value(run) for run in runs])


def commits_of(runs):
    for i, case in enumerate(runs[0]["commits"]):
        figures = {way: {"p50": middle(runs, "commits", i, way, "commit_microseconds", "p50"),
                         "p99": middle(runs, "commits", i, way, "commit_microseconds", "p99"),
                         "cpu": middle(runs, "commits", i, way, "cpu_microseconds_per_event")}
                   for way in ("ours", "bare")}
        yield {"durability": case["durability"], "events_per_commit": case["events_per_commit"], **figures}


def calls_of(runs):
    for i, case in enumerate(runs[0]["calls"]):
        yield {"durability": case["durability"], "budgets": case["budgets"],
               **{step: {"p50": middle(runs, "calls", i, step, "commit_microseconds", "p50"),
                         "cpu": middle(runs, "calls", i, step, "cpu_microseconds_per_event")}
                  for step in ("intend", "settle")}}


def coroutines_of(runs):
    for i, case in enumerate(runs[0]["coroutines"]):
        yield {"store": case["store"], "side_by_side": case["side_by_side"], "batches": case["batches"],
               "wall": middle(runs, "coroutines", i, "wall_microseconds_per_event"),
               "cpu": middle(runs, "coroutines", i, "cpu_microseconds_per_event")}


def commit_row(c):
    missed = c["durability"] == "process" and c["events_per_commit"] == 1 and c["ours"]["p50"] >= GOAL_MICROSECONDS
    cells = [f"{c[way][figure]:.1f}" for figure in ("p50", "p99", "cpu") for way in ("ours", "bare")]
    cells[0] += " **missed**" if missed else ""
    return [c["durability"], f"{c['events_per_commit']:.0f}", *cells]


def text_of(result):
    m = result["machine"]
    commits = table(["durability", "events", "p50, us", "bare", "p99, us", "bare", "CPU us an event", "bare"],
                    [commit_row(c) for c in result["commits"]])
    calls = table(["durability", "set aside: p50, us", "CPU us", "settled: p50, us", "CPU us"],
                  [[c["durability"], *[f"{c[step][figure]:.1f}" for step in ("intend", "settle")
                                       for figure in ("p50", "cpu")]] for c in result["calls"]])
    coroutines = table(["store", "side by side", "transactions", "us an event", "CPU us"],
                       [[c["store"], str(c["side_by_side"]), str(c["batches"]), f"{c['wall']:.2f}", f"{c['cpu']:.2f}"]
                        for c in result["coroutines"]])
    return (f"# The journal\n\nMade by `bench/journal.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, "
            f"Coppice {m['coppice']}, SQLite {result['sqlite']};\nothers took up to {100 * result['others']:.0f} % of "
            f"the cores. Medians of {result['rounds']} processes. Events of {result['payload_bytes']} bytes. Goal: "
            f"under {GOAL_MICROSECONDS} us for a commit of one\nevent at durability \"process\".\n\n"
            "## Commits, and SQLite's own calls that insert the same rows\n\n" + commits +
            "\n## Money set aside for a call in three budgets, and settled: a commit each\n\n" + calls +
            "\n## Coroutines that commit one event after another\n\n" + coroutines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="where the databases are made (the system's folder for temporary files)")
    arguments = parser.parse_args()
    program = measure.program(arguments.build, "coppice_bench_journal")
    flags = [f"--folder={arguments.folder}"] if arguments.folder else []
    runs = []
    for i in range(arguments.rounds):
        runs.append(measure.run_json([program, *flags]))
        measure.say(f"round {i + 1} of {arguments.rounds}")
    result = {"kind": "journal", "machine": measure.machine(), "rounds": arguments.rounds,
              "sqlite": runs[0]["sqlite"], "payload_bytes": runs[0]["payload_bytes"],
              "others": max(run["process"]["others"] for run in runs), "commits": list(commits_of(runs)),
              "calls": list(calls_of(runs)), "coroutines": list(coroutines_of(runs))}
    measure.save(result, os.path.join(arguments.out, "journal.json"))
    with open(os.path.join(arguments.out, "journal.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
