#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which prompts are worth the strong model: our ranker as a router, on recorded answers of two models.

bench/routing.py --data FOLDER [--seeds 5]

FOLDER has all.tsv: a heading, then `source<TAB>weak right<TAB>strong right<TAB>prompt` a row (RouteLLM's tables: Mixtral
8x7B and GPT-4). One ranker (coppice train --flat) learns which models answer a prompt right, labels strong and weak, and
of which subject it is. A prompt's score is the gain foretold: half the difference of the two margins (as margins are
1 for surely right and -1 for surely wrong), or the mean of that, twice, and of the gain of the subject that the ranker
takes it for; the highest scores go to the strong model. Judged by cross-validation of ten folds on the
MMLU part, once with rows in random folds, once with whole subjects left out. The recipe is chosen anew in each fold, by
three folds of its training rows: test rows judge, and nothing else. Each seed is another split; every seed is kept as
soon as it is there, and a run that was stopped goes on. So many folds as threads are done side by side, each by one
thread. Writes results/routing.json, .md and .svg.
"""
import argparse
import concurrent.futures
import itertools
import json
import os
import random
import statistics
import tempfile

import measure
from routing_report import MEAN, drawing_of, text_of

PART, OTHER_PART = "mmlu_", "gsm8k_responses"
FOLDS, INNER_FOLDS = 10, 3
SHAPE = ["--flat", "--tf", "sublinear", "--min-df", "2", "--punctuation", "keep", "--threshold", "0",
          "--train-post-processor", "noop"]
OPTIONS = SHAPE + ["--c-positive", "0.04", "--c-negative", "0.04"]
RUNS = {f"runs of {name} words": OPTIONS + ["--word-ngrams", f"1,{longest}"] for name, longest in (("two", 2), ("three", 3))}
FORMS = ("outcomes", "outcomes and subject")
RECIPES = [f"{runs}, {form}" for runs in RUNS for form in FORMS]
DEFAULTS = ["--flat", "--train-post-processor", "noop"]
DEFAULTS_SEED = 1  # they are slow to train, and tried with this seed alone
SPLITS = ("rows", "subjects")
OUTCOMES = ("strong", "weak")


class Row:
    """A prompt, and which of the two models had it right."""

    def __init__(self, line):
        source, weak, strong, self.prompt = line.rstrip("\n").split("\t")
        self.subject = source.removeprefix(PART)
        self.weak, self.strong = weak == "True", strong == "True"
        self.gain = self.strong - self.weak

    def labels(self):
        return [name for name in OUTCOMES if getattr(self, name)] + ["subject " + self.subject]


def rows_of(path, part):
    with open(path, encoding="utf-8") as file:
        return [Row(line) for line in list(file)[1:] if line.startswith(part)]


def folds_of(rows, split, n_folds, draw):
    """The fold of each row. Equal prompts, or whole subjects, are in one fold."""
    keys = [row.prompt if split == "rows" else row.subject for row in rows]
    distinct = sorted(set(keys))
    draw.shuffle(distinct)
    fold = {key: i % n_folds for i, key in enumerate(distinct)}
    return [fold[key] for key in keys]


def curve_of(rows, scores):
    """Accuracy with 0, 1, .. 100 % of the rows, those of the highest scores, answered by the strong model.

    Rows of equal scores count as in the mean over their orders."""
    order = sorted(range(len(rows)), key=lambda i: -scores[i])
    gains = [0.0]
    for _, ties in itertools.groupby(order, key=lambda i: scores[i]):
        ties = list(ties)
        mean = sum(rows[i].gain for i in ties) / len(ties)
        gains += [gains[-1] + mean * (i + 1) for i in range(len(ties))]
    weak = sum(row.weak for row in rows)

    def at(place):
        below = min(int(place), len(rows) - 1)
        return gains[below] + (place - below) * (gains[below + 1] - gains[below])
    return [(weak + at(share * len(rows) / 100)) / len(rows) for share in range(101)]


def apgr(curve):
    """Mean over the shares of strong calls of what is gained of the gap between the models; random calls give 0.5."""
    return statistics.mean((value - curve[0]) / (curve[100] - curve[0]) for value in curve)


class Router:
    """Trains the program on rows and asks it for scores."""

    def __init__(self, build):
        self.program = measure.program(build, "coppice")
        self.threads = ["--threads", "1", "--quiet"]
        self.place = tempfile.TemporaryDirectory()
        self.cost = {}  # of the last training

    def path(self, name):
        return os.path.join(self.place.name, name)

    def write(self, name, lines):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        return self.path(name)

    def train(self, rows, options):
        outcomes = self.write("outcomes.jsonl", (json.dumps({"text": row.prompt, "labels": row.labels()}) for row in rows))
        model = self.path("router.coppice")
        _, usage = measure.run([self.program, "train", outcomes, "-o", model, *options, *self.threads])
        self.cost = {"rows": len(rows), "cpu_seconds": usage["cpu_seconds"], "bytes": os.path.getsize(model)}

    def margins(self, rows, labels):
        """Of each row the margins by label."""
        prompts = self.write("prompts.jsonl", (json.dumps({"text": row.prompt}) for row in rows))
        asked = self.write("labels.txt", labels)
        out, _ = measure.run([self.program, "predict", self.path("router.coppice"), prompts, "--score-labels", "@" + asked,
                              *self.threads])
        answers = [json.loads(line) for line in out.splitlines()]
        if len(answers) != len(rows):
            raise measure.Failed(f"{len(answers)} predictions of {len(rows)} prompts")
        return [dict(zip(answer["labels"], answer["scores"])) for answer in answers]

    def tried(self, rows, test, options):
        """The scores of the test rows, by form; "subject known" takes the row's own in place of the one it is taken for."""
        gains = subject_gains(rows)
        self.train(rows, options)
        margins = self.margins(test, [*OUTCOMES, *gains])
        outcomes = [(margin["strong"] - margin["weak"]) / 2 for margin in margins]
        taken_for = [max(gains, key=margin.get) for margin in margins]
        known = [gains.get("subject " + row.subject, 0) for row in test]
        return {"outcomes": outcomes, "outcomes and subject": [(2 * a + gains[b]) / 3 for a, b in zip(outcomes, taken_for)],
                "subject known": [(2 * a + b) / 3 for a, b in zip(outcomes, known)]}


def subject_gains(rows):
    """By label of a subject: how many more of its rows the strong model has right than the weak one, in the mean."""
    gains = {}
    for row in rows:
        gains.setdefault("subject " + row.subject, []).append(row.gain)
    return {label: statistics.mean(values) for label, values in sorted(gains.items())}


def part_of(rows, folds, fold):
    """(training rows, test rows). A prompt that is tested is not learned from, in whichever subject it stands."""
    test = [row for row, own in zip(rows, folds) if own == fold]
    tested = {row.prompt for row in test}
    return [row for row, own in zip(rows, folds) if own != fold and row.prompt not in tested], test


def tried_recipes(router, rows, test):
    """By recipe, and "subject known" for each runs: the scores of the test rows."""
    return {f"{runs}, {form}": scores for runs, options in RUNS.items()
            for form, scores in router.tried(rows, test, options).items()}


def choose(router, rows, split, draw):
    """The recipe of the highest APGR in folds of these rows, and the score above which half of them lies there."""
    folds = folds_of(rows, split, INNER_FOLDS, draw)
    tested, scores = [], {name: [] for name in RECIPES}
    for fold in range(INNER_FOLDS):
        train, test = part_of(rows, folds, fold)
        tested += test
        tried = tried_recipes(router, train, test)
        for name in RECIPES:
            scores[name] += tried[name]
    best = max(RECIPES, key=lambda name: apgr(curve_of(tested, scores[name])))
    return best, statistics.median(scores[best])


def fold_scores(router, train, test, split, best, seed):
    """By name of a router: its scores of the test rows."""
    tried = tried_recipes(router, train, test)
    scores = {"ours": tried[best], **{name: tried[name] for name in RECIPES},
              "length of the prompt": [len(row.prompt) for row in test], "oracle": [row.gain for row in test]}
    scores[MEAN] = [statistics.mean(values) for values in zip(*(tried[name] for name in RECIPES))]
    if seed == DEFAULTS_SEED:
        scores["options at their defaults, outcomes"] = router.tried(train, test, DEFAULTS)["outcomes"]
    if split == "rows":
        gains = subject_gains(train)
        scores["ours, subject known"] = tried[best.split(",")[0] + ", subject known"]
        scores["mean of the subject"] = [gains["subject " + row.subject] for row in test]
    return scores


def at_threshold(test, scores, threshold):
    strong = [score > threshold for score in scores]
    right = sum(row.strong if called else row.weak for row, called in zip(test, strong))
    return {"share": sum(strong) / len(test), "accuracy": right / len(test),
            "rows": len(test)}


def measure_fold(build, rows, folds, fold, split, seed):
    """(the test rows, their scores by name of a router, the recipe chosen, the threshold chosen)."""
    router = Router(build)
    train, test = part_of(rows, folds, fold)
    best, threshold = choose(router, train, split, random.Random(f"{seed} {split} {fold}"))
    return test, fold_scores(router, train, test, split, best, seed), best, threshold


def measure_split(arguments, rows, split, seed):
    folds = folds_of(rows, split, FOLDS, random.Random(f"{seed} {split}"))
    tested, pooled, by_fold, thresholds = [], {}, {}, []
    with concurrent.futures.ThreadPoolExecutor(arguments.threads) as pool:
        done = list(pool.map(lambda fold: measure_fold(arguments.build, rows, folds, fold, split, seed), range(FOLDS)))
    for test, scores_by_name, best, threshold in done:
        tested += test
        for name, scores in scores_by_name.items():
            pooled.setdefault(name, []).extend(scores)
            curve = curve_of(test, scores)
            by_fold.setdefault(name, []).append({"accuracy": round(curve[50], 5), "rows": len(test)})
        thresholds.append({"recipe": best, **at_threshold(test, scores_by_name["ours"], threshold)})
    curves = {name: [round(value, 5) for value in curve_of(tested, scores)] for name, scores in pooled.items()}
    within = sum(fold["accuracy"] * fold["rows"] for fold in by_fold["ours"]) / len(tested)
    measure.say(f"seed {seed}, {split}: {curves['ours'][50]:.4f}, within folds {within:.4f}")
    return {"curves": curves, "folds": by_fold, "thresholds": thresholds}


def measure_calibration(build, rows, split):
    """Of the fifths of the rows in order of their score by the first recipe: [predicted gain, gain], in the mean."""
    folds, router, scored = folds_of(rows, split, FOLDS, random.Random(f"calibration {split}")), Router(build), []
    for fold in range(FOLDS):
        train, test = part_of(rows, folds, fold)
        scored += zip(router.tried(train, test, RUNS["runs of two words"])["outcomes"], (row.gain for row in test))
    scored.sort()
    fifths = [scored[i * len(scored) // 5:(i + 1) * len(scored) // 5] for i in range(5)]
    return [[round(statistics.mean(score for score, _ in fifth), 4), round(statistics.mean(gain for _, gain in fifth), 4)]
            for fifth in fifths]


def measure_other_task(router, data):
    """All of the one part is learned, the other part judges: by the first recipe, none is chosen."""
    train, test = rows_of(data, PART), rows_of(data, OTHER_PART)
    curve = curve_of(test, router.tried(train, test, RUNS["runs of two words"])["outcomes"])
    lengths = curve_of(test, [len(row.prompt) for row in test])
    return {"rows": len(test), "curve": [round(value, 5) for value in curve], "apgr": apgr(curve), "length": lengths[50],
            "length apgr": apgr(lengths)}


def about(rows):
    return {"rows": len(rows), "subjects": len({row.subject for row in rows}),
            "prompts": len({row.prompt for row in rows}), "weak": sum(row.weak for row in rows) / len(rows),
            "strong": sum(row.strong for row in rows) / len(rows), "options": OPTIONS, "recipes": RECIPES,
            "folds": FOLDS, "inner_folds": INNER_FOLDS}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--data", required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tables-only", action="store_true")
    arguments = parser.parse_args()
    path = os.path.join(arguments.out, "routing.json")
    result = measure.load(path) if os.path.exists(path) else {"kind": "routing", "machine": measure.machine(), "seeds": []}
    if not arguments.tables_only:
        data = os.path.join(arguments.data, "all.tsv")
        rows, router = rows_of(data, PART), Router(arguments.build)
        result["about"] = about(rows)
        for seed in range(len(result["seeds"]) + 1, arguments.seeds + 1):
            result["seeds"].append({split: measure_split(arguments, rows, split, seed) for split in SPLITS})
            measure.save(result, path)
        result["other task"] = measure_other_task(router, data)
        result["cost"] = router.cost
        result["calibration"] = {split: measure_calibration(arguments.build, rows, split) for split in SPLITS}
        measure.save(result, path)
    for ending, content in (("md", text_of(result)), ("svg", drawing_of(result))):
        with open(os.path.join(arguments.out, f"routing.{ending}"), "w", encoding="utf-8") as file:
            file.write(content)


if __name__ == "__main__":
    main()
