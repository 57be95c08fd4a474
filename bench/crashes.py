#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`coppice flow run` is killed with kill -9 at random moments, and resumed until it has finished: is an answer lost, or
paid again?

bench/crashes.py [--kills 200] [--seed 1] [--folder FOLDER]

Each run asks a stand-in for 33 answers: eight steps in three layers, and one of 25 items, each step by a model of its
own, so that the stand-in's own counts tell how often each was asked. It is killed at a moment drawn from the time that
such a run takes, resumed, killed again, until it has finished; then comes the next run, until there were 200 kills.

After each kill the journal's files are copied and read by SQLite itself. Goals, over all runs:
- what the journal held of answers after a kill, it holds to the end, byte by byte;
- no call is announced again once its answer is in the journal: none is paid twice;
- each request that the stand-in got is one of the journal: answered, failed, or unknown; and whoever is unknown is
  charged with the most that it can cost;
- at the end all outputs are right, nothing is reserved, and the run's budget has spent the sum of its calls.

Writes results/crashes.json and results/crashes.md.
"""
import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import measure
from report import table
from stand_in import ANSWER, StandIn

INTENDED, ANSWERED, FAILED, UNKNOWN, STEP_DONE = 3, 4, 5, 6, 7  # EventKind of coppice/flow/journal/journal.h
ITEMS = 25
LAYERS = (("a", "b", "c"), ("d", "e", "f"), ("g", "h"))
STEPS = [step for layer in LAYERS for step in layer] + ["each"]
PRICE = {"input_cost_per_token": 1e-6, "output_cost_per_token": 4e-6}
SETTINGS = {"models": {step: {"price": PRICE, "speed": {"first_token_seconds": {"median": 0.05, "p95": 0.15}}}
                       for step in STEPS},
            "faults": {"server_error": 0.03, "cut_before_answer": 0.02}, "answers": ANSWER}


def workflow(url):
    def ask(step, prompt, stream):
        return {"kind": "llm", "with": {"model": step, "prompt": f"Question {prompt}?", "stream": stream}}
    steps = {}
    before = ()
    for layer in LAYERS:
        for i, step in enumerate(layer):
            read = f"after {{{{ steps.{before[i % len(before)]}.output }}}}" if before else "first"
            steps[step] = ask(step, f"{step} {read}", i % 2 == 1)
        before = layer
    steps["each"] = {**ask("each", "number {{ item }}", False), "foreach": "{{ inputs.list }}", "concurrency": 6}
    return {"workflow": "crashes", "endpoints": {"local": {"url": url, "concurrency": 8, "retries": 3}},
            "models": {step: {"endpoint": "local", "model": step, "max_output_tokens": 50} for step in STEPS},
            "prices": {step: PRICE for step in STEPS}, "budget": {"run": 10, "day": 10_000}, "steps": steps}


def wanted_outputs():
    wanted = {}
    before = ()
    for layer in LAYERS:
        for i, step in enumerate(layer):
            read = f"after {wanted[before[i % len(before)], -1]}" if before else "first"
            wanted[step, -1] = f"Answer {step} {read}."
        before = layer
    wanted.update({("each", i): f"Answer number {i}." for i in range(ITEMS)})
    return wanted


class Journal:
    """What its files held at one moment."""

    def __init__(self, path, folder):
        self.events, self.budgets, self.reservations = [], {}, 0
        copy = os.path.join(folder, "copy.db")
        for end in ("", "-wal"):
            if os.path.exists(copy + end):
                os.remove(copy + end)
            if os.path.exists(path + end):
                shutil.copyfile(path + end, copy + end)
        if not os.path.exists(copy):
            return
        database = sqlite3.connect(copy)
        try:
            self.events = database.execute("SELECT id, kind, step, item, call, attempt, amount, payload FROM events "
                                           "ORDER BY id").fetchall()
            self.budgets = {name: (spent, reserved) for name, spent, reserved in
                            database.execute("SELECT name, spent, reserved FROM budgets")}
            self.reservations = database.execute("SELECT count(*) FROM reservations").fetchone()[0]
            if database.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
                sys.exit("SQLite finds the journal damaged")
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):  # killed before its tables were made
                raise
        database.close()

    def of(self, *kinds):
        return [event for event in self.events if event[1] in kinds]

    def answers(self):
        return {event[0]: event for event in self.of(ANSWERED)}


def paid_again(journal):
    """Calls that were announced after their answer was there, or have two answers."""
    answered, again = set(), []
    for event in journal.of(INTENDED, ANSWERED):
        call = event[2:5]
        if call in answered:
            again.append(event[:6])
        if event[1] == ANSWERED:
            answered.add(call)
    return again


def charged_wrongly(journal):
    """Unknown calls that cost something else than the most that was announced."""
    most = {event[2:6]: event[6] for event in journal.of(INTENDED)}
    return [event[:7] for event in journal.of(UNKNOWN) if event[6] != most.get(event[2:6])]


def unaccounted(journal, requests):
    """By step: what the stand-in got, against what the journal knows of."""
    wrong = []
    for step in STEPS:
        settled = sum(event[2] == step for event in journal.of(ANSWERED, FAILED))
        unknown = sum(event[2] == step for event in journal.of(UNKNOWN))
        if not settled <= requests.get(step, 0) <= settled + unknown:
            wrong.append([step, requests.get(step, 0), settled, unknown])
    return wrong


def faults_at_the_end(journal, run, requests):
    done = {event[2:4]: json.loads(event[7])["output"] for event in journal.of(STEP_DONE)}
    spent = sum(event[6] for event in journal.of(ANSWERED, FAILED, UNKNOWN))
    held = [name for name, (_, reserved) in journal.budgets.items() if reserved != 0]
    found = {"paid_again": paid_again(journal), "charged_wrongly": charged_wrongly(journal),
             "unaccounted": unaccounted(journal, requests),
             "outputs_wrong": [] if done == wanted_outputs() else [str(done)],
             "books_wrong": ([] if journal.budgets[f"run:{run}"][0] == spent else [run]) + held +
             (["reservations"] if journal.reservations else [])}
    return {what: which for what, which in found.items() if which}


class Bench:
    def __init__(self, arguments, folder, stand_in):
        self.arguments, self.folder, self.stand_in = arguments, folder, stand_in
        self.draw = random.Random(arguments.seed)
        self.flow, self.given = os.path.join(folder, "flow.json"), os.path.join(folder, "input.json")
        for path, what in ((self.flow, workflow(stand_in.url)), (self.given, {"list": list(range(ITEMS))})):
            with open(path, "w", encoding="utf-8") as file:
                json.dump(what, file)
        self.kills = {"before_the_run_was_there": 0, "with_calls_in_flight": 0, "between_calls": 0}
        self.faults, self.lost, self.resumes, self.runs = [], [], 0, 0
        self.counts = {"requests": 0, "answered": 0, "failed": 0, "unknown": 0, "intended": 0}

    def command(self, run, journal, is_there):
        what = ["resume", run] if is_there else ["run", self.flow, "--input", self.given, "--id", run]
        return [self.arguments.program, "flow", *what, "--journal", journal, "--quiet"]

    def killed_kills(self):
        return sum(self.kills.values())

    def go(self, run, journal, is_there, seconds):
        """One process: its exit code, or None where it was killed; and what it said."""
        process = subprocess.Popen(self.command(run, journal, is_there), stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, start_new_session=True)
        try:
            said = process.communicate(timeout=seconds)[1].decode()
            return process.returncode, said
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, ""

    def one_run(self, typical_seconds):
        """Until it has finished; None for `typical_seconds`: it is not killed."""
        run, journal = f"r{self.runs}", os.path.join(self.folder, f"{self.runs}.db")
        self.runs += 1
        before = self.stand_in.requests()
        known, is_there, is_over = {}, False, False
        began = time.monotonic()
        while not is_over:
            may_kill = typical_seconds is not None and self.killed_kills() < self.arguments.kills
            code, said = self.go(run, journal, is_there, self.draw.uniform(0, typical_seconds) if may_kill else None)
            now = Journal(journal, self.folder)
            self.lost += [event[:6] for id_, event in known.items() if now.answers().get(id_) != event]
            known = now.answers()
            if code is None:
                self.count_kill(now)
            elif code == 0 or "has finished" in said:
                is_over = True
            elif code not in (3, 7):  # a call that failed too often: it goes on from there
                self.faults.append({"run": run, "code": code, "said": said[-500:]})
                is_over = True
            self.resumes += is_there
            is_there = bool(now.events)
        seconds = time.monotonic() - began
        after = self.stand_in.requests()
        requests = {}
        for (model, status), count in after.items():
            requests[model] = requests.get(model, 0) + count - before.get((model, status), 0)
        found = faults_at_the_end(now, run, requests)
        if found:
            self.faults.append({"run": run, **found})
        for name, kind in (("answered", ANSWERED), ("failed", FAILED), ("unknown", UNKNOWN), ("intended", INTENDED)):
            self.counts[name] += len(now.of(kind))
        self.counts["requests"] += sum(requests.values())
        return seconds

    def count_kill(self, journal):
        settled = {event[2:6] for event in journal.of(ANSWERED, FAILED, UNKNOWN)}
        in_flight = [event for event in journal.of(INTENDED) if event[2:6] not in settled]
        self.kills["before_the_run_was_there" if not journal.events else
                   "with_calls_in_flight" if in_flight else "between_calls"] += 1


def measured(arguments, folder):
    with StandIn(arguments.program, folder, SETTINGS) as stand_in:
        bench = Bench(arguments, folder, stand_in)
        typical = measure.median([bench.one_run(None) for _ in range(3)])
        measure.say(f"a run takes {typical:.2f} seconds")
        while bench.killed_kills() < arguments.kills:
            bench.one_run(typical)
            measure.say(f"{bench.killed_kills()} of {arguments.kills} kills, {bench.runs} runs")
    return {"seconds_of_a_run": round(typical, 3), "runs": bench.runs, "resumes": bench.resumes, "kills": bench.kills,
            "answers_lost": bench.lost, "faults": bench.faults, **bench.counts}


def text_of(result):
    m, r = result["machine"], result["measured"]
    def of(what):
        return sum(len(fault.get(what, [])) for fault in r["faults"])
    is_reached = not r["faults"] and not r["answers_lost"]
    rows = [["kills: before the run was in the journal / with calls in flight / with none",
             " / ".join(str(n) for n in r["kills"].values())],
            ["runs, all finished; resumes", f"{r['runs']}; {r['resumes']}"],
            ["requests that the stand-in got", f"{r['requests']:,}"],
            ["attempts in the journal: answered, failed, unknown",
             f"{r['intended']:,}: {r['answered']:,}, {r['failed']:,}, {r['unknown']:,}"],
            ["answers lost", str(len(r["answers_lost"]))],
            ["calls paid again after their answer was in the journal", str(of("paid_again"))],
            ["unknown calls not charged with their worst case", str(of("charged_wrongly"))],
            ["steps with requests that the journal does not know", str(of("unaccounted"))],
            ["runs with wrong outputs, with wrong books", f"{of('outputs_wrong')}, {of('books_wrong')}"]]
    return (f"# Runs that are killed\n\nMade by `bench/crashes.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} "
            f"cores, Coppice {m['coppice']}. Journal SQLite, durability\n\"process\"; a run of {len(wanted_outputs())} "
            f"questions takes {r['seconds_of_a_run']:.2f} seconds undisturbed.\n\nGoal: after {sum(r['kills'].values())} "
            f"kill -9 at random moments no answer of the journal is lost or paid again, and calls in flight\nare unknown "
            f"and charged: {'reached' if is_reached else '**missed**'}.\n\n" + table(["", ""], rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", help="where journals are made (the system's folder for temporary files)")
    arguments = parser.parse_args()
    arguments.program = measure.program(arguments.build, "coppice")
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        found = measured(arguments, folder)
    result = {"kind": "crashes", "machine": measure.machine(), "seed": arguments.seed, "measured": found}
    measure.save(result, os.path.join(arguments.out, "crashes.json"))
    with open(os.path.join(arguments.out, "crashes.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
