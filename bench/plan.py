#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How good `coppice train --plan` is: what it says about memory, size and time against what training then takes.

bench/plan.py --data FOLDER [SET ...]      Sets as in from_text.py. Writes results/plan.json and results/plan.md.

Goals: memory never below what is measured and at most 25 % above, model size within 25 %, time within 50 %.
"""
import argparse
import os
import tempfile

import measure
from report import table


def plan_and_train(data, place, arguments):
    program = measure.program(arguments.build, "coppice")
    common = ["train", f"{data}/trn.txt", f"--label-names={data}/labels.txt", f"--threads={arguments.threads}",
              "--quiet"]
    plan = measure.run_json([program, *common, "--plan", "--json"])
    model = os.path.join(place, "model.coppice")
    _, training = measure.run([program, *common, "-o", model])
    return {"plan": plan, "training": training, "model_bytes": os.path.getsize(model)}


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
            f"{plan['process']['cpu_seconds'] / training['cpu_seconds']:.2f}", f"{100 * training['others']:.0f} %"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", help="default: every folder of --data")
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "text sets")
    result = {"kind": "plan", "machine": measure.machine(), "threads": arguments.threads, "sets": {}}
    for name in arguments.sets or sorted(os.listdir(arguments.data)):
        data = os.path.join(arguments.data, name)
        if not os.path.exists(os.path.join(data, "trn.txt")):
            continue
        with tempfile.TemporaryDirectory(prefix="coppice_plan_") as place:
            result["sets"][name] = plan_and_train(data, place, arguments)
        measure.save(result, os.path.join(arguments.out, "plan.json"))
    m = result["machine"]
    header = ["set", "peak MB, plan / run", "1 to 1.25", "model MB, plan / run", "0.75 to 1.25",
              "seconds, plan / run", "0.5 to 1.5", "CPU of plan over run", "taken by others"]
    with open(os.path.join(arguments.out, "plan.md"), "w", encoding="utf-8") as file:
        file.write(f"# Plans and what came of them\n\nMade by `bench/plan.py`; do not edit. {m['date']}, {m['cpu']}, "
                   f"{m['cores']} cores, {arguments.threads} threads, Coppice {m['coppice']}.\n\n"
                   + table(header, [row_of(name, found) for name, found in result["sets"].items()]))


if __name__ == "__main__":
    main()
