#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flat models of utterances, compressed: file bytes against a map of strings, accuracy and agreement, and fastText.

bench/compress_flat.py --data FOLDER [--fasttext PROGRAM] [SET ...]

A set is a folder of FOLDER with trn.tsv, dev.tsv and tst.tsv, lines `intent<TAB>text` (clinc150, snips). All rows are
pooled and split anew five times, by a seed: 70 % to train, 10 % to choose by, 20 % to test, the same for all. Plain size: a
std::unordered_map of the features' strings as it lies in memory, and 8 bytes a weight at the default threshold.
Goals: 17 times smaller than that at a loss of 0.1 points of accuracy (or one standard error) and 99 % agreement, paired
over the splits; aim at 40 times at 0.5 points: `--max-bytes` asks for these sizes, for the smaller one with fingerprints
of 4 bits, which cost nothing on other sets (fingerprints.py); what a search by rows finds stands below. fastText: word bigrams and character 3- to 5-grams, dimension 20, quantized
(`fasttext quantize -qnorm -cutoff N -retrain`); ours is given as many bytes as its file has (`--max-bytes`), half of them,
and a quarter, and must be as accurate. Writes results/compress_flat.json and results/compress_flat.md.
"""
import argparse
import os
import random
import shutil
import statistics
import tempfile

import json

import measure
from report import table

FLAGS = ["--flat", "--char-wb-ngrams=3,5"]
# How many times smaller than the plain size a file is asked to be, and how.
TIMES = {17: [], 40: ["--fingerprint-bits=4"]}
VALUE_BITS = 5
BUDGETS = {"strict": (0.1, 1.0), "small": (0.4, 100)}  # points, per cent: of the rows to choose by
CUTOFFS = (10_000, 30_000)
SHARES = (1, 0.5, 0.25)
SPLITS = 5


def read_rows(folder):
    rows = []
    for part in ("trn", "dev", "tst"):
        with open(f"{folder}/{part}.tsv", encoding="utf-8") as file:
            rows += [line.rstrip("\n") for line in file if line.strip()]
    return rows


def write_split(rows, seed, place):
    rows = sorted(rows)
    random.Random(seed).shuffle(rows)
    ends = [0, len(rows) * 7 // 10, len(rows) * 8 // 10, len(rows)]
    for name, begin, end in zip(("fit", "choose", "test"), ends, ends[1:]):
        with open(f"{place}/{name}.tsv", "w", encoding="utf-8") as file:
            file.write("".join(row + "\n" for row in rows[begin:end]))
        with open(f"{place}/{name}.ft", "w", encoding="utf-8") as file:
            for row in rows[begin:end]:
                label, _, text = row.partition("\t")
                file.write(f"__label__{label} {text.lower()}\n")
    return [row.partition("\t")[0] for row in rows[ends[2]:]]


class Coppice:
    def __init__(self, place, arguments):
        self.program = measure.program(arguments.build, "coppice")
        self.place, self.common = place, ["--quiet", f"--threads={arguments.threads}"]

    def run(self, command, *rest):
        return measure.run([self.program, command, *rest, *self.common])

    def to_size(self, n_bytes, *flags):
        """The whole model in so many bytes, as `sized`."""
        self.run("compress", f"{self.place}/whole", "-o", f"{self.place}/sized", "--refit", f"{self.place}/fit.tsv",
                 f"--value-bits={VALUE_BITS}", f"--max-bytes={n_bytes / 1000:.3f}k", *flags)

    def answers(self, model):
        """The first label of each test row."""
        text, _ = self.run("predict", f"{self.place}/{model}", f"{self.place}/test.tsv", "--top-k=1")
        return [(json.loads(line)["labels"] or [""])[0] for line in text.splitlines()]

    def size(self, model):
        return os.path.getsize(f"{self.place}/{model}")


def share_equal(a, b):
    return 100 * sum(x == y for x, y in zip(a, b, strict=True)) / len(a)


def judge(ours, model, truth, whole):
    answers = ours.answers(model)
    return {"bytes": ours.size(model), "accuracy": share_equal(answers, truth), "agreement": share_equal(answers, whole)}


def fasttext(place, cutoff, truth, arguments):
    program, model = arguments.fasttext, f"{place}/ft"
    measure.run([program, "supervised", "-input", f"{place}/fit.ft", "-output", model, "-dim", "20", "-bucket", "500000",
                 "-wordNgrams", "2", "-minn", "3", "-maxn", "5", "-epoch", "25", "-lr", "0.5", "-thread", "2",
                 "-verbose", "0"])
    measure.run([program, "quantize", "-input", f"{place}/fit.ft", "-output", model, "-qnorm", "-retrain", "-cutoff",
                 str(cutoff), "-epoch", "25", "-lr", "0.5", "-verbose", "0"])
    text, _ = measure.run([program, "predict", f"{model}.ftz", f"{place}/test.ft"])
    answers = [line.replace("__label__", "", 1) for line in text.splitlines()]
    return {"bytes": os.path.getsize(f"{model}.ftz"), "accuracy": share_equal(answers, truth)}


def one_split(rows, seed, arguments):
    place = tempfile.mkdtemp(prefix="coppice_bench_", dir=arguments.scratch)
    try:
        truth = write_split(rows, seed, place)
        ours = Coppice(place, arguments)
        model = f"{place}/whole"
        ours.run("train", f"{place}/fit.tsv", "-o", model, *FLAGS)
        whole = ours.answers("whole")
        plain = measure.run_json([measure.program(arguments.build, "coppice_bench_string_map"), f"--model={model}"])
        result = {"seed": seed, "plain": plain, "whole": judge(ours, "whole", truth, whole)}
        for times, flags in TIMES.items():
            ours.to_size(plain["plain_bytes"] / times, *flags)
            result[f"{times}x"] = judge(ours, "sized", truth, whole)
        for name, (max_loss, max_disagreement) in BUDGETS.items():
            _, spent = ours.run("compress", model, "-o", f"{place}/{name}", "--validate", f"{place}/choose.tsv", "--refit",
                                f"{place}/fit.tsv", f"--max-loss={max_loss}", f"--max-disagreement={max_disagreement}")
            result[name] = {**judge(ours, name, truth, whole), "seconds": spent["wall_seconds"]}
        result["fasttext"] = {}
        for cutoff in CUTOFFS if arguments.fasttext else ():
            peer = fasttext(place, cutoff, truth, arguments)
            for share in SHARES:
                ours.to_size(peer["bytes"] * share)
                peer[f"ours {share}"] = judge(ours, "sized", truth, whole)
            result["fasttext"][str(cutoff)] = peer
        return result
    finally:
        shutil.rmtree(place, ignore_errors=True)


def mean(values):
    return statistics.fmean(values)


def loss_and_error(splits, name):
    """Points, and the standard error of their mean over the splits."""
    losses = [s["whole"]["accuracy"] - s[name]["accuracy"] for s in splits]
    return mean(losses), statistics.stdev(losses) / len(losses) ** 0.5 if len(losses) > 1 else 0.0


HOW = {**{f"{times}x": " ".join([f"--refit --value-bits={VALUE_BITS} --max-bytes of {times} times less", *flags])
          for times, flags in TIMES.items()},
       **{name: f"--validate, --max-loss {loss} --max-disagreement {others}" for name, (loss, others) in BUDGETS.items()}}


def budget_row(name, splits, budget):
    times = mean([s["plain"]["plain_bytes"] / s[budget]["bytes"] for s in splits])
    loss, error = loss_and_error(splits, budget)
    agreement = mean([s[budget]["agreement"] for s in splits])
    goal, met = "", True
    if budget == "17x":
        goal, met = ", goal: loss 0.1, 99 %", times >= 17 and loss <= max(0.1, error) and agreement >= 99
    elif budget == "40x":
        goal, met = ", aim: loss 0.5", times >= 40 and loss <= 0.5
    return [name, HOW[budget] + goal,
            f"{mean([s['plain']['plain_bytes'] for s in splits]) / 1e6:.2f} MB",
            f"{mean([s['whole']['bytes'] for s in splits]) / 1e6:.2f} MB",
            f"{mean([s[budget]['bytes'] for s in splits]) / 1e3:.0f} kB", f"{times:.1f}x" + ("" if met else " **missed**"),
            f"{mean([s['whole']['accuracy'] for s in splits]):.2f}", f"{mean([s[budget]['accuracy'] for s in splits]):.2f}",
            f"{loss:+.2f} ({error:.2f})", f"{agreement:.2f} %"]


def fasttext_rows(name, splits):
    for cutoff in splits[0]["fasttext"]:
        peers = [s["fasttext"][cutoff] for s in splits]
        row = [name, cutoff, f"{mean([p['bytes'] for p in peers]) / 1e3:.0f} kB",
               f"{mean([p['accuracy'] for p in peers]):.2f}"]
        for share in SHARES:
            of_ours = [p[f"ours {share}"] for p in peers]
            row.append(f"{mean([o['accuracy'] for o in of_ours]):.2f} ({mean([o['bytes'] for o in of_ours]) / 1e3:.0f} kB)")
        yield row


def text_of(result):
    m = result["machine"]
    first = [budget_row(name, splits, budget) for name, splits in result["sets"].items() for budget in HOW]
    second = [row for name, splits in result["sets"].items() for row in fasttext_rows(name, splits)]
    text = (f"# Flat models of utterances, compressed\n\nMade by `bench/compress_flat.py`; do not edit. {m['date']}, "
            f"{m['cpu']}, {m['cores']} cores, Coppice {m['coppice']}. {SPLITS} splits; the model: `coppice train "
            f"{' '.join(FLAGS)}`.\n\n"
            + table(["set", "how", "plain", "model file", "compressed", "of plain", "accuracy %", "compressed",
                     "loss, points (standard error)", "agreement"], first))
    if second:
        text += ("\nOf as many bytes as a quantized fastText model, of half and of a quarter:\n\n"
                 + table(["set", "cutoff", "fastText", "accuracy %", *[f"ours, {share} of the bytes" for share in SHARES]],
                         second))
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", default=["clinc150", "snips"])
    parser.add_argument("--data", help="folder of the sets (COPPICE_BENCH_DATA)")
    parser.add_argument("--scratch", help="where models go while they are measured; default: the system's")
    parser.add_argument("--fasttext", default=shutil.which("fasttext"), help="the program of Debian's package fasttext")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "the sets as text")
    result = {"kind": "compress_flat", "machine": measure.machine(), "sets": {}}
    for name in arguments.sets:
        rows = read_rows(os.path.join(arguments.data, name))
        result["sets"][name] = [one_split(rows, seed, arguments) for seed in range(SPLITS)]
        measure.save(result, os.path.join(arguments.out, "compress_flat.json"))
        with open(os.path.join(arguments.out, "compress_flat.md"), "w", encoding="utf-8") as file:
            file.write(text_of(result))
        measure.say(f"{name}: done")


if __name__ == "__main__":
    main()
