#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""One step asks a model 10,000 times, 1,000 calls in flight: memory and processor time of `coppice flow run`.

bench/foreach.py [--rounds 3] [--calls 10000] [--in-flight 1000] [--folder FOLDER]

The model is a stand-in in another process that answers each call after a second. All is journalled in SQLite: what is
asked and set aside before each call, what was answered after it, each output. Goals: under 200 MB at the most, and
under 150 microseconds of processor time a call, journal and all. Each answer is held against what was asked, in the
result and in the journal's own tables. Runs of no calls tell what starting, reading the input and ending take. Writes
results/foreach.json and results/foreach.md.
"""
import argparse
import json
import os
import sqlite3
import sys
import tempfile

import measure
from report import table
from stand_in import ANSWER, StandIn

GOAL_BYTES, GOAL_MICROSECONDS = 200e6, 150
CALL_ANSWERED, STEP_DONE = 4, 7  # EventKind of coppice/flow/journal/journal.h
MODEL = {"price": {"input_cost_per_token": 1e-7, "output_cost_per_token": 4e-7},
         "speed": {"first_token_seconds": 1.0}}


def workflow(url, in_flight, stream):
    return {"workflow": "foreach", "endpoints": {"local": {"url": url, "concurrency": in_flight}},
            "models": {"small": {"endpoint": "local", "model": "small", "max_output_tokens": 100}},
            "prices": {"small": MODEL["price"]}, "budget": {"run": 10, "day": 1000},
            "steps": {"ask": {"kind": "llm", "foreach": "{{ inputs.list }}",
                              "with": {"model": "small", "prompt": "Question {{ item }}?", "stream": stream}}},
            "outputs": {"result": "{{ steps.ask.output }}"}}


def expect_answers(given, result, journal):
    """Each asked once, answered rightly, in the result and on disk."""
    wanted = [f"Answer {item}." for item in given]
    if result["result"] != wanted:
        sys.exit("an answer in the result is wrong")
    with sqlite3.connect(f"file:{journal}?mode=ro", uri=True) as database:
        done = database.execute("SELECT item, payload FROM events WHERE kind = ? ORDER BY item", (STEP_DONE,)).fetchall()
        answered = database.execute("SELECT count(*), count(DISTINCT item) FROM events WHERE kind = ?",
                                    (CALL_ANSWERED,)).fetchone()
        held = database.execute("SELECT count(*) FROM reservations").fetchone()[0]
    database.close()
    if [json.loads(payload)["output"] for _, payload in done] != wanted:
        sys.exit("an output in the journal is wrong")
    if answered != (len(given), len(given)) or held != 0:
        sys.exit(f"the journal has {answered} answers and {held} reservations")


def one_run(arguments, stand_in, calls, stream):
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        given = [f"number {i}" for i in range(calls)]
        flow, given_path, journal = (os.path.join(folder, name) for name in ("flow.json", "input.json", "runs.db"))
        for path, what in ((flow, workflow(stand_in.url, arguments.in_flight, stream)), (given_path, {"list": given})):
            with open(path, "w", encoding="utf-8") as file:
                json.dump(what, file)
        before = stand_in.cpu_seconds()
        text, process = measure.run([arguments.program, "flow", "run", flow, "--input", given_path, "--journal", journal,
                                     "--json", "--quiet"])
        server = stand_in.cpu_seconds() - before
        # What the server took is no other's.
        share = server / (process["wall_seconds"] * os.cpu_count())
        process["others"] = round(max(0.0, process["others"] - share), 3)
        result = json.loads(text)
        if calls > 0:
            expect_answers(given, result, journal)
        return {"calls": calls, "seconds": result["seconds"], "journal_bytes": os.path.getsize(journal),
                "server_cpu_seconds": round(server, 3), "process": process}


def case_of(arguments, name, stream):
    runs, empty = [], []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder, \
            StandIn(arguments.program, folder, {"models": {"small": MODEL}, "answers": ANSWER}) as stand_in:
        for i in range(arguments.rounds):
            empty.append(one_run(arguments, stand_in, 0, stream))
            runs.append(one_run(arguments, stand_in, arguments.calls, stream))
            cpu = runs[-1]["process"]["cpu_seconds"] / arguments.calls * 1e6
            measure.say(f"{name}, round {i + 1}: {cpu:.0f} us a call, {runs[-1]['process']['peak_bytes'] / 1e6:.0f} MB")
    per_call = 1e6 / arguments.calls
    nothing = measure.median([run["process"]["cpu_seconds"] for run in empty])
    return {"name": name, "runs": runs,
            "cpu_microseconds_per_call": measure.median([r["process"]["cpu_seconds"] * per_call for r in runs]),
            "server_cpu_microseconds_per_call": measure.median([r["server_cpu_seconds"] * per_call for r in runs]),
            "cpu_seconds_of_no_calls": nothing,
            "peak_bytes": max(run["process"]["peak_bytes"] for run in runs),
            "seconds": measure.median([run["seconds"] for run in runs])}


def text_of(result):
    m = result["machine"]
    def marked(value, is_reached):
        return value if is_reached else value + " **missed**"
    rows = [[c["name"], marked(f"{c['cpu_microseconds_per_call']:.0f}", c["cpu_microseconds_per_call"] < GOAL_MICROSECONDS),
             marked(f"{c['peak_bytes'] / 1e6:.0f}", c["peak_bytes"] < GOAL_BYTES), f"{c['seconds']:.1f}",
             f"{c['server_cpu_microseconds_per_call']:.0f}", f"{c['runs'][0]['journal_bytes'] / 1e6:.1f}"]
            for c in result["cases"]]
    return (f"# A step of {result['calls']:,} calls\n\nMade by `bench/foreach.py`; do not edit. {m['date']}, {m['cpu']}, "
            f"{m['cores']} cores, Coppice {m['coppice']};\nothers took up to {100 * result['others']:.0f} % of the cores. "
            f"Medians of {result['rounds']} runs, memory the most of them. {result['in_flight']:,} calls in flight, each\n"
            f"answered after a second by a stand-in in another process; journal SQLite, durability \"process\", budgets of\n"
            f"run and day. Processor time is all that `coppice flow run` takes, from start to end. All answers were right,\n"
            f"and in the journal. Goals: under {GOAL_MICROSECONDS} us of CPU a call and {GOAL_BYTES / 1e6:.0f} MB.\n\n" +
            table(["answers come", "CPU us a call", "peak MB", "seconds", "CPU us a call of the stand-in", "journal MB"],
                  rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--in-flight", type=int, default=1000)
    parser.add_argument("--folder", help="where journals are made (the system's folder for temporary files)")
    arguments = parser.parse_args()
    arguments.program = measure.program(arguments.build, "coppice")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:arguments.threads])  # the stand-in's, too
    cases = [case_of(arguments, name, stream) for name, stream in (("whole", False), ("as a stream", True))]
    result = {"kind": "foreach", "machine": measure.machine(), "rounds": arguments.rounds, "calls": arguments.calls,
              "in_flight": arguments.in_flight, "cases": cases,
              "others": max(run["process"]["others"] for case in cases for run in case["runs"])}
    measure.save(result, os.path.join(arguments.out, "foreach.json"))
    with open(os.path.join(arguments.out, "foreach.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
