# SPDX-License-Identifier: Apache-2.0
"""What `flow list`, `show` and `report` say of runs that failed in part, were killed, or wait for a person."""
import json
import os
import signal
import subprocess
import time
import unittest

from flow_program import FlowTest, StandIn
from program import COPPICE, environment, jsonl


class PartlyFailed(FlowTest):
    def flow(self, **top):
        """Three items side by side, of which the second fails while the third is under way."""
        fan = {"kind": "command", "optional": True, "foreach": "{{ [2, 4, 6] }}",
               "with": {"command": ["sh", "-c", "sleep 0.$1; test $1 != 4 && echo $1", "sh", "{{ item }}"]}}
        last = {"kind": "template", "with": {"value": "{{ steps.a.state }}"}}
        return self.workflow({"a": fan, "last": last}, outputs={"result": "{{ steps.last.output }}"}, **top)

    def test_an_optional_step_that_failed_in_part_has_failed(self):
        done = self.expect(0, "flow", "run", self.flow(), "--id", "r", "--allow", "command", says="step a failed")
        self.assertEqual(done.stdout, "failed\n")
        step = json.loads(self.expect(0, "flow", "show", "r", "--json").stdout)["steps"][0]
        self.assertEqual((step["step"], step["state"], step["items"]), ("a", "failed", 2), "the other two were done")
        self.assertIn("error", step)
        self.assertRegex(self.expect(0, "flow", "show", "r").stdout, r"\na +failed ")
        self.expect(0, "flow", "report", "r", "-o", self.path("page.html"))
        self.assertIn("a: failed", (self.folder / "page.html").read_text())
        again = self.expect(0, "flow", "resume", "r", "--allow", "command", says="finished before")
        self.assertEqual(again.stdout, done.stdout)

    def test_it_can_be_compared(self):
        inputs = self.write("inputs.jsonl", jsonl([{}, {}]))
        done = self.expect(0, "flow", "compare", self.flow(variants={"one": {}, "two": {}}), "--inputs", inputs,
                           "--allow", "command")
        self.assertIn("one (no model answered): 2 runs, 2 finished", done.stdout)


class Killed(FlowTest):
    def setUp(self):
        super().setUp()
        slow = self.write("slow.json", json.dumps({"models": {"small": {"speed": {"first_token_seconds": 60}}}}))
        self.slow, self.quick = StandIn(self, slow), StandIn(self)
        self.flow = self.workflow({"a": self.ask("x")}, outputs={"result": "{{ steps.a.output }}"})

    def shown(self, *more):
        return self.expect(0, "flow", "show", "r", *more).stdout

    def begin(self):
        process = subprocess.Popen([COPPICE, "flow", "run", self.flow, "--id", "r", "--endpoint", f"local={self.slow.url}"],
                                   cwd=self.folder, stderr=subprocess.DEVNULL, env=environment())
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        journal = self.folder / ".coppice" / "runs.db"
        while not journal.exists() or "under way" not in self.run_program("flow", "show", "r", "--calls").stdout:
            time.sleep(0.05)
        return process

    def test_it_is_interrupted_and_what_is_assumed_of_its_cost_is_told(self):
        process = self.begin()
        self.assertRegex(self.expect(0, "flow", "list").stdout, "^r +running ")
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertRegex(self.expect(0, "flow", "list").stdout, "^r +interrupted ")
        self.assertEqual(json.loads(self.expect(0, "flow", "list", "--json").stdout)["runs"][0]["state"], "interrupted")
        shown = self.shown("--calls")
        for words in ("interrupted in", "coppice flow resume r goes on", "interrupted: nobody knows its end"):
            self.assertIn(words, shown)
        self.assertNotIn("under way", shown)
        self.assertEqual(json.loads(self.shown("--json", "--calls"))["calls"][0]["outcome"], "interrupted")
        self.expect(0, "flow", "report", "r", "-o", self.path("page.html"))
        self.assertIn("coppice flow resume r</code> goes on", (self.folder / "page.html").read_text())

        assumed = r"\$0\.\d+, of it \$0\.\d+ for 1 call whose end is unknown"
        resumed = self.expect(0, "flow", "resume", "r", "--endpoint", f"local={self.quick.url}")
        self.assertRegex(resumed.stderr, "run r: finished in .*, " + assumed)
        self.assertRegex(self.shown(), assumed)
        self.assertNotIn("interrupted", self.shown())
        self.expect(0, "flow", "report", "r", "-o", self.path("page.html"))
        self.assertRegex((self.folder / "page.html").read_text(), assumed)
        self.assertRegex(self.expect(0, "flow", "resume", "r").stderr, "finished before, " + assumed)
        told = json.loads(self.shown("--json"))
        self.assertEqual(told["unknown_calls"], 1)
        self.assertTrue(0 < told["unknown_cost_usd"] < told["cost_usd"])


class Waiting(FlowTest):
    def test_the_question_and_how_to_answer_it_are_shown(self):
        flow = self.workflow({"ok": {"kind": "approve", "with": {"question": "Publish it?"}}})
        journal = ("--journal", self.path("runs.db"))
        self.expect(0, "flow", "run", flow, "--id", "r", *journal)
        shown = self.expect(0, "flow", "show", "r", *journal).stdout
        for words in ("ok waits for a person: Publish it?", f"coppice flow approve r --journal {journal[1]} --step ok",
                      f"then coppice flow resume r --journal {journal[1]}"):
            self.assertIn(words, shown)
        self.assertRegex(shown, r"\nok +waiting ")
        step = json.loads(self.expect(0, "flow", "show", "r", "--json", *journal).stdout)["steps"][0]
        self.assertEqual((step["state"], step["questions"]), ("waiting", ["Publish it?"]))
        self.expect(0, "flow", "resume", "r", *journal)
        self.assertEqual(self.expect(0, "flow", "show", "r", *journal).stdout.count("Publish it?"), 1)
        self.expect(0, "flow", "report", "r", "-o", self.path("page.html"), *journal)
        self.assertIn(f"coppice flow approve r --journal {journal[1]} --step ok", (self.folder / "page.html").read_text())

        self.expect(0, "flow", "approve", "r", *journal)
        shown = self.expect(0, "flow", "show", "r", *journal).stdout
        self.assertIn(f"coppice flow resume r --journal {journal[1]} goes on", shown)
        self.assertNotIn("Publish it?", shown)
        self.expect(0, "flow", "resume", "r", *journal)
        shown = self.expect(0, "flow", "show", "r", *journal).stdout
        self.assertRegex(shown, r"\nok +done ")
        self.assertNotIn("flow resume", shown)


class Words(FlowTest):
    def test_one_is_one(self):
        flow = self.workflow({"a": {"kind": "template", "with": {"value": "x"}}},
                             outputs={"files": [{"path": "a.txt", "content": "{{ steps.a.output }}"}]})
        done = self.expect(0, "flow", "run", flow, "-o", self.path("out"))
        self.assertIn("1 file in ", done.stderr)
        self.assertTrue(os.path.exists(self.path("out/a.txt")))


if __name__ == "__main__":
    unittest.main()
