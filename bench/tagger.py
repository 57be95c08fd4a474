#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The slot tagger, as trained and compressed, and CRFsuite: training time, slot F1, bytes, microseconds an utterance.

bench/tagger.py --data FOLDER [--crfsuite-python PYTHON] [SET]

The set (snips) is a folder with trn.bio, dev.bio and tst.bio. CRFsuite (bench/peers/setup_crfsuite) is given the very
words, tags and features that ours makes, features by number: shorter than the strings its users give it, so its model
file is smaller than theirs. It is trained by L-BFGS with each of three settings of c1 and c2, and the one of the best
F1 on dev.bio is shown; ours has its defaults. One judge counts the slots of both. An utterance: ours from the text,
CRFsuite with features at hand. Writes results/tagger.json and results/tagger.md.
"""
import argparse
import os
import tempfile

import measure
from report import table
from runtime import link

PEER = os.path.join(measure.ROOT, "bench", "peers", "crfsuite_tagger.py")
SOURCE = os.path.join(measure.ROOT, "bench", "runtime_slots.c")
FORMS = {"as trained": None, "8 bits": [], "8 bits, weights of 0.1 and more": ["--tagger-threshold=0.1"],
         "4 bits": ["--value-bits=4"], "4 bits, a scale for 32 weights": ["--value-bits=4", "--scales=groups"]}
PARTS = ("dev", "tst")
# c1, c2: of python-crfsuite's tutorial, of sklearn-crfsuite's, and our defaults (c2 is half of our l2).
SETTINGS = ((1.0, 1e-3), (0.1, 0.1), (0.5, 0.1))
UTTERANCES = 50_000  # at least, for the batch


def texts_of(path):
    """The texts of a .bio file: tokens with a space between each two."""
    with open(path, encoding="utf-8") as file:
        for block in file.read().split("\n\n"):
            tokens = [line.split("\t")[0] for line in block.splitlines() if "\t" in line]
            if tokens:
                yield " ".join(tokens)


def write_lines(lines, path):
    with open(path, "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))


class Coppice:
    def __init__(self, data, place, arguments):
        self.data, self.place, self.arguments = data, place, arguments
        self.program = measure.program(arguments.build, "coppice")
        self.common = ["--quiet", f"--threads={arguments.threads}"]
        self.one_by_one = link(arguments.build, place, SOURCE)
        test = list(texts_of(f"{data}/tst.bio"))
        self.batch = [text for part in ("trn", *PARTS) for text in texts_of(f"{data}/{part}.bio")]
        self.batch *= -(-UTTERANCES // len(self.batch))
        write_lines(test, f"{place}/test.txt")
        write_lines(self.batch, f"{place}/batch.txt")

    def train(self):
        """As a user calls it: reading and writing included."""
        report = measure.run_json([self.program, "train-tagger", f"{self.data}/trn.bio", "-o", f"{self.place}/whole",
                                   "--json", *self.common])
        return {key: report[key] for key in ("texts", "words", "features", "weights", "weights_kept", "iterations",
                                             "process")}

    def judge(self, model, part):
        report = measure.run_json([self.program, "evaluate", model, f"{self.data}/{part}.bio", "--json", *self.common])
        return {key: report[key] for key in ("f1", "precision", "recall", "slots", "texts", "texts_right")}

    def form(self, flags):
        """One form of the model: judged and timed."""
        model = f"{self.place}/whole"
        if flags is not None:
            measure.run([self.program, "compress", model, "-o", f"{self.place}/small", *flags, *self.common])
            model = f"{self.place}/small"
        weights = measure.run_json([self.program, "inspect", model, "--json"])["tagger"]["n_weights"]
        judged = {part: self.judge(model, part) for part in PARTS}
        return {"bytes": os.path.getsize(model), "weights": weights, **judged, "batch": self.time_batch(model),
                "one": measure.run_json([self.one_by_one, model, f"{self.place}/test.txt"])}

    def time_batch(self, model):
        """Microseconds an utterance of `coppice understand`, reading and writing included; the median of three."""
        runs = [measure.run([self.program, "understand", model, f"{self.place}/batch.txt", "--format=text",
                             f"--output={os.devnull}", *self.common])[1] for _ in range(3)]
        return {key: 1e6 * measure.median([run[f"{key}_seconds"] for run in runs]) / len(self.batch)
                for key in ("wall", "cpu")}


class Crfsuite:
    """Trained on files that coppice_bench_slots wrote."""

    def __init__(self, data, place, arguments):
        self.data, self.place, self.python = data, place, arguments.crfsuite_python
        self.slots = measure.program(arguments.build, "coppice_bench_slots")
        files = ",".join(f"{data}/{part}.bio" for part in ("trn", *PARTS))
        self.features = measure.run_json([self.slots, "--stage=features", f"--bio={files}", f"--out={place}"])

    def judge(self, part):
        return measure.run_json([self.slots, "--stage=judge", f"--bio={self.data}/trn.bio,{self.data}/{part}.bio",
                                 f"--tags={self.place}/{part}.features.tags"])

    def train(self, c1, c2):
        rows = {part: f"{self.place}/{part}.features" for part in PARTS}
        report = measure.run_json([self.python, PEER, "--train", f"{self.place}/trn.features", "--rows", *rows.values(),
                                   "--model", f"{self.place}/peer", "--c1", str(c1), "--c2", str(c2)])
        report["one"] = report.pop("tagging")[rows["tst"]]
        return {"c1": c1, "c2": c2, **report, **{part: self.judge(part) for part in PARTS}}


def measure_set(data, place, arguments):
    ours = Coppice(data, place, arguments)
    peer = Crfsuite(data, place, arguments) if arguments.crfsuite_python else None
    result = {"training": [], "forms": {}, "crfsuite": []}
    for c1, c2 in SETTINGS:  # in turns
        result["training"].append(ours.train())
        if peer:
            result["crfsuite"].append(peer.train(c1, c2))
    for name, flags in FORMS.items():
        result["forms"][name] = ours.form(flags)
        measure.say(f"{name}: {result['forms'][name]['tst']}")
    for run in result["crfsuite"]:  # or else the judges differ
        assert all(run[part]["slots"] == result["forms"]["as trained"][part]["slots"] for part in PARTS)
    return result


def best_peer(runs):
    return max(runs, key=lambda run: run["dev"]["f1"])


def row(name, size, weights, judged, batch, one):
    right = 100 * judged["tst"]["texts_right"] / judged["tst"]["texts"]
    return [name, f"{size / 1e3:.0f}", weights, *(f"{judged[part]['f1']:.2f}" for part in PARTS), f"{right:.1f} %",
            batch, f"{one['us']['p50']:.1f}", f"{one['best_us']['p99']:.1f}"]


def model_table(r):
    rows = []
    for name, f in r["forms"].items():
        batch = f"{f['batch']['wall']:.1f} / {f['batch']['cpu']:.1f}"
        rows.append(row(name, f["bytes"], f"{f['weights']:,}", f, batch, f["one"]))
    if r["crfsuite"]:
        best = best_peer(r["crfsuite"])
        rows.append(row("CRFsuite, features at hand", best["model_bytes"], "", best, "", best["one"]))
    return table(["model", "kB", "weights", "F1 dev", "F1 tst", "texts right, tst", "batch us, wall / CPU",
                  "one p50 us", "p99 us"], rows)


def training_table(r):
    def line(name, spent, iterations):
        return [name, f"{spent['wall_seconds']:.1f}", f"{spent['cpu_seconds']:.1f}", str(iterations)]
    ours = {key: measure.median([t["process"][key] for t in r["training"]]) for key in ("wall_seconds", "cpu_seconds")}
    rows = [line("Coppice, from the file of texts", ours, r["training"][0]["iterations"])]
    if r["crfsuite"]:
        spent = best_peer(r["crfsuite"])["training"]
        rows.append(line("CRFsuite, from features at hand", spent, spent["iterations"]))
    return table(["training", "wall s", "CPU s", "iterations"], rows)


def speed_verdict(forms):
    """Goal: compressed, no slower than as trained."""
    def times(form):
        whole = forms["as trained"]
        return {"batch": whole["batch"]["wall"] / form["batch"]["wall"],
                "one": whole["one"]["us"]["p50"] / form["one"]["us"]["p50"]}
    slower = [f"{name} ({how} {ratio:.2f})" for name, form in forms.items() for how, ratio in times(form).items()
              if ratio < 1]
    return ("No compressed form is slower than the model as trained." if not slower else
            "Goal: as fast as the model as trained; **missed** by (times faster) " + ", ".join(slower) + ".")


def about_peer(runs):
    if not runs:
        return "Without CRFsuite, which was not there (bench/peers/setup_crfsuite)."
    tried = "; ".join(f"{run['c1']}, {run['c2']}: {run['dev']['f1']:.2f} / {run['tst']['f1']:.2f}" for run in runs)
    return (f"CRFsuite: python-crfsuite {runs[0]['version']}, L-BFGS, at most 100 iterations, all transitions, one "
            "thread. It has the same words, tags and features, features by number and not by name; its times do not "
            f"include making them. F1 on dev / tst with c1, c2: {tried}. The best on dev stands in the tables.")


def text_of(result):
    m, r = result["machine"], result["result"]
    trained, n_test = r["training"][0], r["forms"]["as trained"]["tst"]["texts"]
    runs = [*r["training"], *r["crfsuite"]]
    return f"""# The slot tagger

Made by `bench/tagger.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, {result['threads']} threads,
Coppice {m['coppice']}; others took up to {100 * max(run['process']['others'] for run in runs):.0f} % of the cores.

{result['set']}: {trained['texts']:,} texts of {trained['words']:,} words to train on, {n_test} to test. F1: slots found
whole, in percent, over all types. Batch: `coppice understand`, an utterance, reading and writing JSON included. One: by
the runtime, from C, one after the other, one thread; p99 of each utterance's best of three. Training: the median of
{len(r['training'])}.

{about_peer(r['crfsuite'])}

{speed_verdict(r['forms'])}

{model_table(r)}
{training_table(r)}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("set", nargs="?", default="snips")
    parser.add_argument("--data", help="folder of the sets (COPPICE_BENCH_DATA)")
    parser.add_argument("--crfsuite-python", default=os.environ.get("COPPICE_BENCH_CRFSUITE_PYTHON"),
                        help="python of the environment with python-crfsuite (COPPICE_BENCH_CRFSUITE_PYTHON)")
    parser.add_argument("--scratch", help="where models go while they are measured; default: the system's")
    arguments = parser.parse_args()
    data = os.path.join(measure.folder(arguments.data, "COPPICE_BENCH_DATA", "data sets"), arguments.set)
    with tempfile.TemporaryDirectory(prefix="coppice_bench_", dir=arguments.scratch) as place:
        result = {"kind": "tagger", "machine": measure.machine(), "threads": arguments.threads, "set": arguments.set,
                  "result": measure_set(data, place, arguments)}
    measure.save(result, os.path.join(arguments.out, "tagger.json"))
    with open(os.path.join(arguments.out, "tagger.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
