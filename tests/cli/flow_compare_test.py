# SPDX-License-Identifier: Apache-2.0
"""`flow compare`, `plan`, `show` and `report` for whoever doubts them: failures, interruptions, where figures come from."""
import http.server
import json
import re
import signal
import subprocess
import threading
import time
import unittest

from flow_program import FlowTest, StandIn
from program import COPPICE, environment, jsonl


class AnswersAnything:
    """A server that is no stand-in: {"x": 1} to every request, until the test has ended."""

    def __init__(self, test):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "8")
                self.end_headers()
                self.wfile.write(b'{"x": 1}')

            do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/x"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.addCleanup(self.end)

    def end(self):
        self.server.shutdown()
        self.server.server_close()


class Comparing(FlowTest):
    def variants(self, second=None, **top):
        """A workflow whose variant `single` asks once, `split` twice."""
        steps = {"first": self.ask("one {{ inputs.topic }}"),
                 "second": {**self.ask("two {{ inputs.topic }} {{ steps.first.output }}"), "variants": {"single": None},
                            **(second or {})},
                 "told": {"kind": "template", "with": {"value": "{{ steps.first.output }}"}}}
        return self.workflow(steps, inputs={"type": "object", "required": ["topic"],
                                            "properties": {"topic": {"type": "string"}}},
                             variants={"single": {}, "split": {}}, outputs={"result": "{{ steps.told.output }}"}, **top)

    def inputs(self, topics=("ash", "oak")):
        return self.write("inputs.jsonl", jsonl([{"topic": topic} for topic in topics]))

    def compare(self, code, flow, *more, **kept):
        return self.expect(code, "flow", "compare", flow, "--inputs", self.path("inputs.jsonl"), "--variants", "single,split",
                           *more, **kept)


class Failures(Comparing):
    def test_where_no_run_finishes_the_comparison_fails_after_its_table_and_page(self):
        self.inputs()
        done = self.compare(7, self.variants(), "--report", self.path("page.html"), says="no run of any variant has finished")
        self.assertIn("single (no model answered): 2 runs, 0 finished", done.stdout)
        self.assertRegex(done.stdout, r"2 runs failed: step first: .*127\.0\.0\.1:9")
        self.assertNotIn("measured", done.stdout)
        page = (self.folder / "page.html").read_text()
        self.assertIn("no model answered", page)
        self.assertNotIn(">measured<", page)
        told = json.loads(self.compare(7, self.variants(), "--json").stdout)
        self.assertEqual(told["provenance"], "none")

    def test_where_one_variant_finishes_there_is_something_to_compare(self):
        stand_in = StandIn(self)
        self.inputs()
        done = self.compare(0, self.variants({"budget": 1e-9}), "--endpoint", f"local={stand_in.url}")
        self.assertIn("single (simulated): 2 runs, 2 finished", done.stdout)
        self.assertIn("split (simulated): 2 runs, 0 finished", done.stdout)
        self.assertIn("2 runs failed: step second", done.stdout)

    def test_a_plan_of_which_no_run_finishes_fails_after_its_table(self):
        flow = self.workflow({"a": {"kind": "template", "with": {"value": "{{ inputs.x + 1 }}"}}})
        done = self.expect(3, "flow", "plan", flow, "--input", self.write("in.json", '{"x": "text"}'), "--runs", "3",
                           says="no simulated run has finished")
        self.assertIn("0 of 3 runs finish", done.stdout)
        told = json.loads(self.expect(3, "flow", "plan", flow, "--input", self.path("in.json"), "--runs", "3", "--json").stdout)
        self.assertEqual(told["finished"], 0)
        self.assertTrue(told["failure"])


class Inputs(Comparing):
    def test_every_input_is_looked_at_before_the_first_run(self):
        stand_in = StandIn(self)
        path = self.write("inputs.jsonl", '{"topic": "ash"}\n\n{"topic": 7}\n')
        flow = self.variants()
        for command in ("compare", "plan", "optimize"):
            done = self.run_program("flow", command, flow, "--inputs", path,
                                    *(() if command == "plan" else ("--endpoint", f"local={stand_in.url}")))
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertIn("inputs.jsonl:3: inputs/topic", done.stderr, command)
        self.assertEqual(stand_in.answered(), 0)

    def test_a_number_of_users_is_told_only_where_costs_beside_calls_are_given(self):
        stand_in = StandIn(self)
        self.inputs()
        endpoint = ("--endpoint", f"local={stand_in.url}")
        self.assertNotIn("pays", self.compare(0, self.variants(), *endpoint).stdout)
        self.assertIn("pays                  at once", self.compare(0, self.variants(), *endpoint, "--fixed", "single=100",
                                                                    "--operations", "single=1").stdout)
        self.assertIn("pays                  never", self.compare(0, self.variants(), *endpoint, "--fixed", "split=100").stdout)


class Interrupted(Comparing):
    TOPICS = [f"tree {i}" for i in range(6)]

    def slow(self):
        return StandIn(self, self.write("s.json", json.dumps({"models": {"*": {"speed": {"first_token_seconds": 0.1}}}})))

    def start(self, stand_in, **more):
        self.inputs(self.TOPICS)
        return subprocess.Popen([COPPICE, "flow", "compare", self.variants(), "--inputs", self.path("inputs.jsonl"),
                                 "--variants", "single,split", "--id", "c1", "--endpoint", f"local={stand_in.url}", "--json"],
                                cwd=self.folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def again(self, stand_in, *more):
        done = self.compare(0, self.variants(), "--id", "c1", "--endpoint", f"local={stand_in.url}", "--json", *more)
        return json.loads(done.stdout), done.stderr

    def test_what_was_answered_before_a_kill_is_not_paid_again(self):
        stand_in = self.slow()
        process = self.start(stand_in)
        while stand_in.answered() < 7:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        told, remarks = self.again(stand_in)
        self.assertIn("had finished before", remarks)
        self.assertEqual([variant["finished"] for variant in told["variants"]], [6, 6])
        resumed = sum(variant["resumed"] for variant in told["variants"])
        self.assertLessEqual(resumed, 1, "one at a time")
        unknown = 0
        for run in json.loads(self.expect(0, "flow", "list", "--json").stdout)["runs"]:
            self.assertRegex(run["run"], r"^c1-(single|split)-[1-6]-1$")
            calls = json.loads(self.expect(0, "flow", "show", run["run"], "--json", "--calls").stdout)["calls"]
            unknown += sum(call["outcome"] == "unknown" for call in calls)
        self.assertLessEqual(unknown, 1, "that was under way")
        self.assertLessEqual(stand_in.answered(), 6 + 12 + unknown)
        before = stand_in.answered()
        same, _ = self.again(stand_in)
        self.assertEqual(stand_in.answered(), before, "all is there")
        self.assertEqual(same, told, "to the last figure")

    def test_an_interrupt_says_how_to_go_on(self):
        stand_in = self.slow()
        process = self.start(stand_in)
        while stand_in.answered() < 4:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 130, said)
        self.assertIn("--id c1", said)
        told, _ = self.again(stand_in)
        self.assertEqual([variant["finished"] for variant in told["variants"]], [6, 6])
        self.assertEqual(stand_in.answered(), 18)

    def test_a_second_interrupt_says_so_too_and_ends_it_at_once(self):
        stand_in = self.slow()
        process = self.start(stand_in)
        while stand_in.answered() < 4:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 130, said)
        self.assertIn("the same command with --id c1 goes on", said.splitlines()[-1])
        told, _ = self.again(stand_in)
        self.assertEqual([variant["finished"] for variant in told["variants"]], [6, 6])

    def test_more_inputs_cost_only_themselves_and_other_ones_need_another_name(self):
        stand_in = StandIn(self)
        self.inputs(self.TOPICS[:2])
        self.again(stand_in)
        self.assertEqual(stand_in.answered(), 6)
        self.inputs(self.TOPICS[:3])
        told, _ = self.again(stand_in)
        self.assertEqual((stand_in.answered(), told["variants"][0]["runs"]), (9, 3))
        self.inputs(["other", *self.TOPICS[1:3]])
        done = self.compare(2, self.variants(), "--id", "c1", "--endpoint", f"local={stand_in.url}")
        self.assertIn("another --id", done.stderr)

    def test_failed_runs_are_tried_again_only_if_that_is_wanted(self):
        self.inputs(self.TOPICS[:1])
        sick = StandIn(self, self.write("sick.json", json.dumps({"faults": {"unavailable": 1.0}})))
        port = sick.url.split(":")[2].split("/")[0]
        self.compare(7, self.variants(), "--id", "c1", "--endpoint", f"local={sick.url}")
        sick.end()
        well = StandIn(self, port=port)
        self.compare(7, self.variants(), "--id", "c1", "--endpoint", f"local={well.url}")
        self.assertEqual(well.answered(), 0)
        told, _ = self.again(well, "--retry-failed")
        self.assertEqual([variant["finished"] for variant in told["variants"]], [1, 1])
        self.assertEqual([variant["resumed"] for variant in told["variants"]], [1, 1])


class Judging(Comparing):
    def test_each_step_has_its_quality_as_its_judges_say(self):
        stand_in = StandIn(self)
        steps = {"writer": self.ask("write {{ inputs.topic }}"),
                 "look": {"kind": "check", "with": {"files": {"t.txt": "{{ inputs.topic }} {{ steps.writer.output }}"},
                                                    "checks": [{"text_matches": {"contains": ["juniper"]}}]}},
                 "mend": {"kind": "repair", "with": {"value": "{{ steps.writer.output }}", "files": {"t.txt": "{{ value }}"},
                                                     "checks": [{"text_matches": {"contains": ["xyzzy"]}}], "rounds": 1,
                                                     "fix": {"model": "small", "prompt": "again"}}}}
        flow = self.workflow(steps, variants={"single": {"steps": {"mend": None, "look": None}}, "split": {}},
                             outputs={"files": [{"path": "t.txt", "content": "{{ steps.writer.output }}"}],
                                      "checks": [{"size": {"most_bytes": 100000}}]})
        self.inputs(("juniper", "oak"))
        more = ("--endpoint", f"local={stand_in.url}", "--id", "q")
        told = json.loads(self.compare(0, flow, *more, "--json").stdout)
        single, split = ({step["step"]: step for step in variant["steps"]} for variant in told["variants"])
        self.assertEqual([one["by"] for one in single["writer"]["quality"]], ["outputs.checks"])
        writer = {one["by"]: one for one in split["writer"]["quality"]}
        self.assertEqual(sorted(writer), ["look", "mend", "outputs.checks"])
        self.assertEqual(writer["look"]["passed"]["value"], 0.5, "of one of two inputs")
        self.assertLess(writer["look"]["passed"]["low"], 0.3)
        self.assertEqual((writer["mend"]["passed"]["value"], writer["mend"]["runs"]), (0, 2))
        self.assertEqual([(one["by"], one["passed"]["value"]) for one in split["mend"]["quality"]], [("mend", 0)])
        self.assertEqual(split["writer"]["done"]["value"], 1)
        done = self.compare(0, flow, *more, "--report", self.path("r.html"))
        self.assertRegex(done.stdout, r"step writer +\$.*; done 100.0 %.*\n    by look +passed 50.0 %")
        self.assertRegex(done.stdout, r"by itself, in the end passed 0.0 %")
        self.assertIn("Quality by step", (self.folder / "r.html").read_text())


    def test_equal_inputs_are_repeats_of_one(self):
        stand_in = StandIn(self)
        self.inputs(("ash", "oak") * 4)
        done = self.compare(0, self.variants(), "--endpoint", f"local={stand_in.url}")
        self.assertIn("of 8 inputs 2 differ", done.stderr)
        self.assertRegex(done.stdout, r"^2 inputs that differ")
        self.assertRegex(done.stdout, r"cost of a run +\$[^ ]+ \(too few inputs\)")
        self.assertRegex(done.stdout, r"latency p95 +\S+ \S+ \(at least ")
        self.assertIn("undecided, nothing checks the outputs", done.stdout)
        self.assertRegex(done.stdout, r"novelty over runs \d+\.\d %, over inputs")


class Searching(Comparing):
    """`flow optimize`, which goes on as a comparison does."""

    def command(self, stand_in, *more, floor="0"):
        flow = self.workflow({"first": self.ask("one {{ inputs.topic }}"), "second": self.ask("two {{ steps.first.output }}")},
                             outputs={"result": "{{ steps.second.output }}"})
        return ["flow", "optimize", flow, "--inputs", self.inputs(("ash", "oak", "elm")), "--id", "s1", "--candidates",
                "first=small+big,second=small", "--floor", floor, "--endpoint", f"local={stand_in.url}", "--json", *more]

    def slow(self):
        return StandIn(self, self.write("s.json", json.dumps({"models": {"*": {"speed": {"first_token_seconds": 0.1}}}})))

    def start(self, stand_in):
        return subprocess.Popen([COPPICE, *self.command(stand_in)], cwd=self.folder, env=environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def unknown_calls(self):
        runs = [run["run"] for run in json.loads(self.expect(0, "flow", "list", "--json").stdout)["runs"]]
        for run in runs:
            self.assertRegex(run, r"^s1-[0-9a-f]{12}--[1-3]-1$")
        shown = [json.loads(self.expect(0, "flow", "show", run, "--json", "--calls").stdout)["calls"] for run in runs]
        return len(runs), sum(call["outcome"] == "unknown" for calls in shown for call in calls)

    def test_what_was_answered_before_a_kill_is_not_paid_again(self):
        stand_in = self.slow()
        process = self.start(stand_in)
        while stand_in.answered() < 9:  # in the second choice: the first one asks six times
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        told = json.loads(self.expect(0, *self.command(stand_in)).stdout)
        self.assertEqual((told["id"], [one["runs"] for one in told["assignments"]]), ("s1", [3, 3]))
        runs, unknown = self.unknown_calls()
        self.assertEqual(runs, 6)
        self.assertLessEqual(unknown, 1, "that was under way")
        self.assertLessEqual(stand_in.answered(), 12 + unknown)
        before = stand_in.answered()
        again = json.loads(self.expect(0, *self.command(stand_in)).stdout)
        self.assertEqual(stand_in.answered(), before, "all is there")
        self.assertEqual(again, told, "to the last figure")
        shown = [json.loads(self.expect(0, "flow", "show", run["run"], "--json").stdout)["cost_usd"]
                 for run in json.loads(self.expect(0, "flow", "list", "--json").stdout)["runs"]]
        self.assertAlmostEqual(told["spent_usd"], sum(shown), 9)

    def test_an_interrupt_and_an_end_of_the_money_say_how_to_go_on(self):
        stand_in = self.slow()
        process = self.start(stand_in)
        while stand_in.answered() < 3:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 130, said)
        self.assertIn("--id s1 goes on", said)
        self.expect(8, *self.command(stand_in, "--most-cost", "0.000001"), says="--id s1 goes on")
        self.assertLessEqual(stand_in.answered(), 4, "what had ended has cost more than that: no further run begins")
        told = json.loads(self.expect(0, *self.command(stand_in)).stdout)
        self.assertEqual([one["runs"] for one in told["assignments"]], [3, 3])
        self.assertEqual(stand_in.answered(), 12)

    def test_what_was_measured_before_the_money_ended_is_told(self):
        stand_in = StandIn(self, self.write("s.json", json.dumps({"models": {"*": {"answer_tokens": 100}}})))
        whole = json.loads(self.expect(0, *self.command(stand_in)).stdout)
        runs = [one["cost_usd"] for one in whole["assignments"]]
        before = stand_in.answered()
        command = self.command(stand_in, "--most-cost", f"{3.5 * runs[0]:.9f}")
        command[command.index("s1")] = "s2"
        done = self.expect(8, *command, says="--most-cost is")
        told = json.loads(done.stdout)
        self.assertIsNone(told["chosen"])
        self.assertEqual([one["cost_usd"] for one in told["assignments"]], runs[:1])
        self.assertEqual(stand_in.answered() - before, 8, "three runs of the first choice, one of the second")
        command.remove("--json")
        self.assertIn("none is chosen", self.expect(8, *command).stdout)
        self.assertEqual(stand_in.answered() - before, 8, "nothing more")

    def test_where_nothing_checks_the_outputs_nothing_is_chosen(self):
        stand_in = StandIn(self)
        for floor, more in (("0.9", ()), ("0", ("--ablate",)), ("0.9", ("--simulate",))):
            self.expect(3, *self.command(stand_in, *more, floor=floor), says="outputs.checks, or a check or repair with must_pass")
        self.assertEqual(stand_in.answered(), 0)

    def test_runs_of_other_inputs_need_another_name(self):
        stand_in = StandIn(self)
        self.expect(0, *self.command(stand_in))
        command = self.command(stand_in)
        self.inputs(("other", "oak", "elm"))
        self.expect(2, *command, says="another --id")


class Showing(Comparing):
    def shown(self, run):
        return json.loads(self.expect(0, "flow", "show", run, "--json").stdout)

    def test_a_run_says_where_its_answers_come_from(self):
        stand_in = StandIn(self)
        flow = self.variants()
        given = self.write("in.json", '{"topic": "ash"}')
        tape = self.path("tape.jsonl")
        endpoint = ("--endpoint", f"local={stand_in.url}")
        made = self.run_flow(0, flow, "--input", given, "--record", tape, *endpoint, "--tenant", "acme")
        shown = self.shown(made["run"])
        self.assertEqual((shown["provenance"], shown["tenant"], shown["parent"]), ("simulated", "acme", ""))
        self.assertRegex(shown["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertTrue(shown["prices_hash"])
        self.assertAlmostEqual(shown["seconds"], made["seconds"])
        replayed = self.run_flow(0, flow, "--input", given, "--replay", tape, *endpoint)
        self.assertEqual(self.shown(replayed["run"])["provenance"], "simulated", "a recording of a stand-in")
        # A recording of a server that is none.
        lines = [json.loads(line) for line in (self.folder / "tape.jsonl").read_text().splitlines()]
        for line in lines:
            self.assertEqual(line["response"]["headers"].pop("x-stand-in"), "1")
        self.write("tape.jsonl", jsonl(lines))
        replayed = self.run_flow(0, flow, "--input", given, "--replay", tape, *endpoint)
        self.assertEqual(self.shown(replayed["run"])["provenance"], "replayed")
        self.expect(0, "flow", "report", replayed["run"], "-o", self.path("run.html"))
        self.assertIn(">replayed<", (self.folder / "run.html").read_text())
        self.assertIn("(replayed)", self.expect(0, "flow", "show", replayed["run"]).stdout)
        forked = json.loads(self.expect(0, "flow", "fork", made["run"], "--from", "told", "--json").stdout)
        shown = self.shown(forked["run"])
        self.assertEqual((shown["provenance"], shown["parent"]), ("none", made["run"]), "nobody was asked")
        self.assertTrue(shown["steps"][0]["kept_from_parent"])
        self.assertEqual(shown["steps"][0]["seconds"], 0)

    def test_what_an_http_step_read_counts_too(self):
        for method, idempotent in (("GET", False), ("POST", True)):
            flow = self.workflow({"a": {"kind": "http", "with": {"url": "http://127.0.0.1:9/x", "method": method,
                                                                 "idempotent": idempotent}}},
                                 outputs={"result": "{{ steps.a.output.json.x }}"})
            server = AnswersAnything(self)
            tape = self.path(f"{method}.jsonl")
            flow = self.write("flow.yaml", (self.folder / "flow.yaml").read_text().replace("http://127.0.0.1:9/x", server.url))
            made = self.run_flow(0, flow, "--record", tape)
            self.assertEqual((self.shown(made["run"])["provenance"], made["result"]), ("measured", 1))
            server.end()
            replayed = self.run_flow(0, flow, "--replay", tape)
            self.assertEqual((self.shown(replayed["run"])["provenance"], replayed["result"]), ("replayed", 1))
            self.assertIn("(replayed)", self.expect(0, "flow", "show", replayed["run"]).stdout)
            compared = self.workflow({"a": {**json.loads((self.folder / "flow.yaml").read_text())["steps"]["a"]}},
                                     variants={"one": {}, "other": {}})
            told = json.loads(self.expect(0, "flow", "compare", compared, "--inputs", self.write("i.jsonl", "{}\n"), "--replay",
                                          tape, "--json").stdout)
            self.assertEqual([one["provenance"] for one in told["variants"]], ["replayed", "replayed"])

    def test_the_time_between_a_kill_and_a_resumption_is_no_work(self):
        stand_in = StandIn(self, self.write("s.json", json.dumps({"models": {"*": {"speed": {"first_token_seconds": 0.3}}}})))
        process = subprocess.Popen([COPPICE, "flow", "run", self.variants(), "--input", self.write("in.json", '{"topic": "x"}'),
                                    "--id", "r1", "--endpoint", f"local={stand_in.url}", "--quiet"], cwd=self.folder,
                                   env=environment(), stdout=subprocess.DEVNULL)
        while stand_in.answered() < 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(2)
        self.expect(0, "flow", "resume", "r1")
        shown = self.shown("r1")
        self.assertEqual(shown["resumptions"], 1)
        self.assertGreater(shown["waited_seconds"], 1.9)
        self.assertLess(shown["seconds"], 1.9)
        self.assertLess(max(step["seconds"] for step in shown["steps"]), 1.9)
        self.assertRegex(self.expect(0, "flow", "show", "r1").stdout, r"resumed 1 time, after \d")


class Page(Comparing):
    def test_a_comparison_shows_each_variant(self):
        stand_in = StandIn(self)
        self.inputs()
        self.compare(0, self.variants(), "--endpoint", f"local={stand_in.url}", "--report", self.path("page.html"))
        page = (self.folder / "page.html").read_text()
        for variant, steps in (("single", 2), ("split", 3)):
            section = page[page.index(f"<h2>{variant}</h2>"):]
            section = section[:section.find("<h2>", 5)]
            graph, timeline = re.findall(r"<svg.*?</svg>", section, re.S)
            self.assertEqual(graph.count("<rect"), steps)
            self.assertIn("first", timeline)
            self.assertEqual(section.count('class="tag simulated"'), 3)
            self.assertEqual(section.count("<td>first</td>"), 2, "cost, quality")


if __name__ == "__main__":
    unittest.main()
