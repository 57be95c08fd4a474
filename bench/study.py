#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What strategies for many workers cost in errors and gain in time: `coppice dist study` on a text set and on speech.

bench/study.py --data FOLDER [--parts text,speech] [--keep FOLDER]

Text: cldr-emoji (trn.txt, tst.txt), a keyword in one of 164 locales, 4,179 classes; blocks of 50 minibatches. Speech:
fsdd, recorded digits, each of six speakers held out in turn. Trainings are real, by virtual workers; times are modelled, on
the map below, which was written down before any training was made. Takes hours: trainings that are done are kept in
results/study_kept, and a bench that was stopped goes on from there. Writes results/study.json, results/study.md and
results/study.svg.
"""
import argparse
import math
import os

import measure
from report import table

# Fixed before the runs, and not touched after them.
MAP = ["--latency-us", "50", "--megabit-per-second", "1000,100,10000,100000", "--compute-ms", "0,10,100"]
GOAL = {"workers": 128, "more_errors": 2.0}

TEXT = ["--embedding", "32", "--hidden", "", "--word-ngrams", "", "--char-wb-ngrams", "2,3", "--max-features", "8192",
        "--minibatch", "8", "--epochs", "3", "--block", "50", "--group-sizes", "8,32",
        "--strategies", "gtc,bmuf,gtc+bmuf", "--density", "0.005", "--seeds", "3", "--points", "10",
        "--learning-rates", "0.25,0.5,1,2"]
SPEECH = ["--task", "speech", "--hidden", "128", "--dropout", "0.3", "--minibatch", "4", "--epochs", "20", "--block", "10",
          "--workers", "8,32", "--group-sizes", "4", "--strategies", "gtc,bmuf,gtc+bmuf", "--density", "0.02", "--seeds",
          "3", "--points", "5", "--learning-rates", "0.01,0.03,0.1,0.3"]
SPEAKERS = ["george", "jackson", "lucas", "nicolas", "theo", "yweweler"]
STUDENT = {1: 12.71, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571}  # of 95 %, by degrees of freedom


def study(arguments, options, keep, svg=None):
    command = [measure.program(arguments.build, "coppice"), "dist", "study", *options, *MAP, "--json", "--quiet",
               "--threads", str(arguments.threads), "--keep", os.path.join(arguments.keep, keep)]
    return measure.run_json(command + (["--svg", svg] if svg else []))


def text_study(arguments):
    folder = os.path.join(arguments.data, "cldr-emoji")
    rows = ["--data", os.path.join(folder, "trn.txt"), "--validate", os.path.join(folder, "tst.txt")]
    workers = ["--workers", arguments.text_workers]
    return study(arguments, rows + TEXT + workers, "text", os.path.join(arguments.out, "study.svg"))


def speech_studies(arguments):
    studies = {}
    for speaker in SPEAKERS:
        rows = ["--data", os.path.join(arguments.data, "fsdd", "recordings"), "--hold-out", speaker]
        studies[speaker] = study(arguments, rows + SPEECH, speaker)
        measure.say(f"{speaker}: {studies[speaker]['table'][0]['measured']['error']:.1f} % errors by one worker")
    return studies


def interval(values):
    """Mean and half the width of the interval of 95 %."""
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1) / len(values))
    return mean, STUDENT[len(values) - 1] * spread


def more_text(mean, half_width):
    return f"{mean:+.1f} ± {half_width:.1f} %" + (", undecided" if abs(mean) < half_width else "")


def reported(row):
    known = row.get("reported")
    if not known:
        return ""
    more = "fewer" if known["more_errors"] is None else f"{known['more_errors']:+g} %"
    return f"{known['speed_up']:g}x, {more}"


def text_rows(result):
    rows = []
    for row in result["table"]:
        measured, modelled = row["measured"], row["modelled"]
        more = "" if row["workers"] == 1 else more_text(measured["more_errors"], measured["more_errors_half_width"])
        equal = modelled["speed_up_to_equal_error"]
        is_one_group = row["strategy"] == "gtc+bmuf" and row["group_size"] == row["workers"]
        strategy = "gtc+bmuf, one group: gtc" if is_one_group else row["strategy"]
        rows.append([str(row["workers"]), strategy, str(row["group_size"]), f"{measured['error']:.2f}", more,
                     f"{measured['message_bytes'] / 1e3:.1f}",
                     f"{modelled['speed_up']:.1f}" if modelled["speed_up"] else "-",
                     f"{equal:.1f}" if equal else "never", "" if is_one_group else reported(row)])
    return rows


def fastest(cell, what):
    found = {name: figures[what] for name, figures in cell["strategies"].items() if figures[what]}
    best = max(found, key=found.get, default=None)
    return f"{best} {found[best]:.1f}" if best else "none"


def map_rows(result, what):
    """A row for each number of workers and time to compute, a column for each rate."""
    rates = sorted({cell["megabit_per_second"] for cell in result["map"]})
    lines = sorted({(cell["workers"], cell["compute_ms"]) for cell in result["map"]})
    cells = {(c["workers"], c["compute_ms"], c["megabit_per_second"]): c for c in result["map"]}
    return (["workers", "ms a minibatch", *(f"{rate:g} Mbit/s" for rate in rates)],
            [[str(w), f"{ms:g}" if ms else "as measured", *(fastest(cells[w, ms, rate], what) for rate in rates)]
             for w, ms in lines])


def speech_rows(studies):
    rows = []
    first = next(iter(studies.values()))
    for i, row in enumerate(first["table"]):
        errors = [s["table"][i]["measured"]["error"] for s in studies.values()]
        base = [s["table"][0]["measured"]["error"] for s in studies.values()]
        more = [100 * (error / one - 1) for error, one in zip(errors, base) if one > 0]  # of none, nothing is relative
        rows.append([str(row["workers"]), row["strategy"], f"{sum(errors) / len(errors):.1f}",
                     "" if i == 0 or len(more) < 2 else more_text(*interval(more))])
    return rows


def diverged(studies):
    """Of the studies by name, what came to no numbers and counts as errors of 100 %."""
    said = [f"{name}: {row['workers']} workers by {row['name']}" for name, result in studies.items()
            for row in result["table"] if any(run["diverged"] for run in row["measured"]["runs"])]
    return f"\nDiverged, counted as errors of 100 %: {', '.join(said)}.\n" if said else ""


def found(result, workers, name):
    return next((row for row in result["table"] if row["workers"] == workers and row["name"].startswith(name)), None)


def verdicts(result):
    """Goal by goal: reached or missed, with the figures. Of the hybrid, that size of groups counts which comes to an equal
    error first; where none does, the one with the fewest errors."""
    said = []
    rate = f"{result['options']['megabit_per_second'][0]:g} Mbit/s"
    for workers in (64, 128):
        rows = {name: found(result, workers, name) for name in ("gtc", "bmuf")}
        hybrids = [row for row in result["table"] if row["workers"] == workers and row["strategy"] == "gtc+bmuf"]
        if not hybrids or None in rows.values():
            continue
        equal = [row for row in hybrids if row["modelled"]["speed_up_to_equal_error"]]
        hybrid = (max(equal, key=lambda row: row["modelled"]["speed_up_to_equal_error"]) if equal else
                  min(hybrids, key=lambda row: row["measured"]["error"]))
        others = ", ".join(f"of {row['group_size']}: "
                           + more_text(row["measured"]["more_errors"], row["measured"]["more_errors_half_width"])
                           for row in hybrids if row is not hybrid)
        rows[f"hybrid of {hybrid['group_size']}"] = hybrid
        more = {name: row["measured"]["more_errors"] for name, row in rows.items()}
        said.append((f"{workers} workers: fewer errors by the hybrid than by BMUF", list(more.values())[-1] < more["bmuf"],
                     ", ".join(f"{name} {value:+.1f} %" for name, value in more.items())))
        for what, key in (("samples", "speed_up"), ("error", "speed_up_to_equal_error")):
            speed = {name: row["modelled"][key] or 0 for name, row in rows.items()}
            said.append((f"{workers} workers: the hybrid faster than BMUF and GTC, to equal {what}, at {rate}",
                         list(speed.values())[-1] > max(speed["gtc"], speed["bmuf"]),
                         ", ".join(f"{name} {value:.1f}" if value else f"{name} never" for name, value in speed.items())))
        if workers == GOAL["workers"]:
            measured = hybrid["measured"]
            holds = {row["group_size"]: row["measured"]["more_errors"] + row["measured"]["more_errors_half_width"]
                     <= GOAL["more_errors"] for row in hybrids}
            said.append((f"{workers} workers, hybrid: at most {GOAL['more_errors']:g} % more errors, with the interval",
                         ", ".join(f"{'reached' if is_so else '**missed**'} by groups of {size}"
                                   for size, is_so in sorted(holds.items())),
                         f"of {hybrid['group_size']}: "
                         + more_text(measured["more_errors"], measured["more_errors_half_width"])
                         + (f" ({others}; the size is chosen by these rows)" if others else "")))
    return [[goal, "reached" if holds is True else "**missed**" if holds is False else holds, figures]
            for goal, holds, figures in said]


def text_part(result):
    equal = map_rows(result, "speed_up_to_equal_error")
    samples = map_rows(result, "speed_up")
    head = ["workers", "strategy", "group", "error, %", "more errors, 95 %", "message, kB", "speed-up", "to equal error", "article"]
    return f"""## Text: cldr-emoji

{result['rows']:,} rows, 4,179 classes, {result['parameters']:,} parameters, minibatches of {result['minibatch']}; errors on
{result['test_rows']:,} rows, 3 seeds. Options: `{' '.join(word or "''" for word in TEXT)}`.

{table(head, text_rows(result))}{diverged({"text": result})}
{table(["goal", "", "figures"], verdicts(result))}
The map: the fastest strategy and its speed-up, modelled, to equal samples:

{table(*samples)}
and until at most {result['options']['target']:g} % more errors than one worker has in the end:

{table(*equal)}"""


def text_of(result):
    m = result["machine"]
    text = f"""# Strategies for many workers

Made by `bench/study.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, Coppice {m['coppice']}.
Errors and messages are measured, by virtual workers; speed-ups are modelled (`{' '.join(MAP)}`),
by a model that is held against real processes at up to 32 workers where bytes take the time (network.md): at 1000 Mbit/s
and more, most of a step of compressed gradients are messages that wait for one another, of which it is less sure.
The article: Ladkat et al. 2019, an acoustic model, other data and network; nothing here was tuned for its figures. What
was fixed before the runs: the map, the network, the length, groups of 8. Groups of 32 were added when those of 8 had been
seen. "To equal error" is the first of ten points of the training where the mean error of the seeds, on 2,000 of the test
rows, is low enough: it goes in tenths, and has no interval. Times of a minibatch are those of trainings made at several
hours of a shared machine, of each kind the least of its seeds: between rows they are known to some 5 % alone.

"""
    if "text" in result:
        text += text_part(result["text"])
    if "speech" in result:
        text += f"""## Speech: fsdd, each of six speakers held out in turn

Options: `{' '.join(SPEECH)}`. Intervals over the speakers, of each the mean of three seeds. The learning
rate is the best for one worker on rows held out of the training of each speaker's study, no edge of those tried for any;
by the one that is best where theo is held out, three times that of the others, compressed gradients alone diverge.

{table(["workers", "strategy", "error, %", "more errors, 95 %"], speech_rows(result["speech"]))}{diverged(result["speech"])}"""
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--data", help="folder of the sets (COPPICE_BENCH_DATA)")
    parser.add_argument("--parts", default="text,speech")
    parser.add_argument("--text-workers", default="32,64,128")
    parser.add_argument("--keep", help="folder for trainings that are done (study_kept beside the results)")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "data sets")
    os.makedirs(arguments.out, exist_ok=True)
    path = os.path.join(arguments.out, "study.json")
    result = measure.load(path) if os.path.exists(path) else {"kind": "study"}
    result["machine"] = measure.machine()
    arguments.keep = arguments.keep or os.path.join(arguments.out, "study_kept")
    for part in arguments.parts.split(","):
        result[part] = {"text": text_study, "speech": speech_studies}[part](arguments)
        measure.save(result, path)
    with open(os.path.join(arguments.out, "study.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
