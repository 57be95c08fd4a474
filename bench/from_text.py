#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From raw text to ranked labels: `coppice train` with our defaults against PECOS with its own, in turns.

bench/from_text.py --data FOLDER --peer-python PYTHON [SET ...]

A set is a folder of FOLDER with trn.txt and tst.txt, a row "id,id<TAB>text" each, and labels.txt with a name a line.
PECOS runs twice: on the text as it is (raw) and after the preparation that its users do themselves (words). Ours must
reach the goals (PECOS' best settings where they are known, else its better row) in less time than its default takes;
the constants below say how closely. Writes results/from_text.json and results/from_text.md.
"""
import argparse
import os
import shutil
import tempfile

import measure
from measure import median
from report import table

PEER = os.path.join(measure.ROOT, "bench", "peers", "pecos_from_text.py")
KS = ("P@1", "P@3", "P@5")
PSPS = ("PSP@1", "PSP@3", "PSP@5")
TAIL = "tail R@10"
P_SLACK, TAIL_SLACK = 0.05, 0.2  # points: the goals have one decimal; the other is what compare.py allows, too
# PECOS with its best settings on test rows: negatives tfn+man, or leaf 400, or Cp = 3, whichever is best at each depth.
GOALS = {"cve-product": (84.5, 40.7, 27.5), "tldr-multi": (49.1, 20.0, 12.7), "wordnet-hypernyms": (97.3, 86.9, 79.3)}


def run_coppice(data, seed, place, arguments):
    program = measure.program(arguments.build, "coppice")
    threads, names = f"--threads={arguments.threads}", f"--label-names={data}/labels.txt"
    model = f"{place}/model.coppice"
    _, training = measure.run([program, "train", f"{data}/trn.txt", "-o", model, "--quiet", names, threads,
                               f"--seed={seed}", *arguments.flags])
    metrics = measure.run_json([program, "evaluate", model, f"{data}/tst.txt", "--json", "--quiet", "--at=1,3,5,10",
                                names, threads])
    metrics.pop("process")
    return {"training": training, "model_bytes": os.path.getsize(model), "metrics": metrics}


def run_pecos(data, mode, seed, place, arguments):
    report = measure.run_json([arguments.peer_python, PEER, "--data", data, "--mode", mode, "--out", place,
                               "--seed", str(seed), "--threads", str(arguments.threads)])
    judged = measure.run_json([measure.program(arguments.build, "coppice_bench_xmr"), "--stage=judge", "--at=1,3,5,10",
                               f"--mats={place}", f"--predictions={place}/predictions.npz"])
    total = report["total"]
    return {"training": {**total, "peak_bytes": report["peak_bytes"], "others": report["process"]["others"]},
            "parts": {key: report[key] for key in ("reading", "vectorize", "model")}, "metrics": judged["metrics"]}


def one_round(data, seed, arguments):
    place = tempfile.mkdtemp(prefix="coppice_bench_", dir=arguments.scratch)
    try:
        result = {"seed": seed, "coppice": run_coppice(data, seed, place, arguments)}
        for mode in ("raw", "words"):
            result["pecos " + mode] = run_pecos(data, mode, seed, place, arguments)
        return result
    finally:
        shutil.rmtree(place, ignore_errors=True)


def metric(metrics, name):
    """A mean over all labels, or "tail R@10" over those with at most 5 training rows; None where a set has none."""
    bin_name, _, of_bin = name.rpartition(" ")
    return metrics["bins"][bin_name].get(of_bin) if bin_name else metrics[name]


def mean(rounds, side, name):
    values = [metric(r[side]["metrics"], name) for r in rounds]
    return None if None in values else sum(values) / len(values)


def figures(rounds, side):
    return {**{name: mean(rounds, side, name) for name in (*KS, *PSPS, TAIL, "R@10")},
            **{key: median([r[side]["training"][key] for r in rounds])
               for key in ("wall_seconds", "cpu_seconds", "peak_bytes")}}


def verdicts(name, ours, peers):
    best = [max(p[k] for p in peers) for k in KS]
    goal = GOALS.get(name, best)
    said = [f"{k} missed by {g - ours[k]:.2f}" for k, g in zip(KS, goal) if ours[k] < g - P_SLACK]
    said += [f"{k} {max(p[k] for p in peers) - ours[k]:.2f} below" for k in (*PSPS, TAIL)
             if ours[k] is not None and ours[k] < max(p[k] for p in peers) - TAIL_SLACK]
    if ours["cpu_seconds"] >= min(p["cpu_seconds"] for p in peers):
        said.append("slower than PECOS' default")
    return "/".join(f"{g:.1f}" for g in goal), "reached" if not said else "**missed**: " + "; ".join(said)


RULE = f"""Goal: P@1/3/5 of PECOS with its best settings where those are known ({", ".join(GOALS)}),
else of its better row. "reached" when

- P@1, P@3 and P@5 are no more than {P_SLACK} points below the goal,
- PSP@1, PSP@3, PSP@5 and tail R@10 are no more than {TAIL_SLACK} points below PECOS' better row,
- CPU seconds are less than those of PECOS' quicker row; wall time is shown, but plays no part in it."""


def write_table(result, folder):
    rows = []
    for name, rounds in result["sets"].items():
        sides = {side: figures(rounds, side) for side in ("coppice", "pecos raw", "pecos words")}
        goal, verdict = verdicts(name, sides["coppice"], [sides["pecos raw"], sides["pecos words"]])
        for side, f in sides.items():
            rows.append([name, len(rounds), side, "/".join(f"{f[k]:.2f}" for k in KS), "/".join(f"{f[k]:.2f}" for k in PSPS),
                         f"{f['R@10']:.2f}", "-" if f[TAIL] is None else f"{f[TAIL]:.2f}",
                         f"{f['wall_seconds']:.1f}", f"{f['cpu_seconds']:.1f}",
                         f"{f['peak_bytes'] / 1e6:.0f}", *((goal, verdict) if side == "coppice" else ("", ""))])
    m = result["machine"]
    header = ["set", "seeds", "who", "P@1/3/5", "PSP@1/3/5", "R@10", "tail R@10", "wall s", "CPU s", "peak MB", "goal", ""]
    others = max(r[side]["training"]["others"] for rounds in result["sets"].values() for r in rounds
                 for side in ("coppice", "pecos raw", "pecos words"))
    text = (f"# From raw text, each with its defaults\n\nMade by `bench/from_text.py`; do not edit. Seconds of "
            f"reading, vectorizing and training; tail: labels with at most 5 training rows; "
            f"means over the seeds. {m['date']}, {m['cpu']}, {m['cores']} cores, "
            f"{m['memory_gb']:.0f} GB, {result['threads']} threads, "
            f"Coppice {m['coppice']}, libpecos {result['versions']['libpecos']}; "
            f"others took up to {100 * others:.0f} % of the cores."
            + (f" Flags beyond the defaults: {' '.join(result['flags'])}." if result["flags"] else "") + f"\n\n{RULE}\n\n"
            + table(header, rows))
    with open(os.path.join(folder, "from_text.md"), "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser)
    parser.add_argument("sets", nargs="*", help="default: every folder of --data")
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each with a seed of its own")
    parser.add_argument("--scratch", help="folder for models on their way (default: the system's)")
    parser.add_argument("--flags", nargs="*", default=[], metavar="name=value",
                        help="flags for coppice train, tried out")
    arguments = parser.parse_args()
    arguments.flags = ["--" + flag for flag in arguments.flags]
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "text sets")
    if not arguments.peer_python:
        parser.error("--peer-python is missing (bench/README.md says how to set the peer up)")
    about = measure.run_json([arguments.peer_python, os.path.join(os.path.dirname(PEER), "pecos_xmr.py"), "library"])
    result = {"kind": "from_text", "machine": measure.machine(), "threads": arguments.threads, "flags": arguments.flags,
              "versions": {key: about[key] for key in ("libpecos", "numpy", "scipy")}, "sets": {}}
    for name in arguments.sets or sorted(os.listdir(arguments.data)):
        data = os.path.join(arguments.data, name)
        if not os.path.exists(os.path.join(data, "tst.txt")):
            continue
        for seed in range(arguments.rounds):
            result["sets"].setdefault(name, []).append(one_round(data, seed, arguments))
            measure.save(result, os.path.join(arguments.out, "from_text.json"))
            write_table(result, arguments.out)
        measure.say(f"{name}: done")


if __name__ == "__main__":
    main()
