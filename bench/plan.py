#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How good `coppice train --plan` is: what it says about memory, size and time against what training then takes.

bench/plan.py --data FOLDER --mats FOLDER [--add] [SET ...]

A set is a folder of --data with texts, as in from_text.py, or one of --mats with X.trn.npz and Y.trn.npz, as in
compare.py; one folder suffices. A name that is in both means the texts. Writes results/plan.json and results/plan.md.

Sets are trained with the defaults; synthetic-huge with the settings of compare.py, as in huge.py, or it would take
hours.

Goals: memory never below what is measured and at most 25 % above, model size within 25 %, time within 50 %.
"""
import argparse
import json
import os
import sys
import tempfile

import measure
from compare import FIXED, SETTINGS
from report import table

OF_SEARCH = ("beam", "top_k")


def text_set(folder):
    """What `coppice train` is given; None where the folder holds no texts."""
    if os.path.exists(os.path.join(folder, "trn.txt")):
        return [f"{folder}/trn.txt", f"--label-names={folder}/labels.txt"]
    return None


def matrix_set(folder):
    if os.path.exists(os.path.join(folder, "X.trn.npz")):
        return [f"{folder}/X.trn.npz", f"--labels-path={folder}/Y.trn.npz"]
    return None


def find_sets(arguments):
    """Name -> what `coppice train` is given; of those that are not asked for by name, all texts and synthetic sets."""
    found = {}
    for folder, read in ((arguments.data, text_set), (arguments.mats, matrix_set)):
        for name in sorted(os.listdir(folder)) if folder else []:
            inputs = read(os.path.join(folder, name))
            if inputs and (name in arguments.sets or read is text_set or name.startswith("synthetic-")):
                found.setdefault(name, inputs)
    missing = [name for name in arguments.sets if name not in found]
    if missing:
        sys.exit(f"no such set: {', '.join(missing)}; looked in {arguments.data or '-'} and {arguments.mats or '-'}")
    return {name: found[name] for name in arguments.sets or found}


def settings_of(name):
    if name != "synthetic-huge":
        return []
    chosen = {key: value for key, value in {**FIXED, **SETTINGS}.items() if key not in OF_SEARCH}
    return measure.flags({key.replace("_", "-"): value for key, value in chosen.items()})


def plan_and_train(name, inputs, place, arguments):
    program = measure.program(arguments.build, "coppice")
    common = ["train", *inputs, *settings_of(name), f"--threads={arguments.threads}", "--quiet"]
    plan = measure.run_json([program, *common, "--plan", "--json"])
    model = os.path.join(place, "model.coppice")
    _, training = measure.run([program, *common, "-o", model])
    return {"plan": plan, "training": training, "model_bytes": os.path.getsize(model),
            "coppice": measure.machine()["coppice"]}


def row_of(name, found):
    plan, training = found["plan"], found["training"]
    memory = plan["peak_bytes"] / training["peak_bytes"]
    size = plan["model_bytes"] / found["model_bytes"]
    seconds = plan["reading_seconds"] + plan["index_seconds"] + plan["train_seconds"]
    time = seconds / training["wall_seconds"]

    def mark(ratio, lowest, highest):
        return f"{ratio:.2f}" + ("" if lowest <= ratio <= highest else " **missed**")
    return [name, f"{plan['peak_bytes'] / 1e6:.0f} / {training['peak_bytes'] / 1e6:.0f}", mark(memory, 1, 1.25),
            f"{plan['model_bytes'] / 1e6:.1f} / {found['model_bytes'] / 1e6:.1f}", mark(size, 0.75, 1.25),
            f"{seconds:.1f} / {training['wall_seconds']:.1f}", mark(time, 0.5, 1.5),
            f"{plan['process']['cpu_seconds'] / training['cpu_seconds']:.2f}", f"{100 * training['others']:.0f} %",
            found["coppice"]]


def write_table(result, folder):
    m = result["machine"]
    header = ["set", "peak MB, plan / run", "1 to 1.25", "model MB, plan / run", "0.75 to 1.25",
              "seconds, plan / run", "0.5 to 1.5", "CPU of plan over run", "taken by others", "Coppice"]
    with open(os.path.join(folder, "plan.md"), "w", encoding="utf-8") as file:
        file.write(f"# Plans and what came of them\n\nMade by `bench/plan.py`; do not edit. {m['date']}, {m['cpu']}, "
                   f"{m['cores']} cores, {result['threads']} threads. The synthetic sets are matrices, the others texts. "
                   "synthetic-huge (3,000,000 labels) with the settings of compare.py, the others with the "
                   "defaults.\n\n"
                   + table(header, [row_of(name, found) for name, found in result["sets"].items()]))


def optional_folder(given, variable, what):
    return measure.folder(given, variable, what) if given or os.environ.get(variable) else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", help="default: every set of --data, and every synthetic-* of --mats")
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    parser.add_argument("--mats", help="folder of the matrices (COPPICE_BENCH_MATS)")
    parser.add_argument("--add", action="store_true", help="keep the other sets of results/plan.json")
    parser.add_argument("--scratch", help="folder for models on their way (default: the system's)")
    arguments = parser.parse_args()
    arguments.data = optional_folder(arguments.data, "COPPICE_BENCH_DATA", "text sets")
    arguments.mats = optional_folder(arguments.mats, "COPPICE_BENCH_MATS", "matrices")
    if not arguments.data and not arguments.mats:
        parser.error("--data and --mats are missing, one suffices (bench/README.md says what they hold)")
    result = {"kind": "plan", "machine": measure.machine(), "threads": arguments.threads, "sets": {}}
    path = os.path.join(arguments.out, "plan.json")
    if arguments.add and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            result["sets"] = json.load(file)["sets"]
    for name, inputs in find_sets(arguments).items():
        with tempfile.TemporaryDirectory(prefix="coppice_plan_", dir=arguments.scratch) as place:
            result["sets"][name] = plan_and_train(name, inputs, place, arguments)
        measure.save(result, path)
        write_table(result, arguments.out)
        measure.say(f"{name}: done")


if __name__ == "__main__":
    main()
