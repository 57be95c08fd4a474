#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the engine itself takes for a step of a workflow, in memory and with a journal on disk.

bench/flow_steps.py [--rounds 5] [--runs 400] [--folder FOLDER] [--peer-python PYTHON]

Whole runs of 1, 3, 10 and 100 steps that add one to a number, timed from outside: a chain, all side by side, and items
of one step. Four kinds of steps: `template`, computed on the spot (what such steps put out is written at the end of a
turn of the event loop, all together: they can be computed again); `turn`, which waits for a turn of the event loop as
whatever waits does, so that each step is committed before the next one does its work (looked at by a second reader of
the journal, apart from the measured runs); `act`, which does something to the world: a commit before it and one after;
`thread`, done by a thread beside the loop. A step's time is the difference of runs of 100 and of 3 steps; what is left
is the run's own. Goals: under 4 us a step in memory (template, turn), under 60 us a step that is committed before the
next one (turn, SQLite, durability "process"), medians.

With --peer-python (COPPICE_BENCH_LANGGRAPH_PYTHON): the same chains in LangGraph, in turns with ours, without a
checkpointer, and with its SqliteSaver on the same disk, which writes a checkpoint after each step. Where the build found
NeoGraph (coppice_bench_peer_neograph): the same with it, and with its checkpoints in memory, too.
Writes results/flow_steps.json and results/flow_steps.md.
"""
import argparse
import os
import tempfile

import measure
from report import table

GOAL_MEMORY, GOAL_DURABLE = 4, 60
GOALS = {("chain", "template", "memory"): GOAL_MEMORY, ("chain", "turn", "memory"): GOAL_MEMORY,
         ("wide", "template", "memory"): GOAL_MEMORY, ("chain", "turn", "sqlite"): GOAL_DURABLE}

ABOUT = {
    "LangGraph": "A step there is a node of a StateGraph, a Python function that adds one; compiled once, invoked for each "
                 "run. sqlite: its\nSqliteSaver, WAL, synchronous NORMAL, which is asked to write before the next step "
                 "(durability \"sync\").",
    "NeoGraph": "A step there is a C++ function (SyncGraphNode) that adds one. in memory: no run leaves anything behind, "
                "where ours keeps\nevents that can be shown and forked; checkpoints in memory: its "
                "InMemoryCheckpointStore; sqlite: its SqliteCheckpointStore,\nWAL, synchronous NORMAL. A new store for "
                "each 20 runs, as for ours."}


def key_of(case):
    return case["shape"], case["kind"], case["store"]


def cases_of(runs):
    """Medians over the processes, by shape, kind and store: a figure for each number of steps."""
    found = {}
    for i, case in enumerate(runs[0]["cases"]):
        found.setdefault(key_of(case), {})[case["steps"]] = {
            "p50": measure.median([run["cases"][i]["run_microseconds"]["p50"] for run in runs]),
            "p99": measure.median([run["cases"][i]["run_microseconds"]["p99"] for run in runs]),
            "cpu": measure.median([run["cases"][i]["cpu_microseconds_per_run"] for run in runs])}
    return [{"shape": shape, "kind": kind, "store": store, "runs": by_steps, **slopes(by_steps)}
            for (shape, kind, store), by_steps in found.items()]


def slopes(by_steps):
    few, many = (3 if 3 in by_steps else 10), 100
    def of(figure):
        return (by_steps[many][figure] - by_steps[few][figure]) / (many - few)
    return {"step_microseconds": of("p50"), "step_cpu_microseconds": of("cpu"),
            "run_microseconds": by_steps[few]["p50"] - few * of("p50")}


def peer_of(rounds, peer):
    """A peer beside ours, of the same rounds: medians."""
    rows = []
    for name in rounds[0][peer]["cases"]:
        steps = rounds[0][peer]["cases"][name]["steps"]
        kind, store = ("turn", "sqlite") if "sqlite" in name else ("template", "memory")
        def ours(run):
            return next(c["run_microseconds"]["p50"] for c in run["ours"]["cases"]
                        if key_of(c) == ("chain", kind, store) and c["steps"] == steps)
        rows.append({"name": name, "steps": steps,
                     "peer": measure.median([r[peer]["cases"][name]["p50"] for r in rounds]),
                     "ours": measure.median([ours(r) for r in rounds]),
                     "ratio": measure.median([r[peer]["cases"][name]["p50"] / ours(r) for r in rounds])})
    return sorted(rows, key=lambda row: row["steps"])


def case_row(case):
    goal = GOALS.get(key_of(case))
    cells = [f"{case['runs'][n]['p50']:.0f}" if n in case["runs"] else "" for n in (1, 3, 10, 100)]
    missed = " **missed**" if goal and case["step_microseconds"] >= goal else ""
    return [case["shape"], case["kind"], case["store"], f"{case['step_microseconds']:.2f}{missed}",
            f"{case['step_cpu_microseconds']:.2f}", f"{case['run_microseconds']:.0f}", *cells]


def text_of(result):
    m = result["machine"]
    head = (f"# What the engine takes for a step\n\nMade by `bench/flow_steps.py`; do not edit. {m['date']}, {m['cpu']}, "
            f"{m['cores']} cores, Coppice {m['coppice']}, SQLite {result['sqlite']};\nothers took up to "
            f"{100 * result['others']:.0f} % of the cores. Medians of {result['rounds']} processes, microseconds. Steps that "
            "add one to a number. Durability \"process\". Goals:\nunder 4 us a step in memory, under 60 us a step that is "
            "committed before the next one begins (chain, turn, sqlite).\nOf the chains of 100 `turn` and of 100 `act`, "
            f"{result['not_yet_durable']['turn']} and {result['not_yet_durable']['act']} steps did their work before those "
            "before them were on disk.\n\nA step's time is the difference of runs of 100 and 3 (10) steps; the run's own is "
            "the rest. Where others take the cores,\nruns of several milliseconds are "
            "interrupted, and their CPU time tells more (`act` on disk: two commits, which set money\naside and settle it).\n\n")
    made = head + table(["shape", "kind", "journal", "us a step", "CPU us a step", "us a run", "run of 1", "of 3", "of 10",
                         "of 100"], [case_row(case) for case in result["cases"]])
    for peer in result["peers"]:
        made += (f"\n## The same chains in {peer['name']} {peer['version']}\n\n{ABOUT[peer['name']]}\n\n" +
                 table(["chain", f"{peer['name']}, us a run", "ours", "times"],
                       [[row["name"], f"{row['peer']:.1f}", f"{row['ours']:.1f}", f"{row['ratio']:.2g}"]
                        for row in peer["chains"]]))
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--folder", help="where the journals are made (the system's folder for temporary files)")
    parser.add_argument("--peer-python", default=os.environ.get("COPPICE_BENCH_LANGGRAPH_PYTHON"),
                        help="python of the environment with langgraph (COPPICE_BENCH_LANGGRAPH_PYTHON)")
    arguments = parser.parse_args()
    program = measure.program(arguments.build, "coppice_bench_flow_steps")
    neograph = os.path.join(os.path.dirname(program), "coppice_bench_peer_neograph")
    folder = arguments.folder or tempfile.gettempdir()
    rounds = []
    for i in range(arguments.rounds):
        rounds.append({"ours": measure.run_json([program, f"--runs={arguments.runs}", f"--folder={folder}"])})
        if arguments.peer_python:
            script = os.path.join(measure.ROOT, "bench", "peers", "langgraph_steps.py")
            rounds[-1]["LangGraph"] = measure.run_json([arguments.peer_python, script, "--folder", folder])
        if os.path.exists(neograph):
            rounds[-1]["NeoGraph"] = measure.run_json([neograph, f"--runs={arguments.runs}", f"--folder={folder}"])
        measure.say(f"round {i + 1} of {arguments.rounds}")
    runs = [r["ours"] for r in rounds]
    result = {"kind": "flow_steps", "machine": measure.machine(), "rounds": arguments.rounds, "sqlite": runs[0]["sqlite"],
              "others": max(run["process"]["others"] for run in runs), "cases": cases_of(runs),
              "not_yet_durable": {kind: max(run["steps_not_yet_durable"][kind] for run in runs)
                                  for kind in ("turn", "act")}}
    result["peers"] = [{"name": peer, "version": rounds[0][peer][peer.lower()], "chains": peer_of(rounds, peer)}
                       for peer in ("LangGraph", "NeoGraph") if peer in rounds[0]]
    measure.save(result, os.path.join(arguments.out, "flow_steps.json"))
    with open(os.path.join(arguments.out, "flow_steps.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
