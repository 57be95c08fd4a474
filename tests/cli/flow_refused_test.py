# SPDX-License-Identifier: Apache-2.0
"""What a model says does no harm: outputs replace nothing that a run needs, and no program reads them as code."""
import json
import os
import pty
import subprocess
import unittest

from flow_program import FlowTest, StandIn
from program import COPPICE, environment

REPLACED = "would replace the journal, the workflow or a file that the run reads"


class Outputs(FlowTest):
    def site(self, name="site.yaml"):
        return self.write(name, json.dumps({
            "workflow": "site", "files": {"style": "style.txt"}, "prices": "prices.json",
            "steps": {"a": {"kind": "template", "with": {"value": "{{ inputs.path }}"}},
                      "b": {"kind": "template", "with": {"value": "{{ files.style }}"}}},
            "outputs": {"files": [{"path": "ok.txt", "content": "fine"},
                                  {"path": "{{ steps.a.output }}", "content": "harm"}]}}))

    def test_none_replaces_what_the_run_reads_or_the_journal(self):
        site = self.site()
        self.write("style.txt", "plain")
        self.write("prices.json", "{}")
        self.write("keep.yaml", "x")
        for number, path in enumerate(["runs.db", "runs.db-wal", "runs.db-journal", "RUNS.DB", "site.yaml", "style.txt",
                                       "prices.json", "input.json", ".coppice/runs.db"]):
            before = (self.folder / path).read_bytes() if (self.folder / path).exists() else None
            given = self.write("input.json", json.dumps({"path": path}))
            run = f"run-{number}"
            done = self.expect(3, "flow", "run", site, "--input", given, "--id", run, "--journal", "runs.db", "-o", ".")
            says = "would lie in a folder .coppice" if path.startswith(".") else REPLACED
            self.assertIn(f"the output '{path}' {says}", done.stderr)
            self.assertIn(f"coppice flow resume {run} --journal runs.db -o ELSEWHERE", done.stderr)
            self.assertFalse((self.folder / "ok.txt").exists(), "nothing is written")
            if before is not None and not path.lower().startswith("runs") and path != "input.json":
                self.assertEqual((self.folder / path).read_bytes(), before)
            again = self.expect(3, "flow", "resume", run, "--journal", "runs.db", "-o", ".")
            self.assertIn(f"the output '{path}' {says}", again.stderr)
            if not path.startswith("."):
                self.expect(0, "flow", "resume", run, "--journal", "runs.db", "-o", f"out-{number}")
                self.assertEqual((self.folder / f"out-{number}" / path).read_text(), "harm")

    def test_another_file_is_replaced(self):
        site = self.site()
        self.write("style.txt", "plain")
        self.write("prices.json", "{}")
        self.write("page.txt", "old")
        given = self.write("input.json", json.dumps({"path": "page.txt"}))
        self.expect(0, "flow", "run", site, "--input", given, "--journal", "runs.db", "-o", ".")
        self.assertEqual((self.folder / "page.txt").read_text(), "harm")


class Commands(FlowTest):
    def test_what_a_program_would_run_is_refused_where_it_stands(self):
        data = "'{{ steps.z.output }}'"
        for command, column in ((f"command: [sh], input: {data}", 52), (f"command: [python3, -], input: {data}", 60),
                                (f"command: [ls], environment: {{BASH_ENV: {data}}}", 69),
                                (f"command: [sqlite3, x.db, {data}]", 55), (f"command: [make, {data}]", 46),
                                (f"command: [git, {data}]", 45),
                                (f"command: [sh, -c, 'eval \"$1\"', sh, {data}]", 65)):
            path = self.write("w.yaml", "workflow: w\nsteps:\n  z: {kind: template, with: {value: x}}\n"
                              f"  a: {{kind: command, with: {{{command}}}}}\n")
            done = self.expect(3, "flow", "check", path, says="1 fault in")
            self.assertIn(f"w.yaml:4:{column}:", done.stdout)
            self.expect(3, "flow", "run", path, "--allow", "command", "--journal", "memory:")

    def test_data_reach_a_script(self):
        path = self.write("w.yaml", "workflow: w\nsteps:\n  z: {kind: template, with: {value: '$(touch harm); x'}}\n"
                          "  a: {kind: command, with: {command: [sh, -c, 'cat; printf %s \"$1\"', sh, "
                          "'{{ steps.z.output }}'], input: '{{ steps.z.output }};'}}\n"
                          "outputs: {result: '{{ steps.a.output.text }}'}\n")
        done = self.expect(0, "flow", "run", path, "--allow", "command", "--journal", "memory:")
        self.assertEqual(done.stdout, "$(touch harm); x;$(touch harm); x\n")
        self.assertFalse((self.folder / "harm").exists())


class Terminal(FlowTest):
    def test_control_characters_are_shown_and_not_obeyed_on_a_terminal_alone(self):
        flow = self.write("w.json", json.dumps({
            "workflow": "w", "steps": {"a": {"kind": "template", "with": {"value": "{{ inputs.text }}"}}},
            "outputs": {"result": "{{ steps.a.output }}"}}))
        given = self.write("input.json", json.dumps({"text": "a\x1b[2Jb\rc\td\u009be\nf \u00e4"}))
        command = [COPPICE, "flow", "run", flow, "--input", given, "--journal", "memory:", "--quiet"]
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        done = subprocess.run(command, stdout=theirs, cwd=self.folder, env=environment(), check=True)
        os.close(theirs)
        self.assertEqual(done.returncode, 0)
        shown = os.read(ours, 10_000).decode()
        self.assertEqual(shown.replace("\r\n", "\n"), "a\\x1b[2Jb\\x0dc\td\\x9be\nf \u00e4\n")
        piped = subprocess.run(command, capture_output=True, cwd=self.folder, env=environment(), check=True)
        self.assertEqual(piped.stdout.decode(), "a\x1b[2Jb\rc\td\u009be\nf \u00e4\n")


class PlayedModels(FlowTest):
    def test_a_stand_in_plays_what_the_models_of_a_journal_answered(self):
        rules = [{"when": {"contains": "Sing of"}, "text": "A song."}, {"when": {"contains": "Judge"}, "text": "Fine."}]
        first = StandIn(self, self.write("first.json", json.dumps({"answers": rules})))
        flow = self.workflow({"a": self.ask("Sing of {{ inputs.x }}."), "b": self.ask("Judge: {{ steps.a.output }}"),
                              "c": self.ask("{{ inputs.x }}")}, outputs={"result": "{{ steps.a.output }} {{ steps.b.output }}"})
        given = self.write("input.json", json.dumps({"x": "the sea"}))
        more = ["--journal", "runs.db", "--input", given]
        self.expect(0, "flow", "run", flow, *more, "--endpoint", f"local={first.url}")
        models = self.expect(0, "flow", "models", "--journal", "runs.db").stdout
        self.assertEqual({one["when"]["step"]: one["when"].get("step_texts") for one in json.loads(models)["answers"]},
                         {"a": ["Sing of"], "b": ["Judge:"], "c": None})
        played = StandIn(self, self.write("models.json", models))
        done = self.expect(0, "flow", "run", flow, *more, "--endpoint", f"local={played.url}")
        self.assertEqual(done.stdout, "A song. Fine.\n")

    def test_rules_that_a_server_cannot_follow_are_named(self):
        settings = self.write("s.json", json.dumps({"answers": [{"when": {"step": "a"}, "text": "x"}]}))
        process = subprocess.Popen([COPPICE, "flow", "stand-in", "--port", "0", settings], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env=environment())
        process.stdout.readline()
        process.terminate()
        said = process.communicate()[1]
        self.assertIn("1 rule of the settings with a step and no step_texts (answers[0])", said)


if __name__ == "__main__":
    unittest.main()
