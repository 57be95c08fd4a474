#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Passages found by `coppice index` and `retrieve` against plain BM25s: recall@5, precision, MRR, time a query.

bench/retrieval.py --data FOLDER

FOLDER/rag-chunking holds corpora/NAME.md and questions_df.csv: questions, and which characters of which corpus answer
them. All corpora are cut by our chunker and indexed together; each system ranks the same passages, and one piece of
code judges what it found:
  recall     share of a question's reference characters that its five passages cover, mean over the questions
  strict     share of questions whose references are covered whole
  precision  share of the passages' characters that are reference, mean over the questions
  MRR        1 / rank of the first passage that holds any of the reference, 0 where none of the five does
FOLDER/cve-product, if it is there, is the large set: rows of trn.txt as passages, the first words of rows of tst.txt as
queries; it shows what a beam saves, and what it costs in recall against the search of all passages. Writes
results/retrieval.json and results/retrieval.md.
"""
import argparse
import collections
import csv
import json
import math
import os
import re
import shlex
import statistics
import subprocess
import tempfile
import time

import measure
from report import table

TOP_K = 5
NAIVE = "naive BM25"
WORDS = 200
OPTIONS = {
    "defaults": [],
    "pairs of words too": ["--word-ngrams=1,2"],
    "and n-grams inside words, 4-5, at 0.1": ["--char-wb-ngrams=4,5", "--char-wb-weight=0.1"],
    "and n-grams inside words, 4-5, at 0.3": ["--char-wb-ngrams=4,5", "--char-wb-weight=0.3"],
    "n-grams inside words alone, 4-5": ["--word-ngrams", "", "--char-wb-ngrams=4,5"],
    "words of more than a tenth of the passages left out": ["--max-df-share=0.1"],
    "compounds too": ["--compounds=add"],
    "repeated words of a query once": ["--query-tf=binary"],
    "k1 0.9, b 0.4": ["--k1=0.9", "--b=0.4"],
    "k1 1.5, b 0.75": ["--k1=1.5"],
}
CHUNKS = {f"{words} words" + (f", up to {overlap} shared" if overlap else ""):
          [f"--chunk-words={words}", f"--chunk-overlap={overlap}"]
          for words, overlap in ((200, 0), (200, 50), (50, 0), (100, 0), (100, 25), (400, 0), (400, 100))}
BEAMS = [0, 10, 25, 50, 100, 200]


class Questions:
    """The questions, and the characters that answer each."""

    def __init__(self, folder):
        with open(os.path.join(folder, "questions_df.csv"), encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.texts = [" ".join(row["question"].split()) for row in rows]
        self.corpora = [row["corpus_id"] for row in rows]
        self.references = [merged([(r["start_index"], r["end_index"]) for r in json.loads(row["references"])])
                           for row in rows]
        self.names = sorted(set(self.corpora))
        self.corpus_texts = {}
        for name in self.names:
            with open(os.path.join(folder, "corpora", f"{name}.md"), encoding="utf-8", newline="") as file:
                self.corpus_texts[name] = file.read()
        for row in rows:  # the places are those of these files
            for reference in json.loads(row["references"]):
                begin, end = reference["start_index"], reference["end_index"]
                if self.corpus_texts[row["corpus_id"]][begin:end] != reference["content"]:
                    raise measure.Failed(f"a reference of {row['corpus_id']} is not where the set says")


def merged(ranges):
    result = []
    for begin, end in sorted(ranges):
        if result and begin <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result


def common(ranges, others):
    """What two lists of merged ranges have in common."""
    pairs = ((max(a, c), min(b, d)) for a, b in ranges for c, d in others)
    return [(begin, end) for begin, end in pairs if begin < end]


def size(ranges):
    return sum(end - begin for begin, end in ranges)


class Passages:
    """What was indexed, and where each passage stands in its corpus, in characters."""

    def __init__(self, path, questions):
        starts = {}
        for name, text in questions.corpus_texts.items():
            at, byte_places = 0, {}
            for i, character in enumerate(text):
                byte_places[at] = i
                at += len(character.encode())
            byte_places[at] = len(text)
            starts[name] = byte_places
        self.texts, self.places = {}, {}
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                name = row["part"]["of"].removesuffix(".md")
                self.texts[row["id"]] = row["text"]
                self.places[row["id"]] = (name, starts[name][row["part"]["begin"]], starts[name][row["part"]["end"]])


def judge(questions, passages, found):
    """A row of figures for each question."""
    rows = []
    for i, ids in enumerate(found):
        name, references = questions.corpora[i], questions.references[i]
        text = questions.corpus_texts[name]
        taken, chars, rank = [], 0, 0
        for place, passage in enumerate(ids[:TOP_K]):
            corpus, begin, end = passages.places[passage]
            if corpus == name:
                taken.append((begin, end))
                if rank == 0 and common([(begin, end)], references):
                    rank = place + 1
            else:
                chars += end - begin
        taken = merged(taken)
        covered = common(taken, references)
        missing = [c for begin, end in references for c in range(begin, end)
                   if not text[c].isspace() and not any(a <= c < b for a, b in covered)]
        chars += size(taken)
        rows.append({"corpus": name, "recall": size(covered) / size(references), "strict": float(not missing),
                     "precision": size(covered) / chars if chars else 0.0, "mrr": 1 / rank if rank else 0.0})
    return rows


FIGURES = ["recall", "strict", "precision", "mrr"]


def summary(rows):
    result = {figure: statistics.fmean(row[figure] for row in rows) for figure in FIGURES}
    result["recall_error"] = statistics.stdev(row["recall"] for row in rows) / math.sqrt(len(rows))
    by_corpus = collections.defaultdict(list)
    for row in rows:
        by_corpus[row["corpus"]].append(row)
    result["corpora"] = {name: {"questions": len(some), **{f: statistics.fmean(r[f] for r in some) for f in FIGURES}}
                         for name, some in sorted(by_corpus.items())}
    return result


def difference(rows, base):
    """Of recall, in points, with its standard error over the questions."""
    pairs = [100 * (a["recall"] - b["recall"]) for a, b in zip(rows, base, strict=True)]
    return {"points": statistics.fmean(pairs), "error": statistics.stdev(pairs) / math.sqrt(len(pairs))}


class Coppice:
    def __init__(self, arguments, folder, place, questions):
        self.program = os.path.abspath(measure.program(arguments.build, "coppice"))
        self.bench = measure.program(arguments.build, "coppice_bench_retrieval")
        self.threads, self.place, self.questions = arguments.threads, place, questions
        self.corpora = os.path.join(folder, "corpora")
        self.queries = os.path.join(place, "questions.txt")
        self.others = []
        with open(self.queries, "w", encoding="utf-8") as file:
            file.writelines(text + "\n" for text in questions.texts)

    def index(self, flags, name="model"):
        """The path of the model, what indexing came to, and the passages."""
        model, passages = os.path.join(self.place, f"{name}.coppice"), os.path.join(self.place, f"{name}.jsonl")
        files = [f"{corpus}.md" for corpus in self.questions.names]
        done = subprocess.run([self.program, "index", *files, "-o", model, "--passages", passages, "--json", "--quiet",
                               f"--threads={self.threads}", *flags],
                              cwd=self.corpora, capture_output=True, text=True, check=True)
        return model, json.loads(done.stdout), passages

    def ask(self, model, queries=None):
        with open(queries or self.queries, encoding="utf-8") as lines:
            done = subprocess.run([self.program, "retrieve", model, "-", "--json", "--top-k", str(TOP_K)], stdin=lines,
                                  capture_output=True, text=True, check=True)
        return [[passage["id"] for passage in json.loads(line)["passages"]] for line in done.stdout.splitlines()]

    def latency(self, models, queries, beams=(0,)):
        report = measure.run_json([self.bench, f"--model={','.join(models)}", f"--queries={queries}",
                                   f"--beams={','.join(map(str, beams))}"])
        self.others.append((report["process"]["others"], report["process"]["wall_seconds"]))
        for setting in report["settings"]:
            del setting["model"]  # a path of this machine
            setting["us"]["cpu"] = setting["cpu_us"]
        return report


def by_space(text):
    return text.lower().split()


def by_words(text):
    return re.findall(r"\w+", text.lower())


class NaiveBm25:
    """The formula, plainly: Lucene's idf, k1 = 1.2, b = 0.75."""

    def __init__(self, texts, tokens, k1=1.2, b=0.75):
        self.ids, self.tokens = list(texts), tokens
        counts = [collections.Counter(tokens(text)) for text in texts.values()]
        lengths = [sum(count.values()) for count in counts]
        mean = statistics.fmean(lengths)
        df = collections.Counter(token for count in counts for token in count)
        n = len(counts)
        self.weights = collections.defaultdict(list)
        for i, count in enumerate(counts):
            norm = k1 * (1 - b + b * lengths[i] / mean)
            for token, tf in count.items():
                idf = math.log(1 + (n - df[token] + 0.5) / (df[token] + 0.5))
                self.weights[token].append((i, idf * tf * (k1 + 1) / (tf + norm)))

    def find(self, query):
        scores = collections.defaultdict(float)
        for token in self.tokens(query):
            for i, weight in self.weights.get(token, ()):
                scores[i] += weight
        return [self.ids[i] for i in sorted(scores, key=lambda i: (-scores[i], i))[:TOP_K]]


def quantiles(microseconds):
    ordered = sorted(microseconds)
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[len(ordered) * 99 // 100]}


def naive(texts, questions, tokens):
    index, found, microseconds = NaiveBm25(texts, tokens), [], []
    for question in questions.texts:
        start = time.perf_counter()
        found.append(index.find(question))
        microseconds.append(1e6 * (time.perf_counter() - start))
    return found, quantiles(microseconds)


PEER = os.path.join(measure.ROOT, "bench", "peers", "bm25.py")


def rank_bm25(arguments, passages, queries, tokens):
    report = measure.run_json([arguments.bm25_python, PEER, "rank", passages, queries, str(TOP_K), tokens])
    return report["found"], quantiles(report["us"])


def stemmed(arguments, coppice, passages):
    """What our index finds in texts whose words were stemmed before."""
    rows, queries, model = (os.path.join(coppice.place, f"stems.{end}") for end in ("jsonl", "txt", "coppice"))
    measure.run([arguments.bm25_python, PEER, "stem", passages, coppice.queries, rows, queries])
    measure.run([coppice.program, "index", rows, "-o", model, "--quiet"])
    return coppice.ask(model, queries), coppice.latency([model], queries)["settings"][0]["us"]


def measure_systems(arguments, coppice, questions):
    model, _, path = coppice.index([], "systems")
    passages = Passages(path, questions)
    rows, times = {}, {}
    rows["Coppice"] = judge(questions, passages, coppice.ask(model))
    times["Coppice"] = coppice.latency([model], coppice.queries)["settings"][0]["us"]
    small = os.path.join(coppice.place, "small.coppice")
    subprocess.run([coppice.program, "compress", model, "-o", small, "--quiet"], check=True, capture_output=True)
    rows["Coppice, compressed"] = judge(questions, passages, coppice.ask(small))
    times["Coppice, compressed"] = coppice.latency([small], coppice.queries)["settings"][0]["us"]
    for name, tokens in ((NAIVE, by_space), ("naive BM25, words", by_words)):
        found, times[name] = naive(passages.texts, questions, tokens)
        rows[name] = judge(questions, passages, found)
    if arguments.bm25_python:
        for tokens, name in (("space", "rank_bm25"), ("words", "rank_bm25, words"), ("stems", "rank_bm25, stems")):
            found, times[name] = rank_bm25(arguments, path, coppice.queries, tokens)
            rows[name] = judge(questions, passages, found)
        found, times["Coppice, on stems"] = stemmed(arguments, coppice, path)
        rows["Coppice, on stems"] = judge(questions, passages, found)
    sizes = {"Coppice": os.path.getsize(model), "Coppice, compressed": os.path.getsize(small)}
    return {"passages": len(passages.texts),
            "text_bytes": sum(len(text.encode()) for text in passages.texts.values()),
            "systems": {name: {**summary(some), "us": times[name], "bytes": sizes.get(name),
                               "against_ours": difference(some, rows["Coppice"])}
                        for name, some in rows.items()}}


def measure_options(coppice, questions, settings):
    result, base = {}, None
    for name, flags in settings.items():
        model, report, path = coppice.index(flags)
        rows = judge(questions, Passages(path, questions), coppice.ask(model))
        base = base or rows
        result[name] = {"flags": flags, **summary(rows), "against_first": difference(rows, base),
                        "us": coppice.latency([model], coppice.queries)["settings"][0]["us"],
                        **{key: report[key] for key in ("passages", "features", "weights", "model_bytes", "seconds")}}
        measure.say(f"{name}: {100 * result[name]['recall']:.1f}")
    return result


def read_rows(path):
    with open(path, encoding="utf-8") as lines:
        return [line.split("\t", 1)[1].strip() for line in lines]


def measure_large(arguments, coppice):
    folder = os.path.join(arguments.data, arguments.large)
    if not os.path.isdir(folder):
        return None
    path, queries = os.path.join(coppice.place, "large.jsonl"), os.path.join(coppice.place, "large.txt")
    with open(path, "w", encoding="utf-8") as file:
        for i, text in enumerate(read_rows(os.path.join(folder, "trn.txt"))):
            file.write(json.dumps({"id": i, "text": text}) + "\n")
    rows = read_rows(os.path.join(folder, "tst.txt"))
    step = max(1, len(rows) // 1000)
    with open(queries, "w", encoding="utf-8") as file:
        file.writelines(" ".join(text.split()[:12]) + "\n" for text in rows[::step][:1000])
    model = os.path.join(coppice.place, "large.coppice")
    done = measure.run_json([coppice.program, "index", path, "-o", model, "--json", "--quiet",
                             f"--threads={arguments.threads}"])
    return {"set": arguments.large, "index": {**done, "model": None}, **coppice.latency([model], queries, BEAMS)}


def percent(value):
    return f"{100 * value:.1f}"


def points(value):
    return f"{value['points']:+.1f} +- {value['error']:.1f}"


def figures(report):
    return [f"{percent(report['recall'])} +- {percent(report['recall_error'])}", percent(report["strict"]),
            percent(report["precision"]), f"{report['mrr']:.3f}"]


def times(report):
    cpu = report["us"].get("cpu")
    return [f"{report['us']['p50']:.0f}", f"{report['us']['p99']:.0f}", "" if cpu is None else f"{cpu:.0f}"]


def systems_table(result):
    rows = [[name, *figures(r), points(r["against_ours"]), *times(r), f"{r['bytes'] / 1e6:.2f}" if r["bytes"] else ""]
            for name, r in result["systems"]["systems"].items()]
    return table(["system", "recall@5 %", "strict %", "precision %", "MRR", "recall against Coppice, points", "p50 us",
                  "p99 us", "CPU us", "file MB"], rows)


def corpora_table(result):
    names = list(next(iter(result["systems"]["systems"].values()))["corpora"])
    rows = []
    for system, r in result["systems"]["systems"].items():
        rows.append([system, *(f"{percent(r['corpora'][n]['recall'])} / {percent(r['corpora'][n]['strict'])}"
                               for n in names)])
    first = next(iter(result["systems"]["systems"].values()))["corpora"]
    return table(["recall@5 / strict %", *(f"{n} ({first[n]['questions']})" for n in names)], rows)


def options_table(settings, first):
    rows = [[name, f"`{shlex.join(r['flags'])}`" if r["flags"] else "", *figures(r), points(r["against_first"]),
             *times(r), str(r["passages"]), f"{r['model_bytes'] / 1e6:.2f}"] for name, r in settings.items()]
    return table([first, "flags", "recall@5 %", "strict %", "precision %", "MRR", "recall against the first, points",
                  "p50 us", "p99 us", "CPU us", "passages", "file MB"], rows)


def large_text(result):
    large = result["large"]
    if large is None:
        return ""
    rows = [["all" if s["beam"] == 0 else str(s["beam"]), percent(s["recall"]), f"{s['us']['p50']:.0f}",
             f"{s['us']['p90']:.0f}", f"{s['us']['p99']:.0f}", f"{s['cpu_us']:.0f}"] for s in large["settings"]]
    index = large["index"]
    return f"""## A large set, and what a beam costs

{index['passages']} rows of {large['set']} as passages, {large['queries']} queries: the first 12 words of held-out
rows. Indexed in {index['seconds']:.1f} s with {result['threads']} threads, {index['model_bytes'] / 1e6:.0f} MB, at most
{index['peak_bytes'] / 1e6:.0f} MB of memory. Recall: of the five passages that the search of all of them finds.

{table(["beam", "recall %", "p50 us", "p90 us", "p99 us", "CPU us"], rows)}"""


def text_of(result):
    m, systems = result["machine"], result["systems"]
    return f"""# Retrieval of passages

Made by `bench/retrieval.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, Coppice {m['coppice']};
others took {100 * result['others']:.0f} % of the cores meanwhile.

{result['questions']} questions over five corpora, cut by our chunker into {systems['passages']} passages of at most
{WORDS} words ({systems['text_bytes'] / 1e6:.2f} MB of text), indexed together. Recall@5: the share of a question's
reference characters that five passages cover, mean over the questions, with its standard error; strict: the share of
questions whose references they cover whole. Precision: the share of the five passages' characters that are reference.
Differences are of the same questions, with their standard error. Nothing was chosen by these questions: the defaults
are Lucene's. Time: one query from its text to the texts of the passages, one thread, no process to start; CPU: of the
mean query; of the peers in Python, theirs. Naive BM25: the same formula in this bench. Its tokens, and those of rank_bm25, are what white space
parts, in lower case; words: runs of letters and numbers; stems: what Snowball's English stemmer makes of these, which ours
gets as texts.

{systems_table(result)}
By corpus (questions):

{corpora_table(result)}
## Options

{options_table(result["options"], "ranking")}
Five passages of more words hold more: recall rises and precision falls with the size of the parts.

{options_table(result["chunks"], "parts")}
{large_text(result)}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--data", help="folder of the sets (COPPICE_BENCH_DATA)")
    parser.add_argument("--large", default="cve-product", help="the large set")
    parser.add_argument("--bm25-python", default=os.environ.get("COPPICE_BENCH_BM25_PYTHON"),
                        help="python of an environment with rank_bm25 (COPPICE_BENCH_BM25_PYTHON): peers/setup_bm25")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "the sets")
    folder = os.path.join(arguments.data, "rag-chunking")
    questions = Questions(folder)
    with tempfile.TemporaryDirectory(prefix="coppice_bench_") as place:
        coppice = Coppice(arguments, folder, place, questions)
        result = {"kind": "retrieval", "machine": measure.machine(), "threads": arguments.threads,
                  "questions": len(questions.texts), "systems": measure_systems(arguments, coppice, questions),
                  "options": measure_options(coppice, questions, OPTIONS),
                  "chunks": measure_options(coppice, questions, CHUNKS), "large": measure_large(arguments, coppice)}
    # Over all that was timed: most runs are shorter than a few ticks of /proc/stat.
    result["others"] = sum(share * seconds for share, seconds in coppice.others) / sum(s for _, s in coppice.others)
    measure.save(result, os.path.join(arguments.out, "retrieval.json"))
    with open(os.path.join(arguments.out, "retrieval.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
