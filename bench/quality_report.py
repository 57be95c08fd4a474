# SPDX-License-Identifier: Apache-2.0
"""results/quality-*.json as tables and drawings."""
import glob
import math
import os

import measure
from quality_drawing import drawing
from quality_settings import BASE, DEFAULTS
from report import table

KS = ("P@1", "P@3", "P@5")


def line(point):
    return "/".join(f"{point[k]:.2f}" for k in KS) + f", PSP@5 {point['PSP@5']:.2f}, {point['cpu_seconds']:.1f} CPU s"


def mean_point(entry):
    """Means over seeds."""
    points = list(entry["seeds"].values())
    return {key: sum(p[key] for p in points) / len(points) for key in points[0]}


def points_of(result):
    return {name: mean_point(entry) for name, entry in result["points"].items() if entry["seeds"]}


def gain(point, base):
    """What all three depths gain together, in points."""
    return sum(point[k] - base[k] for k in KS)


def on_curve(name, points):
    """No other setting is as good for less time."""
    base = points.get(BASE, next(iter(points.values())))
    mine = points[name]
    return not any(gain(p, base) >= gain(mine, base) and p["cpu_seconds"] < mine["cpu_seconds"]
                   for other, p in points.items() if other != name)


def summary_table(results):
    """For each setting that all sets have: gains over the base, averaged over sets, and the geometric mean of costs."""
    all_points = [points_of(r) for r in results]
    names = [n for n in all_points[0] if all(n in p and BASE in p for p in all_points)]
    rows = []
    for name in names:
        pairs = [(p[name], p[BASE]) for p in all_points]
        gains = [sum(a[k] - b[k] for a, b in pairs) / len(pairs) for k in (*KS, "PSP@1", "PSP@5", "R@10", "tail R@10")]
        costs = [math.exp(sum(math.log(a[k] / b[k]) for a, b in pairs) / len(pairs))
                 for k in ("cpu_seconds", "model_bytes", "peak_bytes", "single_p50_us")]
        worst = min(min(a[k] - b[k] for k in KS) for a, b in pairs)
        rows.append((sum(gains[:3]), [name, *(f"{g:+.2f}" for g in gains), f"{worst:+.2f}",
                                      *(f"{c:.2f}x" for c in costs)]))
    rows.sort(key=lambda row: -row[0])
    header = ["setting", *KS, "PSP@1", "PSP@5", "R@10", "tail R@10", "worst P@k", "CPU", "model", "peak", "one query"]
    return table(header, [row for _, row in rows])


def set_table(result):
    points = points_of(result)
    rows = []
    for name, p in sorted(points.items(), key=lambda item: item[1]["cpu_seconds"]):
        rows.append([f"**{name}**" if on_curve(name, points) else name, str(len(result["points"][name]["seeds"])),
                     f"{p['cpu_seconds']:.1f}", *(f"{p[k]:.2f}" for k in KS), f"{p['PSP@1']:.2f}", f"{p['PSP@5']:.2f}",
                     f"{p['R@10']:.2f}", f"{p['tail R@10']:.2f}", f"{p['model_bytes'] / 1e6:.1f}",
                     f"{p['peak_bytes'] / 1e6:.0f}", f"{p['batch_cpu_us']:.1f}", f"{p['single_p50_us']:.1f}"])
    header = ["setting", "seeds", "CPU s", *KS, "PSP@1", "PSP@5", "R@10", "tail R@10", "model MB", "peak MB",
              "batch CPU us", "one query p50 us"]
    return table(header, rows)


def draw(result):
    """The curve has numbers, and so have the base and our defaults."""
    points = points_of(result)
    curve = [name for name in points if on_curve(name, points)]
    numbered = sorted({*curve, BASE, DEFAULTS} & set(points), key=lambda name: points[name]["cpu_seconds"])
    heading = f"{result['set']}: mean of P@1, P@3 and P@5, on held-out training rows, against time"
    return drawing(heading, {name: (p["cpu_seconds"], sum(p[k] for k in KS) / 3) for name, p in points.items()},
                   numbered, curve, BASE)


QUALITY = """# Quality and its price

Made by `bench/quality.py`; do not edit. Learned on nine tenths of the training rows, judged on the other tenth; the
test rows had no part in it. The base is what PECOS takes by default; a setting departs from it in what it names, and
what stands behind a semicolon changes prediction only. Bold: no other setting is as good for less time.

## All sets

Gains in points over the base, means over {n} sets ({sets}); "worst P@k" is the worst of them for any set and depth.
Costs: geometric means, as multiples of the base's.

{summary}
"""


def write(folder):
    results = [measure.load(path) for path in sorted(glob.glob(os.path.join(folder, "quality-*.json")))]
    results = [r for r in results if BASE in points_of(r)]
    if not results:
        return
    text = QUALITY.format(n=len(results), sets=", ".join(r["set"] for r in results), summary=summary_table(results))
    for r in results:
        m = r["machine"]
        drawn = f"quality-{r['set']}.svg"
        text += (f"## {r['set']}\n\n{m['date']}, {m['cpu']}, {r['threads']} threads, Coppice {m['coppice']}.\n\n"
                 f"![the curve of {r['set']}]({drawn})\n\n{set_table(r)}\n")
        with open(os.path.join(folder, drawn), "w", encoding="utf-8") as file:
            file.write(draw(r))
    with open(os.path.join(folder, "quality.md"), "w", encoding="utf-8") as file:
        file.write(text)
