# SPDX-License-Identifier: Apache-2.0
"""Runs as users steer them: what is refused before a cent is spent, what is changed on the way, what is written after."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from flow_program import FlowTest, StandIn
from program import COPPICE, environment

FREE = {"small": {"endpoint": "local", "model": "small", "max_output_tokens": 100, "price": "free"}}


class RunTest(FlowTest):
    def faults(self, flow, *words):
        done = self.expect(3, "flow", "check", flow)
        for word in words:
            self.assertIn(word, done.stdout)

    def endpoint(self, stand_in):
        return ("--endpoint", f"local={stand_in.url}")

    def settings(self, **said):
        return self.write("s.json", json.dumps(said))


class Refused(RunTest):
    def test_a_budget_needs_prices(self):
        models = {"small": {"endpoint": "local", "model": "nameless", "max_output_tokens": 100}}
        for budget in ({"run": 1}, {"day": 1}, {"tenant": 1}):
            flow = self.workflow({"a": self.ask("x")}, models=models, budget=budget)
            self.faults(flow, "nobody knows what the model 'nameless' costs", "price: free", "flow.yaml:1:")
        flow = self.workflow({"a": {**self.ask("x"), "budget": 1}}, models=models)
        self.expect(3, "flow", "run", flow, says="the step 'a' has a budget")
        models["small"]["price"] = "free"
        self.expect(0, "flow", "check", self.workflow({"a": self.ask("x")}, models=models, budget={"run": 1}))

    def test_a_model_may_carry_its_price(self):
        stand_in = StandIn(self)
        models = {"small": {"endpoint": "local", "model": "m", "max_output_tokens": 100,
                            "price": {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}}}
        made = self.run_flow(0, self.workflow({"a": self.ask("x")}, models=models), *self.endpoint(stand_in))
        self.assertGreater(made["cost_usd"], 0)
        models["small"]["price"] = "free"
        made = self.run_flow(0, self.workflow({"a": self.ask("x")}, models=models), *self.endpoint(stand_in))
        self.assertEqual(made["cost_usd"], 0)
        models["small"]["price"] = {"input_cost_per_tokn": 1}
        self.faults(self.workflow({"a": self.ask("x")}, models=models), "says nothing of a token")

    def test_names_that_are_none(self):
        flow = self.workflow({"a": {"kind": "template", "with": {"value": 1}}})
        for name in ("../x", "a\nb", "-x", "a b", "x" * 201):
            self.expect(2, "flow", "run", flow, f"--id={name}", says="got the id")
        self.expect(2, "flow", "run", flow, "--tenant", "a\nb", says="got the tenant")
        self.expect(2, "flow", "run", flow, "--allow", "foo", says=["--allow got 'foo'", "files, sql, command"])
        self.expect(2, "flow", "run", flow, "--endpoint", "local=notaurl", says="notaurl")
        self.expect(2, "flow", "run", flow, "--endpoint", "loca=http://x/v1", says=["no endpoint 'loca'", "it has local"])
        self.expect(2, "flow", "run", flow, "--endpoint", "http://x/v1", says="expected NAME=URL")
        self.expect(0, "flow", "run", flow, "--id", "Job_7.b:2-x")

    def test_what_is_given_and_empty_is_refused(self):
        flow = self.workflow({"a": {"kind": "template", "with": {"value": 1}}})
        for name in ("--tenant", "--id", "--variant", "--budget", "--endpoint"):
            self.expect(2, "flow", "run", flow, f"{name}=", "--journal", "memory:", says=f"{name} got an empty value")
            self.expect(2, "flow", "run", flow, name, "", says=[f"{name} got an empty value", f"leave {name} out"])
        self.assertFalse((self.folder / ".coppice").exists())

    def test_variables_set_budgets_endpoints_and_names(self):
        stand_in = StandIn(self)
        flow = self.workflow({"a": self.ask("x")})
        said = {"COPPICE_ENDPOINT": f"local={stand_in.url}", "COPPICE_ID": "r1", "COPPICE_TENANT": "ann"}
        made = self.run_flow(0, flow, variables=said)
        self.assertEqual(made["run"], "r1")
        self.expect(8, "flow", "run", flow, variables={**said, "COPPICE_ID": "r2", "COPPICE_BUDGET": "1e-9"}, says="the budget 'run:")
        self.expect(0, "flow", "run", flow, "--budget", "1", variables={**said, "COPPICE_ID": "r3", "COPPICE_BUDGET": "1e-9"})

    def test_options_that_may_be_repeated_take_nothing_of_what_follows(self):
        stand_in = StandIn(self)
        url = f"={stand_in.url}"
        flow = self.workflow({"a": self.ask("x")}, inputs={"required": ["n"]}, variants={"one": {}, "two": {}}, endpoints={
            name: {"url": "http://127.0.0.1:9/v1", "retries": 0} for name in ("local", "far")})
        given, rows = self.write("x.json", '{"n": 1}'), self.write("in.jsonl", '{"n": 1}\n')
        each = ("--endpoint", "local" + url, "--endpoint", "far" + url)
        for endpoint in (each, ("--endpoint", f"local{url},far{url}"), (f"--endpoint=local{url}",)):
            self.expect(0, "flow", "run", *endpoint, flow, "--input", given, "--id", "r" + str(len("".join(endpoint))))
        self.expect(0, "flow", "compare", "--inputs", rows, *each, flow)
        self.expect(0, "flow", "optimize", "--floor", "0", "--inputs", rows, *each, flow)
        self.expect(0, "flow", "probe", *each, flow)
        self.run_flow(0, self.workflow({"a": self.ask("x")}), "--id", "r1", "--endpoint", "local" + url)
        self.expect(0, "flow", "resume", "--endpoint", "local" + url, "r1")
        self.expect(0, "flow", "fork", "--from", "a", "--endpoint", "local" + url, "r1")

    def test_names_that_are_nearly_one_are_told(self):
        flow = self.workflow({"first": {"kind": "template", "with": {"value": 1}}}, variants={"single": {}, "split": {}})
        self.write("in.jsonl", "{}\n")
        for variants, says in (("single,single", "has 'single' twice"), ("sngle,split", "did you mean 'single'"),
                               ("single,nope", "single, split")):
            self.expect(2, "flow", "compare", flow, "--inputs", self.path("in.jsonl"), "--variants", variants, says=says)
        self.assertFalse((self.folder / ".coppice").exists())
        self.run_flow(0, flow, "--id", "r1")
        self.expect(2, "flow", "fork", "r1", "--from", "frst", says="did you mean 'first'")
        self.expect(2, "flow", "fork", "r1", "--from", "nope", says="it has first")

    def test_files_outside_of_the_folder_are_off_unless_allowed(self):
        self.write("secret.txt", "hidden")
        (self.folder / "in").mkdir()
        os.symlink(self.path("secret.txt"), self.path("in/link.txt"))
        self.write("in/plain.txt", "open")
        steps = {"a": {"kind": "template", "with": {"value": "{{ files.x }}"}}}
        outputs = {"result": "{{ steps.a.output }}"}
        for path in ("../secret.txt", self.path("secret.txt"), "link.txt"):
            flow = self.workflow(steps, name="in/flow.yaml", files={"x": path}, outputs=outputs)
            self.expect(2, "flow", "run", flow, says=["outside of its folder", "--allow files"])
            self.assertEqual(self.run_flow(0, flow, "--allow", "files")["result"], "hidden")
        flow = self.workflow(steps, name="in/flow.yaml", files={"x": "../in/plain.txt"}, outputs=outputs)
        self.assertEqual(self.run_flow(0, flow)["result"], "open")

    def test_what_cannot_be_written_is_found_before_anything_is_asked(self):
        stand_in = StandIn(self)
        flow = self.workflow({"a": self.ask("x")}, outputs={"files": [{"path": "a.txt", "content": "{{ steps.a.output }}"}]})
        self.expect(4, "flow", "run", flow, *self.endpoint(stand_in), "-o", self.write("taken", "a file"), says="taken")
        self.assertEqual(stand_in.answered(), 0)

    def test_inputs_that_are_no_json_are_told_by_their_place(self):
        flow = self.workflow({"a": {"kind": "template", "with": {"value": 1}}})
        self.expect(3, "flow", "run", flow, "--input", self.write("in.json", '{"a": 1,\n "b": }'), says="in.json:2:7")
        self.expect(3, "flow", "plan", flow, "--inputs", self.write("in.jsonl", '{"a": 1}\n{"b": }\n'), says="in.jsonl:2:7")


class Untrusted(RunTest):
    def test_what_an_interpreter_reads_as_code_has_no_template(self):
        steps = {"a": {"kind": "template", "with": {"value": "x; touch pwned"}}}
        for command in (["sh", "-c", "echo {{ steps.a.output }}"], ["env", "{{ inputs.x }}"], ["python3", "-c", "{{ inputs.x }}"]):
            steps["b"] = {"kind": "command", "with": {"command": command}}
            self.faults(self.workflow(steps), "as code", "data go behind the code")
        steps["b"] = {"kind": "command", "with": {"command": ["sh", "-c", "printf %s \"$1\"", "sh", "{{ steps.a.output }}"]}}
        flow = self.workflow(steps, outputs={"result": "{{ steps.b.output.text }}"})
        self.assertEqual(self.run_flow(0, flow, "--allow", "command")["result"], "x; touch pwned")

    def test_a_stored_file_lies_in_the_folder_of_the_workflow_unless_allowed(self):
        self.write("secret.txt", "hidden")
        (self.folder / "in").mkdir()
        for folder in (str(self.folder), ".."):
            flow = self.workflow({"a": {"kind": "file", "with": {"folder": folder, "path": "secret.txt"}}}, name="in/flow.yaml",
                                 outputs={"result": "{{ steps.a.output.bytes }}"})
            self.expect(2, "flow", "run", flow, says=["outside of its folder", "--allow files"])
            self.assertEqual(self.run_flow(0, flow, "--allow", "files")["result"], 6)


class Remarks(RunTest):
    def test_what_a_user_may_not_have_expected_is_told(self):
        stand_in = StandIn(self, self.settings(models={"*": {"answer_tokens": 50}}))
        flow = self.workflow({"a": {**self.ask("{{ item }}", max_output_tokens=5), "foreach": "{{ [1, 2, 3] }}"}})
        done = self.expect(0, "flow", "run", flow, "--json", *self.endpoint(stand_in))
        self.assertEqual(done.stderr.count("cut off where it reached its most tokens"), 1)
        self.assertEqual(len(json.loads(done.stdout)["steps"][0]["remarks"]), 1)
        models = json.loads(Path(flow).read_text())["models"]
        models["big"]["cheaper"] = "small"
        flow = self.workflow({"a": {"kind": "llm", "with": {"model": "big", "prompt": "x" * 100}}}, models=models,
                             budget={"run": 0.003})
        self.expect(0, "flow", "run", flow, *self.endpoint(stand_in), says="'small' was asked in the place of 'big'")
        done = self.expect(8, "flow", "run", flow, *self.endpoint(stand_in), "--budget", "0.000001")
        self.assertNotIn("was asked in the place", done.stderr, "that was too dear, too")


class Probed(RunTest):
    def test_servers_are_asked_what_they_can_do(self):
        stand_in = StandIn(self)
        flow = self.workflow({"a": self.ask("x"), "e": {"kind": "embed", "with": {"model": "big", "text": "x"}}})
        told = self.expect(0, "flow", "probe", flow, *self.endpoint(stand_in)).stdout
        self.assertRegex(told, r"small .*: answers; follows schemas by json_schema, .*limits by max_completion_tokens; .*\$")
        self.assertIn("big (embed): not asked\n", told)
        self.assertNotIn("set under", told)
        for fault, advice in (("ignored_schema", "structured_output: prompt"), ("missing_usage", "usage_in_stream: false")):
            deaf = StandIn(self, self.settings(faults={fault: 1.0}))
            made = json.loads(self.expect(0, "flow", "probe", flow, *self.endpoint(deaf), "--json").stdout)["models"][0]
            self.assertEqual(made["advice"], [advice])
        self.expect(7, "flow", "probe", flow, says="'small' does not answer")
        self.expect(3, "flow", "probe", self.workflow({"a": {"kind": "template", "with": {"value": 1}}}), says="no step chats")

    def test_models_that_are_not_asked_are_named(self):
        stand_in = StandIn(self)
        flow = self.workflow({"a": {**self.ask("x"), "variants": {"other": {"with": {"model": "big"}}}}})
        told = self.expect(0, "flow", "probe", flow, *self.endpoint(stand_in)).stdout
        self.assertIn("big (no step here asks it): not asked; --variant other asks it\n", told)
        made = json.loads(self.expect(0, "flow", "probe", flow, *self.endpoint(stand_in), "--json", "--variant", "other").stdout)
        self.assertEqual(made["not_asked"], [{"model": "small"}])


class Keys(RunTest):
    def setUp(self):
        super().setUp()
        self.stand_in = StandIn(self, self.settings(key="sk-secret-1234"))
        endpoints = {"local": {"url": self.stand_in.url, "retries": 0},
                     "paid": {"url": self.stand_in.url, "key": "MY_KEY", "retries": 0}}
        models = {"small": {"endpoint": "local", "model": "small", "max_output_tokens": 100},
                  "big": {"endpoint": "paid", "model": "big", "max_output_tokens": 100}}
        self.flow = self.workflow({"a": {"kind": "template", "with": {"value": 1}},
                                   "b": {"kind": "llm", "with": {"model": "big", "prompt": "{{ steps.a.output }}"}}},
                                  endpoints=endpoints, models=models)

    def test_a_plan_needs_no_key(self):
        self.assertIn("50 of 50 runs finish", self.expect(0, "flow", "plan", self.flow, "--runs", "50").stdout)

    def test_a_key_is_looked_for_before_anything_is_done(self):
        says = ["the environment variable 'MY_KEY' is not set", "endpoint 'paid'"]
        self.expect(2, "flow", "run", self.flow, "--id", "r1", says=says)
        self.expect(2, "flow", "show", "r1", says="no run 'r1'")
        key = {"MY_KEY": "sk-secret-1234"}
        self.expect(0, "flow", "run", self.flow, "--id", "r1", "--record", self.path("c.jsonl"), variables=key)
        asked = self.stand_in.answered()
        self.expect(0, "flow", "run", self.flow, "--id", "r2", "--replay", self.path("c.jsonl"))
        self.assertEqual(self.stand_in.answered(), asked)
        self.expect(2, "flow", "fork", "r1", "--from", "b", says=says)
        self.expect(7, "flow", "run", self.flow, "--id", "r3", variables={"MY_KEY": "another"})
        self.expect(2, "flow", "resume", "r3", says=says)
        self.expect(0, "flow", "resume", "r3", variables=key)
        self.expect(0, "flow", "resume", "r3", says="finished before")

    def test_what_is_not_on_the_cassette_is_told_with_the_option(self):
        self.write("c.jsonl", "")
        done = self.expect(3, "flow", "run", self.flow, "--replay", self.path("c.jsonl"), says="--record makes a new cassette")
        self.assertNotIn("once", done.stderr)


class Changed(RunTest):
    def test_a_budget_that_was_too_small_is_raised(self):
        stand_in = StandIn(self)
        flow = self.workflow({"a": self.ask("x" * 100), "b": self.ask("y {{ steps.a.output }}")}, budget={"run": 0.0012})
        done = self.expect(8, "flow", "run", flow, "--id", "r", *self.endpoint(stand_in))
        self.assertRegex(done.stderr, r"the budget 'run:r' of \$0\.0012 has \$0\.\d+ left, and this call to 'small' may cost \$0\.\d+")
        self.expect(8, "flow", "resume", "r", "--budget", "0.0013")
        self.expect(0, "flow", "resume", "r", "--budget", "0.01")
        self.assertEqual(stand_in.answered(), 2)
        self.expect(8, "flow", "run", flow, *self.endpoint(stand_in), "--budget", "0.000001")

    def test_a_server_that_has_moved(self):
        flow = self.workflow({"a": self.ask("x"), "ok": {"kind": "approve", "with": {"question": "{{ steps.a.output }}?"}},
                              "b": self.ask("y {{ steps.ok.output.by }}")}, outputs={"result": "{{ steps.b.output }}"})
        self.expect(7, "flow", "run", flow, "--id", "r")
        stand_in = StandIn(self)
        done = self.expect(0, "flow", "resume", "r", *self.endpoint(stand_in), says=["flow approve r --step ok", "flow resume r"])
        self.assertEqual(done.stdout, "")
        self.expect(2, "flow", "approve", "r", "--step", "okk", says="did you mean 'ok'?")
        self.expect(0, "flow", "approve", "r")  # the only one that asks
        self.expect(0, "flow", "resume", "r")   # still there, where it had moved to
        self.assertEqual(stand_in.answered(), 2)

    def test_a_changed_workflow_keeps_what_it_did_not_change(self):
        stand_in = StandIn(self)
        steps = {"a": self.ask("x"), "b": self.ask("y {{ steps.a.output }}"), "c": self.ask("z")}
        done = self.expect(0, "flow", "run", self.workflow(steps), "--id", "r", *self.endpoint(stand_in))
        self.assertIn("run r", done.stderr)
        steps["b"] = self.ask("Y {{ steps.a.output }}")
        self.expect(0, "flow", "fork", "r", "--workflow", self.workflow(steps), *self.endpoint(stand_in))
        self.assertEqual(stand_in.answered(), 4, "b alone is asked again")
        self.expect(2, "flow", "fork", "r", says="--from")

    def test_paths_of_a_run_stay_where_they_were(self):
        (self.folder / "in").mkdir()
        (self.folder / "elsewhere").mkdir()
        self.write("in/notes.jsonl", '{"id": "1", "text": "cold chain"}\n')
        self.expect(0, "index", self.path("in/notes.jsonl"), "-o", self.path("in/notes.coppice"), "--quiet")
        steps = {"ok": {"kind": "approve", "with": {"question": "?"}},
                 "r": {"kind": "retrieve", "needs": ["ok"], "with": {"index": "notes.coppice", "query": "cold"}}}
        flow = self.workflow(steps, name="in/flow.yaml", outputs={"result": "{{ steps.r.output.passages | length }}"})
        journal = self.path("runs.db")
        done = self.expect(0, "flow", "run", flow, "--id", "r", "--journal", journal, says="flow approve r --journal")
        self.expect(0, "flow", "approve", "r", "--journal", journal)
        done = subprocess.run([COPPICE, "flow", "resume", "r", "--journal", journal], cwd=self.folder / "elsewhere",
                              capture_output=True, text=True, env=environment())
        self.assertEqual((done.returncode, done.stdout), (0, "1\n"), done.stderr)


class Finished(RunTest):
    def test_files_are_written_again(self):
        stand_in = StandIn(self)
        steps = {"a": self.ask("x"), "b": {**self.ask("y"), "optional": True, "with": {"model": "gone", "prompt": "y"}}}
        models = {**FREE, "gone": {"endpoint": "nobody", "model": "gone", "price": "free"}}
        endpoints = {"local": {"url": stand_in.url, "retries": 0}, "nobody": {"url": "http://127.0.0.1:9/v1", "retries": 0}}
        flow = self.workflow(steps, models=models, endpoints=endpoints,
                             outputs={"files": [{"path": "a.txt", "content": "{{ steps.a.output }}"}], "result": "{{ steps.a.output }}"})
        first = self.expect(0, "flow", "run", flow, "--id", "r", says="step b failed")
        stand_in.end()
        shown = self.expect(0, "flow", "show", "r", "--json").stdout
        again = self.expect(0, "flow", "resume", "r", "-o", self.path("out"), says="run r: finished before")
        self.assertEqual(again.stdout, first.stdout)
        self.assertEqual(Path(self.path("out/a.txt")).read_text() + "\n", first.stdout)
        self.assertEqual(self.expect(0, "flow", "show", "r", "--json").stdout, shown, "nothing was done")

    def test_two_files_of_one_name_fail_the_run(self):
        flow = self.workflow({"a": {"kind": "template", "with": {"value": ["x", "x"]}}},
                             outputs={"files": [{"path": "{{ item }}", "foreach": "{{ steps.a.output }}", "content": "1"}]})
        self.expect(3, "flow", "run", flow, "-o", self.path("out"), says="two outputs are called 'x'")


class KilledInTheMiddle(RunTest):
    """Steps that do something to the world, of a program that died while they did."""

    def killed(self, effect, durability):
        """A run that was killed while its command slept; what that does is a line in a file."""
        line = f"echo done >> {self.path('world')}; sleep \"$SECONDS_EACH\""
        flow = self.workflow({"a": {"kind": "command", "with": {"command": ["sh", "-c", line], "effect": effect}}})
        command = ["--id", "r", "--allow", "command", "--durability", durability]
        process = subprocess.Popen([COPPICE, "flow", "run", flow, *command], cwd=self.folder, stderr=subprocess.DEVNULL,
                                   env={**environment(), "SECONDS_EACH": "3"}, start_new_session=True)
        while not (self.folder / "world").exists():
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def resume(self, code, **kept):
        return self.expect(code, "flow", "resume", "r", "--allow", "command", variables={"SECONDS_EACH": "0"}, **kept)

    def lines(self):
        return (self.folder / "world").read_text().count("done")

    def test_what_may_be_done_once_only_is_done_again_when_a_person_says_so(self):
        for durability in ("process", "power"):
            with self.subTest(durability=durability):
                self.killed("at_most_once", durability)
                self.resume(4, says=["nobody knows whether step 'a' was done", "flow approve r --step a"])
                self.resume(4)
                self.assertEqual(self.lines(), 1)
                self.expect(0, "flow", "approve", "r", "--step", "a")
                self.resume(0)
                self.assertEqual(self.lines(), 2)
                self.resume(0, says="finished before")
                self.assertEqual(self.lines(), 2)
                shutil.rmtree(self.folder / ".coppice")
                (self.folder / "world").unlink()

    def test_what_died_is_answered_anew_and_what_was_denied_is_not_done(self):
        self.killed("at_most_once", "power")
        self.resume(4)
        self.expect(0, "flow", "approve", "r", "--step", "a", "--deny", "--by", "Ada")
        self.resume(4, says="nobody knows")
        self.expect(2, "flow", "approve", "r", "--step", "a", says=["denied before by Ada", "--again"])
        self.assertEqual(self.lines(), 1)
        self.expect(0, "flow", "approve", "r", "--step", "a", "--again")
        self.resume(0)
        self.assertEqual(self.lines(), 2)

    def test_what_may_be_done_twice_is_done_again(self):
        for effect in ("idempotent", "pure"):
            with self.subTest(effect=effect):
                self.killed(effect, "power")
                self.resume(0)
                self.assertEqual(self.lines(), 2)
                shutil.rmtree(self.folder / ".coppice")
                (self.folder / "world").unlink()


class Ended(RunTest):
    def fan(self, step, **endpoint):
        self.write("in.json", json.dumps({"n": list(range(60))}))
        return self.workflow({"a": {**self.ask("{{ item }}"), "foreach": "{{ inputs.n }}", **step}},
                             endpoints={"local": {"url": "http://127.0.0.1:9/v1", "retries": 0, **endpoint}})

    def test_items_of_an_optional_step_that_failed_take_no_more_turns(self):
        sick = StandIn(self, self.settings(faults={"unauthorized": 1.0}))
        flow = self.fan({"optional": True}, concurrency=1)
        self.expect(0, "flow", "run", flow, "--input", self.path("in.json"), *self.endpoint(sick), says="step a failed")
        self.assertLessEqual(sick.answered(), 3, "of sixty")

    def test_an_answer_that_is_too_long_is_not_asked_for_again(self):
        sick = StandIn(self, self.settings(faults={"huge": {"rate": 1.0, "bytes": 100_000_000}}))
        flow = self.workflow({"a": self.ask("x")}, endpoints={"local": {"url": "http://127.0.0.1:9/v1", "retries": 3}})
        self.expect(3, "flow", "run", flow, "--id", "r", *self.endpoint(sick), says="more than 67108864 bytes")
        self.assertEqual(sick.answered(), 1)
        shown = json.loads(self.expect(0, "flow", "show", "r", "--json").stdout)
        self.assertGreater(shown["cost_usd"], 0, "it was sent")

    def test_a_run_has_so_much_time(self):
        slow = StandIn(self, self.settings(models={"small": {"speed": {"first_token_seconds": 0.2}}}))
        flow = json.loads(Path(self.fan({}, concurrency=4)).read_text())
        flow["timeout"] = 1
        began = time.monotonic()
        self.expect(9, "flow", "run", self.write("flow.yaml", json.dumps(flow)), "--id", "r", "--input", self.path("in.json"),
                    *self.endpoint(slow), says=["longer than its timeout of 1 seconds", "flow resume r"])
        self.assertLess(time.monotonic() - began, 5)
        before = slow.answered()
        self.assertTrue(4 <= before < 60, before)
        for _ in range(8):  # each time so many more
            done = self.run_program("flow", "resume", "r")
            if done.returncode == 0:
                break
            self.assertEqual(done.returncode, 9, done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_journal_that_is_removed_ends_the_run(self):
        slow = StandIn(self, self.settings(models={"small": {"speed": {"first_token_seconds": 0.2}}}))
        process = subprocess.Popen([COPPICE, "flow", "run", self.fan({}, concurrency=2), "--input", self.path("in.json"),
                                    *self.endpoint(slow)], cwd=self.folder, env=environment(), stderr=subprocess.PIPE, text=True)
        while slow.answered() < 2:
            time.sleep(0.05)
        for file in (self.folder / ".coppice").iterdir():
            file.unlink()
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 4, said)
        self.assertIn("moved or removed", said)
        self.assertLess(slow.answered(), 20)


if __name__ == "__main__":
    unittest.main()
