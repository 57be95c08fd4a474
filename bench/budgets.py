#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do runs side by side, in many processes on one journal, ever exceed a budget?

bench/budgets.py [--runs 1000] [--at-a-time 12] [--seed 1] [--folder FOLDER]

Random workflows (one to four steps one after the other or side by side, each of one to eight questions, streamed or
not, models with a cheaper one, optional steps, budgets of steps) with random budgets of their run, under a limit of the
day and limits of tenants that do not suffice for all. The stand-in that they ask fails in many ways, so calls are tried
again; one run in ten is killed with kill -9 and resumed. All write to one SQLite journal.

Two look on. A trigger in the database notes each change of a budget after which spent and reserved together are above
its limit: no moment escapes it. A reader with a connection of its own asks, all the time, whether what is reserved is
the sum of the reservations. At the end nothing may be reserved, and what each budget has spent must be the sum of its
calls in the journal; and no more requests may have come than attempts were announced. Goal: no violation. Writes results/budgets.json and results/budgets.md.
"""
import argparse
import concurrent.futures
import json
import os
import random
import sqlite3
import subprocess
import tempfile
import threading
import time

import measure
from report import table
from stand_in import ANSWER, StandIn

PICO_DOLLARS = 10 ** 12
CALL_INTENDED, CALL_ANSWERED, CALL_FAILED, CALL_UNKNOWN = 3, 4, 5, 6  # EventKind of coppice/flow/journal/journal.h
TENANTS = 8
PRICES = {"small": {"input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6},
          "big": {"input_cost_per_token": 5e-6, "output_cost_per_token": 2e-5}}
FAULTS = {"server_error": 0.05, "unavailable": {"rate": 0.03, "seconds": 0.05},
          "rate_limited": {"rate": 0.03, "seconds": 0.05}, "cut_before_answer": 0.03, "cut_in_answer": 0.04,
          "missing_usage": 0.05, "invalid_body": 0.03, "html_page": 0.02, "sse_malformed": 0.02, "unauthorized": 0.01}
SETTINGS = {"models": {name: {"price": price, "speed": {"first_token_seconds": {"median": 0.03, "p95": 0.3}}}
                       for name, price in PRICES.items()},
            "faults": FAULTS, "answers": ANSWER}

AUDIT = """
CREATE TABLE audit_limits(name TEXT PRIMARY KEY, most INTEGER NOT NULL);
CREATE TABLE audit_changes(changes INTEGER NOT NULL);
CREATE TABLE audit_peaks(name TEXT PRIMARY KEY, most INTEGER NOT NULL);
CREATE TABLE audit_violations(name TEXT, spent INTEGER, reserved INTEGER, most INTEGER);
INSERT INTO audit_changes VALUES (0);
CREATE TRIGGER audit AFTER INSERT ON budgets BEGIN
  UPDATE audit_changes SET changes = changes + 1;
  INSERT INTO audit_peaks VALUES (NEW.name, NEW.spent + NEW.reserved)
    ON CONFLICT(name) DO UPDATE SET most = max(most, excluded.most);
  INSERT INTO audit_violations SELECT NEW.name, NEW.spent, NEW.reserved, most FROM audit_limits
    WHERE name = NEW.name AND NEW.spent + NEW.reserved > most;
END;
"""


def pico(dollars):
    return round(dollars * PICO_DOLLARS)


def dollars(draw, low, high):
    return round(draw.uniform(low, high), 6)


def random_step(draw, before):
    step = {"kind": "llm", "with": {"model": draw.choice(["small", "big"]), "stream": draw.random() < 0.5,
                                    "max_output_tokens": draw.choice([20, 60, 200]),
                                    "prompt": "Question {{ item }} " + "of many words " * draw.randint(0, 20) + "?"},
            "foreach": f"{{{{ {list(range(draw.randint(1, 8)))} }}}}"}
    if before and draw.random() < 0.5:
        step["needs"] = [draw.choice(before)]
    if draw.random() < 0.3:
        step["optional"] = True
    if draw.random() < 0.3:
        step["retry"] = {"times": 1, "delay": 0.05}
    if draw.random() < 0.3:
        step["budget"] = dollars(draw, 0.002, 0.02)
    return step


def random_task(seed, number, url, limits):
    """A workflow, the names of its run and tenant, and its limits by the names of budgets."""
    draw = random.Random(f"{seed} {number}")
    steps = {}
    for name in "abcd"[:draw.randint(1, 4)]:
        steps[name] = random_step(draw, list(steps))
    run, tenant = f"r{number}", f"t{draw.randrange(TENANTS)}"
    most = dollars(draw, 0.002, 0.06)
    flow = {"workflow": "budgets", "prices": PRICES, "steps": steps,
            "endpoints": {"local": {"url": url, "retries": 2, "concurrency": draw.choice([2, 8, 32])}},
            "models": {"small": {"endpoint": "local", "model": "small"},
                       "big": {"endpoint": "local", "model": "big", **({"cheaper": "small"} if draw.random() < 0.5 else {})}},
            "budget": {"run": most, "day": limits["day"], "tenant": limits[tenant]}}
    scopes = {f"run:{run}": most, **{f"run:{run}/step:{name}": step["budget"] for name, step in steps.items()
                                     if "budget" in step}}
    return {"flow": flow, "run": run, "tenant": tenant, "scopes": scopes, "kill_after": draw.uniform(0.02, 0.8)
            if draw.random() < 0.1 else None}


class Reader(threading.Thread):
    """Looks at the journal all the time, each time at one state of it."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.looks, self.wrong, self.is_over = path, 0, [], False

    def run(self):
        database = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, isolation_level=None)
        while not self.is_over:
            found = database.execute(
                "SELECT b.name, b.spent, b.reserved, l.most, (SELECT coalesce(sum(r.amount), 0) FROM reservations r "
                "WHERE r.scope = b.name) FROM budgets b LEFT JOIN audit_limits l USING (name)").fetchall()
            self.looks += 1
            for name, spent, reserved, most, held in found:
                if reserved != held or (most is not None and spent + reserved > most):
                    self.wrong.append([name, spent, reserved, most, held])
            time.sleep(0.005)
        database.close()


def run_one(program, folder, journal, task):
    """How it ended: by its exit code; killed ones are resumed."""
    path = os.path.join(folder, task["run"] + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(task["flow"], file)
    where = ["--journal", journal, "--quiet"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen([program, "flow", "run", path, "--id", task["run"], "--tenant", task["tenant"], *where],
                               **quiet)
    was_killed = False
    try:
        error = process.communicate(timeout=task["kill_after"])[1]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        was_killed = True
        again = subprocess.run([program, "flow", "resume", task["run"], *where], check=False, **quiet)
        if again.returncode == 2 and b"no run" in again.stderr:  # killed before anything was written
            again = subprocess.run([program, "flow", "run", path, "--id", task["run"], "--tenant", task["tenant"], *where],
                                   check=False, **quiet)
        process, error = again, again.stderr
    is_over = b"has finished" in error  # killed when all was done
    return {"code": 0 if is_over else process.returncode, "was_killed": was_killed, "error": error.decode().strip()[-300:]}


def sums_of_calls(database):
    """What the calls in the journal come to, by run."""
    return dict(database.execute(
        "SELECT runs.id, sum(events.amount) FROM events JOIN runs ON runs.number = events.id >> 32 "
        "WHERE kind IN (?, ?, ?) GROUP BY runs.id", (CALL_ANSWERED, CALL_FAILED, CALL_UNKNOWN)))


def books_that_are_wrong(database, tasks):
    """Budgets that hold something, or have spent what is not the sum of their calls."""
    by_run = sums_of_calls(database)
    expected = {}
    for task in tasks:
        spent = by_run.get(task["run"], 0)
        expected[f"run:{task['run']}"] = spent
        expected[f"tenant:{task['tenant']}"] = expected.get(f"tenant:{task['tenant']}", 0) + spent
    wrong = []
    days = 0
    for name, spent, reserved in database.execute("SELECT name, spent, reserved FROM budgets"):
        if name.startswith("day:"):
            days += spent
        if reserved != 0 or (name in expected and spent != expected[name]):
            wrong.append([name, spent, reserved, expected.get(name)])
    if days != sum(by_run.values()):
        wrong.append(["all days", days, 0, sum(by_run.values())])
    return wrong


def count(database, query, *values):
    return database.execute(query, values).fetchone()[0]


def figures_of(database, tasks):
    def events(kind):
        return count(database, "SELECT count(*) FROM events WHERE kind = ?", kind)
    peaks = dict(database.execute("SELECT name, most FROM audit_peaks"))
    limits = dict(database.execute("SELECT name, most FROM audit_limits"))
    used = [peaks[name] / limits[name] for name in peaks if name in limits]
    return {"changes_of_budgets": count(database, "SELECT changes FROM audit_changes"),
            "violations": database.execute("SELECT * FROM audit_violations").fetchall(),
            "reservations_left": count(database, "SELECT count(*) FROM reservations"),
            "books_wrong": books_that_are_wrong(database, tasks),
            "intended": events(CALL_INTENDED), "answered": events(CALL_ANSWERED), "failed": events(CALL_FAILED),
            "unknown": events(CALL_UNKNOWN),
            "budgets_used_above_95_percent": sum(share > 0.95 for share in used), "budgets_with_limits": len(used),
            "highest_use": max(used)}


def measured(arguments, folder):
    draw = random.Random(arguments.seed)
    journal = os.path.join(folder, "runs.db")
    # Not enough for all.
    limits = {"day": round(0.010 * arguments.runs, 6),
              **{f"t{i}": dollars(draw, 0.0008 * arguments.runs, 0.002 * arguments.runs) for i in range(TENANTS)}}
    nothing = os.path.join(folder, "nothing.json")
    with open(nothing, "w", encoding="utf-8") as file:
        json.dump({"workflow": "nothing", "steps": {"a": {"kind": "template", "with": {"value": 1}}}}, file)
    subprocess.run([arguments.program, "flow", "run", nothing, "--journal", journal, "--quiet"], check=True,
                   stdout=subprocess.DEVNULL)
    with StandIn(arguments.program, folder, SETTINGS) as stand_in:
        tasks = [random_task(arguments.seed, i, stand_in.url, limits) for i in range(arguments.runs)]
        known = [(name, pico(most)) for task in tasks for name, most in task["scopes"].items()]
        known += [(f"tenant:t{i}", pico(limits[f"t{i}"])) for i in range(TENANTS)]
        known += [(time.strftime("day:%Y-%m-%d", time.gmtime(time.time() + 86400 * day)), pico(limits["day"]))
                  for day in range(2)]
        database = sqlite3.connect(journal, isolation_level=None, timeout=60)
        database.executescript(AUDIT)
        database.executemany("INSERT INTO audit_limits VALUES (?, ?)", known)
        reader = Reader(journal)
        reader.start()
        busy, began = measure.busy_seconds(), time.monotonic()
        ends = []
        with concurrent.futures.ThreadPoolExecutor(arguments.at_a_time) as pool:
            for end in pool.map(lambda task: run_one(arguments.program, folder, journal, task), tasks):
                ends.append(end)
                if len(ends) % 100 == 0:
                    measure.say(f"{len(ends)} of {arguments.runs} runs")
        seconds = time.monotonic() - began
        reader.is_over = True
        reader.join()
        figures = figures_of(database, tasks)
        database.close()
        requests = stand_in.requests()
    faulty = sum(number for (_, status), number in requests.items() if status != 200)
    codes = sorted({end["code"] for end in ends})
    return {"seconds": round(seconds, 1), "machine_cpu_seconds": round(measure.busy_seconds() - busy, 1),
            "exits": {str(code): sum(end["code"] == code for end in ends) for code in codes},
            "unexpected": [end for end in ends if end["code"] not in (0, 3, 7, 8)][:10],
            "killed": sum(end["was_killed"] for end in ends), "requests": sum(requests.values()),
            "requests_refused": faulty, "reader_looks": reader.looks, "reader_wrong": reader.wrong[:20], **figures}


def text_of(result):
    m, r = result["machine"], result["measured"]
    wrong = len(r["violations"]) + len(r["reader_wrong"]) + len(r["books_wrong"]) + r["reservations_left"]
    wrong += max(0, r["requests"] - r["intended"])
    rows = [["runs, each a process", f"{result['runs']:,}, {result['at_a_time']} at a time"],
            ["ended well / stopped by a budget / failed otherwise",
             f"{r['exits'].get('0', 0)} / {r['exits'].get('8', 0)} / "
             f"{sum(n for code, n in r['exits'].items() if code not in '08')}"],
            ["killed with kill -9, then resumed", str(r["killed"])],
            ["requests, of them answered by an error", f"{r['requests']:,}, {r['requests_refused']:,}"],
            ["attempts announced: answered, failed, unknown",
             f"{r['intended']:,}: {r['answered']:,}, {r['failed']:,}, {r['unknown']:,}"],
            ["requests that no attempt announced", str(max(0, r["requests"] - r["intended"]))],
            ["changes of budgets that the trigger saw", f"{r['changes_of_budgets']:,}"],
            ["looks of the reader", f"{r['reader_looks']:,}"],
            ["budgets with a limit, of them used by more than 95 %",
             f"{r['budgets_with_limits']:,}, {r['budgets_used_above_95_percent']:,}"],
            ["highest use of a budget", f"{100 * r['highest_use']:.4f} %"],
            ["changes after which a budget was exceeded", str(len(r["violations"]))],
            ["reservations left, books that do not add up", f"{r['reservations_left']}, {len(r['books_wrong'])}"]]
    return (f"# Budgets under concurrent runs\n\nMade by `bench/budgets.py`; do not edit. {m['date']}, {m['cpu']}, "
            f"{m['cores']} cores, Coppice {m['coppice']}. {r['seconds']:.0f} seconds.\n\nGoal: no budget of a run, a "
            f"step, a tenant or the day is exceeded at any moment, and at the end all is settled: "
            f"{'reached' if wrong == 0 else '**missed**'}.\n\n" + table(["", ""], rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--at-a-time", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where the journal is made (the system's folder for temporary files)")
    arguments = parser.parse_args()
    arguments.program = measure.program(arguments.build, "coppice")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        found = measured(arguments, folder)
    result = {"kind": "budgets", "machine": measure.machine(), "runs": arguments.runs,
              "at_a_time": arguments.at_a_time, "seed": arguments.seed, "measured": found}
    measure.save(result, os.path.join(arguments.out, "budgets.json"))
    with open(os.path.join(arguments.out, "budgets.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
