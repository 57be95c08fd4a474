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


STUDENT = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}  # of 95 %


def more_than_undisturbed(runs, same_seed):
    """More errors than the undisturbed run of the same seed: the mean over the seeds of the means of each seed, whose
    runs are much alike, and half the width of its interval of 95 %."""
    of_seeds = {}
    for run in runs:
        if run["seed"] in same_seed:
            of_seeds.setdefault(run["seed"], []).append(run["error"] - same_seed[run["seed"]])
    means = [statistics.mean(more) for more in of_seeds.values()]
    if len(means) < 2:
        return statistics.mean(means), math.inf
    return statistics.mean(means), STUDENT[len(means) - 1] * statistics.stdev(means) / math.sqrt(len(means))


def row_of(what, runs, around, same_seed):
    ended = [r for r in runs if r["exit"] == 0 and r["same_model"]]
    more, half_width = more_than_undisturbed(ended, same_seed)
    errors, pauses = [r["error"] for r in ended], [r["longest_pause_seconds"] for r in ended]
    return {"what": what, "runs": len(runs), "struck": sum(r.get("struck", False) for r in runs), "ended": len(ended),
            "more": more, "more_half_width": half_width, "seeds": len({r["seed"] for r in ended}),
            "error": statistics.mean(errors), "least": min(errors), "most": max(errors),
            "inside": sum(abs(error - around["mean"]) <= 3 * around["deviation"] for error in errors),
            "joined": sum(r["joined"] for r in ended),
            "falsely_lost": sum(max(0, r["lost"] - r.get("struck", False)) for r in ended),
            "seconds": statistics.median(r["seconds"] for r in ended), "most_seconds": max(r["seconds"] for r in ended),
            "pause": max(pauses), "median_pause": statistics.median(pauses),
            "bound": max(r["bound_seconds"] for r in ended)}


def summary_of(result):
    runs, calm = result["runs"], [r for r in result["undisturbed"] if r["error"] is not None]
    around = spread([r["error"] for r in calm])
    same_seed = {r["seed"]: r["error"] for r in calm}
    rows = [row_of("undisturbed", calm, around, same_seed)]
    for fault, what in (("kill", "kill -9"), ("restart", "kill -9, started again"), ("stop", "stopped for good")):
        of = [r for r in runs if r["fault"] == fault]
        if any(r["exit"] == 0 and r["same_model"] for r in of):
            rows.append(row_of(what, of, around, same_seed))
    return {"around": around, "rows": rows}


def more_text(row):
    if row["what"] == "undisturbed":
        return ""
    more, half_width = 100 * row["more"], 100 * row["more_half_width"]
    undecided = ", undecided" if abs(more) < half_width else ""
    return f"{more:+.2f} ± {half_width:.2f} ({row['seeds']} seeds){undecided}"


def line_of(row):
    return [row["what"], str(row["runs"]), str(row["struck"]), str(row["ended"]),
            f"{100 * row['error']:.2f} % ({100 * row['least']:.2f} to {100 * row['most']:.2f})",
            f"{row['inside']} of {row['ended']}", more_text(row), str(row["joined"]), str(row["falsely_lost"]),
            f"{row['seconds']:.1f} ({row['most_seconds']:.1f})", f"{row['median_pause']:.2f} ({row['pause']:.2f}) s",
            f"{row['bound']:.2f} s" if row["bound"] else ""]


def text_of(result):
    m, s = result["machine"], summary_of(result)
    header = ["", "runs", "struck", "ended, one model on all", "error on test rows, mean (least to most)",
              "within 3 deviations", "more errors than the same seed undisturbed, points", "taken in again",
              "taken for dead though alive", "seconds, median (most)", "longest pause of a worker, median (most)",
              "detector's bound"]
    return f"""# Workers that are lost

Made by `bench/faults.py`; do not edit. {m['date']}, Coppice {m['coppice']}. {result['workers']} processes on one
machine of {m['cores']} cores, two groups of four, clinc150, {result['settings']['epochs']} epochs, blocks of
{result['settings']['block']} minibatches of {result['settings']['minibatch']} rows. One worker of each run is struck at
a moment drawn at random over the first four fifths of a run's length; one that was over by then is not struck. Undisturbed
runs differ by their seed: deviation {100 * s['around']['deviation']:.2f} points. With the same seed they give the same
bits. A pause: from the end of one step of a worker to the end of its next, so with noticing, agreeing, connecting, and
waiting for those who train their block again, and so longer than the silence by which a death was noticed; the bound:
the longest silence that was not taken for a death. Runs of one seed are much alike: intervals are of 95 %, over the seeds.

{table(header, [line_of(row) for row in s["rows"]])}
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
        result["runs"].append(one_run(arguments, i // 2 % arguments.seeds, fault, chance))
        print(json.dumps(result["runs"][-1]), flush=True)
        measure.save(result, path)


if __name__ == "__main__":
    main()
