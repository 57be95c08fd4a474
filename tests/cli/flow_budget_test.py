# SPDX-License-Identifier: Apache-2.0
"""Servers that do not hold to the limit on tokens: what a budget is passed by is told, and nothing more is asked."""
import json
import unittest

from flow_program import FlowTest, StandIn


class Overruns(FlowTest):
    """A call may cost $0.001 and a little by its limit of 100 tokens, and takes four or forty times as much."""

    def begin(self, answer_tokens, **more):
        settings = {"models": {"small": {"ignores": ["max_completion_tokens"], "answer_tokens": answer_tokens, **more}}}
        stand_in = StandIn(self, self.write("s.json", json.dumps(settings)))
        self.endpoint = {"local": {"url": stand_in.url, "retries": 0, "concurrency": 1}}
        return stand_in

    def items(self, count, **more):
        return {**self.ask("hello {{ item }}", **more), "foreach": f"{{{{ {list(range(count))} }}}}"}

    def test_it_is_told_and_nothing_more_is_asked(self):
        stand_in = self.begin(400)
        for number, stream in enumerate((False, True)):
            run = f"r{number}"
            flow = self.workflow({"a": self.items(8, stream=stream)}, endpoints=self.endpoint, budget={"run": 0.003})
            told = [" output tokens where 100 were foreseen at most", f"the budget 'run:{run}' of $0.0030 is passed by $0.00",
                    "flow probe", f"flow resume {run}"]
            done = self.expect(8, "flow", "run", flow, "--id", run, says=told)
            self.assertEqual(stand_in.answered(), number + 1)
            self.assertIn("(it is passed by $0.00", done.stderr)
            shown = self.expect(0, "flow", "show", run).stdout
            self.assertIn("is passed by", shown)
            self.expect(0, "flow", "report", run, "-o", self.path("page.html"))
            self.assertIn("were foreseen at most", (self.folder / "page.html").read_text())
        self.expect(8, "flow", "resume", "r0", says="the budget 'run:r0'")
        self.assertEqual(stand_in.answered(), 2)
        self.expect(0, "flow", "resume", "r0", "--budget", "1")
        self.assertEqual(stand_in.answered(), 2 + 7)

    def test_from_then_on_as_much_is_set_aside_as_was_seen(self):
        stand_in = self.begin(400)
        flow = self.workflow({"a": self.items(8)}, endpoints=self.endpoint, budget={"run": 0.01})
        done = self.expect(8, "flow", "run", flow, "--id", "r", says=["call to 'small' may cost $0.004"])
        self.assertEqual(stand_in.answered(), 2, "and not a third one, by which it would be passed")
        self.assertNotIn("is passed", done.stderr)
        self.assertEqual(done.stderr.count("were foreseen at most"), 1)
        told = json.loads(self.expect(0, "flow", "show", "r", "--json").stdout)
        self.assertLess(told["cost_usd"], 0.01)
        self.assertIn("foreseen", told["steps"][0]["remarks"][0])

    def test_a_run_that_needs_no_more_finishes_and_tells_it(self):
        self.begin(400)
        flow = self.workflow({"a": self.ask("hello")}, endpoints=self.endpoint, budget={"run": 0.003})
        self.expect(0, "flow", "run", flow, "--id", "r", says="the budget 'run:r' of $0.0030 is passed by $0.00")

    def test_a_stream_without_end_is_cut(self):
        self.begin(4000)
        flow = self.workflow({"a": self.ask("hello", stream=True)}, endpoints=self.endpoint, budget={"run": 1})
        self.expect(7, "flow", "run", flow, "--id", "r",
                    says=["was cut off after", "100 tokens at most were asked for", "output tokens (estimated) where 100"])
        told = json.loads(self.expect(0, "flow", "show", "r", "--json").stdout)
        self.assertTrue(200 < told["output_tokens"] < 4000, told)

    def test_a_server_that_says_no_usage_is_not_believed_to_have_held_to_it(self):
        self.begin(400, faults={"missing_usage": 1})
        for stream in (False, True):
            flow = self.workflow({"a": self.ask("hello", stream=stream)}, endpoints=self.endpoint)
            self.expect(0, "flow", "run", flow, says="output tokens (estimated) where 100 were foreseen at most")


if __name__ == "__main__":
    unittest.main()
