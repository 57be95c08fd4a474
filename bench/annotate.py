#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What rows that a model has labelled are worth beside a tenth of the human labels.

bench/annotate.py --data FOLDER [--seeds 5]

FOLDER has trn.tsv, dev.tsv and tst.tsv, a row `intent<TAB>text` each (clinc150). A tenth of the training rows keeps its
labels, as many of each intent; a teacher (ranker or network) is trained on it, labels the texts of the other nine tenths
(coppice annotate), and students of both kinds are trained on both. Floors, soft or hard labels and weights are chosen on
dev rows, in the mean over the seeds, for each pair of teacher and student; test rows judge what was chosen, and nothing
else. Beside it: the tenth alone, and all human labels. Every training is kept as soon as it is there, and a run that was
stopped goes on. Writes results/annotate.json and results/annotate.md.
"""
import argparse
import itertools
import json
import os
import random
import statistics
import tempfile

import measure
from report import table

KINDS = ("ranker", "network")
RANKER = ["--flat"]
# Found on dev rows with the first seed (--tune). Ten times the rows, a tenth of the passes: as many minibatches.
NETWORK = {"--learning-rate": 1.0, "--dropout": 0.7}
EPOCHS = {"tenth": 60, "mixed": 6, "all": 6}
FLOORS = {"ranker": (0, 0.2), "network": (0, 0.8)}  # what the two mean differs much: see the table
WEIGHTS = {"ranker": (1, 0.3), "network": (1,)}  # by student; networks take long to train
T_95 = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 7: 2.447, 8: 2.365, 9: 2.306, 10: 2.262}  # by number of seeds


def lines_of(path):
    with open(path, encoding="utf-8") as file:
        return [line for line in file if line.strip()]


def by_intent(lines):
    intents = {}
    for line in lines:
        intents.setdefault(line.split("\t", 1)[0], []).append(line)
    return intents


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def settings():
    """All that are tried: what the teacher writes, and what it weighs."""
    for teacher, student in itertools.product(KINDS, KINDS):
        labels = ("hard",) if student == "ranker" else ("hard", "soft")  # a ranker takes all labels of a row for alike
        for floor, kind, weight in itertools.product(FLOORS[teacher], labels, WEIGHTS[student]):
            yield {"teacher": teacher, "student": student, "labels": kind, "floor": floor, "weight": weight}


def key_of(setting):
    return " ".join(str(value) for value in setting.values())


class Split:
    """A tenth of the training rows with labels, the others without, and models of one seed."""

    def __init__(self, arguments, seed, place):
        self.arguments, self.seed, self.place = arguments, seed, place
        self.program = measure.program(arguments.build, "coppice")
        draw = random.Random(seed)
        human, rest = [], []
        for _, lines in sorted(by_intent(lines_of(f"{arguments.data}/trn.tsv")).items()):
            lines = draw.sample(lines, len(lines))
            n_kept = max(1, len(lines) // 10)
            human += lines[:n_kept]
            rest += lines[n_kept:]
        draw.shuffle(human)
        draw.shuffle(rest)
        write(self.path("human.tsv"), "".join(human))
        write(self.path("unlabelled.jsonl"), "".join(json.dumps({"text": line.rstrip("\n").split("\t", 1)[1]}) + "\n"
                                                     for line in rest))
        self.truth = [line.split("\t", 1)[0] for line in rest]
        write(self.path("rest.tsv"), "".join(rest))

    def path(self, name):
        return f"{self.place}/{name}"

    def train(self, kind, human, model, annotated=(), epochs="tenth"):
        """Seconds of processor time."""
        if kind == "ranker":
            command = [self.program, "train", human, *RANKER, "--seed", str(self.seed)]
        else:
            options = {**NETWORK, "--epochs": EPOCHS[epochs], "--seed": self.seed}
            command = [self.program, "train-net", "--data", human,
                       *(str(word) for pair in options.items() for word in pair)]
        _, usage = measure.run([*command, *annotated, "--threads", "1", "-o", model, "--quiet"])
        return usage["cpu_seconds"]

    def error(self, kind, model, part):
        command = "evaluate" if kind == "ranker" else "evaluate-net"
        report = measure.run_json([self.program, command, model, f"{self.arguments.data}/{part}.tsv", "--json", "--quiet"])
        return 100 - report["P@1"]

    def judged(self, kind, model):
        return {part: self.error(kind, model, part) for part in ("dev", "tst")}

    def alone(self, kind, which):
        """A model of human labels alone: the tenth, or all."""
        human, model = self.path("human.tsv"), self.path(f"{kind}-{which}")
        if which == "all":
            human = f"{self.arguments.data}/trn.tsv"
        seconds = self.train(kind, human, model, epochs=which)
        return {**self.judged(kind, model), "cpu_seconds": seconds}

    def annotate(self, setting):
        """The path of what the teacher labels, and how much of it is right."""
        name = self.path("annotated-{teacher}-{labels}-{floor}.jsonl".format(**setting))
        teacher = self.path(f"{setting['teacher']}-tenth")
        measure.run([self.program, "annotate", teacher, self.path("unlabelled.jsonl"), "-o", name, "--labels",
                     setting["labels"], "--floor", str(setting["floor"]), "--quiet"])
        truths = {}
        for line, truth in zip(lines_of(self.path("unlabelled.jsonl")), self.truth):
            truths.setdefault(json.loads(line)["text"], set()).add(truth)
        kept = [json.loads(line) for line in lines_of(name)]
        right = sum(best(row["labels"]) in truths[row["text"]] for row in kept)
        return name, {"kept": len(kept) / len(self.truth), "right": right / len(kept)}

    def student(self, setting):
        annotated, about = self.annotate(setting)
        model = self.path("student")
        seconds = self.train(setting["student"], self.path("human.tsv"), model,
                             ["--annotated", annotated, "--annotated-weight", str(setting["weight"])], epochs="mixed")
        return {**self.judged(setting["student"], model), **about, "cpu_seconds": seconds}


def best(labels):
    return max(labels, key=labels.get) if isinstance(labels, dict) else labels[0]


def interval(values):
    """(mean, half the width of the interval of 95 %)"""
    return statistics.mean(values), T_95[len(values)] * statistics.stdev(values) / len(values) ** 0.5


def verdict(mean, half):
    return "undecided" if abs(mean) <= half else "better" if mean < 0 else "worse"


def chosen(result):
    """For each pair of teacher and student the setting with the lowest error on dev rows, in the mean."""
    picked = {}
    for setting in settings():
        errors = [seed["students"][key_of(setting)]["dev"] for seed in result["seeds"]]
        mean = statistics.mean(errors)
        pair = (setting["teacher"], setting["student"])
        if pair not in picked or mean < picked[pair][0]:
            picked[pair] = (mean, setting)
    return {pair: setting for pair, (_, setting) in picked.items()}


def of_seeds(result, take):
    return [take(seed) for seed in result["seeds"]]


def error_text(values):
    mean, half = interval(values)
    return f"{mean:.2f} ± {half:.2f}"


def main_rows(result):
    picked = chosen(result)
    for student in KINDS:
        tenth = of_seeds(result, lambda seed: seed["alone"][f"{student} tenth"]["tst"])
        whole = of_seeds(result, lambda seed: seed["alone"][f"{student} all"]["tst"])
        yield [student, "the human tenth alone", "", "", "", error_text(tenth), "", ""]
        for teacher in KINDS:
            setting = picked[teacher, student]
            runs = of_seeds(result, lambda seed: seed["students"][key_of(setting)])
            errors = [run["tst"] for run in runs]
            mean, half = interval([a - b for a, b in zip(errors, tenth)])
            share = statistics.mean((b - a) / (b - c) for a, b, c in zip(errors, tenth, whole))
            yield [student, f"and rows labelled by the {teacher}",
                   f"{setting['labels']}, floor {setting['floor']}, weight {setting['weight']}",
                   f"{100 * statistics.mean(run['kept'] for run in runs):.0f} %",
                   f"{100 * statistics.mean(run['right'] for run in runs):.1f} %", error_text(errors),
                   f"{mean:+.2f} ± {half:.2f}: {verdict(mean, half)}", f"{100 * share:.0f} %"]
        yield [student, "all human labels", "", "", "", error_text(whole), "", ""]


def dev_rows(result):
    for setting in settings():
        runs = of_seeds(result, lambda seed: seed["students"][key_of(setting)])
        tenth = of_seeds(result, lambda seed: seed["alone"][f"{setting['student']} tenth"]["dev"])
        mean, half = interval([run["dev"] - b for run, b in zip(runs, tenth)])
        yield [setting["teacher"], setting["student"], setting["labels"], str(setting["floor"]), str(setting["weight"]),
               f"{100 * statistics.mean(run['kept'] for run in runs):.0f} %",
               f"{100 * statistics.mean(run['right'] for run in runs):.1f} %",
               error_text([run["dev"] for run in runs]), f"{mean:+.2f} ± {half:.2f}: {verdict(mean, half)}"]


def scope_text(result):
    """clinc150 has many more rows out of scope to test on than to learn from."""
    trained, tested = result["out_of_scope"]["trn"], result["out_of_scope"]["tst"]
    return (f"Out of\nscope (oos) are {trained[0]:,} of {trained[1]:,} training rows, but {tested[0]:,} of {tested[1]:,} test rows: "
            "errors there are\nhigher than on dev rows." if tested[0] else "")


def text_of(result):
    m = result["machine"]
    main = table(["student", "trained on", "chosen on dev rows", "rows labelled", "of them right",
                  "error on test rows, %", "against the tenth alone, points", "of the gap to all human labels"],
                 list(main_rows(result)))
    dev = table(["teacher", "student", "labels", "floor", "weight", "rows labelled", "of them right",
                 "error on dev rows, %", "against the tenth alone, points"], list(dev_rows(result)))
    return f"""# Machine-annotated data

Made by `bench/annotate.py`; do not edit. {m['date']}, {m['cpu']}, Coppice {m['coppice']}. clinc150: a tenth of the
{result['rows']:,} training rows keeps its human labels, {result['human']:,} rows, as many of each of {result['intents']} intents; the teacher
is trained on these, and labels the others. {len(result['seeds'])} seeds: each draws another tenth, and trains anew. Intervals are of 95 %,
Student's t over the seeds, of differences by pairs of one seed; *undecided* where it holds 0. Floor, kind of labels and
weight were chosen on dev rows, test rows were looked at by the table alone. Rankers: `{' '.join(RANKER)}`. Networks:
`{' '.join(f'{name} {value}' for name, value in NETWORK.items())}`, {EPOCHS['tenth']} epochs of the tenth alone, {EPOCHS['mixed']} of all rows: as many minibatches. {scope_text(result)}

{main}
## All settings that were tried, on dev rows

{dev}"""


def out_of_scope(data):
    """By part: how many rows are out of scope, and how many there are."""
    rows = {part: lines_of(f"{data}/{part}.tsv") for part in ("trn", "dev", "tst")}
    return {part: [sum(line.startswith("oos\t") for line in lines), len(lines)] for part, lines in rows.items()}


def measure_seed(arguments, seed, result, path):
    kept = next((one for one in result["seeds"] if one["seed"] == seed), None)
    if kept is None:
        kept = {"seed": seed, "alone": {}, "students": {}}
        result["seeds"].append(kept)
    with tempfile.TemporaryDirectory() as place:
        split = Split(arguments, seed, place)
        result.update(human=len(lines_of(split.path("human.tsv"))), rows=len(lines_of(f"{arguments.data}/trn.tsv")),
                      intents=len(by_intent(lines_of(f"{arguments.data}/trn.tsv"))),
                      out_of_scope=out_of_scope(arguments.data))
        for kind, which in itertools.product(KINDS, ("tenth", "all")):
            if which == "tenth" or f"{kind} {which}" not in kept["alone"]:  # teachers are needed again
                kept["alone"][f"{kind} {which}"] = split.alone(kind, which)
                measure.say(f"seed {seed}, {kind}, {which}: {kept['alone'][f'{kind} {which}']}")
                measure.save(result, path)
        for setting in settings():
            if key_of(setting) in kept["students"]:
                continue
            kept["students"][key_of(setting)] = split.student(setting)
            measure.say(f"seed {seed}, {key_of(setting)}: {kept['students'][key_of(setting)]}")
            measure.save(result, path)


def tune(arguments):
    """Errors on dev rows of the first seed's tenth, and of all rows, by the network's options: no test row is read."""
    with tempfile.TemporaryDirectory() as place:
        split = Split(arguments, 0, place)
        for which, (rate, dropout, epochs) in itertools.product(
                ("tenth", "all"), itertools.product((0.3, 1.0), (0, 0.5, 0.7), (10, 30, 60))):
            if which == "all" and epochs > 10:
                continue
            NETWORK.update({"--learning-rate": rate, "--dropout": dropout})
            EPOCHS[which] = epochs
            human = split.path("human.tsv") if which == "tenth" else f"{arguments.data}/trn.tsv"
            split.train("network", human, split.path("model"), epochs=which)
            print(which, rate, dropout, epochs, round(split.error("network", split.path("model"), "dev"), 2), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tune", action="store_true", help="print errors on dev rows by the network's options, and stop")
    parser.add_argument("--tables-only", action="store_true")
    arguments = parser.parse_args()
    if arguments.tune:
        return tune(arguments)
    path = os.path.join(arguments.out, "annotate.json")
    result = measure.load(path) if os.path.exists(path) else {"kind": "annotate", "machine": measure.machine(), "seeds": []}
    if not arguments.tables_only:
        for seed in range(arguments.seeds):
            measure_seed(arguments, seed, result, path)
    write(os.path.join(arguments.out, "annotate.md"), text_of(result))


if __name__ == "__main__":
    main()
