# SPDX-License-Identifier: Apache-2.0
"""Runs that end early: by Ctrl-C, by a journal that is lost, by a full disk; what they say last, and how they go on."""
import json
import os
import re
import resource
import signal
import sqlite3
import subprocess
import time
import unittest
from pathlib import Path

from flow_program import FlowTest, StandIn
from program import COPPICE, environment


class EndedTest(FlowTest):
    """A foreach of ten items, two at a time, a third of a second each."""

    def setUp(self):
        super().setUp()
        speed = {"models": {"small": {"speed": {"first_token_seconds": 0.3}}}}
        self.stand_in = StandIn(self, self.write("slow.json", json.dumps(speed)))
        self.journal = self.path("my runs.db")
        step = {**self.ask("{{ item }}"), "foreach": "{{ [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }}", "concurrency": 2}
        last = {"kind": "template", "with": {"value": "{{ steps.a.output | length }}"}}
        self.flow = self.workflow({"a": step, "last": last}, endpoints={"local": {"url": self.stand_in.url}}, outputs={
            "result": "{{ steps.last.output }}", "files": [{"path": "a.txt", "content": "{{ steps.last.output }}"}]})
        self.resume = f"coppice flow resume r --journal '{self.journal}'"

    def begin(self, *more, journal=None, **how):
        return subprocess.Popen([COPPICE, "flow", "run", self.flow, "--id", "r", "--journal", journal or self.journal, *more],
                                cwd=self.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, **how)

    def wait_for(self, calls):
        limit = time.monotonic() + 60
        while self.stand_in.answered() < calls:
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.02)

    def end(self, process, code):
        out, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, code, said)
        return out, said

    def shown(self, *more):
        return self.expect(0, "flow", "show", "r", "--journal", self.journal, *more).stdout

    def goes_on(self):
        made = self.expect(0, "flow", "resume", "r", "--journal", self.journal, "--json")
        self.assertEqual(json.loads(made.stdout)["result"], 10)


class Signals(EndedTest):
    def test_one_that_was_stopped_is_no_failed_one(self):
        process = self.begin("--json", "--metrics", self.path("m.prom"))
        self.wait_for(3)
        process.send_signal(signal.SIGINT)
        out, said = self.end(process, 130)
        told = json.loads(out)
        self.assertEqual((told["state"], told["steps"][0]["state"]), ("stopped", "stopped"))
        self.assertIn("run r: stopped in", said)
        self.assertNotIn("failed", said)
        self.assertTrue(said.rstrip().endswith(self.resume + " goes on"), said)
        self.assertEqual(said.count("flow resume"), 1)
        self.assertIn('state="stopped"', (self.folder / "m.prom").read_text())
        self.assertRegex(self.expect(0, "flow", "list", "--journal", self.journal).stdout, "^r +stopped ")
        shown = self.shown()
        self.assertIn("run r of test: stopped in", shown)
        self.assertIn("stopped on request: " + self.resume + " goes on", shown)
        self.assertNotIn("error", shown)
        self.assertRegex(shown, r"\na +stopped +[2-6] of 10 ")
        step = json.loads(self.shown("--json"))["steps"][0]
        self.assertEqual((step["state"], step["all_items"]), ("stopped", 10))
        self.expect(0, "flow", "report", "r", "-o", self.path("page.html"), "--journal", self.journal)
        page = (self.folder / "page.html").read_text()
        for words in ("<strong>stopped</strong>", "stopped on request: <code>coppice flow resume r --journal ", " of 10</td>"):
            self.assertIn(words, page)
        self.goes_on()
        self.assertRegex(self.shown(), r"\na +done +10 ")

    def test_one_that_is_ended_at_once_says_how_it_goes_on(self):
        for number, (flags, line) in enumerate(((["--quiet"], "hint: {} goes on"), (["--log-json"], '"hint":"{} goes on"'))):
            self.journal = self.path(f"runs {number}.db")
            process = self.begin(*flags)
            self.wait_for(3 + self.stand_in.answered())
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            said = self.end(process, 130)[1]
            last = said.splitlines()[-1]
            self.assertIn(line.format(f"coppice flow resume r --journal '{self.journal}'"), last)
            self.assertIn("ended at once", said)
            shown = self.shown()
            self.assertIn("interrupted in", shown)
            self.assertRegex(shown, r"\na +interrupted +\d of 10 ")
            self.goes_on()


class Faults(EndedTest):
    def test_of_a_journal_that_was_moved_it_says_so(self):
        process = self.begin()
        self.wait_for(3)
        moved = self.path("moved.db")
        for end in ("", "-wal", "-shm"):
            if os.path.exists(self.journal + end):
                os.rename(self.journal + end, moved + end)
        said = self.end(process, 4)[1]
        self.assertIn("run r cannot be resumed: it is not in", said.splitlines()[-1])
        self.assertIn("coppice flow resume r --journal FILE goes on", said.splitlines()[-1])
        self.journal = moved
        self.goes_on()

    def test_of_a_journal_that_another_program_holds_it_says_how_it_goes_on(self):
        process = self.begin()
        self.wait_for(3)
        other = sqlite3.connect(self.journal, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        said = self.end(process, 4)[1]
        other.execute("ROLLBACK")
        other.close()
        self.assertIn("locked by another program", said)
        self.assertTrue(said.rstrip().endswith("; " + self.resume + " goes on"), said)
        self.goes_on()

    def test_of_a_full_disk_it_says_how_it_goes_on(self):
        # The limit of a file's size takes the place of the disk's; the journal's log reaches it.
        process = self.begin(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000)))
        said = self.end(process, 4)[1]
        self.assertIn(self.resume + " goes on", said.splitlines()[-1])
        self.goes_on()

    def test_where_its_files_cannot_be_written_it_says_how_they_are(self):
        out = self.folder / "out"
        process = self.begin("-o", str(out))
        self.wait_for(3)
        out.mkdir(exist_ok=True)
        (out / "a.txt").mkdir()  # stands in the way
        said = self.end(process, 4)[1]
        self.assertIn(f"{self.resume} -o {out} writes what it came to", said.splitlines()[-1])
        (out / "a.txt").rmdir()
        asked = self.stand_in.answered()
        self.expect(0, "flow", "resume", "r", "--journal", self.journal, "-o", str(out))
        self.assertEqual((out / "a.txt").read_text(), "10\n")
        self.assertEqual(self.stand_in.answered(), asked)

    def test_of_a_journal_in_memory_it_promises_nothing(self):
        (self.folder / "out" / "a.txt").mkdir(parents=True)  # stands in the way
        said = self.end(self.begin("-o", self.path("out"), journal="memory:"), 4)[1]
        self.assertIn("run r cannot be resumed: its journal was in memory", said.splitlines()[-1])
        self.assertNotIn("flow resume", said)
        asked = self.stand_in.answered()
        process = self.begin(journal="memory:")
        self.wait_for(asked + 1)
        process.send_signal(signal.SIGINT)
        self.assertNotIn("flow resume", self.end(process, 130)[1])


class Tries(FlowTest):
    def test_a_server_that_never_answers_well_says_how_often_it_was_asked(self):
        flow = self.workflow({"a": self.ask("x")}, endpoints={"local": {"url": "http://127.0.0.1:9/v1", "retries": 2}})
        self.expect(7, "flow", "run", flow, says=["127.0.0.1:9", ", after 3 tries"])
        for fault, words in (("server_error", r"status 500 .*, after 3 tries\n"),
                             ("rate_limited", r"status 429 .*, after 3 tries; the server asks for a wait of 0\.2 seconds\n")):
            settings = {"faults": {fault: {"rate": 1.0, **({"seconds": 0.2} if fault == "rate_limited" else {})}}}
            sick = StandIn(self, self.write(f"{fault}.json", json.dumps(settings)))
            done = self.expect(7, "flow", "run", flow, "--endpoint", f"local={sick.url}", "--id", fault)
            self.assertRegex(done.stderr, words)
            self.assertEqual(sick.answered(), 3)
            self.assertIn("after 3 tries", self.expect(0, "flow", "show", fault).stdout)


class Items(FlowTest):
    def flow(self):
        ok = {"kind": "approve", "foreach": '{{ ["x", "y", "z"] }}', "with": {"question": "Publish {{ item }}?"}}
        last = {"kind": "template", "with": {"value": "{{ steps.ok.output | length }}"}}
        return self.workflow({"ok": ok, "last": last}, outputs={"result": "{{ steps.last.output }}"})

    def lines(self, name):
        return Path(name).read_text().split() if os.path.exists(name) else []

    def approve(self, code, *more, **says):
        return self.expect(code, "flow", "approve", "r", "--journal", self.path("j.db"), *more, **says)

    def test_a_person_answers_item_by_item(self):
        journal = ("--journal", self.path("j.db"))
        done = self.expect(0, "flow", "run", self.flow(), "--id", "r", "--json", *journal)
        told = json.loads(done.stdout)
        self.assertEqual(told["questions"], ["ok, item 0: Publish x?", "ok, item 1: Publish y?", "ok, item 2: Publish z?"])
        command = f"coppice flow approve r --journal {journal[1]} --step ok --item "
        self.expect(0, "flow", "report", "r", "-o", self.path("page.html"), *journal)
        page, shown = (self.folder / "page.html").read_text(), self.expect(0, "flow", "show", "r", *journal).stdout
        for text in (done.stderr, shown, page):
            for item in "012":
                self.assertIn(command + item, text)
        self.assertEqual(json.loads(self.expect(0, "flow", "show", "r", "--json", *journal).stdout)["steps"][0]["question_items"],
                         [0, 1, 2])
        self.approve(2, says=["--item is missing", "these wait: ok, items 0, 1, 2"])
        self.approve(2, "--item", "3", says=["item 3 of the step 'ok' of run r does not wait", "these wait: ok, items 0, 1, 2"])
        self.approve(2, "--item", "-1")
        self.approve(2, "--step", "last", "--item", "0", says=["'last' has no foreach", "leave --item out"])
        self.approve(0, "--item", "2,0", "--by", "Ada", says="approved (1 of its items still wait")
        self.approve(2, "--item", "0", says=["item 0 of the step 'ok'", "approved before by Ada", "--again"])
        self.expect(0, "flow", "resume", "r", *journal, says="ok, item 1: Publish y?")
        shown = self.expect(0, "flow", "show", "r", *journal).stdout
        self.assertRegex(shown, r"\nok +waiting +2 of 3 ")
        self.assertNotIn("--item 0", shown)
        self.approve(0, "--deny", "--say", "dull")
        self.expect(130, "flow", "resume", "r", *journal, says="dull")
        self.assertIn(" failed in", self.expect(0, "flow", "show", "r", *journal).stdout, "and not stopped: nobody has")
        self.approve(0, "--item", "1", "--again", says=f"coppice flow resume r --journal {journal[1]} goes on")
        self.assertEqual(self.expect(0, "flow", "resume", "r", *journal).stdout, "3\n")

    def test_items_whose_end_nobody_knows_are_decided_one_by_one(self):
        journal = ("--journal", self.path("j.db"))
        mark = self.path("mark")
        code = f"echo $1 >> {mark}; test -e {mark}.go || sleep 60"
        step = {"kind": "command", "foreach": "{{ [7, 8] }}", "with": {"command": ["sh", "-c", code, "sh", "{{ item }}"]}}
        flow = self.workflow({"a": step})
        process = subprocess.Popen([COPPICE, "flow", "run", flow, "--id", "r", "--allow", "command", *journal],
                                   cwd=self.folder, env=environment(), stderr=subprocess.DEVNULL, start_new_session=True)
        limit = time.monotonic() + 60
        while len(self.lines(mark)) < 2:
            self.assertLess(time.monotonic(), limit)
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.write("mark.go", "")
        done = self.expect(4, "flow", "resume", "r", "--allow", "command", *journal)
        shown = self.expect(0, "flow", "show", "r", *journal).stdout
        for text in (done.stderr, shown):
            self.assertIn("nobody knows whether items 0, 1 of step 'a' were done", text)
            self.assertIn(f"coppice flow approve r --journal {journal[1]} --step a --item 0,1'", text)
        self.assertRegex(shown, r"resumed 1 time, after .* in which nothing that is known was done \(2 calls under way then, ")
        self.approve(2, "--step", "a", says="these wait: a, items 0, 1")
        self.approve(0, "--step", "a", "--item", "1")
        self.expect(4, "flow", "resume", "r", "--allow", "command", *journal,
                    says=["item 0 of step 'a' was done", "--step a --item 0'"])
        self.approve(0, "--step", "a")
        self.expect(0, "flow", "resume", "r", "--allow", "command", *journal)
        self.assertEqual(sorted(self.lines(mark)), ["7", "7", "8", "8"])

    def test_only_what_waits_takes_an_answer(self):
        steps = {"list": {"kind": "template", "with": {"value": "{{ [1] }}"}},
                 "ok": {"kind": "approve", "needs": ["list"], "with": {"question": "Publish?"}},
                 "later": {"kind": "approve", "needs": ["ok"], "with": {"question": "Send?"}},
                 "last": {"kind": "template", "with": {"value": "{{ steps.later.output.by }}"}}}
        flow = self.workflow(steps, outputs={"result": "{{ steps.last.output }}"})
        journal = ("--journal", self.path("j.db"))
        self.expect(0, "flow", "run", flow, "--id", "r", *journal)
        for step in ("list", "later", "last"):
            for more in ((), ("--again", "--deny")):
                self.approve(2, "--step", step, *more, says=[f"the step '{step}' of run r does not wait", "these wait: ok"])
        self.approve(0)  # the only one that waits
        self.expect(0, "flow", "resume", "r", *journal, says="Send?")
        self.approve(2, "--step", "ok", "--again", "--deny", says=["'ok' of run r does not wait", "these wait: later"])
        self.approve(0, "--deny")
        self.approve(2, "--step", "list", says="nothing of it waits")
        self.approve(0, "--again", "--by", "Bo")
        self.assertEqual(self.expect(0, "flow", "resume", "r", *journal).stdout, "Bo\n")
        for more in ((), ("--step", "later", "--again", "--deny"), ("--step", "list")):
            self.approve(2, *more, says=["run r has finished", "flow fork"])
        self.assertEqual(self.expect(0, "flow", "resume", "r", *journal).stdout, "Bo\n")

    def test_a_step_that_was_not_reached_has_not_begun(self):
        steps = {"ok": {"kind": "approve", "with": {"question": "Publish?"}},
                 "next": {"kind": "template", "needs": ["ok"], "with": {"value": 1}}}
        journal = ("--journal", self.path("j.db"))
        self.expect(0, "flow", "run", self.workflow(steps), "--id", "r", *journal)
        self.expect(0, "flow", "report", "r", "-o", self.path("page.html"), *journal)
        page = (self.folder / "page.html").read_text()
        self.assertIn("ok: waiting", page)
        self.assertIn("next: not begun", page)
        self.assertNotIn("next: waiting", page)


if __name__ == "__main__":
    unittest.main()
