#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""10,000 small models opened on demand: how soon each answers, and what they take in memory when all stay open.

bench/skills.py --data FOLDER [SET ...]

Sets: folders with trn.tsv and tst.tsv, `intent<TAB>text` a line (clinc150, snips); their intents are pooled. A skill is
a flat model of some intents drawn by chance, compressed. 200 of them are trained; each is copied under other names
until there are 10,000 files, so that as many inodes are opened, mapped and read, though not as many contents. One
program that links the runtime opens them in turn, each answers one test text of its own intents: all kept open, or each
closed again; files in the page cache, or all sent out of it before. With all open, 100,000 texts are then put to models
drawn by chance. Writes results/skills.json and results/skills.md.
"""
import argparse
import os
import random
import resource
import shutil
import tempfile

import measure
from report import table
from runtime import link, rows, write_jsonl

SOURCE = os.path.join(measure.ROOT, "bench", "runtime_skills.c")
TEXTS = 8  # of each skill, for the queries
WAYS = {"keep, cached": ("keep", {}), "keep, cold": ("keep", {"COLD": "1"}), "close, cached": ("close", {}),
        "close, cold": ("close", {"COLD": "1"})}


def by_intent(sets, part, data):
    """Of the sets together: intent -> texts. Names of intents differ between sets."""
    texts = {}
    for name in sets:
        for row in rows(os.path.join(data, name, part)):
            texts.setdefault(f"{name} {row['labels'][0]}", []).append(row["text"])
    return texts


class Workshop:
    """Makes skills."""

    def __init__(self, arguments, place):
        self.arguments, self.place = arguments, place
        self.program = measure.program(arguments.build, "coppice")
        self.fit, self.test = (by_intent(arguments.sets, part, arguments.data) for part in ("trn.tsv", "tst.tsv"))

    def rows_of(self, texts, intents, draw):
        most = self.arguments.rows
        return [{"text": text, "labels": [intent]} for intent in intents
                for text in draw.sample(texts[intent], min(most, len(texts[intent])))]

    def make(self, number):
        """Trains one; (path, P@1 on test rows, texts to ask it)."""
        draw = random.Random(number)
        intents = draw.sample(sorted(self.fit.keys() & self.test.keys()), self.arguments.intents)
        test = self.rows_of(self.test, intents, draw)
        paths = [f"{self.place}/{name}" for name in ("fit.jsonl", "test.jsonl", "whole", f"trained-{number}")]
        write_jsonl(self.rows_of(self.fit, intents, draw), paths[0])
        write_jsonl(test, paths[1])
        common = ["--quiet", f"--threads={self.arguments.threads}"]
        measure.run([self.program, "train", paths[0], "-o", paths[2], "--flat", *common])
        measure.run([self.program, "compress", paths[2], "-o", paths[3], *common])
        judged = measure.run_json([self.program, "evaluate", paths[3], paths[1], "--json", *common])
        return paths[3], judged["P@1"], [row["text"] for row in draw.sample(test, TEXTS)]


def make_list(arguments, place):
    """The files, in an order drawn by chance, and what the trained ones are; the list names files and texts."""
    workshop = Workshop(arguments, place)
    made = [workshop.make(number) for number in range(arguments.trained)]
    order = [i % arguments.trained for i in range(arguments.skills)]
    random.Random(0).shuffle(order)
    with open(f"{place}/list", "w", encoding="utf-8") as file:
        for number, trained in enumerate(order):
            path = f"{place}/skill-{number:05}.coppice"
            shutil.copyfile(made[trained][0], path)
            file.write("\t".join([path, *made[trained][2]]) + "\n")
    os.sync()
    sizes = sorted(os.path.getsize(path) for path, _, _ in made)
    return {"trained": len(made), "intents": arguments.intents, "rows_of_intent": arguments.rows,
            "bytes": {"least": sizes[0], "median": measure.median(sizes), "most": sizes[-1]},
            "P@1": sum(accuracy for _, accuracy, _ in made) / len(made)}


def limits():
    with open("/proc/sys/vm/max_map_count", encoding="utf-8") as file:
        return {"max_map_count": int(file.read()), "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[0]}


def resident(memory):
    return memory["anonymous"] + memory["of_files"] + memory["page_tables"]


def time_table(ways):
    def quantiles(figure):
        return [f"{figure[q]:.0f}" for q in ("p50", "p99", "most")]
    lines = [[name, f"{100 * w['cached_pages_before'] / w['file_pages']:.1f} %", *quantiles(w["open_us"]),
              *quantiles(w["open_and_answer_us"]), f"{w['seconds']:.2f}"] for name, w in ways.items()]
    return table(["each is kept open or closed again", "of the files in the page cache before", "opening p50 us", "p99",
                  "worst", "opening + first answer p50 us", "p99", "worst", "all, s"], lines)


def memory_table(w):
    lines = []
    for when in ("before", "opened", "asked"):
        m = w[when]
        each = (resident(m) - resident(w["before"])) / w["skills"]
        lines.append([when, *(f"{m[key] / 1e6:.1f}" for key in ("anonymous", "of_files", "page_tables")),
                      f"{resident(m) / 1e6:.1f}", f"{each / 1e3:.1f}", f"{each / (w['file_bytes'] / w['skills']):.2f}",
                      str(m["mappings"]), str(m["open_files"])])
    return table(["all open, files in the page cache", "own MB", "of files MB", "page tables MB", "together MB",
                  "a skill, kB", "of its file", "mappings", "open files"], lines)


def about(s, sets, kept):
    """What was opened."""
    sizes = "{least:.0f} to {most:.0f}".format(**{key: value / 1e3 for key, value in s["bytes"].items()})
    mean = kept["file_bytes"] / kept["skills"] / 1e3
    return (f"{kept['skills']:,} files, of which {s['trained']} were trained: flat models of {s['intents']} intents "
            f"each, drawn by chance from {' and '.join(sets)} together, at most {s['rows_of_intent']} rows an intent, "
            f"compressed with 8 bits; P@1 {s['P@1']:.1f} in the mean. The others are copies of these under other "
            f"names: other inodes and other pages, the same contents. A file has {sizes} kB, {mean:.1f} in the mean. "
            "One process, one thread, one state for all.")


def text_of(result):
    m, kept, limit = result["machine"], result["ways"]["keep, cached"], result["limits"]
    others = max(w["process"]["others"] for w in result["ways"].values())
    return f"""# Skills on demand

Made by `bench/skills.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, Coppice {m['coppice']};
others took up to {100 * others:.0f} % of the cores.

{about(result['skills'], result['sets'], kept)}

{time_table(result['ways'])}
Opening + first answer: and closing, where each is closed. All: until the last has answered.

{kept['queries']:,} texts put to open models drawn by chance: p50 {kept['query_us']['p50']:.1f} us, p99
{kept['query_us']['p99']:.1f} us a text.

{memory_table(kept)}
Opened: each has answered one text; asked: after all texts. A model takes a mapping, and no open file. Limits here:
{limit['max_map_count']:,} mappings of a process (vm.max_map_count), {limit['open_files']:,} open files.
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", default=["clinc150", "snips"])
    parser.add_argument("--data", help="folder of the sets (COPPICE_BENCH_DATA)")
    parser.add_argument("--skills", type=int, default=10_000, help="files to open")
    parser.add_argument("--trained", type=int, default=200, help="models to train; the files are copies of these")
    parser.add_argument("--intents", type=int, default=30, help="of a skill")
    parser.add_argument("--rows", type=int, default=100, help="of an intent, at most")
    parser.add_argument("--queries", type=int, default=100_000)
    parser.add_argument("--scratch", help="folder for models, on a disk (a file in memory is never cold)")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "data sets")
    with tempfile.TemporaryDirectory(prefix="coppice_bench_", dir=arguments.scratch) as place:
        program = link(arguments.build, place, SOURCE)
        result = {"kind": "skills", "machine": measure.machine(), "sets": arguments.sets, "limits": limits(),
                  "skills": make_list(arguments, place), "ways": {}}
        for name, (mode, variables) in WAYS.items():
            queries = [str(arguments.queries)] if mode == "keep" else []
            result["ways"][name] = measure.run_json([program, f"{place}/list", mode, *queries], variables)
            measure.say(f"{name}: {result['ways'][name]}")
    measure.save(result, os.path.join(arguments.out, "skills.json"))
    with open(os.path.join(arguments.out, "skills.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
