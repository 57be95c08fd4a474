# SPDX-License-Identifier: Apache-2.0
"""What runs tell observers: OpenTelemetry, Prometheus."""
import json
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from flow_program import FlowTest, StandIn


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


if __name__ == "__main__":
    unittest.main()
