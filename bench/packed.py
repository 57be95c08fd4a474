#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prediction by compressed models against the model as trained: speed, ranking, memory, opening and verifying.

bench/packed.py --data FOLDER [SET ...]

A set is a folder of FOLDER with trn.txt, tst.txt and labels.txt, as in from_text.py. Our default model is trained once
and compressed in four forms. One process holds all of them and asks each in turn, in rounds: batches and single
queries, by the ranker alone (features made before) and from the text. Goal: no form slower than the model as trained in
any of the four; aim at 1.5 times. Further goals: a file of which all test rows were asked takes 1.05 times its bytes in
memory at most, opens in less than a millisecond (the median, mapped) and is verified at 5 GB/s from the page cache.
Writes results/packed.json and results/packed.md.
"""
import argparse
import os
import tempfile

import measure
from compress import FLAGS, KS, Coppice, three
from measure import at, median
from report import table

WHOLE = "as trained"
SETS = ["cve-product", "cve-version", "wordnet-hypernyms", "tldr-multi", "cldr-emoji"]
GOAL_MEMORY, GOAL_OPEN_MS, GOAL_GB = 1.05, 1.0, 5.0


def forms(prune):
    """What `coppice compress` is told."""
    return {"8 bits": [], f"8 bits, weights of {prune} and more": [f"--threshold={prune}"],
            "4 bits, a scale for 32 weights": ["--value-bits=4", "--scales=groups"], "halves": ["--value-bits=16"]}


def measure_set(data, place, arguments):
    ours = Coppice(data, arguments, *FLAGS)
    paths = {WHOLE: f"{place}/whole.coppice"}
    ours.train(f"{data}/trn.txt", paths[WHOLE])
    for number, (name, flags) in enumerate(forms(arguments.prune).items()):
        paths[name] = f"{place}/{number}.coppice"
        ours.compress(paths[WHOLE], paths[name], *flags)
    program = [measure.program(arguments.build, "coppice_bench_model"), f"--rows={data}/tst.txt",
               f"--threads={arguments.threads}"]
    result = {name: {**ours.judge(path, f"{data}/tst.txt"),
                     "cost": measure.run_json([*program, "--stage=cost", f"--model={path}"])}
              for name, path in paths.items()}
    speed = measure.run_json([*program, f"--rounds={arguments.rounds}", f"--model={','.join(paths.values())}"])
    for name, model in zip(result, speed["models"], strict=True):
        result[name]["rounds"] = model["rounds"]
    return {"forms": result, "rows": speed["rows"], "process": speed["process"]}


def figure(form, path):
    return median([at(r, path) for r in form["rounds"]])


def ratio(whole, form, path):
    """How many times faster: the median over rounds of the ratio within one."""
    return median([at(a, path) / at(b, path) for a, b in zip(whole["rounds"], form["rounds"], strict=True)])


def ratios(whole, form):
    """Of batches the worse one of wall and CPU time."""
    batches = {kind: min(ratio(whole, form, f"{kind}.{time}") for time in ("us", "cpu_us"))
               for kind in ("batch", "text_batch")}
    return {**batches, **{kind: ratio(whole, form, f"{kind}.p50") for kind in ("single", "text_single")}}


def speed_rows(name, models):
    for form, m in models.items():
        times = ratios(models[WHOLE], m)
        least = min(times.values())
        verdict = f"{least:.2f}x" + (" **missed**" if least < 1 else ", aim" if least >= 1.5 else "")
        figures = []
        for batch, single in (("batch", "single"), ("text_batch", "text_single")):
            figures += [f"{figure(m, batch + '.us'):.1f} ({times[batch]:.2f}x)",
                        f"{figure(m, single + '.p50'):.1f} ({times[single]:.2f}x)", f"{figure(m, single + '.p99'):.1f}"]
        yield [name, form, f"{m['bytes'] / 1e6:.1f}", three(m["metrics"][k] for k in KS), *figures,
               "" if form == WHOLE else verdict]


def cost_rows(name, models):
    def mark(value, digits, reached):
        return f"{value:.{digits}f}" + ("" if reached else " **missed**")
    for form, m in models.items():
        cost = m["cost"]
        of_file, own = (cost["memory"][key] for key in ("of_file_bytes", "own_bytes"))
        share, verified = (of_file + own) / m["bytes"], cost["verify_gb_per_second"]
        yield [name, form, f"{m['bytes'] / 1e6:.1f}", f"{of_file / 1e6:.1f} + {own / 1e6:.1f}",
               mark(share, 3, share <= GOAL_MEMORY), mark(cost["open_ms"], 3, cost["open_ms"] < GOAL_OPEN_MS),
               mark(verified, 2, verified >= GOAL_GB), f"{cost['audit_gb_per_second']:.2f}"]


def of_all(result, header, rows_of):
    return table(header, [row for name, r in result["sets"].items() for row in rows_of(name, r["forms"])])


def text_of(result):
    m = result["machine"]
    speed = of_all(result, ["set", "form", "MB", "P@1/3/5", "ranker: batch us", "one p50 us", "p99",
                            "from text: batch us", "one p50 us", "p99", "least, goal >= 1x (aim 1.5)"], speed_rows)
    cost = of_all(result, ["set", "form", "MB", "in memory: of the file + own, MB",
                           f"of the file's bytes, goal <= {GOAL_MEMORY}", "opening ms, goal < 1",
                           "verified GB/s, goal >= 5", "audited GB/s"], cost_rows)
    others = max(r["process"]["others"] for r in result["sets"].values())
    return f"""# Prediction by compressed models

Made by `bench/packed.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, Coppice {m['coppice']};
others took up to {100 * others:.0f} % of the cores.

One model a set, trained with our defaults, and four forms of it, fingerprints of 4 bits. Microseconds a query, medians over {result['rounds']}
rounds; batch: {result['threads']} threads; one: one thread. In brackets: how many times faster than the model as
trained, the median of the ratios within a round, of batches the worse one of wall and CPU time. Beam 10, ten answers.

{speed}
In memory: after opening the model and asking it all test rows, one by one: pages of the file, and memory of our own
beside it, the scratch of one thread included. Verified: all checksums (`inspect --verify`), audited: all invariants
too (`inspect --audit`); one thread, the file in the page cache.

{cost}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", default=SETS)
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--prune", type=float, default=0.2, help="threshold of the form that drops weights")
    parser.add_argument("--scratch", help="where models go while they are measured; default: the system's")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "the sets as text")
    result = {"kind": "packed", "machine": measure.machine(), "threads": arguments.threads, "rounds": arguments.rounds,
              "sets": {}}
    for name in arguments.sets:
        with tempfile.TemporaryDirectory(prefix="coppice_bench_", dir=arguments.scratch) as place:
            result["sets"][name] = measure_set(os.path.join(arguments.data, name), place, arguments)
        measure.save(result, os.path.join(arguments.out, "packed.json"))
        with open(os.path.join(arguments.out, "packed.md"), "w", encoding="utf-8") as file:
            file.write(text_of(result))
        measure.say(f"{name}: done")


if __name__ == "__main__":
    main()
