# SPDX-License-Identifier: Apache-2.0
"""CRFsuite by python-crfsuite: trains on a file of features that coppice_bench_slots wrote, and tags others.

crfsuite_tagger.py --train FILE --rows FILE ... --c1 1 --c2 0.001 --model FILE [--iterations 100] [--repeats 3]

A line of a file is a word: its tag and its features, separated by tabs; a blank line ends a text. The tags found go to
FILE.tags, one a line. Training is measured from handing the features over to the model file; tagging with features at
hand in CRFsuite's own form, so that no Python object is looked at meanwhile.
"""
import argparse
import importlib.metadata
import json
import os
import sys
import time

import pycrfsuite


def texts_of(path):
    """Of each text its words' features, and its tags."""
    items, tags = [], []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line == "\n":
                yield items, tags
                items, tags = [], []
                continue
            tag, *features = line.rstrip("\n").split("\t")
            items.append([sys.intern(feature) for feature in features])
            tags.append(tag)


def train(arguments):
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", verbose=False)
    trainer.set_params({"c1": arguments.c1, "c2": arguments.c2, "max_iterations": arguments.iterations,
                        "feature.possible_transitions": True})
    texts = list(texts_of(arguments.train))
    wall, cpu = time.perf_counter(), time.process_time()
    for items, tags in texts:
        trainer.append(items, tags)
    trainer.train(arguments.model)
    return {"wall_seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu,
            "iterations": len(trainer.logparser.iterations)}


def quantile(values, share):
    return sorted(values)[int(len(values) * share)]


def tag(tagger, path, repeats):
    texts = [pycrfsuite.ItemSequence(items) for items, _ in texts_of(path)]
    times, best = [], [float("inf")] * len(texts)
    for repeat in range(repeats + 1):  # the first warms up
        for i, text in enumerate(texts):
            start = time.perf_counter()
            tagger.tag(text)
            us = (time.perf_counter() - start) * 1e6
            if repeat > 0:
                times.append(us)
                best[i] = min(best[i], us)
    with open(f"{path}.tags", "w", encoding="utf-8") as file:
        for text in texts:
            file.write("".join(name + "\n" for name in tagger.tag(text)))
    return {name: {"p50": quantile(values, 0.5), "p99": quantile(values, 0.99)}
            for name, values in (("us", times), ("best_us", best))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--rows", nargs="+", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--c1", type=float, default=1.0)
    parser.add_argument("--c2", type=float, default=1e-3)
    parser.add_argument("--iterations", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    training = train(arguments)
    tagger = pycrfsuite.Tagger()
    tagger.open(arguments.model)
    print(json.dumps({"version": importlib.metadata.version("python-crfsuite"), "training": training,
                      "model_bytes": os.path.getsize(arguments.model),
                      "tagging": {path: tag(tagger, path, arguments.repeats) for path in arguments.rows}}))


if __name__ == "__main__":
    main()
