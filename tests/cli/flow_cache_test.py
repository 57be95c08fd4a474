# SPDX-License-Identifier: Apache-2.0
"""Outputs of steps that are kept for later runs, against the stand-in."""
import json
import unittest
from pathlib import Path

from flow_program import FlowTest, StandIn
from program import jsonl


class Cached(FlowTest):
    def setUp(self):
        super().setUp()
        self.stand_in = StandIn(self)
        self.endpoint = ("--endpoint", f"local={self.stand_in.url}")

    def asked(self, code, step, *more, topic="trees", **top):
        """What a run comes to, and how many questions it has asked."""
        flow = self.workflow({"a": step}, outputs={"result": "{{ steps.a.output }}"}, **top)
        before = self.stand_in.answered()
        given = self.write("in.json", json.dumps({"topic": topic}))
        made = self.run_flow(code, flow, "--input", given, *self.endpoint, *more)
        return made, self.stand_in.answered() - before

    def test_what_was_asked_before_is_not_asked_again(self):
        step = {**self.ask("Say something about {{ inputs.topic }}."), "cache": True}
        first, asked = self.asked(0, step)
        self.assertEqual((asked, first["steps"][0]["cached"]), (1, 0))
        second, asked = self.asked(0, step)
        self.assertEqual((asked, second["steps"][0]["cached"]), (0, 1))
        self.assertEqual(second["result"], first["result"])
        self.assertEqual((second["cost_usd"], second["steps"][0]["calls"]), (0, 0))
        self.assertIn("1 from the cache", self.expect(0, "flow", "show", second["run"]).stdout)
        shown = json.loads(self.expect(0, "flow", "show", second["run"], "--json").stdout)
        self.assertEqual(shown["steps"][0]["cached"], 1)
        self.expect(0, "flow", "report", second["run"], "-o", self.path("r.html"))
        self.assertIn("done, 1 from the cache", Path(self.path("r.html")).read_text())
        for kind, says in (("prometheus", 'coppice_flow_cached_total{step="a",workflow="test"} 1'),
                           ("otlp-traces", '{"key":"coppice.step.cached","value":{"intValue":"1"}}')):
            told = self.expect(0, "flow", "export", second["run"], "--format", kind).stdout
            self.assertIn(says, told.replace(": ", ":").replace("\n", "").replace(" ", "") if kind != "prometheus" else told)
        told = self.expect(0, "flow", "run", self.path("flow.yaml"), "--input", self.path("in.json"), *self.endpoint)
        self.assertIn("1 output from the cache", told.stderr)

    def test_what_differs_is_asked_again(self):
        step = {**self.ask("Say something about {{ inputs.topic }}."), "cache": True}
        self.assertEqual(self.asked(0, step)[1], 1)
        self.assertEqual(self.asked(0, step, topic="shrubs")[1], 1)
        self.assertEqual(self.asked(0, {**step, "persona": "a gardener"})[1], 1)
        models = json.loads(Path(self.path("flow.yaml")).read_text())["models"]
        models["small"]["temperature"] = 0.5
        self.assertEqual(self.asked(0, step, models=models)[1], 1)
        self.assertEqual(self.asked(0, step, "--tenant", "acme")[1], 1)
        self.assertEqual(self.asked(0, step, "--tenant", "acme")[1], 0)
        self.assertEqual(self.asked(0, step, "--no-cache")[1], 1)
        self.assertEqual(self.asked(0, step)[1], 0)
        other = StandIn(self)
        self.assertEqual(self.asked(0, step, "--endpoint", f"local={other.url}")[1], 0)
        self.assertEqual(other.answered(), 1)

    def test_what_is_over_is_asked_again(self):
        step = {**self.ask("x"), "cache": {"seconds": 0.001}}
        self.assertEqual([self.asked(0, step)[1] for _ in range(2)], [1, 1])

    def test_a_repair_is_asked_again_when_its_question_reads_something_else(self):
        step = {"kind": "repair", "cache": True, "with": {
            "value": "x", "files": {"a.txt": "{{ value }}"}, "rounds": 1,
            "checks": [{"text_matches": {"contains": ["never said"]}}],
            "fix": {"model": "small", "prompt": "Mend {{ value }} for {{ inputs.topic }}."}}}
        asked = [self.asked(0, step, topic=topic)[1] for topic in ("trees", "trees", "shrubs")]
        self.assertEqual(asked, [1, 0, 1])

    def test_where_models_are_measured_they_are_asked(self):
        step = {**self.ask("x"), "cache": True}
        self.asked(0, step, variants={name: {"description": name} for name in "xy"})
        inputs = self.write("in.jsonl", jsonl([{"topic": "trees"}] * 2))
        flow = self.path("flow.yaml")
        for command, more in (("compare", ()), ("optimize", ("--floor", "0"))):
            before = self.stand_in.answered()
            self.expect(0, "flow", command, flow, "--inputs", inputs, *more, *self.endpoint)
            self.assertGreaterEqual(self.stand_in.answered() - before, 2, command)

    def test_what_changes_the_world_is_refused_with_its_place(self):
        path = self.write("w.yaml", "workflow: w\nsteps:\n  a:\n    kind: http\n    cache: true\n"
                                    "    with: {url: 'http://h/', method: POST}\n")
        done = self.expect(3, "flow", "check", path)
        self.assertIn("w.yaml:5:12: 'a' changes something in the world", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
