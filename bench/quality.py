#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What each setting of ours buys in quality, and what it costs in time: the curves that the defaults are chosen on.

bench/quality.py --mats FOLDER [SET ...] [--grid quick|full] [--settings FILE]

Works on the folders SET-split of FOLDER only: nine tenths of the training rows to learn from, the last tenth to judge.
The test rows are never looked at. What was measured before (results/quality-SET.json) is not measured again, so the
work can be stopped and taken up; --again starts anew. --settings: a JSON list of objects of flags, tried on top of the
grid. Writes results/quality.md and a drawing of each set's curve.
"""
import argparse
import os
import shutil
import tempfile

import measure
import quality_report
from quality_settings import PECOS_LIKE, described, grid

AT = "--at=1,3,5,10"


def kept(training, prediction):
    """Of one run, what the tables need."""
    metrics, tail = prediction["metrics"], prediction["metrics"]["bins"].get("tail", {})
    names = ("P@1", "P@3", "P@5", "nDCG@5", "PSP@1", "PSP@3", "PSP@5", "R@10")
    point = {name: round(metrics[name], 3) for name in names}
    point.update({"tail R@10": round(tail.get("R@10") or 0, 3), "cpu_seconds": round(training["total"]["cpu_seconds"], 3),
                  "wall_seconds": round(training["total"]["wall_seconds"], 3),
                  "index_cpu_seconds": round(training["index"]["cpu_seconds"], 3),
                  "peak_bytes": training["peak_bytes"], "model_bytes": training["model_bytes"],
                  "batch_cpu_us": round(prediction["batch_one_thread"]["cpu_us"], 2),
                  "single_p50_us": round(prediction["single"]["us"]["p50"], 2)})
    return point


def measure_point(arguments, mats, training_flags, searches, seed):
    """Trains once and predicts with each search; yields (search name, figures)."""
    xmr = measure.program(arguments.build, "coppice_bench_xmr")
    place = tempfile.mkdtemp(prefix="coppice_quality_", dir=arguments.scratch)
    fixed = [f"--mats={mats}", f"--threads={arguments.threads}", f"--model={place}/model.coppice"]
    try:
        training = measure.run_json([xmr, "--stage=train", f"--seed={seed}", *fixed, *measure.flags(training_flags)])
        for name, flags in {"": {}, **searches}.items():
            command = [xmr, "--stage=predict", AT, "--repeats=1", "--single-queries=1000", *fixed]
            yield name, kept(training["training"], measure.run_json(command + measure.flags(flags))["prediction"])
    finally:
        shutil.rmtree(place, ignore_errors=True)


def own_settings(path):
    if not path:
        return []
    return [(described(flags), {**PECOS_LIKE, **flags}, {}) for flags in measure.load(path)]


def our_defaults(arguments):
    """What `coppice train` takes for the options that PECOS_LIKE names."""
    program = measure.program(arguments.build, "coppice")
    resolved = measure.run_json([program, "train", "-", "-o", "-", "--print-config"])
    return {name: resolved[name] for name in PECOS_LIKE}


def stale(entry, flags):
    """Measured with other flags than this name stands for today."""
    return entry is not None and entry["flags"] != flags


def explore(name, arguments):
    mats = os.path.join(arguments.mats, name + "-split")
    path = os.path.join(arguments.out, f"quality-{name}.json")
    result = {"kind": "quality", "set": name, "points": {}}
    if os.path.exists(path) and not arguments.again:
        result = measure.load(path)
    result["machine"], result["threads"] = measure.machine(), arguments.threads
    for setting, flags, searches in [*grid(arguments.grid, our_defaults(arguments)), *own_settings(arguments.settings)]:
        for key in [k for k in result["points"] if k.split(";")[0] == setting and stale(result["points"][k], flags)]:
            del result["points"][key]
        for seed in range(arguments.seeds):
            wanted = [f"{setting}; {search}" if search else setting for search in ("", *searches)]
            if all(str(seed) in result["points"].get(w, {}).get("seeds", {}) for w in wanted):
                continue
            try:
                for search, point in measure_point(arguments, mats, flags, searches, seed):
                    key = f"{setting}; {search}" if search else setting
                    result["points"].setdefault(key, {"flags": flags, "seeds": {}})["seeds"][str(seed)] = point
                    measure.say(f"{name}: {key} (seed {seed}): {quality_report.line(point)}")
            except measure.Failed as failure:
                measure.say(f"{name}: {setting}: {failure}")
            measure.save(result, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", help="default: every SET with a folder SET-split")
    parser.add_argument("--mats", help="folder of the matrices (COPPICE_BENCH_MATS)")
    parser.add_argument("--grid", choices=("quick", "single", "full"), default="quick")
    parser.add_argument("--settings", help="JSON list of objects of flags")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="forget what was measured before")
    parser.add_argument("--scratch", help="folder for models on their way (default: the system's)")
    parser.add_argument("--tables-only", action="store_true", help="measure nothing, make the tables anew")
    arguments = parser.parse_args()
    if not arguments.tables_only:
        arguments.mats = measure.folder(arguments.mats, "COPPICE_BENCH_MATS", "matrices")
        found = sorted(x[:-len("-split")] for x in os.listdir(arguments.mats) if x.endswith("-split"))
        for name in arguments.sets or found:
            explore(name, arguments)
    quality_report.write(arguments.out)


if __name__ == "__main__":
    main()
