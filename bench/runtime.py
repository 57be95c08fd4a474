#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How large the runtime is, and how soon a program that links it answers.

bench/runtime.py --data FOLDER [SET ...]

Sets: folders with trn.tsv and tst.tsv, `intent<TAB>text` a line (clinc150, snips). Trains a flat model of the first,
compresses it, and has a fresh process open each and answer one text, first with the file sent out of the page cache,
then with it there. Writes results/runtime.json and results/runtime.md. Goals: the shared library under 500 kB stripped;
5 ms from opening to the first answer, cold, by the compressed model.
"""
import argparse
import json
import os
import subprocess
import tempfile

import measure
from report import table

GOAL_BYTES, GOAL_US = 500_000, 5000
SOURCE = os.path.join(measure.ROOT, "bench", "runtime_first_answer.c")


def rows(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            intent, text = line.rstrip("\n").split("\t", 1)
            yield {"text": text, "labels": [intent]}


def write_jsonl(items, path):
    with open(path, "w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps(item, ensure_ascii=False) + "\n")


def stripped_bytes(library, place):
    path = os.path.join(place, "stripped")
    subprocess.run(["strip", "-s", "-o", path, os.path.realpath(library)], check=True)
    return os.path.getsize(path)


def link(build, place, source=SOURCE):
    """A C program with the runtime in it."""
    path = os.path.join(place, os.path.basename(source).removesuffix(".c"))
    subprocess.run(["cc", "-O2", f"-I{measure.ROOT}/runtime", source, measure.program(build, "runtime/libcoppice_runtime.a"),
                    "-lm", "-s", "-o", path], check=True)
    return path


def first_answers(program, model, texts, variables):
    """Medians and the worst of fresh processes, a text each."""
    runs = [measure.run_json([program, model, text], variables) for text in texts]
    figure = {key: measure.median([r[key] for r in runs])
              for key in ("open_us", "open_and_first_answer_us", "second_answer_us")}
    return {**figure, "worst_us": max(r["open_and_first_answer_us"] for r in runs), "processes": len(runs),
            "cached_pages_before": max(r["cached_pages_before"] for r in runs)}


def one_set(data, arguments, first_answer):
    with tempfile.TemporaryDirectory(prefix="coppice_bench_", dir=arguments.scratch) as place:
        coppice, path = measure.program(arguments.build, "coppice"), os.path.join(place, "rows.jsonl")
        write_jsonl(rows(os.path.join(data, "trn.tsv")), path)
        whole, packed = f"{place}/whole.coppice", f"{place}/packed.coppice"
        measure.run([coppice, "train", path, "-o", whole, "--quiet", "--max-leaf=1000", f"--threads={arguments.threads}"])
        measure.run([coppice, "compress", whole, "-o", packed, "--quiet"])
        texts = [row["text"] for row in rows(os.path.join(data, "tst.tsv"))]
        texts = texts[:: max(1, len(texts) // arguments.texts)][: arguments.texts]
        return {name: {"bytes": os.path.getsize(model), "cold": first_answers(first_answer, model, texts, {"COLD": "1"}),
                       "warm": first_answers(first_answer, model, texts, {})}
                for name, model in (("whole", whole), ("compressed", packed))}


def text_of(result):
    def missed(value, goal):
        return "" if value < goal else " **missed**"
    rows_of = []
    for name, models in sorted(result["sets"].items()):
        for kind, m in models.items():
            cold, warm = m["cold"], m["warm"]
            mark = missed(cold["open_and_first_answer_us"], GOAL_US) if kind == "compressed" else ""
            slower = "" if warm["second_answer_us"] <= models["whole"]["warm"]["second_answer_us"] else " **missed**"
            rows_of.append([name, kind, f"{m['bytes'] / 1e3:.0f}", str(cold["cached_pages_before"]),
                            f"{cold['open_and_first_answer_us'] / 1e3:.2f}{mark}", f"{cold['worst_us'] / 1e3:.2f}",
                            f"{warm['open_us'] / 1e3:.2f}", f"{warm['open_and_first_answer_us'] / 1e3:.2f}",
                            f"{warm['second_answer_us']:.1f}{slower}"])
    m, size = result["machine"], result["bytes"]
    head = ["set", "model", "kB", "pages left in the cache", "cold: opening + first answer, ms", "worst", "warm: opening, ms",
            "warm: + first answer, ms", "second answer, us"]
    return f"""# The runtime

Made by `bench/runtime.py`; do not edit. Medians of fresh processes, each of which opens a flat intent model and answers
one text. Cold: the model file sent out of the page cache before. Goals: {GOAL_BYTES:,} bytes, {GOAL_US / 1000:.0f} ms cold, compressed; a
second answer as soon as by the whole model. {m['date']}, {m['cpu']},
Coppice {m['coppice']}.

Shared library, stripped: {size['shared']:,} bytes{missed(size['shared'], GOAL_BYTES)}. A C program with the archive in it, stripped: {size['program']:,} bytes.

{table(head, rows_of)}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", default=["clinc150", "snips"])
    parser.add_argument("--data", help="folder of the sets (COPPICE_BENCH_DATA)")
    parser.add_argument("--texts", type=int, default=31, help="fresh processes for each figure")
    parser.add_argument("--scratch", help="folder for models, on a disk (a file in memory is never cold)")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "data sets")
    with tempfile.TemporaryDirectory(prefix="coppice_bench_") as place:
        program = link(arguments.build, place)
        library = measure.program(arguments.build, "runtime/libcoppice_runtime.so")
        result = {"kind": "runtime", "machine": measure.machine(), "sets": {},
                  "bytes": {"shared": stripped_bytes(library, place), "program": os.path.getsize(program)}}
        for name in arguments.sets or ["clinc150", "snips"]:
            result["sets"][name] = one_set(os.path.join(arguments.data, name), arguments, program)
            measure.say(f"{name}: {result['sets'][name]}")
    measure.save(result, os.path.join(arguments.out, "runtime.json"))
    with open(os.path.join(arguments.out, "runtime.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
