# SPDX-License-Identifier: Apache-2.0
"""The example of examples/website: run, forked, compared, planned, optimised."""
import json
import re
import shutil
import unittest
from pathlib import Path

from flow_program import EXAMPLE, StandIn, WebsiteTest
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

    # What the developer may do wrong in stand_in.yaml, and the check that finds it.
    FLAWS = {"pictures without a text": "alt_texts", "pale text": "contrast", "links to nowhere": "links_resolve",
             "loud words and colours": "guidelines"}

    def settings_of_one_flaw(self, flaw):
        """Settings by which the first page has this flaw, and all else is right."""
        text = (EXAMPLE / "stand_in.yaml").read_text()
        rates = re.compile(r"^( +- name: (.*)\n +rate: )\d+$", re.M)
        self.assertEqual({name for _, name in rates.findall(text)}, set(self.FLAWS))
        text = rates.sub(lambda found: found[1] + str(int(found[2] == flaw)), text)
        for before, after in (("    quality: 0.7\n", "    quality: 0\n"), ("    quality: 0.95\n", "    quality: 1\n"),
                              ('failed:"}\n', 'failed:"}\n    quality: 1\n')):
            self.assertEqual(text.count(before), 1)
            text = text.replace(before, after)
        return self.write("one_flaw.yaml", text)

    def test_each_check_finds_its_flaw_which_then_is_mended(self):
        for flaw, check in self.FLAWS.items():
            stand_in = StandIn(self, self.settings_of_one_flaw(flaw))
            traffic, out = self.path(f"{check}.cassette"), self.folder / check
            done = self.run_flow(0, self.site, "--input", self.path("website/visitor.json"), "-o", str(out), "--record",
                                 traffic, "--endpoint", f"local={stand_in.url}")
            self.assertEqual((done["result"]["passed"], done["result"]["rounds"]), (True, 1), flaw)
            asked = Path(traffic).read_text()
            for other in self.FLAWS.values():
                self.assertEqual(f"- {other}, " in asked, other == check, f"{flaw}: {other}")
            self.assertTrue(done["accepted"], flaw)
            self.expect_sound_page(out)

    def expect_sound_page(self, out):
        """Each picture is there, and has a text; each link leads somewhere."""
        page = (out / "index.html").read_text()
        pictures = re.findall(r"<img [^>]*>", page)
        self.assertGreaterEqual(len(pictures), 2)
        for picture in pictures:
            self.assertTrue((out / re.search(r'src="([^"]+)"', picture)[1]).read_bytes())
            self.assertRegex(picture, r'alt="[^"]+"')
        for link in re.findall(r'<a href="([^"]+)"', page):
            self.assertIn(f'id="{link.removeprefix("#")}"', page)

    def test_a_page_that_lacks_a_picture_is_not_accepted(self):
        site = (self.folder / "website/site.yaml").read_text()
        line = 'foreach: "{{ steps.pictures.output }}"\n      content:'
        self.assertEqual(site.count(line), 1)
        flow = self.write("website/lacking.yaml", site.replace(line, line.replace("output }}", "output[1:] }}")))
        told = self.expect(0, "flow", "run", flow, "--input", self.path("website/visitor.json"), "--json", *self.endpoint,
                           says="links_resolve, index.html")
        done = json.loads(told.stdout)
        self.assertTrue(done["result"]["passed"], "the developer could not know")
        self.assertFalse(done["accepted"])

    def test_stored_pictures_take_the_place_of_painted_ones(self):
        rows = map(json.loads, (EXAMPLE / "pictures.jsonl").read_text().splitlines())
        known = {(EXAMPLE / "pictures" / row["file"]).read_bytes(): row["text"] for row in rows}
        for visitor in (EXAMPLE / "visitors.jsonl").read_text().splitlines()[:3]:
            out = self.folder / "stored"
            done = self.run_flow(0, self.site, "--variant", "stored", "--input", self.write("visitor.json", visitor), "-o",
                                 str(out), *self.endpoint)
            self.assertTrue(done["accepted"])
            self.assertEqual({step["step"]: step["calls"] for step in done["steps"]}["artist"], 0, "nothing is painted")
            self.expect_sound_page(out)
            page = (out / "index.html").read_text()
            for name in re.findall(r'src="([^"]+\.svg)"', page):
                shows = known[(out / name).read_bytes()]
                self.assertIn(f'src="{name}" alt="{shows}"', page, "the text says what the stored picture shows")
            shutil.rmtree(out)

    def test_a_stored_picture_fits_what_was_asked_for(self):
        out = self.folder / "stored"
        self.run_flow(0, self.site, "--variant", "stored", "--input", self.path("website/visitor.json"), "-o", str(out),
                      *self.endpoint)
        for name, picture in (("loading-ramp", "ramp-lorry"), ("cold-pallet", "sensor-pallet"), ("route-map", "route-map")):
            self.assertEqual((out / f"images/{name}.svg").read_bytes(), (EXAMPLE / f"pictures/{picture}.svg").read_bytes())

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
        done = self.expect(0, "flow", "compare", self.site, "--variants", "single,decomposed,stored", "--inputs", inputs, "--json",
                           "--report", self.path("report.html"), *self.endpoint, "--fixed", "decomposed=100")
        told = json.loads(done.stdout)
        self.assertEqual(told["provenance"], "simulated")
        self.assertEqual([variant["runs"] for variant in told["variants"]], [4, 4, 4])
        self.assertEqual(len(told["against_first"]), 2)
        for against in told["against_first"]:
            self.assertIn(against["verdict"], ("decompose", "do not", "undecided"))
        page = (self.folder / "report.html").read_text()
        self.assertIn("simulated", page)
        self.assertNotIn("http://", page.replace("http://www.w3.org/2000/svg", ""))


if __name__ == "__main__":
    unittest.main()
