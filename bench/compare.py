#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Coppice and PECOS on the same matrices with the same settings, in turns: time, memory, size, latency, quality.

bench/compare.py --mats FOLDER --peer-python PYTHON [SET ...]

A set is a folder of FOLDER with {X,Y}.{trn,tst}.npz. Round r trains both with seed r, one directly after the other,
then measures both predictions in turns; ratios are of one round, and their median counts. Each set's figures go to
results/SET.json at once, the tables (results/xmr.md) are made of all files there are.
"""
import argparse
import os
import shutil
import tempfile

import measure
import report

SETTINGS = {"branching": 16, "max_leaf": 100, "threshold": 0.1, "c_positive": 1.0, "epsilon": 0.1,
            "loss": "squared_hinge", "negatives": "tfn", "beam": 10, "top_k": 10}
# Said to ours, whatever its defaults.
FIXED = {"root_branching": 0, "c_negative": 1, "bias": 1, "max_iterations": 100}
PEER_NEGATIVES = {"tfn": "tfn", "tfn+man": "tfn+man"}
PEER = os.path.join(measure.ROOT, "bench", "peers", "pecos_xmr.py")


class Coppice:
    """Our side: programs of the bench build."""

    def __init__(self, arguments, mats, settings, place):
        self.xmr = measure.program(arguments.build, "coppice_bench_xmr")
        self.fixed = [f"--mats={mats}", f"--threads={arguments.threads}", f"--model={place}/model.coppice",
                      "--at=1,3,5,10", *measure.flags({**FIXED, **settings})]
        self.mats = mats

    def train(self, seed):
        report_ = measure.run_json([self.xmr, "--stage=train", f"--seed={seed}", *self.fixed])
        return {**report_["training"], "process": report_["process"]}

    def predict(self):
        report_ = measure.run_json([self.xmr, "--stage=predict", *self.fixed])
        return {**report_["prediction"], "process": report_["process"]}

    def judge(self, predictions):
        """Predictions of the other side, by the same measure as ours."""
        report_ = measure.run_json([self.xmr, "--stage=judge", f"--mats={self.mats}", f"--predictions={predictions}",
                                    "--at=1,3,5,10"])
        return report_["metrics"]


class Pecos:
    """The other side: its package, from Python, and its C++ core alone for single queries."""

    def __init__(self, arguments, mats, settings, place):
        self.python = arguments.peer_python
        self.latency_program = measure.program(arguments.build, "coppice_bench_peer_latency")
        self.about = measure.run_json([self.python, PEER, "library"])
        self.mats, self.model, self.predictions = mats, f"{place}/pecos", f"{place}/predictions.npz"
        self.threads = ["--threads", str(arguments.threads)]
        self.settings = ["--branching", str(settings["branching"]), "--max-leaf", str(settings["max_leaf"]),
                         "--threshold", str(settings["threshold"]), "--c-positive", str(settings["c_positive"]),
                         "--epsilon", str(settings["epsilon"]), "--negatives", PEER_NEGATIVES[settings["negatives"]]]
        self.search = ["--beam", str(settings["beam"]), "--top-k", str(settings["top_k"])]

    def versions(self):
        return {key: self.about[key] for key in ("libpecos", "numpy", "scipy")}

    def train(self, seed):
        return measure.run_json([self.python, PEER, "train", "--mats", self.mats, "--model", self.model,
                                 "--seed", str(seed), *self.threads, *self.settings])

    def predict(self, layout):
        extra = ["--predictions", self.predictions] if layout == "mmap" else ["--single-queries", "0"]
        return measure.run_json([self.python, PEER, "predict", "--mats", self.mats, "--model", self.model,
                                 "--layout", layout, *self.threads, *self.search, *extra])

    def latency(self, layout):
        model = self.model + (".mmap" if layout == "mmap" else "")
        command = [self.latency_program, f"--library={self.about['library']}", f"--model={model}",
                   f"--queries={self.mats}/X.tst.npz", f"--layout={layout}"]
        return measure.run_json(command, {"OMP_NUM_THREADS": "1"})


def one_round(seed, coppice, pecos):
    """Both sides in turns; who begins changes from round to round."""
    train = [("coppice", lambda: coppice.train(seed)), ("pecos", lambda: pecos.train(seed))]
    training = {name: work() for name, work in (train if seed % 2 == 0 else reversed(train))}
    result = {"seed": seed, "coppice": {"training": training["coppice"]}, "pecos": {"training": training["pecos"]}}
    result["pecos"]["mmap"] = pecos.predict("mmap")
    result["coppice"]["prediction"] = coppice.predict()
    result["pecos"]["hash"] = pecos.predict("hash")
    for layout in ("mmap", "hash"):
        result["pecos"][layout].update(pecos.latency(layout))
    result["coppice"]["prediction_again"] = coppice.predict()
    result["pecos"]["metrics"] = coppice.judge(pecos.predictions)
    return result


def compare(name, arguments, settings):
    mats = os.path.join(arguments.mats, name)
    place = tempfile.mkdtemp(prefix="coppice_bench_", dir=arguments.scratch)
    result = {"set": name, "machine": measure.machine(), "threads": arguments.threads, "settings": settings,
              "rounds": []}
    try:
        coppice, pecos = (side(arguments, mats, settings, place) for side in (Coppice, Pecos))
        result["versions"] = pecos.versions()
        for seed in range(arguments.rounds):
            result["rounds"].append(one_round(seed, coppice, pecos))
            result["summary"] = report.summarize(result["rounds"])
            measure.save(result, os.path.join(arguments.out, f"{name}.json"))
            measure.say(report.line(name, result["summary"]))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser)
    parser.add_argument("sets", nargs="*", help="default: every folder of --mats that is no split for tuning")
    parser.add_argument("--mats", help="folder of the matrices (COPPICE_BENCH_MATS)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each with a seed of its own")
    parser.add_argument("--scratch", help="folder for models on their way (default: the system's)")
    parser.add_argument("--tables-only", action="store_true", help="measure nothing, make the tables anew")
    for name, value in SETTINGS.items():
        parser.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    arguments = parser.parse_args()
    if not arguments.tables_only:
        arguments.mats = measure.folder(arguments.mats, "COPPICE_BENCH_MATS", "matrices")
        if not arguments.peer_python:
            parser.error("--peer-python is missing (bench/README.md says how to set the peer up)")
        settings = {name: getattr(arguments, name) for name in SETTINGS}
        sets = arguments.sets or sorted(x for x in os.listdir(arguments.mats) if not x.endswith("-split"))
        for name in sets:
            compare(name, arguments, settings)
    report.write_xmr(arguments.out)


if __name__ == "__main__":
    main()
