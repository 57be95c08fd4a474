#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`coppice compress` on large label sets: file bytes against PECOS' files, and what the smaller file costs.

bench/compress.py --data FOLDER --peer-python PYTHON [--scratch FOLDER] [SET ...]

A set is a folder of FOLDER with trn.txt, tst.txt and labels.txt, as in from_text.py. How far to go is decided on training
rows alone: a tenth of them is held out, a model of the rest is compressed within --max-loss points of P@1, P@3 and P@5
as judged by that tenth, which is no promise of what test rows say. The share of weights and the bits found so are
applied to the model of all training rows, and test rows judge it once, against the model before. PECOS is trained with
its own defaults on the text prepared as its users do; its folders (model and vectorizer) and the label names count as
its bytes. Goal: 17 times smaller than that at a loss of 0.3 points at most. Fingerprints have 4 bits, which cost nothing
that could be measured (fingerprints.py). The same model is also made as small as the goal, whatever it loses
(`--max-bytes`, weights of 5 bits, fitted): this is what the goal is judged by. Writes results/compress.json and
results/compress.md.
"""
import argparse
import json
import os
import shutil
import tempfile
import zlib

import measure
from from_text import PEER
from report import table

KS = ("P@1", "P@3", "P@5")
GOAL_TIMES, GOAL_LOSS = 17, 0.3
FLAGS = ["--fingerprint-bits=4"]


def split(data, place):
    """Nine tenths of the training rows to fit.txt, the others to judge.txt, by a hash of the text: equal texts stay
    together."""
    with open(f"{data}/trn.txt", "rb") as rows, open(f"{place}/fit.txt", "wb") as fit, \
            open(f"{place}/judge.txt", "wb") as judge:
        for row in rows:
            text = row.partition(b"\t")[2]
            (judge if zlib.crc32(text) % 10 == 0 else fit).write(row)


class Coppice:
    """`flags`: of every compression."""

    def __init__(self, data, arguments, *flags):
        self.program, self.flags = measure.program(arguments.build, "coppice"), flags
        self.common = ["--quiet", f"--threads={arguments.threads}"]
        self.names = f"--label-names={data}/labels.txt"

    def train(self, rows, model):
        return measure.run([self.program, "train", rows, "-o", model, self.names, *self.common])[1]

    def compress(self, model, small, *options):
        return measure.run([self.program, "compress", model, "-o", small, self.names, *self.flags, *self.common, *options])

    def search(self, model, small, fit, judge, max_loss):
        text, spent = self.compress(model, small, "--validate", judge, "--refit", fit, f"--max-loss={max_loss}", "--json")
        return {**json.loads(text), "process": spent}

    def judge(self, model, rows):
        metrics = measure.run_json([self.program, "evaluate", model, rows, "--json", self.names, *self.common])
        return {"bytes": os.path.getsize(model), "process": metrics.pop("process"), "metrics": metrics}

    def single(self, model, rows):
        """Rows a second of `predict`, reading and writing included."""
        return measure.run([self.program, "predict", model, rows, "--top-k=10", f"--output={os.devnull}", *self.common])[1]


def chosen(search):
    return next(candidate for candidate in search["candidates"] if candidate["chosen"])


def folder_bytes(path):
    return sum(os.path.getsize(os.path.join(root, name)) for root, _, names in os.walk(path) for name in names)


def pecos(data, place, arguments):
    report = measure.run_json([arguments.peer_python, PEER, "--data", data, "--mode", "words", "--out", place,
                               "--keep", "--threads", str(arguments.threads)])
    judged = measure.run_json([measure.program(arguments.build, "coppice_bench_xmr"), "--stage=judge", "--at=1,3,5,10",
                               f"--mats={place}", f"--predictions={place}/predictions.npz"])
    return {"model_bytes": folder_bytes(f"{place}/model"), "vectorizer_bytes": folder_bytes(f"{place}/vectorizer"),
            "names_bytes": os.path.getsize(f"{data}/labels.txt"), "total": report["total"],
            "metrics": judged["metrics"]}


def peer_bytes(peer):
    return sum(peer[key] for key in ("model_bytes", "vectorizer_bytes", "names_bytes"))


def measure_set(data, place, arguments):
    ours = Coppice(data, arguments, *FLAGS)
    split(data, place)
    ours.train(f"{place}/fit.txt", f"{place}/part.coppice")
    search = ours.search(f"{place}/part.coppice", f"{place}/part.small.coppice", f"{place}/fit.txt",
                         f"{place}/judge.txt", arguments.max_loss)
    choice = chosen(search)
    training = ours.train(f"{data}/trn.txt", f"{place}/whole.coppice")
    whole = ours.judge(f"{place}/whole.coppice", f"{data}/tst.txt")
    levels = measure.run_json([ours.program, "inspect", f"{place}/whole.coppice", "--json"])["levels"]
    keep = round(sum(level["n_weights"] for level in levels) * choice["weights"] / search["whole"]["weights"])
    refit = ["--refit", f"{data}/trn.txt"] if choice["refitted"] else []
    small_path = f"{place}/small.coppice"
    _, compressing = ours.compress(f"{place}/whole.coppice", small_path, f"--keep-weights={keep}",
                                   f"--value-bits={choice['value_bits']}", *refit)
    small = ours.judge(small_path, f"{data}/tst.txt")
    sections = measure.run_json([ours.program, "inspect", small_path, "--json"])["sections"]
    peer = pecos(data, place, arguments)
    sized_path = f"{place}/sized.coppice"
    ours.compress(f"{place}/whole.coppice", sized_path, f"--max-bytes={peer_bytes(peer) / GOAL_TIMES / 1000:.3f}k",
                  "--value-bits=5", "--refit", f"{data}/trn.txt")
    return {"search": search, "training": training, "whole": whole, "keep_weights": keep, "compressing": compressing,
            "small": small, "sections": sections, "predict_whole": ours.single(f"{place}/whole.coppice", f"{data}/tst.txt"),
            "predict_small": ours.single(small_path, f"{data}/tst.txt"), "pecos": peer,
            "sized": ours.judge(sized_path, f"{data}/tst.txt")}


def loss(r, name):
    return r["whole"]["metrics"][name] - r["small"]["metrics"][name]


def three(values):
    return "/".join(f"{value:.2f}" for value in values)


def text_of(result):
    m = result["machine"]
    rows = []
    for name, r in result["sets"].items():
        peer = peer_bytes(r["pecos"])
        times = peer / r["small"]["bytes"]
        losses = [loss(r, k) for k in KS]
        sized_losses = [r["whole"]["metrics"][k] - r["sized"]["metrics"][k] for k in KS]
        verdict = "" if max(sized_losses) <= GOAL_LOSS else " **missed**"
        choice = chosen(r["search"])
        rows.append([name, f"{peer / 1e6:.1f}", f"{r['whole']['bytes'] / 1e6:.1f}", f"{r['small']['bytes'] / 1e6:.2f}",
                     f"{times:.1f}x", f"{r['whole']['bytes'] / r['small']['bytes']:.1f}x",
                     three(r["whole"]["metrics"][k] for k in KS), three(r["small"]["metrics"][k] for k in KS),
                     three(losses), three(r["sized"]["metrics"][k] for k in KS), three(sized_losses) + verdict,
                     three(r["pecos"]["metrics"][k] for k in KS),
                     f"{r['keep_weights'] / 1e6:.2f} M, {choice['value_bits']} bits, "
                     + ("fitted" if choice["refitted"] else "as they were"),
                     f"{r['search']['process']['wall_seconds'] / 60:.1f} / {r['training']['wall_seconds'] / 60:.1f}"])
    header = ["set", "PECOS MB, with label names", "our model MB", "compressed MB, by the search", "of PECOS",
              "of our model", "P@1/3/5 of our model", "compressed", "loss",
              "in 17 times fewer bytes than PECOS (`--max-bytes --value-bits=5 --refit`)", "loss, goal <= 0.3",
              "PECOS, words", "weights kept by the search", "search / training, min"]
    return (f"# Compressed models\n\nMade by `bench/compress.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} "
            f"cores, {m['memory_gb']:.0f} GB, Coppice {m['coppice']}. Budget of the search: {result['max_loss']} points on a tenth of "
            f"the training rows; test rows judged each of the two forms once.\n\n" + table(header, rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser)
    parser.add_argument("sets", nargs="*", default=["cve-product", "cve-version", "wordnet-hypernyms"])
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    parser.add_argument("--scratch", help="where models go while they are measured; default: the system's")
    parser.add_argument("--max-loss", type=float, default=GOAL_LOSS, help="points, on the rows held out")
    parser.add_argument("--add", action="store_true", help="keep the sets that the results have already")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "the sets as text")
    path = os.path.join(arguments.out, "compress.json")
    result = {"kind": "compress", "machine": measure.machine(), "max_loss": arguments.max_loss, "sets": {}}
    if arguments.add and os.path.exists(path):
        result["sets"] = measure.load(path)["sets"]
    for name in arguments.sets:
        place = tempfile.mkdtemp(prefix="coppice_bench_", dir=arguments.scratch)
        try:
            result["sets"][name] = measure_set(os.path.join(arguments.data, name), place, arguments)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        measure.save(result, path)
        with open(os.path.join(arguments.out, "compress.md"), "w", encoding="utf-8") as file:
            file.write(text_of(result))
        measure.say(f"{name}: done")


if __name__ == "__main__":
    main()
