# SPDX-License-Identifier: Apache-2.0
"""The example of examples/website: run, forked, compared, planned, optimised."""
import json
import re
import unittest

from flow_program import EXAMPLE, WebsiteTest
from program import jsonl


class Website(WebsiteTest):
    def test_the_website_appears(self):
        done = self.run_flow(0, self.site, "--input", self.path("website/visitor.json"), "-o", self.path("out"), *self.endpoint)
        self.assertTrue(done["result"]["passed"])
        files = sorted(str(path.relative_to(self.folder / "out")) for path in (self.folder / "out").rglob("*.*"))
        self.assertEqual(files, ["images/cold-pallet.png", "images/loading-ramp.png", "images/route-map.png", "index.html",
                                 "script.js", "style.css"])
        page = (self.folder / "out/index.html").read_text()
        self.assertIn("Northwind Dairy", page)
        for name in re.findall(r'src="([^"]+)"', page):
            self.assertTrue((self.folder / "out" / name).read_bytes())
        self.expect(0, "flow", "report", done["run"], "-o", self.path("run.html"))
        self.assertIn("personalizer", (self.folder / "run.html").read_text())

    def test_a_plan_says_what_a_run_will_take(self):
        visitor = self.path("website/visitor.json")
        told = json.loads(self.expect(0, "flow", "plan", self.site, "--input", visitor, "--models",
                                      self.path("website/stand_in.yaml"), "--runs", "50", "--json").stdout)
        self.assertEqual(told["provenance"], "simulated")
        self.assertEqual((told["runs"], told["finished"]), (50, 50))
        self.assertEqual((told["model_steps"], told["unknown_models"]), (5, []))
        self.assertLess(told["cost_usd"]["p95"], told["cost_usd"]["most"])
        self.assertEqual(self.stand_in.answered(), 0, "nobody is asked")
        run = self.run_flow(0, self.site, "--input", visitor, *self.endpoint)
        self.assertLessEqual(run["cost_usd"], told["cost_usd"]["most"])
        self.assertLess(abs(run["cost_usd"] / told["cost_usd"]["mean"] - 1), 0.05, "pictures cost most of it, always the same")
        spread = told["seconds"]
        self.assertLess(spread["p50"] / 4, run["seconds"])
        self.assertFalse((self.folder / "out").exists())

    def test_a_plan_without_any_knowledge_says_so(self):
        done = self.expect(0, "flow", "plan", self.site, "--input", self.path("website/visitor.json"), "--runs", "5")
        self.assertIn("Of the model 'small-coder' nothing is known", done.stdout)
        self.expect(2, "flow", "plan", self.site, "--input", "a", "--inputs", "b")
        self.expect(3, "flow", "plan", self.site)  # the input lacks the visitor

    def test_runs_say_how_models_behave_and_plans_believe_them(self):
        visitor = self.path("website/visitor.json")
        self.expect(4, "flow", "models")
        self.run_flow(0, self.site, "--input", visitor, *self.endpoint)
        models = json.loads(self.expect(0, "flow", "models").stdout)
        self.assertGreaterEqual(set(models["models"]), {"small-writer", "small-coder", "painter"})
        written = [rule["one_of"][0] for rule in models["answers"] if rule["when"]["step"] == "developer"]
        self.assertIn("Northwind Dairy", json.loads(written[0])["html"])
        told = json.loads(self.expect(0, "flow", "plan", self.site, "--input", visitor, "--runs", "5", "--json").stdout)
        self.assertEqual(told["unknown_models"], [])
        self.assertEqual(told["finished"], 5)
        self.expect(0, "flow", "plan", self.site, "--input", visitor, "--models", self.write("m.json", json.dumps(models)))

    def test_the_cheapest_models_are_found(self):
        inputs = self.write("visitors.jsonl", jsonl([json.loads((EXAMPLE / "visitor.json").read_text())]))
        options = ["--inputs", inputs, "--floor", "0.9", "--json", "--candidates",
                   "developer=coder+big,personalizer=writer,quality=coder,judgement=judge"]
        simulated = json.loads(self.expect(0, "flow", "optimize", self.site, *options, "--simulate", "--simulated-runs", "60",
                                           "--models", self.path("website/stand_in.yaml")).stdout)
        self.assertEqual(len(simulated["assignments"]), 2)
        self.assertEqual(simulated["assignments"][simulated["chosen"]]["models"]["developer/model"], "big")
        self.assertEqual(self.stand_in.answered(), 0)
        without = json.loads(self.expect(0, "flow", "optimize", self.site, *options, "--simulate", "--simulated-runs", "20",
                                         "--ablate", "--models", self.path("website/stand_in.yaml")).stdout)
        self.assertIsNone(without["assignments"][without["chosen"]]["models"]["judgement/model"], "nobody reads its score")
        measured = json.loads(self.expect(0, "flow", "optimize", self.site, *options, *self.endpoint).stdout)
        self.assertEqual((measured["provenance"], len(measured["assignments"])), ("simulated", 2), "by a stand-in")
        self.assertGreater(self.stand_in.answered(), 8)
        self.expect(8, "flow", "optimize", self.site, *options, *self.endpoint, "--most-cost", "0.01")
        self.expect(2, "flow", "optimize", self.site, "--inputs", inputs, "--candidates", "nobody=coder")

    def test_a_fork_keeps_what_came_before(self):
        first = self.run_flow(0, self.site, "--input", self.path("website/visitor.json"), *self.endpoint)
        before = self.stand_in.answered()
        forked = self.expect(0, "flow", "fork", first["run"], "--from", "judgement", "--json", "--workflow", self.site,
                             *self.endpoint)
        self.assertEqual(self.stand_in.answered() - before, 1)
        self.assertLess(json.loads(forked.stdout)["cost_usd"], first["cost_usd"])

    def test_variants_are_compared(self):
        visitor = json.loads((EXAMPLE / "visitor.json").read_text())
        visitors = []
        for i in range(4):
            visitor["visitor"]["company"] = f"Company {'ABCD'[i]}"
            visitors.append(json.loads(json.dumps(visitor)))
        inputs = self.write("visitors.jsonl", jsonl(visitors))
        done = self.expect(0, "flow", "compare", self.site, "--variants", "single,decomposed", "--inputs", inputs, "--json",
                           "--report", self.path("report.html"), *self.endpoint, "--fixed", "decomposed=100")
        told = json.loads(done.stdout)
        self.assertEqual(told["provenance"], "simulated")
        self.assertEqual([variant["runs"] for variant in told["variants"]], [4, 4])
        self.assertIn(told["against_first"][0]["verdict"], ("decompose", "do not", "undecided"))
        page = (self.folder / "report.html").read_text()
        self.assertIn("simulated", page)
        self.assertNotIn("http://", page.replace("http://www.w3.org/2000/svg", ""))


if __name__ == "__main__":
    unittest.main()
