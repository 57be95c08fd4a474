#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Three million labels, three million rows, forty nonzeros a row, two cores: minutes, peak memory, size, latency.

bench/huge.py [--mats FOLDER] [--size huge]      Makes FOLDER/synthetic-huge unless it is there (some 3 GB), trains and
predicts with the settings of compare.py. Writes results/huge.json and results/huge.md. Goal: peak under 20 GiB.
"""
import argparse
import os
import tempfile

import measure
from compare import SETTINGS, Coppice

GIB = 1 << 30


def make_set(arguments):
    mats = os.path.join(arguments.mats, "synthetic-" + arguments.size)
    if not os.path.exists(os.path.join(mats, "Y.tst.npz")):
        program = measure.program(arguments.build, "coppice_bench_generate")
        measure.run([program, f"--size={arguments.size}", f"--out={mats}"])
    return mats


def minutes(span):
    return f"{span['wall_seconds'] / 60:.1f} min ({span['cpu_seconds'] / 60:.1f} min)"


def text_of(result):
    t, p, m = result["training"], result["prediction"], result["machine"]
    peak = t["peak_bytes"] / GIB
    verdict = "" if peak < 20 else " **missed**"
    metrics = p["metrics"]
    return f"""# {t['labels']:,} labels

Made by `bench/huge.py`; do not edit. {t['rows']:,} rows, {t['features']:,} features, {t['labels']:,} labels, synthetic.
{m['date']}, {m['cpu']}, {m['cores']} cores, {m['memory_gb']:.0f} GB, {t['threads']} threads, Coppice {m['coppice']};
others took up to {100 * t['process']['others']:.0f} % of the cores.

| what | value |
|---|---|
| index, wall (CPU) | {minutes(t['index'])} |
| ranker, wall (CPU) | {minutes(t['ranker'])} |
| with reading and writing, wall (CPU) | {minutes(t['process'])} |
| peak memory, goal < 20 GiB | {peak:.2f} GiB{verdict} ({t['loaded_bytes'] / GIB:.2f} GiB of it data) |
| model | {t['model_bytes'] / 1e9:.2f} GB, {t['weights'] / 1e6:.0f} million weights |
| opening the model, the first time / median of 9 times | {p['load']['first_ms']:.3f} / {p['load']['median_ms']:.3f} ms |
| batch, {t['threads']} threads | {p['batch']['us']:.0f} us a query |
| one query, p50 / p99 | {p['single']['us']['p50']:.0f} / {p['single']['us']['p99']:.0f} us |
| P@1/3/5 | {metrics['P@1']:.2f}/{metrics['P@3']:.2f}/{metrics['P@5']:.2f} |
"""


def write(result, out):
    with open(os.path.join(out, "huge.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--mats", help="where the set is made or found (COPPICE_BENCH_MATS)")
    parser.add_argument("--size", default="huge", choices=("small", "medium", "huge"))
    arguments = parser.parse_args()
    arguments.mats = measure.folder(arguments.mats, "COPPICE_BENCH_MATS", "matrices")
    mats = make_set(arguments)
    result = {"kind": "huge", "machine": measure.machine(), "settings": SETTINGS}
    with tempfile.TemporaryDirectory(prefix="coppice_bench_", dir=arguments.mats) as place:
        ours = Coppice(arguments, mats, SETTINGS, place)
        result["training"] = ours.train(0)
        measure.save(result, os.path.join(arguments.out, "huge.json"))
        result["prediction"] = ours.predict()
    measure.save(result, os.path.join(arguments.out, "huge.json"))
    write(result, arguments.out)


if __name__ == "__main__":
    main()
