# SPDX-License-Identifier: Apache-2.0
"""Workflows as their users run them, against the stand-in; the examples of examples/website and examples/routing."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
import time
import unittest
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from program import COPPICE, ProgramTest, environment, jsonl

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXAMPLE = EXAMPLES / "website"


class StandIn:
    """`coppice flow stand-in` on a port of its own, until the test has ended."""

    def __init__(self, test, settings=None):
        arguments = [COPPICE, "flow", "stand-in", "--port", "0", "--patience-seconds", "0"]
        if settings is not None:
            arguments.append(settings)
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment(), cwd=test.folder)
        test.addCleanup(self.end)
        self.url = self.process.stdout.readline().strip()
        test.assertTrue(self.url.startswith("http://127.0.0.1:"), self.url)

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def answered(self):
        """How many questions it has answered."""
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/metrics") as reply:
            return sum(float(line.split()[-1]) for line in reply.read().decode().splitlines()
                       if line.startswith('stand_in_requests_total{model="') and 'model=""' not in line)


class Collector:
    """Takes what is posted to it, as a collector of OpenTelemetry does; `status` is what it answers."""

    def __init__(self, test, status=200):
        self.posts = posts = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posts.append((self.path, dict(self.headers.items()), json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        test.addCleanup(self.server.server_close)
        test.addCleanup(self.server.shutdown)


class FlowTest(ProgramTest):
    def workflow(self, steps, name="flow.yaml", **top):
        """A workflow of steps that ask the models `small` and `big` of one endpoint."""
        made = {"workflow": "test", "endpoints": {"local": {"url": "http://127.0.0.1:9/v1", "retries": 0}},
                "models": {"small": {"endpoint": "local", "model": "small", "max_output_tokens": 100},
                           "big": {"endpoint": "local", "model": "big", "max_output_tokens": 100}},
                "prices": {"small": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5},
                           "big": {"input_cost_per_token": 1e-5, "output_cost_per_token": 1e-4}},
                "steps": steps, **top}
        return self.write(name, json.dumps(made))

    def run_flow(self, code, flow, *more, **kept):
        done = self.expect(code, "flow", "run", flow, "--json", *more, **kept)
        return json.loads(done.stdout) if done.stdout else None

    def ask(self, prompt, **more):
        return {"kind": "llm", "with": {"model": "small", "prompt": prompt, **more}}


class Checking(FlowTest):
    def faults(self, text):
        path = self.write("w.yaml", text)
        done = self.expect(3, "flow", "check", path)
        return (done.stdout + done.stderr).replace(path, "w.yaml")

    def test_faults_are_named_with_their_places(self):
        for steps, says in (
                ("  a: {kind: template, with: {value: '{{ steps.b.output }}'}}\n"
                 "  b: {kind: template, with: {value: '{{ steps.a.output }}'}}\n", "a -> b -> a"),
                ("  a: {kind: template, with: {value: '{{ steps.bb.output }}'}}\n  b: {kind: template, with: {value: 1}}\n",
                 "w.yaml:3:"),
                ("  a: {kind: template, with: {value: '{{ input.x }}'}}\n", "did you mean 'inputs'?"),
                ("  a: {kind: templat, with: {value: 1}}\n", "templat"),
                ("  a: {kind: template, wiht: {value: 1}}\n", "wiht"),
                ("  a: {kind: template, with: {value: '{{ 1 + }}'}}\n", "w.yaml:3:"),
                ("  a: {kind: llm, with: {model: none, prompt: x}}\n", "unknown model 'none'"),
                ("  a: {kind: template, with: {value: {x: 1}}}\n"
                 "  b: {kind: template, with: {value: '{{ steps.a.output.y }}'}}\n", "steps.a.output.y"),
                ("  a: {kind: retrieve, with: {index: i, query: '{{ steps.b.output }}'}}\n"
                 "  b: {kind: template, with: {value: {x: 1}}}\n", "expected a string"),
                ("  a: {kind: sql, with: {database: d, query: \"select '{{ inputs.x }}'\"}}\n", "query"),
                ("  a: {kind: template, with: {value: '{{ item }}'}}\n", "foreach"),
                ("  a: {kind: template, needs: [z], with: {value: 1}}\n", "unknown step 'z'")):
            self.assertIn(says, self.faults("workflow: w\nsteps:\n" + steps), steps)

    def test_no_yaml_and_unknown_files_are_told_apart(self):
        self.assertIn("w.yaml:2:1: no YAML", self.faults("{workflow: [\n"))
        self.expect(4, "flow", "check", self.path("none.yaml"), says="none.yaml")
        flow = self.write("f.yaml", "workflow: w\nfiles: {a: none.txt}\nsteps: {s: {kind: template, with: {value: 1}}}\n")
        self.expect(4, "flow", "check", flow, says="none.txt")

    def test_shape_and_advice_are_told(self):
        flow = self.workflow({"a": self.ask("x"), "b": self.ask("{{ steps.a.output }}"),
                              "c": self.ask("{{ steps.a.output }} {{ steps.b.output }}")},
                             outputs={"result": "{{ steps.c.output }}"})
        told = json.loads(self.expect(0, "flow", "check", flow, "--json").stdout)["variants"][0]
        self.assertEqual((told["k"], told["edges"]), (3, 3))
        self.assertAlmostEqual(told["m"], 2)

    def test_the_schema_for_editors_is_json(self):
        self.assertEqual(json.loads(self.expect(0, "flow", "schema").stdout)["title"], "Coppice workflow")

    def test_the_example_is_sound_in_each_variant(self):
        told = self.expect(0, "flow", "check", str(EXAMPLE / "site.yaml")).stdout
        self.assertIn("k = 5", told)
        self.assertIn("variant single", told)


class Running(FlowTest):
    def test_steps_that_ask_nobody_need_nobody(self):
        flow = self.workflow({"twice": {"kind": "template", "foreach": "{{ inputs.items }}",
                                        "with": {"value": "{{ item * 2 }}"}},
                              "sum": {"kind": "template", "with": {"value": "{{ steps.twice.output | sum }}"}},
                              "never": {"kind": "template", "if": "steps.sum.output > 100", "with": {"value": 1}},
                              "after": {"kind": "template", "with": {"value": "{{ steps.never.output }}"}},
                              "told": {"kind": "template", "with": {"value": "{{ steps.never.output | default('none') }}"}}},
                             outputs={"result": ["{{ steps.sum.output }}", "{{ steps.told.output }}",
                                                 "{{ steps.after.state }}"]})
        made = self.run_flow(0, flow, "--input", self.write("in.json", '{"items": [1, 2, 3]}'))
        self.assertEqual(made["result"], [12, "none", "skipped"])

    def test_a_model_is_asked_and_paid_for(self):
        stand_in = StandIn(self)
        flow = self.workflow({"a": self.ask("Say something about {{ inputs.topic }}.")},
                             outputs={"result": "{{ steps.a.output }}"})
        made = self.run_flow(0, flow, "--input", self.write("in.json", '{"topic": "trees"}'), "--endpoint",
                             f"local={stand_in.url}")
        self.assertTrue(made["result"])
        self.assertAlmostEqual(made["cost_usd"], made["input_tokens"] * 1e-6 + made["output_tokens"] * 1e-5)
        shown = json.loads(self.expect(0, "flow", "show", made["run"], "--json").stdout)
        self.assertAlmostEqual(shown["cost_usd"], made["cost_usd"])
        self.assertIn(made["run"], self.expect(0, "flow", "list").stdout)

    def test_what_a_model_says_is_never_read_as_a_template_nor_as_a_path(self):
        settings = self.write("s.json", json.dumps({"answers": [
            {"when": {"contains": "template"}, "text": "{{ inputs.secret }} {% for x in y %}"},
            {"when": {"contains": "path"}, "text": "../outside.txt"}]}))
        stand_in = StandIn(self, settings)
        flow = self.workflow({"a": self.ask("template"),
                              "b": {"kind": "template", "with": {"value": "<{{ steps.a.output }}>"}}},
                             outputs={"result": "{{ steps.b.output }}"})
        made = self.run_flow(0, flow, "--endpoint", f"local={stand_in.url}", "--input",
                             self.write("in.json", '{"secret": "xyz"}'))
        self.assertEqual(made["result"], "<{{ inputs.secret }} {% for x in y %}>")
        flow = self.workflow({"a": self.ask("path")},
                             outputs={"files": [{"path": "{{ steps.a.output }}", "content": "x"}]})
        self.expect(3, "flow", "run", flow, "--endpoint", f"local={stand_in.url}", "-o", self.path("out"), says="../outside.txt")
        self.assertFalse((self.folder / "outside.txt").exists())

    def test_a_server_that_is_not_there_fails_the_run_which_then_is_resumed(self):
        flow = self.workflow({"before": {"kind": "template", "with": {"value": 1}}, "a": self.ask("{{ steps.before.output }}")},
                             outputs={"result": "{{ steps.a.output }}"})
        done = self.expect(7, "flow", "run", flow, "--id", "r1", says=["step a", "flow resume r1"])
        self.assertNotIn("Traceback", done.stderr)
        self.expect(7, "flow", "resume", "r1", says="step a")
        self.expect(2, "flow", "resume", "r2", says="no run 'r2'")

    def test_budgets_are_kept(self):
        stand_in = StandIn(self)
        flow = self.workflow({"a": self.ask("x" * 100), "b": self.ask("y" * 100)}, budget={"run": 0.0012})
        self.expect(8, "flow", "run", flow, "--endpoint", f"local={stand_in.url}", says=["budget", "run:"])
        models = json.loads(Path(flow).read_text())["models"]
        models["big"]["cheaper"] = "small"
        flow = self.workflow({"a": {"kind": "llm", "with": {"model": "big", "prompt": "x" * 100}}}, models=models,
                             budget={"run": 0.003})
        made = self.run_flow(0, flow, "--endpoint", f"local={stand_in.url}")
        self.assertLess(made["cost_usd"], 0.003)

    def test_commands_and_sql_are_off_unless_allowed_and_read_by_no_shell(self):
        flow = self.workflow({"a": {"kind": "command", "with": {"command": ["printf", "%s", "{{ inputs.text }}"]}}},
                             outputs={"result": "{{ steps.a.output.text }}"})
        text = "$(id) `id`; echo x"
        given = self.write("in.json", json.dumps({"text": text}))
        self.expect(2, "flow", "run", flow, "--input", given, says="--allow command")
        self.assertEqual(self.run_flow(0, flow, "--input", given, "--allow", "command")["result"], text)

    def test_a_person_is_waited_for(self):
        flow = self.workflow({"ok": {"kind": "approve", "with": {"question": "Publish?"}},
                              "done": {"kind": "template", "with": {"value": "by {{ steps.ok.output.by }}"}}},
                             outputs={"result": "{{ steps.done.output }}"})
        made = self.run_flow(0, flow, "--id", "r1")
        self.assertEqual(made["state"], "waiting")
        self.expect(0, "flow", "approve", "r1", "--step", "ok", "--by", "Ada")
        self.assertIn("by Ada", self.expect(0, "flow", "resume", "r1").stdout)

    def test_traffic_is_recorded_and_replayed(self):
        stand_in = StandIn(self)
        flow = self.workflow({"a": self.ask("hello")}, outputs={"result": "{{ steps.a.output }}"})
        first = self.run_flow(0, flow, "--endpoint", f"local={stand_in.url}", "--record", self.path("c.jsonl"))
        stand_in.end()
        again = self.run_flow(0, flow, "--endpoint", f"local={stand_in.url}", "--replay", self.path("c.jsonl"))
        self.assertEqual(again["result"], first["result"])
        self.assertEqual(again["cost_usd"], first["cost_usd"])

    def test_keys_stay_out_of_everything(self):
        settings = self.write("s.json", json.dumps({"key": "sk-secret-1234", "faults": {"echoed_key": {"rate": 1, "first": 1}}}))
        stand_in = StandIn(self, settings)
        flow = self.workflow({"a": self.ask("hello")},
                             endpoints={"local": {"url": stand_in.url, "key": "MY_KEY", "retries": 0}})
        keyed = {"variables": {"MY_KEY": "sk-secret-1234"}}
        done = self.run_program("flow", "run", flow, "--id", "r1", "--record", self.path("c.jsonl"), **keyed)
        self.assertEqual(done.returncode, 7, done.stderr)
        self.expect(0, "flow", "resume", "r1", "--record", self.path("c.jsonl"), **keyed)
        for name in (".coppice/runs.db", "c.jsonl"):
            self.assertNotIn(b"sk-secret-1234", (self.folder / name).read_bytes())
        self.assertNotIn("sk-secret-1234", done.stderr)


class Observed(FlowTest):
    def setUp(self):
        super().setUp()
        stand_in = StandIn(self)
        self.endpoint = ["--endpoint", f"local={stand_in.url}"]
        self.flow = self.workflow({"a": self.ask("the secret of {{ inputs.topic }}"),
                                   "b": {"kind": "template", "with": {"value": "<{{ steps.a.output }}>"}}},
                                  outputs={"result": "{{ steps.b.output }}"})
        self.given = self.write("in.json", '{"topic": "trees"}')

    def go(self, *more, **kept):
        return self.run_flow(0, self.flow, "--input", self.given, *self.endpoint, *more, **kept)

    @staticmethod
    def spans(made):
        return made["resourceSpans"][0]["scopeSpans"][0]["spans"]

    @staticmethod
    def attributes(span):
        return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}

    def figures(self, path):
        lines = Path(path).read_text().splitlines()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines if not line.startswith("#")}

    def test_a_run_is_exported_as_a_trace(self):
        made = self.go()
        text = self.expect(0, "flow", "export", made["run"]).stdout
        spans = {span["name"]: span for span in self.spans(json.loads(text))}
        root = spans["invoke_workflow test"]
        self.assertNotIn("parentSpanId", root)
        self.assertEqual({spans[name]["parentSpanId"] for name in ("llm a", "template b")}, {root["spanId"]})
        chat = spans["chat small"]
        self.assertEqual(chat["parentSpanId"], spans["llm a"]["spanId"])
        said = self.attributes(chat)
        self.assertEqual(said["gen_ai.request.model"], "small")
        self.assertEqual(int(said["gen_ai.usage.input_tokens"]), made["input_tokens"])
        self.assertAlmostEqual(said["coppice.cost_usd"], made["cost_usd"])
        self.assertEqual(said["server.address"], "127.0.0.1")
        for span in spans.values():
            self.assertLessEqual(int(root["startTimeUnixNano"]), int(span["startTimeUnixNano"]), span["name"])
            self.assertLessEqual(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]), span["name"])
            self.assertLessEqual(int(span["endTimeUnixNano"]), int(root["endTimeUnixNano"]), span["name"])
        self.assertNotIn("secret", text)
        self.assertNotIn(made["result"][1:-1], text)
        self.expect(0, "flow", "export", made["run"], "-o", self.path("trace.json"))
        self.assertEqual((self.folder / "trace.json").read_text(), text)

    def test_a_run_is_exported_as_figures(self):
        run = self.go()["run"]
        made = json.loads(self.expect(0, "flow", "export", run, "--format", "otlp-metrics").stdout)
        names = [one["name"] for one in made["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]]
        self.assertIn("gen_ai.client.operation.duration", names)
        self.assertIn("gen_ai.client.token.usage", names)
        self.expect(0, "flow", "export", run, "--format", "prometheus", "-o", self.path("run.prom"))
        self.assertEqual(self.figures(self.path("run.prom"))['coppice_flow_runs_total{state="finished",workflow="test"}'], 1)
        self.expect(2, "flow", "export", "none", says="no run 'none'")
        self.expect(2, "flow", "export", run, "--to", "nowhere", says="nowhere")
        self.expect(2, "flow", "export", run, "--format", "prometheus", "--to", "http://127.0.0.1:9", says="prometheus")

    def test_a_run_is_sent_to_a_collector(self):
        collector = Collector(self)
        keyed = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=abc", "OTEL_SERVICE_NAME": "shop"}
        run = self.go("--otlp", collector.url, variables=keyed)["run"]
        (path, headers, traces), (metrics_path, _, metrics) = collector.posts
        self.assertEqual((path, metrics_path), ("/v1/traces", "/v1/metrics"))
        self.assertEqual({name.lower(): value for name, value in headers.items()}["api-key"], "abc")
        self.assertEqual(self.attributes(traces["resourceSpans"][0]["resource"])["service.name"], "shop")
        self.assertTrue(metrics["resourceMetrics"])
        self.expect(0, "flow", "export", run, "--to", "environment",
                    variables={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        self.assertEqual(self.spans(collector.posts[2][2]), self.spans(traces), "the same ids again")
        self.go(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url})
        self.assertEqual(len(collector.posts), 5)

    def test_a_collector_that_fails_fails_no_run(self):
        refusing = Collector(self, 400)
        for url in (refusing.url, "http://127.0.0.1:9"):
            done = self.expect(0, "flow", "run", self.flow, "--input", self.given, *self.endpoint, "--otlp", url,
                               says="the run was not exported")
        self.assertTrue(done.stdout)
        self.go(variables={"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317"})
        self.expect(7, "flow", "export", self.go()["run"], "--to", refusing.url, says="status 400")
        self.expect(2, "flow", "run", self.flow, "--otlp", "localhost:4318", says="localhost:4318")

    def test_figures_of_runs_are_added_up_in_a_file(self):
        prom = self.path("runs.prom")
        costs = sum(self.go("--metrics", prom)["cost_usd"] for _ in range(2))
        figures = self.figures(prom)
        self.assertEqual(figures['coppice_flow_runs_total{state="finished",workflow="test"}'], 2)
        self.assertEqual(figures['coppice_flow_call_seconds_count{model="small",workflow="test"}'], 2)
        self.assertAlmostEqual(figures['coppice_flow_cost_usd_total{model="small",workflow="test"}'], costs)
        foreign = self.write("foreign.prom", "hello\n")
        self.expect(0, "flow", "run", self.flow, "--input", self.given, *self.endpoint, "--metrics", foreign,
                    says="foreign.prom was not written")
        self.assertEqual(Path(foreign).read_text(), "hello\n")
        self.expect(4, "flow", "run", self.flow, "--metrics", self.path("none/runs.prom"), says="none")

    def test_what_was_done_before_a_resume_is_counted_once(self):
        prom = self.path("runs.prom")
        flow = self.workflow({"a": self.ask("hello"),
                              "b": {"kind": "approve", "needs": ["a"], "with": {"question": "Publish?"}}})
        self.expect(0, "flow", "run", flow, "--id", "r1", "--metrics", prom, *self.endpoint)
        self.expect(0, "flow", "approve", "r1", "--step", "b", "--by", "Ada")
        self.expect(0, "flow", "resume", "r1", "--metrics", prom)
        figures = self.figures(prom)
        self.assertEqual(figures['coppice_flow_call_seconds_count{model="small",workflow="test"}'], 1)
        self.assertEqual(figures['coppice_flow_runs_total{state="waiting",workflow="test"}'], 1)
        self.assertEqual(figures['coppice_flow_runs_total{state="finished",workflow="test"}'], 1)
        root = self.spans(json.loads(self.expect(0, "flow", "export", "r1").stdout))[0]
        self.assertEqual([one["name"] for one in root["events"]], ["coppice.approved", "coppice.resumed"])


class Killed(FlowTest):
    def test_what_was_answered_is_not_asked_again(self):
        settings = self.write("s.json", json.dumps({"models": {"*": {"speed": {"first_token_seconds": 0.05}}}}))
        stand_in = StandIn(self, settings)
        draw = random.Random(4)
        for i in range(6):
            flow = self.workflow({"a": {**self.ask(f"{i} {{{{ item }}}}"), "foreach": "{{ inputs.items }}", "concurrency": 2}},
                                 outputs={"result": "{{ steps.a.output | length }}"})
            given = self.write("in.json", json.dumps({"items": list(range(12))}))
            before = stand_in.answered()
            process = subprocess.Popen([COPPICE, "flow", "run", flow, "--input", given, "--id", f"r{i}", "--endpoint",
                                        f"local={stand_in.url}", "--quiet"], cwd=self.folder, env=environment(),
                                       stderr=subprocess.DEVNULL)
            time.sleep(draw.uniform(0.05, 0.35))
            process.send_signal(signal.SIGKILL)
            process.wait()
            if not (self.folder / ".coppice/runs.db").exists():
                continue
            listed = self.expect(0, "flow", "list").stdout
            if f"r{i} " not in listed:
                continue
            done = self.expect(0, "flow", "resume", f"r{i}", "--json")
            self.assertEqual(json.loads(done.stdout)["result"], 12)
            shown = self.expect(0, "flow", "show", f"r{i}", "--calls").stdout
            unknown = shown.count("unknown")
            self.assertLessEqual(unknown, 2, shown)
            self.assertLessEqual(stand_in.answered() - before, 12 + unknown, shown)


class Website(FlowTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(EXAMPLE, self.folder / "website")
        self.site = self.path("website/site.yaml")
        self.expect(0, "index", self.path("website/notes.jsonl"), "-o", self.path("website/notes.coppice"), "--quiet")
        self.stand_in = StandIn(self, self.path("website/stand_in.yaml"))
        self.endpoint = ["--endpoint", f"local={self.stand_in.url}"]

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
        measured = json.loads(self.expect(0, "flow", "optimize", self.site, *options, *self.endpoint).stdout)
        self.assertEqual((measured["provenance"], len(measured["assignments"])), ("measured", 2))
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


class Routing(FlowTest):
    """examples/routing by the commands of docs/routing.md."""

    def setUp(self):
        super().setUp()
        shutil.copytree(EXAMPLES / "routing", self.folder / "routing")
        self.router, self.flow = self.path("routing/router.coppice"), self.path("routing/route.yaml")
        self.expect(0, "train", self.path("routing/outcomes.jsonl"), "-o", self.router, "--flat", "--threshold", "0",
                    "--train-post-processor", "noop", "--quiet")

    def routed(self, prompt, stand_in, **more):
        """(the model that was asked, the gain that the router foretold)."""
        done = self.run_flow(0, self.flow, "--input", self.write("prompt.json", json.dumps({"prompt": prompt, **more})),
                             "--endpoint", f"local={stand_in.url}")
        asked = [step["step"] for step in done["steps"] if step["calls"]]
        self.assertEqual(len(asked), 1)
        return asked[0], done["result"]["gain"]

    def test_a_prompt_goes_where_the_router_says(self):
        stand_in = StandIn(self, self.path("routing/stand_in.yaml"))
        easy, hard = "Do you ship to Spain?", "I was charged tax twice for two of three items: how much do I get back?"
        self.assertEqual(self.routed(easy, stand_in)[0], "weak")
        model, gain = self.routed(hard, stand_in)
        self.assertEqual(model, "strong")
        self.assertEqual(self.routed(hard, stand_in, threshold=gain + 0.01)[0], "weak")
        self.assertEqual(self.routed(easy, stand_in, threshold=-1)[0], "strong")

    def test_the_workflow_scores_as_predict_does(self):
        held_out = [json.loads(line) for line in (EXAMPLES / "routing" / "held_out.jsonl").read_text().splitlines()]
        done = self.expect(0, "predict", self.router, self.path("routing/held_out.jsonl"), "--score-labels", "strong,weak",
                           "--quiet")
        answer = json.loads(done.stdout.splitlines()[0])
        score = dict(zip(answer["labels"], answer["scores"]))
        gain = self.routed(held_out[0]["text"], StandIn(self))[1]
        self.assertAlmostEqual(gain, (score["strong"] - score["weak"]) / 2, places=5)


if __name__ == "__main__":
    unittest.main()
