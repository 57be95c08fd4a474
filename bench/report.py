# SPDX-License-Identifier: Apache-2.0
"""From results/*.json to tables for people. Ratios are peer over ours: above 1, ours is the smaller."""
import glob
import os

import measure
from measure import at, median

KS = ("1", "3", "5")
BINS = ("head", "torso", "tail")


def ratios(rounds, peer, ours):
    """Median over rounds of peer / ours, each a function of a round."""
    return median([peer(r) / ours(r) for r in rounds])


def both(rounds, path):
    """{"coppice": .., "pecos": ..}: medians of one figure of training."""
    return {side: median([at(r[side]["training"], path) for r in rounds]) for side in ("coppice", "pecos")}


def ours_batch(r, key):
    return min(r["coppice"][run]["batch"][key] for run in ("prediction", "prediction_again"))


def peer_batch(r, key):
    """Of the faster of its two layouts."""
    return min(r["pecos"][layout]["batch"][key] for layout in ("mmap", "hash"))


def ours_single(r, quantile, key="us"):
    return min(r["coppice"][run]["single"][key][quantile] for run in ("prediction", "prediction_again"))


def peer_single(r, quantile, key="us"):
    return min(r["pecos"][layout]["single"][key][quantile] for layout in ("mmap", "hash"))


def metric(r, side, name):
    return (r["coppice"]["prediction"]["metrics"] if side == "coppice" else r["pecos"]["metrics"])[name]


def of_bin(r, side, bin_name, name):
    metrics = r["coppice"]["prediction"]["metrics"] if side == "coppice" else r["pecos"]["metrics"]
    return metrics["bins"].get(bin_name, {}).get(name)


def quality(rounds):
    """Means over seeds; of the bins only the recall, whose denominator is the bin's own."""
    names = [f"{m}@{k}" for m in ("P", "nDCG", "PSP") for k in KS] + ["R@10"]
    result = {side: {name: sum(metric(r, side, name) for r in rounds) / len(rounds) for name in names}
              for side in ("coppice", "pecos")}
    for side in result:
        for bin_name in BINS:
            values = [of_bin(r, side, bin_name, "R@10") for r in rounds]
            if all(v is not None for v in values):
                result[side][f"R@10 {bin_name}"] = sum(values) / len(values)
    return result


def others(rounds):
    """The largest share of the machine that others took while something was measured."""
    return max(part["process"]["others"] for r in rounds for side in ("coppice", "pecos")
               for part in r[side].values() if "process" in part)


def times(rounds):
    return {
        "index_cpu": both(rounds, "index.cpu_seconds"), "index_wall": both(rounds, "index.wall_seconds"),
        "total_cpu": both(rounds, "total.cpu_seconds"), "total_wall": both(rounds, "total.wall_seconds"),
        "peak_bytes": both(rounds, "peak_bytes"), "loaded_bytes": both(rounds, "loaded_bytes"),
        "model_bytes": both(rounds, "model_bytes"), "weights": both(rounds, "weights"),
        "batch_us": {"coppice": median([ours_batch(r, "us") for r in rounds]),
                     "pecos": median([peer_batch(r, "us") for r in rounds])},
        "single_p50_us": {"coppice": median([ours_single(r, "p50") for r in rounds]),
                          "pecos": median([peer_single(r, "p50") for r in rounds])},
        "single_p99_us": {"coppice": median([ours_single(r, "p99", "best_us") for r in rounds]),
                          "pecos": median([peer_single(r, "p99", "best_us") for r in rounds])},
        "python_p50_us": {"pecos": median([r["pecos"]["mmap"]["single_from_python"]["us"]["p50"] for r in rounds])},
        "load_ms": {"coppice": median([r["coppice"]["prediction"]["load"]["first_ms"] for r in rounds]),
                    "pecos": median([r["pecos"]["mmap"]["load_ms"] for r in rounds])},
    }


def summarize(rounds):
    ratio = {
        "total_cpu": ratios(rounds, lambda r: at(r, "pecos.training.total.cpu_seconds"),
                            lambda r: at(r, "coppice.training.total.cpu_seconds")),
        "total_wall": ratios(rounds, lambda r: at(r, "pecos.training.total.wall_seconds"),
                             lambda r: at(r, "coppice.training.total.wall_seconds")),
        "index_cpu": ratios(rounds, lambda r: at(r, "pecos.training.index.cpu_seconds"),
                            lambda r: at(r, "coppice.training.index.cpu_seconds")),
        "batch_wall": ratios(rounds, lambda r: peer_batch(r, "us"), lambda r: ours_batch(r, "us")),
        "batch_cpu": ratios(rounds, lambda r: peer_batch(r, "cpu_us"), lambda r: ours_batch(r, "cpu_us")),
        "single_p50": ratios(rounds, lambda r: peer_single(r, "p50"), lambda r: ours_single(r, "p50")),
        "peak_bytes": ratios(rounds, lambda r: at(r, "pecos.training.peak_bytes"),
                             lambda r: at(r, "coppice.training.peak_bytes")),
        "model_bytes": ratios(rounds, lambda r: at(r, "pecos.training.model_bytes"),
                              lambda r: at(r, "coppice.training.model_bytes")),
    }
    summary = {"seeds": len(rounds), "ratio": ratio, "times": times(rounds), "quality": quality(rounds),
               "others": others(rounds)}
    summary["goals"] = goals(summary)
    return summary


def goals(summary):
    """Name -> (what was measured, whether that is enough, whether it is what we aim at)."""
    ratio, found = summary["ratio"], summary["quality"]
    loss = max(found["pecos"][f"P@{k}"] - found["coppice"][f"P@{k}"] for k in KS)
    tail = max(found["pecos"][f"PSP@{k}"] - found["coppice"][f"PSP@{k}"] for k in KS)
    load = summary["times"]["load_ms"]["coppice"]
    index = summary["times"]["index_cpu"]["coppice"] / summary["times"]["total_cpu"]["coppice"]

    def row(value, enough, aim):
        return {"value": value, "reached": bool(enough), "aim": bool(aim)}
    train = min(ratio["total_cpu"], ratio["total_wall"])
    batch = min(ratio["batch_cpu"], ratio["batch_wall"])
    return {"train": row(train, train >= 4, train >= 8), "index": row(100 * index, index < 0.5, index < 0.25),
            "batch": row(batch, batch >= 3, batch >= 5),
            "single": row(ratio["single_p50"], ratio["single_p50"] >= 2, ratio["single_p50"] >= 5),
            "quality": row(-loss, loss <= 0.2, loss <= 0), "long_tail": row(-tail, tail <= 0.2, tail <= 0),
            "memory": row(ratio["peak_bytes"], ratio["peak_bytes"] >= 1, ratio["peak_bytes"] >= 1),
            "load": row(load, load < 1, load < 1)}


def line(name, summary):
    ratio = summary["ratio"]
    return (f"{name}: train {ratio['total_cpu']:.1f}x CPU {ratio['total_wall']:.1f}x wall, "
            f"batch {ratio['batch_wall']:.1f}x, one query {ratio['single_p50']:.1f}x, "
            f"others {100 * summary['others']:.0f} %")


def table(header, rows):
    return "\n".join(["| " + " | ".join(header) + " |", "|" + "---|" * len(header),
                      *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def pair(figures, form, scale=1.0):
    return " / ".join(form.format(figures[side] * scale) for side in ("coppice", "pecos"))


def mark(goal, form):
    return form.format(goal["value"]) + (" **missed**" if not goal["reached"] else ", aim" if goal["aim"] else "")


def goal_table(results):
    header = ["set", "index + train >= 4x (aim 8)", "index < 50 % of it (aim 25)", "batch >= 3x (aim 5)", "one query >= 2x (aim 5)",
              "P@1/3/5 >= -0.2", "PSP@1/3/5 >= -0.2", "peak memory >= 1x", "load < 1 ms"]
    forms = {"train": "{:.1f}x", "index": "{:.0f} %", "batch": "{:.1f}x", "single": "{:.1f}x", "quality": "{:+.2f}", "long_tail": "{:+.2f}",
             "memory": "{:.2f}x", "load": "{:.3f} ms"}
    return table(header, [[r["set"], *(mark(r["summary"]["goals"][name], form) for name, form in forms.items())]
                          for r in results])


def cost_table(results):
    header = ["set", "index CPU s", "index + train CPU s", "wall s", "peak MB", "data MB", "model MB", "batch us/query",
              "one query p50 us", "p99 us", "load ms", "PECOS from Python p50 us"]
    rows = []
    for r in results:
        t = r["summary"]["times"]
        rows.append([r["set"], pair(t["index_cpu"], "{:.1f}"), pair(t["total_cpu"], "{:.1f}"),
                     pair(t["total_wall"], "{:.1f}"), pair(t["peak_bytes"], "{:.0f}", 1e-6),
                     pair(t["loaded_bytes"], "{:.0f}", 1e-6),
                     pair(t["model_bytes"], "{:.1f}", 1e-6), pair(t["batch_us"], "{:.1f}"),
                     pair(t["single_p50_us"], "{:.1f}"), pair(t["single_p99_us"], "{:.1f}"),
                     pair(t["load_ms"], "{:.3f}"), f"{t['python_p50_us']['pecos']:.0f}"])
    return table(header, rows)


def quality_table(results):
    header = ["set", "who", "P@1/3/5", "nDCG@5", "PSP@1/3/5", "R@10", "head", "torso", "tail"]
    rows = []
    for r in results:
        for side in ("coppice", "pecos"):
            q = r["summary"]["quality"][side]
            rows.append([r["set"], side, "/".join(f"{q[f'P@{k}']:.2f}" for k in KS), f"{q['nDCG@5']:.2f}",
                         "/".join(f"{q[f'PSP@{k}']:.2f}" for k in KS), f"{q['R@10']:.2f}",
                         *(f"{q[f'R@10 {part}']:.2f}" if f"R@10 {part}" in q else "-" for part in BINS)])
    return table(header, rows)


def about(results):
    lines = []
    for r in results:
        m = r["machine"]
        others_share = r["summary"]["others"]
        state = "quiet" if others_share <= measure.CONTENDED else (
            f"**contended: others took up to {100 * others_share:.0f} % of the cores**")
        lines.append([r["set"], m["date"], m["cpu"], str(m["cores"]), f"{m['memory_gb']:.0f}", str(r["threads"]),
                      m["coppice"], r["versions"]["libpecos"], str(r["summary"]["seeds"]), state])
    header = ["set", "date", "processor", "cores", "GB", "threads", "Coppice", "libpecos", "seeds", "machine"]
    return table(header, lines)


def settings_text(settings):
    return ", ".join(f"{name} {value}" for name, value in settings.items())


XMR = """# Coppice and PECOS on the same matrices

Made by `bench/compare.py`; do not edit. Settings of both: {settings}.
Two figures in a cell are Coppice / PECOS. Ratios are PECOS over Coppice, of one round; their median over the rounds
counts, of CPU and wall time the worse one. "aim": reached what we aim at, not just what we ask for.

## Goals

{goals}
## Cost

Peak and data: the whole process, at its highest and with just the matrices loaded (PECOS' holds Python too). Batch: all
threads, best of three, PECOS' faster layout. One query: one thread, in the process, without Python on either side; p99
of each query's best of three, since a machine that others use stalls some of them. Load: the first opening in a
process, by the C++ core on either side, of files that lie in the page cache; PECOS' mapped layout, as it opens by
default (lazy_load off, which has the pages at hand before it returns; ours come when they are asked for).

{costs}
## Quality

Means over seeds, in percent, judged by the same code. Head, torso, tail: R@10 of the labels with more than 50, 6 to 50,
1 to 5 training rows.

{quality}
## Machine

{about}"""


def summarized_anew(result, path):
    """The summary and its goals as they are made today, from the rounds as they were measured; in the file, too."""
    summary = summarize(result["rounds"])
    if summary != result["summary"]:
        result["summary"] = summary
        measure.save(result, path)
    return result


def write_xmr(folder):
    results = []
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        r = measure.load(path)
        if "set" in r and "summary" in r and r.get("kind", "xmr") == "xmr":
            results.append(summarized_anew(r, path))
    if not results:
        return
    settings = {settings_text(r["settings"]) for r in results}
    text = XMR.format(settings="; or: ".join(sorted(settings)), goals=goal_table(results), costs=cost_table(results),
                      quality=quality_table(results), about=about(results))
    with open(os.path.join(folder, "xmr.md"), "w", encoding="utf-8") as file:
        file.write(text)
