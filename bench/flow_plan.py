#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `coppice flow plan` says a workflow will take, against what `coppice flow run` then takes.

bench/flow_plan.py [--runs 200] [--learn-from 100] [--side-by-side 4] [--faster 20] [SHAPE ...]

The models are stand-ins, in processes of their own. Two plans of each shape:
  from settings  of the stand-in's settings (`--models`), which the runs are then served by
  from runs      of a journal in which --learn-from runs of other inputs are, and nothing else
Both see inputs that no measured run had in its plan's source. Each run is a process of its own (`coppice flow run`, with
a journal on disk), and so is its stand-in, which is new: a plan takes servers to be idle, and buckets of requests a
minute to be full. Seeds differ, so that no answer and no time that was planned is drawn again. Some runs go on side by
side, each with a stand-in of its own: they sleep nearly all of the time.

Goal: the p95 that is planned is within 15 % of the p95 that is measured. The interval (95 %) of their ratio is drawn
from plans of other seeds and from the runs, with replacement. "Ours" is the median time of runs whose models answer at
once: what starting, steps, journal and HTTP take, which no plan counts. Writes results/flow_plan.json and
results/flow_plan.md.
"""
import argparse
import concurrent.futures
import json
import os
import random
import re
import shutil
import tempfile

import measure
from report import table
from stand_in import StandIn

GOAL = 0.15
AT_ONCE = 1e6  # times faster
SITE = os.path.join(measure.ROOT, "examples", "website")
SMALL = {"price": {"input_cost_per_token": 2.5e-7, "output_cost_per_token": 1.25e-6},
         "speed": {"first_token_seconds": {"median": 0.25, "p95": 0.6},
                   "output_token_seconds": {"median": 0.008, "p95": 0.012}},
         "answer_tokens": {"median": 120, "p95": 300}}

FIRST = ["Ada", "Bela", "Chidi", "Dana", "Emre", "Fatou", "Goran", "Hana", "Ines", "Jonas", "Kemal", "Lena"]
LAST = ["Okafor", "Lindqvist", "Moreau", "Tanaka", "Abbas", "Novak", "Pereira", "Schmid", "Varga", "Walsh", "Yilmaz"]
COMPANY = ["Northwind", "Harbour", "Alpine", "Sunfield", "Meridian", "Oakvale", "Rivera", "Kestrel", "Polar"]
TRADE = [("Dairy", "food and beverage"), ("Freight", "logistics"), ("Pharma", "medicine"), ("Foods", "retail"),
         ("Flowers", "horticulture"), ("Seafood", "fishery"), ("Parts", "manufacturing")]
ROLE = ["head of logistics", "fleet manager", "buyer", "owner", "head of quality", "driver manager"]
INTEREST = ["route planning", "cold chain", "fuel costs", "electric lorries", "driver shortage", "tracking", "tolls",
            "load planning", "returns", "night deliveries"]
PAIN = ["late deliveries", "spoiled goods", "empty runs", "missing papers", "rising tolls", "broken sensors"]


def visitor(i):
    draw = random.Random(i)
    trade, industry = draw.choice(TRADE)
    return {"visitor": {"name": f"{draw.choice(FIRST)} {draw.choice(LAST)}", "role": draw.choice(ROLE),
                        "company": f"{draw.choice(COMPANY)} {trade} {i}", "industry": industry,
                        "employees": draw.randrange(5, 5000), "interests": draw.sample(INTEREST, draw.randrange(1, 5)),
                        "pain_points": draw.sample(PAIN, draw.randrange(1, 4)), "tone": "matter-of-fact"}}


def topic(i):
    draw = random.Random(i)
    return {"topic": f"{draw.choice(INTEREST)} at {draw.choice(COMPANY)} {draw.choice(TRADE)[0]}, case {i}",
            "list": [f"{draw.choice(PAIN)}, file {i}-{k}" for k in range(40)]}


def workflow(steps, result, endpoint=None):
    return {"workflow": "planned", "endpoints": {"local": {"url": "http://127.0.0.1:9/v1", **(endpoint or {})}},
            "models": {"small": {"endpoint": "local", "model": "small", "max_output_tokens": 2000}},
            "prices": {"small": SMALL["price"]}, "budget": {"run": 10}, "steps": steps, "outputs": {"result": result}}


def ask(prompt, **more):
    return {"kind": "llm", **more, "with": {"model": "small", "prompt": prompt}}


def settings(**small):
    return {"models": {"small": {**SMALL, **small}}}


CHAIN = {"outline": ask("Make an outline on {{ inputs.topic }}."),
         "text": ask("Write it out:\n{{ steps.outline.output }}"),
         "summary": ask("In short:\n{{ steps.text.output }}")}
FIX = "Say it again, with what is missing:\n{{ findings }}\n\n{{ value }}"
CHECKED = {"draft": ask("Write on {{ inputs.topic }}."),
           "mended": {"kind": "repair",
                      "with": {"value": "{{ steps.draft.output }}", "rounds": 3, "files": {"draft.txt": "{{ value }}"},
                               "checks": [{"facts_present": {"facts": ["the whole truth"]}}],
                               "fix": {"model": "small", "prompt": FIX}}}}
CHECKED_ANSWERS = [{"quality": 0.5, "template": "The whole truth about {{ words | join(' ') }}, and more of it.",
                    "flawed": [{"template": "Nothing of note about {{ words | join(' ') }}, nor about all else."}]}]


def items(count):
    return {"each": ask("What of {{ item }}?", foreach="{{ inputs.list[:%d] }}" % count)}


SHAPES = {
    "website, decomposed": {"site": "decomposed", "inputs": visitor},
    "website, single": {"site": "single", "inputs": visitor},
    "chain of 3": {"flow": workflow(CHAIN, "{{ steps.summary.output }}"), "settings": settings(), "inputs": topic},
    "foreach of 20, 8 at a time, a server of 5 slots": {
        "flow": workflow(items(20), "{{ steps.each.output }}", {"concurrency": 8}),
        "settings": settings(speed={**SMALL["speed"], "slots": 5}), "inputs": topic},
    "foreach of 20, a client of 5 at a time": {
        "flow": workflow(items(20), "{{ steps.each.output }}", {"concurrency": 5}), "settings": settings(),
        "inputs": topic},
    "foreach of 40, a server of 30 requests a minute": {
        "flow": workflow(items(40), "{{ steps.each.output }}", {"retries": 20}),
        "settings": settings(requests_per_minute=30), "inputs": topic},
    "a repair loop, each try fails half the time": {
        "flow": workflow(CHECKED, "{{ steps.mended.output }}"),
        "settings": {**settings(), "answers": CHECKED_ANSWERS}, "inputs": topic},
}


def quantile(values, q):
    ordered = sorted(values)
    at = q * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


class Shape:
    """A workflow on disk, with the settings of its models."""

    def __init__(self, name, arguments, place):
        self.name, self.program, self.place = name, arguments.program, place
        self.arguments, made = arguments, SHAPES[name]
        self.inputs, self.variant = made["inputs"], made.get("site")
        if self.variant:
            shutil.copytree(SITE, place, dirs_exist_ok=True)
            measure.run([self.program, "index", f"{place}/notes.jsonl", "-o", f"{place}/notes.coppice", "--quiet"])
            self.flow = os.path.join(place, "site.yaml")
            with open(os.path.join(place, "stand_in.yaml"), encoding="utf-8") as file:
                self.settings = file.read()
        else:
            self.flow, self.settings = os.path.join(place, "flow.json"), made["settings"]
            self.write("flow.json", made["flow"])

    def write(self, name, what):
        path = os.path.join(self.place, name)
        with open(path, "w", encoding="utf-8") as file:
            if isinstance(what, list):
                file.writelines(json.dumps(one) + "\n" for one in what)
            else:
                file.write(what if isinstance(what, str) else json.dumps(what))
        return path

    def settings_of(self, seed, faster):
        """What a stand-in is told: an object, or the text of a file."""
        if not self.variant:
            return {**self.settings, "seed": seed, "times_faster": faster}
        text = re.sub(r"(?m)^seed: .*$", f"seed: {seed}", self.settings)
        return re.sub(r"(?m)^times_faster: .*$", f"times_faster: {faster:.0f}", text)

    def of_variant(self):
        return ["--variant", self.variant] if self.variant else []

    def plan(self, source, first, count, seed=1):
        """`source`: flags that say how models behave."""
        inputs = self.write("inputs.jsonl", [self.inputs(i) for i in range(first, first + count)])
        return measure.run_json([self.program, "flow", "plan", self.flow, *self.of_variant(), "--inputs", inputs,
                                 "--runs", str(self.arguments.plan_runs), "--seed", str(seed), "--json", *source])

    def run(self, number, journal, faster):
        """One run on a stand-in of its own."""
        with tempfile.TemporaryDirectory(dir=self.place) as folder:
            path = os.path.join(folder, "input.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(self.inputs(number), file)
            with StandIn(self.program, folder, self.settings_of(10**6 + number, faster)) as server:
                command = [self.program, "flow", "run", self.flow, *self.of_variant(), "--input", path, "--json", "--quiet",
                           "--journal", journal, "--endpoint", f"local={server.url}"]
                if self.variant:
                    command += ["-o", os.path.join(folder, "out")]
                try:
                    text, process = measure.run(command)
                except measure.Failed:
                    return {"state": "failed"}
        made = json.loads(text)
        return {"state": made["state"], "seconds": made["seconds"], "cost": made["cost_usd"],
                "cpu_seconds": process["cpu_seconds"],
                "calls": sum(step["calls"] for step in made["steps"]),
                "steps": {step["step"]: step["seconds"] for step in made["steps"] if step["state"] == "done"}}

    def runs(self, first, count, journal, faster, side_by_side):
        with concurrent.futures.ThreadPoolExecutor(side_by_side) as pool:
            made = list(pool.map(lambda i: self.run(i, journal, faster), range(first, first + count)))
        return [run for run in made if run["state"] == "finished"], sum(run["state"] != "finished" for run in made)


def ratio_interval(plans, seconds, draw):
    """Of planned over measured p95, 95 %: plans of several seeds, and the runs drawn with replacement."""
    ratios = sorted(draw.choice(plans) / quantile(draw.choices(seconds, k=len(seconds)), 0.95) for _ in range(4000))
    return [ratios[len(ratios) * 25 // 1000], ratios[len(ratios) * 975 // 1000]]


def compared(plans, runs):
    """The first plan is the one that a user sees; the others say how much plans differ by chance."""
    seconds = [run["seconds"] for run in runs]
    plan = plans[0]
    p95 = quantile(seconds, 0.95)
    names = {step["step"] for step in plan["steps"]}
    means = {name: sum(run["steps"].get(name, 0) for run in runs) / len(runs) for name in names}
    return {"planned": {**plan["seconds"], "cost": plan["cost_usd"]["mean"], "calls": plan["calls"],
                        "finished": plan["finished"] / plan["runs"]},
            "measured": {"p50": quantile(seconds, 0.5), "p95": p95, "cost": sum(r["cost"] for r in runs) / len(runs),
                         "calls": sum(r["calls"] for r in runs) / len(runs), "runs": len(runs)},
            "p50_ratio": plan["seconds"]["p50"] / quantile(seconds, 0.5), "p95_ratio": plan["seconds"]["p95"] / p95,
            "p95_interval": ratio_interval([other["seconds"]["p95"] for other in plans], seconds, random.Random(1)),
            "other_plans_p95_ratio": [other["seconds"]["p95"] / p95 for other in plans[1:]],
            "steps_mean": {step["step"]: [step["seconds"], means[step["step"]]] for step in plan["steps"]}}


def measure_shape(name, arguments):
    with tempfile.TemporaryDirectory(prefix="coppice_plan_", dir=arguments.folder) as place:
        shape = Shape(name, arguments, place)
        journals = {part: os.path.join(place, f"{part}.db") for part in ("learned", "measured", "at_once")}
        of_settings = shape.write("models.yaml", shape.settings_of(1, arguments.faster))
        seeds = [1, *(10_000 * i for i in range(1, arguments.other_plans + 1))]
        plans = [shape.plan(["--models", of_settings, "--journal", "memory:"], 0, arguments.runs, seed) for seed in seeds]
        shape.runs(1_000, arguments.learn_from, journals["learned"], arguments.faster, arguments.side_by_side)
        learned = [shape.plan(["--journal", journals["learned"]], 0, arguments.runs, seed) for seed in seeds]
        before, usage = measure.busy_seconds(), os.times()
        runs, failed = shape.runs(10_000, arguments.runs, journals["measured"], arguments.faster, arguments.side_by_side)
        ours, _ = shape.runs(10_000, 20, journals["at_once"], AT_ONCE, 1)
        after = os.times()
        own = sum(getattr(after, part) - getattr(usage, part)
                  for part in ("user", "system", "children_user", "children_system"))
        wall = after.elapsed - usage.elapsed
        return {"name": name, "from_settings": compared(plans, runs), "from_runs": compared(learned, runs),
                "failed": failed, "overhead_seconds": measure.median([run["seconds"] for run in ours]),
                "others": round(max(0.0, measure.busy_seconds() - before - own) / (wall * os.cpu_count()), 3)}


def row_of(shape, kind, source):
    found = shape[kind]
    plan, run = found["planned"], found["measured"]
    low, high = found["p95_interval"]
    mark = "" if abs(found["p95_ratio"] - 1) <= GOAL else " **missed**"
    return [shape["name"], source, f"{plan['p50']:.3f} / {run['p50']:.3f}", f"{plan['p95']:.3f} / {run['p95']:.3f}",
            f"{found['p95_ratio']:.3f}{mark}", f"{low:.3f} to {high:.3f}", f"{plan['cost']:.6f} / {run['cost']:.6f}",
            f"{plan['calls']:.2f} / {run['calls']:.2f}", f"{1000 * shape['overhead_seconds']:.1f}",
            f"{100 * shape['overhead_seconds'] / run['p50']:.1f}"]


def text_of(result):
    m = result["machine"]
    rows = [row_of(shape, kind, source) for shape in result["shapes"].values()
            for kind, source in (("from_settings", "settings"), ("from_runs", f"{result['learn_from']} runs"))]
    failures = [f"{shape['name']}: {100 * shape['failed'] / result['runs']:.0f} % "
                f"(planned {100 - 100 * shape['from_settings']['planned']['finished']:.0f} % and "
                f"{100 - 100 * shape['from_runs']['planned']['finished']:.0f} %)"
                for shape in result["shapes"].values() if shape["failed"]]
    failed = f"\nRuns that failed, whose times count on neither side: {'; '.join(failures)}.\n" if failures else ""
    return f"""# Plans of workflows and what came of them

Made by `bench/flow_plan.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, Coppice {m['coppice']};
others took up to {100 * max(s['others'] for s in result['shapes'].values()):.0f} % of the cores.

Planned / measured; {result['plan_runs']} simulated runs a plan, {result['runs']} measured ones, each with an input of
its own and a stand-in of its own that was idle, {result['side_by_side']} side by side. The stand-ins ran {result['faster']:.0f} times faster than the
settings say, both sides in seconds of the clock. The ratio is planned over measured p95, its interval (95 %) drawn from
{1 + result['other_plans']} plans of other seeds and from the runs. Goal: a ratio within {100 * GOAL:.0f} % of 1. Planned from the stand-in's own settings,
and from a journal of {result['learn_from']} runs of other inputs, whose own chance is not in the interval. "Ours": the median time of
runs whose models answer at once, which plans do not count. A journal does not tell a server's limits: plans from runs
miss the waits that they cause, unless the workflow's endpoint names them.

{table(["workflow", "planned from", "p50 s", "p95 s", "ratio of p95", "95 %", "cost of a run, $", "calls", "ours ms",
        "ours, % of p50"], rows)}{failed}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("shapes", nargs="*", help="beginnings of names; default: all")
    parser.add_argument("--runs", type=int, default=200, help="measured ones")
    parser.add_argument("--learn-from", type=int, default=100, help="runs that the second plan is made of")
    parser.add_argument("--plan-runs", type=int, default=300)
    parser.add_argument("--other-plans", type=int, default=5, help="plans of other seeds, for the interval")
    parser.add_argument("--side-by-side", type=int, default=4)
    parser.add_argument("--faster", type=float, default=20)
    parser.add_argument("--add", action="store_true", help="keep the other shapes of results/flow_plan.json")
    parser.add_argument("--folder", help="where journals are made (the system's folder for temporary files)")
    arguments = parser.parse_args()
    arguments.program = measure.program(arguments.build, "coppice")
    path = os.path.join(arguments.out, "flow_plan.json")
    result = {"kind": "flow_plan", "machine": measure.machine(), "runs": arguments.runs,
              "learn_from": arguments.learn_from, "plan_runs": arguments.plan_runs, "other_plans": arguments.other_plans,
              "side_by_side": arguments.side_by_side, "faster": arguments.faster, "shapes": {}}
    if arguments.add and os.path.exists(path):
        result["shapes"] = measure.load(path)["shapes"]
    for name in SHAPES:
        if arguments.shapes and not any(name.startswith(begin) for begin in arguments.shapes):
            continue
        made = result["shapes"][name] = measure_shape(name, arguments)
        measure.say(f"{name}: p95 {made['from_settings']['p95_ratio']:.3f} of settings, "
                    f"{made['from_runs']['p95_ratio']:.3f} of runs")
        measure.save(result, path)
        with open(os.path.join(arguments.out, "flow_plan.md"), "w", encoding="utf-8") as file:
            file.write(text_of(result))


if __name__ == "__main__":
    main()
