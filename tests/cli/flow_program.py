# SPDX-License-Identifier: Apache-2.0
"""What tests of workflows share: the stand-in, workflows of few words, the example."""
import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

from program import COPPICE, ProgramTest, environment

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
EXAMPLE = EXAMPLES / "website"


class StandIn:
    """`coppice flow stand-in` on a port of its own, until the test has ended."""

    def __init__(self, test, settings=None, port="0"):
        arguments = [COPPICE, "flow", "stand-in", "--port", port, "--patience-seconds", "0"]
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


class WebsiteTest(FlowTest):
    """The example, with its own index and stand-in."""

    def setUp(self):
        super().setUp()
        shutil.copytree(EXAMPLE, self.folder / "website")
        self.site = self.path("website/site.yaml")
        for name in ("notes", "pictures"):
            passages, index = self.path(f"website/{name}.jsonl"), self.path(f"website/{name}.coppice")
            self.expect(0, "index", passages, "-o", index, "--quiet")
        self.stand_in = StandIn(self, self.path("website/stand_in.yaml"))
        self.endpoint = ["--endpoint", f"local={self.stand_in.url}"]
