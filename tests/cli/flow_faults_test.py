# SPDX-License-Identifier: Apache-2.0
"""Servers that do what no server should: a clear end, and a run that goes on once they are well."""
import json
import unittest

from flow_program import FlowTest, StandIn

# Each is what every answer has; those of the second list are lived with.
FATAL = ["unauthorized", "rate_limited", "out_of_quota", "server_error", "unavailable", "echoed_key", "cut_before_answer",
         "cut_in_answer", "html_page", "invalid_body", "slow", "endless", "huge", "ignored_schema", "invalid_json",
         "truncated_json", "refusal", "sse_malformed"]
HARMLESS = ["wrong_content_type", "missing_usage", "sse_split", "sse_crlf", "sse_comments"]
KEY = "sk-a-secret-of-twenty-bytes"


class Faults(FlowTest):
    def flow(self, stream):
        schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
        step = {**self.ask("count", schema=schema, stream=stream), "timeout": 2}
        return self.workflow({"a": step}, endpoints={"local": {"url": "http://127.0.0.1:9/v1", "retries": 0, "key": "KEY"}})

    def settings(self, name, faults):
        return self.write(f"{name}.json", json.dumps({"faults": faults, "times_faster": 1 if name == "slow" else 1000}))

    def try_fault(self, fault, code, stream):
        options = {"rate": 1.0}
        if fault == "huge":
            options["bytes"] = 100_000_000
        if fault == "slow":
            options["seconds"] = 0.1
        sick = StandIn(self, self.settings(fault, {fault: options}))
        done = self.run_program("flow", "run", self.flow(stream), "--json", "--id", f"{fault}-{stream}", "--endpoint",
                                f"local={sick.url}", variables={"KEY": KEY})
        sick.end()
        self.assertNotIn(KEY, done.stdout + done.stderr)
        if code == 0:
            self.assertEqual(done.returncode, 0, done.stderr)
            return
        self.assertIn(done.returncode, (3, 7, 9), done.stderr)
        self.assertIn("step a", done.stderr)
        well = StandIn(self, port=sick.url.split(":")[2].split("/")[0])
        made = self.expect(0, "flow", "resume", f"{fault}-{stream}", "--json", variables={"KEY": KEY})
        self.assertEqual(json.loads(made.stdout)["state"], "finished")
        well.end()

    def test_a_sick_server_fails_the_run_which_goes_on_when_it_is_well(self):
        for fault in FATAL:
            for stream in (False, True):
                if fault.startswith("sse_") and not stream:
                    continue  # a fault of streams alone
                if fault == "invalid_body" and stream:
                    continue  # the answer as one piece of JSON, which is taken
                with self.subTest(fault=fault, stream=stream):
                    self.try_fault(fault, 1, stream)
        for file in self.folder.rglob("runs.db*"):
            self.assertNotIn(KEY.encode(), file.read_bytes())

    def test_what_is_merely_unusual_is_lived_with(self):
        for fault in HARMLESS:
            for stream in (False, True):
                with self.subTest(fault=fault, stream=stream):
                    self.try_fault(fault, 0, stream)


if __name__ == "__main__":
    unittest.main()
