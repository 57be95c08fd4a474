#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Eight workers of a training, of which some are killed at random moments: does it end, and with which error?

bench/faults.py --data FOLDER [--kills 50] [--stops 10]

FOLDER has trn.tsv and tst.tsv, a row `intent<TAB>text` each (clinc150). Workers are processes of coppice_bench_faults,
two groups of four, gradient threshold compression in groups and block momentum between them, a checkpoint every 5
blocks. Undisturbed runs with several seeds give the spread of the final error. Then one worker a run is killed with
kill -9 at a moment drawn at random, in every second run it is started again; and, with --stops, one is stopped
(SIGSTOP), as a machine that is cut off: there nothing but its silence tells. Writes results/faults.json and
results/faults.md.
"""
import argparse
import json
import math
import os
import random
import signal
import statistics
import subprocess
import tempfile
import time

import measure
from report import table

SETTINGS = {"epochs": 3, "minibatch": 32, "group_size": 4, "block": 20, "density": 0.02, "learning_rate": 0.4,
            "checkpoint_blocks": 5}


def notes_of(folder, suffix):
    return {name[:-len(suffix)]: os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(suffix)}


def process_of(folder, worker):
    """The process of a worker that was not started again, once it trains."""
    path = notes_of(folder, ".pid").get(f"{worker}.0")
    if not path:
        return None
    with open(path, encoding="utf-8") as file:
        return int(file.read())


def one_run(arguments, seed, fault, chance):
    """A training; `fault`: None, "kill", "restart" or "stop". What it came to."""
    with tempfile.TemporaryDirectory() as folder:
        command = [measure.program(arguments.build, "coppice_bench_faults"), f"--data={arguments.data}",
                   f"--notes={folder}", f"--checkpoint={folder}/checkpoints", f"--workers={arguments.workers}",
                   f"--seed={seed}", *measure.flags(SETTINGS)]
        if fault == "restart":
            command.append("--restarts=1")
        start = time.monotonic()
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            result = disturb(arguments, process, folder, fault, chance) if fault else {}
            try:
                process.wait(timeout=arguments.deadline)
            except subprocess.TimeoutExpired:
                process.kill()
        seconds = time.monotonic() - start
        workers = {name: measure.load(path) for name, path in notes_of(folder, ".json").items()}
    finished = [report for report in workers.values() if report["finished"]]
    errors = {report["error"] for report in finished}
    result.update(fault=fault, seed=seed, exit=process.returncode, seconds=round(seconds, 2), finished=len(finished),
                  same_model=len(errors) == 1, error=max(errors) if errors else None)
    for key in ("lost", "joined", "rewound", "regroup_seconds", "bound_seconds", "longest_pause_seconds",
                "checkpoint_seconds"):
        result[key] = max((report[key] for report in finished), default=None)
    return result


def disturb(arguments, process, folder, fault, chance):
    """Kills or stops a worker at a moment of the training. Which, and when."""
    worker = chance.randrange(arguments.workers)
    while process.poll() is None and len(notes_of(folder, ".pid")) < arguments.workers:
        time.sleep(0.01)
    after = chance.uniform(0, arguments.undisturbed_seconds)
    time.sleep(after)
    victim = process_of(folder, worker)
    if process.poll() is not None or os.path.exists(os.path.join(folder, f"{worker}.0.json")):
        return {"worker": worker, "after_seconds": round(after, 2), "struck": False}
    os.kill(victim, signal.SIGSTOP if fault == "stop" else signal.SIGKILL)
    if fault == "stop":
        # The training is over for the others when they have written what it came to; then the stopped one may end.
        deadline = time.monotonic() + arguments.deadline
        while len(notes_of(folder, ".json")) < arguments.workers - 1 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(victim, signal.SIGKILL)
    return {"worker": worker, "after_seconds": round(after, 2), "struck": True}


def spread(errors):
    return {"runs": len(errors), "mean": statistics.mean(errors), "deviation": statistics.stdev(errors),
            "least": min(errors), "most": max(errors)}


def half_width(values):
    """Of the interval of 95 % of the mean, by the normal distribution."""
    return 1.96 * statistics.stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.inf


def summary_of(result):
    runs, calm = result["runs"], [r for r in result["undisturbed"] if r["error"] is not None]
    around = spread([r["error"] for r in calm])
    same_seed = {r["seed"]: r["error"] for r in calm}
    rows = []
    for fault, what in ((None, "undisturbed"), ("kill", "kill -9"), ("restart", "kill -9, started again"),
                        ("stop", "stopped for good")):
        of = [r for r in (calm if fault is None else runs) if r["fault"] == fault]
        ended = [r for r in of if r["exit"] == 0 and r["same_model"]]
        if not ended:
            continue
        inside = [r for r in ended if abs(r["error"] - around["mean"]) <= 3 * around["deviation"]]
        more = [r["error"] - same_seed[r["seed"]] for r in ended if r["seed"] in same_seed]
        rows.append({"what": what, "more": statistics.mean(more), "more_half_width": half_width(more) if fault else 0, "runs": len(of), "struck": sum(r.get("struck", False) for r in of),
                     "ended": len(ended), "error": statistics.mean(r["error"] for r in ended),
                     "least": min(r["error"] for r in ended), "most": max(r["error"] for r in ended),
                     "inside": len(inside), "joined": sum(r["joined"] for r in ended),
                     "falsely_lost": sum(max(0, r["lost"] - r.get("struck", False)) for r in ended),
                     "seconds": statistics.median(r["seconds"] for r in ended),
                     "most_seconds": max(r["seconds"] for r in ended),
                     "pause": max(r["longest_pause_seconds"] for r in ended),
                     "median_pause": statistics.median(r["longest_pause_seconds"] for r in ended),
                     "bound": max(r["bound_seconds"] for r in ended)})
    return {"around": around, "rows": rows}


def text_of(result):
    m, s = result["machine"], summary_of(result)
    header = ["", "runs", "struck", "ended, one model on all", "error on test rows, mean (least to most)",
              "within 3 deviations", "more errors than the same seed undisturbed, points", "taken in again", "taken for dead though alive", "seconds, median (most)",
              "longest pause of a worker, median (most)", "detector's bound"]
    lines = [[str(x) for x in row] for row in ([r["what"], r["runs"], r["struck"], r["ended"],
              f"{100 * r['error']:.2f} % ({100 * r['least']:.2f} to {100 * r['most']:.2f})",
              f"{r['inside']} of {r['ended']}",
              "" if r["what"] == "undisturbed" else f"{100 * r['more']:+.2f} ± {100 * r['more_half_width']:.2f}",
              r["joined"], r["falsely_lost"],
              f"{r['seconds']:.1f} ({r['most_seconds']:.1f})", f"{r['median_pause']:.2f} ({r['pause']:.2f}) s",
              f"{r['bound']:.2f} s" if r["bound"] else ""] for r in s["rows"])]
    return f"""# Workers that are lost

Made by `bench/faults.py`; do not edit. {m['date']}, Coppice {m['coppice']}. {result['workers']} processes on one
machine of {m['cores']} cores, two groups of four, clinc150, {result['settings']['epochs']} epochs, blocks of
{result['settings']['block']} minibatches of {result['settings']['minibatch']} rows. One worker of each run is struck at
a moment drawn at random over the first four fifths of a run's length; one that was over by then is not struck. Undisturbed
runs differ by their seed: deviation {100 * s['around']['deviation']:.2f} points. With the same seed they give the same
bits. A pause: from the end of one step of a worker to the end of its next, so with noticing, agreeing, connecting, and
waiting for those who train their block again; the bound: the longest silence that was not taken for a death.

{table(header, lines)}
## Machine

{m['cpu']}, {m['cores']} cores, {m['memory_gb']} GB, {m['system']}; load at the start {result['load'][0]:.1f}: other
programs ran, so times are pessimistic.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--data", required=True)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--stops", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=10, help="undisturbed runs")
    parser.add_argument("--deadline", type=float, default=120, help="seconds after which a run counts as hung")
    parser.add_argument("--tables-only", action="store_true")
    arguments = parser.parse_args()
    path = os.path.join(arguments.out, "faults.json")
    if not arguments.tables_only:
        measure_all(arguments, path)
    with open(os.path.join(arguments.out, "faults.md"), "w", encoding="utf-8") as file:
        file.write(text_of(measure.load(path)))


def measure_all(arguments, path):
    result = {"kind": "faults", "machine": measure.machine(), "load": os.getloadavg(), "settings": SETTINGS,
              "workers": arguments.workers, "undisturbed": [], "runs": []}
    for seed in range(arguments.seeds):
        result["undisturbed"].append(one_run(arguments, seed, None, None))
        print(json.dumps(result["undisturbed"][-1]), flush=True)
    chance = random.Random(1)
    faults = ["kill" if i % 2 == 0 else "restart" for i in range(arguments.kills)] + ["stop"] * arguments.stops
    for i, fault in enumerate(faults):
        # Other programs come and go: what runs took lately says how long this one will take.
        lately = [r["seconds"] for r in (result["undisturbed"] + result["runs"])[-7:]]
        arguments.undisturbed_seconds = 0.8 * statistics.median(lately)
        result["runs"].append(one_run(arguments, i % arguments.seeds, fault, chance))
        print(json.dumps(result["runs"][-1]), flush=True)
        measure.save(result, path)


if __name__ == "__main__":
    main()
