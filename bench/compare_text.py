#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Text to features: tokens per second of Coppice's vectorizer and of PECOS' tf-idf, in turns, on the same raw lines.

bench/compare_text.py --data FOLDER --peer-python PYTHON [SET ...]

A set is a folder of FOLDER with trn.txt, a row "id,id<TAB>text" each. Both make word uni- and bigrams with their other
defaults; a token is what stands between blanks of the raw line for both, though ours splits at punctuation, folds case
and normalises, while PECOS splits at blanks and does nothing else. Writes results/text.json and results/text.md.
"""
import argparse
import os

import measure
from measure import median
from report import table

PEER = os.path.join(measure.ROOT, "bench", "peers", "pecos_text.py")


def one_round(path, arguments):
    ours = [measure.program(arguments.build, "coppice_bench_text"), f"--input={path}", "--labelled",
            f"--threads={arguments.threads}"]
    peer = [arguments.peer_python, PEER, "--input", path, "--labelled", "--threads", str(arguments.threads)]
    return {"coppice": measure.run_json(ours), "pecos": measure.run_json(peer)}


def rate(r, side, work, kind):
    return r[side][work][f"tokens_per_{kind}"]


def together(r, side, kind):
    """Fitting and transforming one after the other: what training on a file waits for."""
    seconds = sum(r[side][work][kind] for work in ("fit", "transform"))
    return r[side]["tokens"] / seconds


def summarize(rounds):
    summary = {}
    for work in ("fit", "transform"):
        for kind in ("second", "cpu_second"):
            summary[f"{work}_per_{kind}"] = {side: median([rate(r, side, work, kind) for r in rounds])
                                             for side in ("coppice", "pecos")}
            summary[f"{work}_per_{kind}"]["ratio"] = median(
                [rate(r, "coppice", work, kind) / rate(r, "pecos", work, kind) for r in rounds])
    for kind in ("wall_seconds", "cpu_seconds"):
        summary[f"both_{kind}_ratio"] = median(
            [together(r, "coppice", kind) / together(r, "pecos", kind) for r in rounds])
    summary["others"] = max(r[side]["process"]["others"] for r in rounds for side in ("coppice", "pecos"))
    return summary


def pair(figures):
    return f"{figures['coppice'] / 1e6:.2f} / {figures['pecos'] / 1e6:.2f} ({figures['ratio']:.1f}x)"


def write_table(result, folder):
    rows = []
    for name, rounds in result["sets"].items():
        s, last = summarize(rounds), rounds[-1]
        ratio = min(s["both_wall_seconds_ratio"], s["both_cpu_seconds_ratio"])
        rows.append([name, pair(s["fit_per_second"]), pair(s["fit_per_cpu_second"]), pair(s["transform_per_second"]),
                     pair(s["transform_per_cpu_second"]), f"{ratio:.1f}x" + ("" if ratio >= 2 else " **missed**"),
                     f"{last['coppice']['single_us']['p50']:.1f} / {last['pecos']['single_us']['p50']:.1f}",
                     f"{last['coppice']['features']} / {last['pecos']['features']}",
                     f"{last['coppice']['peak_bytes'] / 1e6:.0f} / {last['pecos']['peak_bytes'] / 1e6:.0f}",
                     f"{100 * s['others']:.0f} %"])
    m = result["machine"]
    header = ["set", "fit", "fit, per CPU s", "transform", "transform, per CPU s", "both, goal >= 2x",
              "one text p50 us (PECOS from Python)", "features", "peak MB", "taken by others"]
    text = (f"# Text to features\n\nMade by `bench/compare_text.py`; do not edit. Coppice / PECOS, millions of "
            f"blank-separated tokens of the raw text per second, {result['threads']} threads. {m['date']}, {m['cpu']}, "
            f"{m['cores']} cores, {m['memory_gb']:.0f} GB, Coppice {m['coppice']}, "
            f"libpecos {result['versions']['libpecos']}.\n\n"
            + table(header, rows))
    with open(os.path.join(folder, "text.md"), "w", encoding="utf-8") as file:
        file.write(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser)
    parser.add_argument("sets", nargs="*", help="default: every folder of --data")
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "text sets")
    if not arguments.peer_python:
        parser.error("--peer-python is missing (bench/README.md says how to set the peer up)")
    about = measure.run_json([arguments.peer_python, os.path.join(os.path.dirname(PEER), "pecos_xmr.py"), "library"])
    result = {"kind": "text", "machine": measure.machine(), "threads": arguments.threads,
              "versions": {key: about[key] for key in ("libpecos", "numpy", "scipy")}, "sets": {}}
    for name in arguments.sets or sorted(os.listdir(arguments.data)):
        path = os.path.join(arguments.data, name, "trn.txt")
        if os.path.exists(path):
            result["sets"][name] = [one_round(path, arguments) for _ in range(arguments.rounds)]
            s = summarize(result["sets"][name])
            measure.say(f"{name}: {s['both_wall_seconds_ratio']:.1f}x wall, {s['both_cpu_seconds_ratio']:.1f}x CPU")
            measure.save(result, os.path.join(arguments.out, "text.json"))
    write_table(result, arguments.out)


if __name__ == "__main__":
    main()
