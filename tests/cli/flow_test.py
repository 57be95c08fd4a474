# SPDX-License-Identifier: Apache-2.0
"""Workflows as their users run them, against the stand-in; the example of examples/routing."""
import json
import random
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path

from flow_program import EXAMPLE, EXAMPLES, FlowTest, StandIn
from program import COPPICE, environment


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
                ("  a: {kind: template, needs: [z], with: {value: 1}}\n", "unknown step 'z'"),
                ("  a: {kind: json_to_text, with: {value: 1}}\n"
                 "  b: {kind: template, foreach: '{{ steps.a.output }}', with: {value: 1}}\n",
                 "w.yaml:4:33: foreach got a string, expected a list"),
                ("  a: {kind: json_to_text, with: {value: 1}}\n"
                 "  b: {kind: retrieve, with: {index: i, query: x, top_k: '{{ steps.a.output }}'}}\n",
                 "w.yaml:4:58: this is a string, expected an integer"),
                ("  a: {kind: template, with: {value: 1}}\noutputs: {files: [{path: ../x, content: x}]}\n",
                 "w.yaml:4:26: the output path '../x' leaves its folder"),
                ("  a: {kind: json_to_text, with: {value: 1}}\n"
                 "  b: {kind: command, with: {command: ['{{ steps.a.output }}']}}\n",
                 "w.yaml:4:40: what a step puts out may not decide 'with/command/0'")):
            self.assertIn(says, self.faults("workflow: w\nsteps:\n" + steps), steps)

    def places(self, text, faults):
        """The places and the words of all that `flow check` finds, in its order."""
        path = self.write("w.yaml", text)
        done = self.expect(3, "flow", "check", path, says=f"{faults} fault{'s' if faults > 1 else ''} in")
        return [line.split("w.yaml:")[1] for line in done.stdout.splitlines() if "w.yaml:" in line]

    def test_faults_in_lists_of_checks_have_places_and_hide_none(self):
        found = self.places("workflow: w\nsteps:\n"
                            "  j: {kind: check, with: {files: {a: x}, checks: [{words_between: {least: many}}, nope,\n"
                            "    {size: {most_bytez: 3}}, {contrast: {foo: 1}}]}}\n"
                            "outputs:\n  files: [{path: a, content: b}]\n  checks: [{contrast: {fo: 1}}, nope]\n", 6)
        self.assertEqual([one.split(": ")[0] for one in found],
                         ["3:75", "3:83", "4:25", "4:47", "7:28", "7:33"], found)
        self.assertIn("contrast: unknown option 'foo'", found[3])

    def test_schemas_of_answers_are_judged_where_they_stand(self):
        models = "endpoints: {l: {url: 'http://127.0.0.1:9/v1'}}\nmodels: {m: {endpoint: l, model: x}}\n"
        found = self.places(f"workflow: w\n{models}steps:\n"
                            "  i: {kind: llm, with: {model: m, prompt: hi, schema: {type: strin}}}\n"
                            "  r: {kind: repair, with: {value: x, files: {a: '{{ value }}'}, checks: [size],\n"
                            "      fix: {model: m, prompt: x, schema: {properties: {a: {typ: string}}}}}}\n", 2)
        self.assertEqual([one.split(": ")[0] for one in found], ["5:62", "7:59"], found)

    def test_a_fault_at_one_key_of_a_step_hides_none_at_another(self):
        models = "endpoints: {l: {url: 'http://127.0.0.1:9/v1'}}\nmodels: {m: {endpoint: l, model: x}}\n"
        found = self.places(f"workflow: w\n{models}steps:\n"
                            "  h: {kind: template, timeout: -1, with: {value: '{{ 1 + }}', b: '{{ 2 + }}'}}\n"
                            "  p: {kind: llm, with: {model: mm, prompt: '{{ steps.zz.output }}', bogus: 3}}\n"
                            "  q: {kind: llm, if: 'inputs.n >', with: {model: m, prompt: '{{ nobody }}'}}\n"
                            "  s: {kind: template, foreech: '{{ [1] }}', with: {value: '{{ item }} {{ steps.p.output }}'}}\n", 9)
        self.assertEqual([one.split(":")[0] for one in found], ["5", "5", "5", "6", "6", "6", "7", "7", "8"], found)

    def test_faults_of_a_variant_name_it(self):
        found = self.places("workflow: w\nsteps:\n  a: {kind: template, with: {value: 1}}\n"
                            "  b: {kind: template, with: {value: '{{ steps.a.output }}'}}\n"
                            "  c: {kind: template, with: {value: '{{ oops }}'}}\n"
                            "variants:\n  v: {steps: {a: null}}\n  w: {steps: {a: null, bb: null}}\n", 3)
        self.assertEqual(found[0], "4:41: in variants 'v', 'w': unknown step 'a'")
        self.assertEqual(found[1].split(": ")[0], "5:41")
        self.assertNotIn("variant", found[1])
        self.assertTrue(found[2].startswith("8:24: in variant 'w': null takes away 'bb', which is not under 'steps'"), found)

    def test_a_fault_of_a_template_brings_no_second_one(self):
        for text in ("{{ inputs.x | foo }}", "{{ x", "{% if x %}"):
            flow = self.workflow({"a": {"kind": "llm", "with": {"model": "small", "prompt": text}}})
            self.assertEqual(self.expect(3, "flow", "check", flow, says="1 fault in").stdout.count("flow.yaml:"), 1)

    def test_faults_of_all_classes_and_variants_are_told_at_once_by_line(self):
        text = ("workflow: w\nfiles: {f: none.txt}\nsteps:\n"
                "  b: {kind: template, with: {value: '{{ steps.zzz.output }}'}}\n"
                "  c: {kind: template, with: {value: '{{ steps.c2.output }}'}}\n"
                "  c2: {kind: template, with: {value: '{{ steps.c.output }}'}}\n"
                "  a: {kind: template, retrys: 1, with: {value: 1}}\n"
                "  d: {kind: template, with: {value: '{{ steps.a.output.x }} {{ files.f }}'}}\n"
                "  t: {kind: json_to_text, with: {value: 1, styl: '{{ inputs.x }}'}}\n"
                "variants:\n  v: {steps: {d: {kind: templat}}}\n")
        path = self.write("w.yaml", text)
        done = self.expect(3, "flow", "check", path, says="6 faults in")
        places = [line.split("w.yaml:")[1].split(": ")[0] for line in done.stdout.splitlines() if "w.yaml:" in line]
        self.assertEqual(places, ["2:12", "4:41", "5:6", "7:31", "9:51", "11:25"], done.stdout)
        checked = json.loads(self.expect(3, "flow", "check", path, "--json").stdout)["variants"]
        self.assertEqual([(one["variant"], len(one["faults"])) for one in checked], [("", 5), ("v", 6)])

    def test_an_option_that_decides_may_be_a_template(self):
        flow = self.workflow({"a": {"kind": "command", "with": {"command": ["echo", "1"], "json": "{{ inputs.json }}"}},
                              "b": self.ask("x " * 4000 + "{{ steps.a.output.value }}", max_output_tokens="{{ inputs.most }}"),
                              "c": {"kind": "sql", "with": {"database": "d.db", "query": "select 1", "write": "{{ inputs.w }}"}}},
                             outputs={"result": ["{{ steps.b.output }}", "{{ steps.c.output.rows }}"]})
        self.expect(0, "flow", "check", flow)
        inputs = self.write("in.json", '{"json": true, "most": 9, "w": false}')
        self.expect(0, "flow", "plan", flow, "--input", inputs, "--runs", "2")

    def test_no_yaml_and_unknown_files_are_told_apart(self):
        self.assertIn("w.yaml:2:1: no YAML", self.faults("{workflow: [\n"))
        self.expect(4, "flow", "check", self.path("none.yaml"), says="none.yaml")
        flow = self.write("f.yaml", "workflow: w\nfiles: {a: none.txt}\nsteps: {s: {kind: template, with: {value: 1}}}\n")
        self.expect(4, "flow", "check", flow, says="none.txt")

    def test_what_is_no_file_or_an_empty_one_is_no_workflow(self):
        self.assertIn("w.yaml:1:1: nothing stands here, expected a workflow", self.faults(""))
        self.assertIn("w.yaml:1:1: nothing stands here", self.faults("# a comment alone\n"))
        folder = str(self.folder)
        good = self.workflow({"a": {"kind": "template", "with": {"value": 1}}}, variants={"a": {}, "b": {}})
        for command in (["check", folder], ["run", folder], ["run", good, "--input", folder], ["stand-in", folder],
                        ["compare", good, "--variants", "a,b", "--inputs", folder], ["plan", good, "--models", folder]):
            self.expect(4, "flow", *command, says=[folder, "this is a directory, expected a file"])
        flow = self.write("f.yaml", "workflow: w\nfiles: {a: .}\nsteps: {s: {kind: template, with: {value: 1}}}\n")
        self.expect(4, "flow", "check", flow, says="this is a directory, expected a file")
        self.expect(3, "flow", "stand-in", self.write("empty.yaml", ""), says="nothing stands here, expected settings")

    def test_a_file_that_is_not_there_yet_is_told_and_how_it_is_made(self):
        steps = {"a": {"kind": "retrieve", "with": {"index": "notes.coppice", "query": "x"}},
                 "b": {"kind": "classify", "with": {"classifier": "{{ inputs.model }}", "text": "x"}},
                 "c": {"kind": "file", "with": {"folder": "pictures", "path": "{{ inputs.name }}"}}}
        flow = self.workflow(steps)
        told = self.expect(0, "flow", "check", flow).stdout
        self.assertIn("'a' needs 'notes.coppice', which is not there: coppice index PASSAGES -o notes.coppice makes it "
                      "[missing-file]", told)
        self.assertIn("'c' needs 'pictures', which is not there [missing-file]", told)
        self.assertNotIn("'b' needs", told)
        for step, makes in (({"kind": "retrieve", "with": {"index": "none.coppice", "query": "x"}}, "coppice index"),
                            ({"kind": "classify", "with": {"classifier": "none.coppice", "text": "x"}}, "coppice train")):
            self.expect(4, "flow", "run", self.workflow({"a": step}), says=["none.coppice", f"hint: {makes}"])
        passages = self.write("notes.jsonl", '{"id": "1", "text": "bread of rye"}\n')
        self.expect(0, "index", passages, "-o", self.path("notes.coppice"), "--quiet")
        (self.folder / "pictures").mkdir()
        self.assertNotIn("missing-file", self.expect(0, "flow", "check", self.workflow(steps)).stdout)

    def test_shape_and_advice_are_told(self):
        flow = self.workflow({"a": self.ask("x"), "b": self.ask("{{ steps.a.output }}"),
                              "c": self.ask("{{ steps.a.output }} {{ steps.b.output }}")},
                             outputs={"result": "{{ steps.c.output }}"})
        told = json.loads(self.expect(0, "flow", "check", flow, "--json").stdout)["variants"][0]
        self.assertEqual((told["k"], told["edges"]), (3, 3))
        self.assertAlmostEqual(told["m"], 2)

    def test_a_program_that_a_model_chooses_is_not_run_whatever_is_allowed(self):
        flow = self.workflow({"a": self.ask("x"), "b": {"kind": "command", "with": {"command": "{{ steps.a.output | split }}"}}})
        self.expect(3, "flow", "run", flow, "--allow", "command", says="may not decide 'with/command/0'")

    def test_what_several_prompts_send_is_told_with_its_tokens(self):
        flow = self.workflow({"a": self.ask("x"), "b": self.ask("{{ steps.a.output }}{{ inputs.text }}"),
                              "c": self.ask("{{ steps.a.output }}{{ inputs.text }}")},
                             outputs={"result": ["{{ steps.b.output }}", "{{ steps.c.output }}"]})
        told = json.loads(self.expect(0, "flow", "check", flow, "--json").stdout)["variants"][0]["advice"]
        self.assertEqual([(advice["rule"], advice["what"].split(" is sent")[0]) for advice in told],
                         [("repeated-text", "inputs.text"), ("repeated-text", "steps.a.output")])
        self.assertIn("at most 100 tokens", told[1]["what"])
        self.assertIn("coppice flow plan tells", told[0]["what"])

    def test_outputs_that_may_be_missing_are_told(self):
        steps = {"a": {**self.ask("x"), "optional": True}, "b": self.ask("{{ steps.a.output }}"), "c": self.ask("z")}
        result = ["{{ steps.b.output }}", "{{ steps.a.output | default('') }}", "{{ steps.c.output }}"]
        told = self.expect(0, "flow", "check", self.workflow(steps, outputs={"result": result})).stdout
        self.assertEqual(told.count("[may-be-missing]"), 1)
        self.assertIn("'b' may be skipped or fail", told)

    def test_the_schema_for_editors_is_json(self):
        self.assertEqual(json.loads(self.expect(0, "flow", "schema").stdout)["title"], "Coppice workflow")

    def test_the_example_is_sound_in_each_variant(self):
        told = self.expect(0, "flow", "check", str(EXAMPLE / "site.yaml")).stdout
        self.assertIn("k = 5", told)
        self.assertIn("variant single", told)
        self.assertIn("variant stored", told)


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

    def test_where_the_budget_is_short_optional_steps_are_left_out(self):
        stand_in = StandIn(self)
        steps = {"a": self.ask("x" * 100), "b": {**self.ask("y {{ steps.a.output }}"), "optional": True}}
        flow = self.workflow(steps, budget={"run": 0.0012},
                             outputs={"result": "{{ steps.a.output }}{{ steps.b.output | default('') }}"})
        made = self.run_flow(0, flow, "--endpoint", f"local={stand_in.url}")
        self.assertEqual([step["state"] for step in made["steps"]], ["done", "failed"])
        self.assertIn("budget", made["steps"][1]["error"])
        self.assertEqual(stand_in.answered(), 1)

    def test_days_and_tenants_have_budgets_over_all_their_runs(self):
        stand_in = StandIn(self)
        endpoint = ("--endpoint", f"local={stand_in.url}")
        flow = self.workflow({"a": self.ask("x" * 100)}, budget={"tenant": 0.0025})
        spent, runs = 0.0, 0
        while (done := self.run_program("flow", "run", flow, "--json", "--tenant", "acme", *endpoint)).returncode == 0:
            spent, runs = spent + json.loads(done.stdout)["cost_usd"], runs + 1
            self.assertLess(runs, 100)
        self.assertEqual(done.returncode, 8, done.stderr)
        self.assertIn("tenant:acme", done.stderr)
        self.assertTrue(0 < spent <= 0.0025, spent)
        self.run_flow(0, flow, "--tenant", "other", *endpoint)
        flow = self.workflow({"a": self.ask("z" * 100)}, budget={"day": spent + 0.0001})
        self.expect(8, "flow", "run", flow, *endpoint, says=["budget", "day:"])

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

    def test_an_answer_is_not_overturned_in_silence(self):
        flow = self.workflow({"ok": {"kind": "approve", "with": {"question": "Publish?"}}})
        self.run_flow(0, flow, "--id", "r1")
        self.expect(0, "flow", "approve", "r1", "--deny", "--by", "Ada", "--say", "too long")
        for answer in ((), ("--deny",)):
            self.expect(2, "flow", "approve", "r1", *answer, "--by", "Bo",
                        says=["'ok'", "denied before by Ada", "too long", "--again"])
        self.expect(130, "flow", "resume", "r1", says="not approved by Ada")
        self.expect(0, "flow", "approve", "r1", "--by", "Bo", "--again")
        self.expect(2, "flow", "approve", "r1", "--deny", says="approved before by Bo")
        self.expect(0, "flow", "resume", "r1")

    def test_a_step_that_was_too_slow_names_its_timeout(self):
        stand_in = StandIn(self, self.write("s.json", '{"models": {"*": {"speed": {"first_token_seconds": 60}}}}'))
        flow = self.workflow({"a": {**self.ask("x"), "timeout": 0.2}})
        self.expect(9, "flow", "run", flow, "--endpoint", f"local={stand_in.url}",
                    says="no answer within the step's timeout of 0.2 seconds")

    def test_sections_are_asked_for_and_a_missing_one_once_more(self):
        flow = self.workflow({"a": self.ask("Describe a beech.", sections=["Visual Elements", "Tone"])},
                             outputs={"result": "{{ steps.a.output.visual_elements }}|{{ steps.a.output.tone }}"})
        made = self.run_flow(0, flow, "--endpoint", f"local={StandIn(self).url}")
        self.assertRegex(made["result"], r"\w.*\|\w")
        self.assertEqual(made["steps"][0]["calls"], 1)
        rules = [{"when": {"contains": "not valid: the answer has no section 'Tone'"}, "text": "## Visual elements\nleaves\n**Tone**\ncalm"},
                 {"text": "Visual Elements:\nbark"}]
        mended = StandIn(self, self.write("s.json", json.dumps({"answers": rules})))
        made = self.run_flow(0, flow, "--endpoint", f"local={mended.url}")
        self.assertEqual((made["result"], made["steps"][0]["calls"]), ("leaves|calm", 2))
        stubborn = StandIn(self, self.write("t.json", json.dumps({"answers": rules[1:]})))
        self.expect(3, "flow", "run", flow, "--endpoint", f"local={stubborn.url}", says="no section 'Tone'")
        self.assertEqual(stubborn.answered(), 2)

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


class Stopped(FlowTest):
    def fan(self, **endpoint):
        step = {**self.ask("{{ item }}"), "foreach": "{{ inputs.n }}"}
        self.write("in.json", json.dumps({"n": list(range(100))}))
        return self.workflow({"a": step}, endpoints={"local": {"url": "http://127.0.0.1:9/v1", **endpoint}})

    def test_what_waits_for_its_turn_does_not_begin_after_a_failure(self):
        sick = StandIn(self, self.write("s.json", json.dumps({"faults": {"unauthorized": 1.0}})))
        self.expect(7, "flow", "run", self.fan(concurrency=1, retries=0), "--input",
                    self.path("in.json"), "--endpoint", f"local={sick.url}")
        self.assertLessEqual(sick.answered(), 3, "of a hundred")

    def test_the_first_interrupt_lets_calls_under_way_end_and_begins_none(self):
        speed = {"first_token_seconds": 0.5}
        slow = StandIn(self, self.write("s.json", json.dumps({"models": {"small": {"speed": speed}}})))
        process = subprocess.Popen([COPPICE, "flow", "run", self.fan(concurrency=2), "--input",
                                    self.path("in.json"), "--id", "r", "--json", "--endpoint", f"local={slow.url}"], cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        while slow.answered() < 2:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        told = json.loads(process.communicate(timeout=30)[0])
        self.assertEqual(process.returncode, 130)
        self.assertLess(slow.answered(), 10)
        self.assertEqual(told["steps"][0]["calls"], slow.answered(), "what was sent is waited for")
        resumed = self.run_program("flow", "resume", "r", "--json")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        self.assertEqual(slow.answered(), 100)
        self.assertGreater(json.loads(resumed.stdout)["cost_usd"], told["cost_usd"], "of the whole run")


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
            unknown = shown.count("unknown: charged")
            self.assertLessEqual(unknown, 2, shown)
            self.assertLessEqual(stand_in.answered() - before, 12 + unknown, shown)


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
