#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Chains of nodes that add one to a number, by LangGraph: microseconds a run. One JSON object out.

langgraph_steps.py --folder FOLDER [--runs 200]
"""
import argparse
import importlib.metadata
import json
import os
import sqlite3
import statistics
import time
from typing import TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    x: int


def add_one(state):
    return {"x": state["x"] + 1}


def chain(steps, checkpointer):
    graph = StateGraph(State)
    for i in range(steps):
        graph.add_node(f"s{i}", add_one)
        graph.add_edge(f"s{i - 1}" if i > 0 else START, f"s{i}")
    graph.add_edge(f"s{steps - 1}", END)
    return graph.compile(checkpointer=checkpointer)


def microseconds(graph, steps, runs, durability):
    """Of each run; those of the first tenth warm up."""
    times = []
    for i in range(runs + runs // 10):
        config = {"recursion_limit": steps + 10, "configurable": {"thread_id": str(i)}}
        more = {"durability": durability} if durability else {}
        began = time.perf_counter()
        out = graph.invoke({"x": 0}, config, **more)
        times.append((time.perf_counter() - began) * 1e6)
        assert out["x"] == steps
    return times[runs // 10:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--runs", type=int, default=200)
    arguments = parser.parse_args()
    cases = {}
    for steps in (3, 10, 100):
        runs = max(arguments.runs // (1 if steps < 100 else 10), 10)
        times = {"in memory": microseconds(chain(steps, None), steps, runs, None)}
        path = os.path.join(arguments.folder, "coppice_bench_langgraph.db")
        with sqlite3.connect(path, check_same_thread=False) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            times["sqlite"] = microseconds(chain(steps, SqliteSaver(database)), steps, runs, "sync")
        database.close()
        for end in ("", "-wal", "-shm"):
            if os.path.exists(path + end):
                os.remove(path + end)
        for name, all_times in times.items():
            cases[f"{steps} steps, {name}"] = {"steps": steps, "runs": runs, "p50": statistics.median(all_times),
                                               "p99": sorted(all_times)[int(0.99 * len(all_times))]}
    print(json.dumps({"langgraph": importlib.metadata.version("langgraph"), "cases": cases}))


if __name__ == "__main__":
    main()
