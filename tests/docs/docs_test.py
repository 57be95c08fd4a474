# SPDX-License-Identifier: Apache-2.0
"""The documents against the program and the library: the shell blocks of README and tutorial run, in order; blocks of
C++ compile; flags, defaults and links are those that there are."""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
import urllib.request
from pathlib import Path

COPPICE = Path(os.environ["COPPICE"])
COPPICE_NET = COPPICE.with_name("coppice-net")
COMMANDS_OF_NETWORKS = {"train-net", "evaluate-net", "predict-net", "study"}
HAS_FLOW = subprocess.run([COPPICE, "flow", "schema"], capture_output=True, check=False).returncode == 0
PROGRAMS = [program for program in (COPPICE, COPPICE_NET) if program.exists()]  # networks need LibTorch
ROOT = Path(__file__).resolve().parents[2]


def blocks(path):
    """The shell blocks of a document that use the program."""
    found = re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.M | re.S)
    return [block for block in found if re.search(r"(^|\| )coppice ", block, re.M)
            and (HAS_FLOW or "coppice flow" not in block)]


def cpp_blocks(path):
    """The blocks of C++ of a document, each as a program: its includes first, the rest in main."""
    for block in re.findall(r"^```cpp\n(.*?)^```", path.read_text(), re.M | re.S):
        lines = block.splitlines()
        includes = [line for line in lines if line.startswith("#include")]
        body = [line for line in lines if not line.startswith("#include")]
        yield "\n".join([*includes, *CPP_PRELUDE, "int main() {", *body, "}"]) + "\n"


# What a reader of the blocks takes for granted.
CPP_PRELUDE = ["#include <coppice/coppice.h>", "#include <iostream>", "using namespace coppice;",
               "[[maybe_unused]] static const Csr features, labels;"]


def sample_rows():
    """Some packages, so that the README's commands have their input."""
    lines = [
        '{"text": "window manager for X11 with tabs", "labels": ["libx11-6", "libxext6"]}',
        '{"text": "light window manager for X11", "labels": ["libx11-6"]}',
        '{"text": "library to decode png images", "labels": ["libpng16-16", "zlib1g"]}',
        '{"text": "viewer for png and jpeg images", "labels": ["libpng16-16", "libx11-6"]}',
        '{"text": "compress files with gzip", "labels": ["zlib1g"]}',
    ]
    return "\n".join(lines) + "\n"


def pages():
    """Those about commands that there are."""
    told = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    left_out = set() if COPPICE_NET.exists() else {"networks.md", "parameters_net.md"}
    left_out |= set() if HAS_FLOW else {"workflows.md", "routing.md", "stand_in.md"}
    return [page for page in told if page.name not in left_out]


def without_flow(page):
    """The page of parameters without the commands of workflows."""
    sections = page.split("\n## ")
    return "\n## ".join(section for section in sections if not section.startswith("coppice flow "))


def option_defaults():
    """The defaults of each option, by its name, over all commands: from the page that is made of the tables."""
    printed = "".join(subprocess.run([program, "options"], capture_output=True, text=True, check=True).stdout
                      for program in PROGRAMS)
    defaults = {}
    for name, default in re.findall(r"^\*\*`([a-z0-9_]+)`\*\* \(.*; default (.*)\)$", printed, re.M):
        defaults.setdefault(name, set()).add(default)
    return defaults


def helped_flags():
    """Every flag that some command's help shows."""
    return {flag for program in PROGRAMS for flag in re.findall(r"--[a-z0-9][a-z0-9-]*", help_pages(program, []))}


def help_pages(program, command):
    """The help of a command, and of those below it."""
    if command and command[-1] in COMMANDS_OF_NETWORKS and not COPPICE_NET.exists():
        return ""
    page = subprocess.run([program, *command, "--help"], capture_output=True, text=True, check=True).stdout
    names = re.findall(r"^  ([a-z-]+) {2,}", page.partition("Subcommands:")[2], re.M)
    return page + "".join(help_pages(program, [*command, name]) for name in names)


# Code in the documents that is of other programs, whose flags are their own.
OTHER_PROGRAMS = re.compile(r"\b(cmake|ctest|torchrun)\b|_test\b")


def run_shell(script, folder, environment):
    """What a script said; servers that it left in the background are ended."""
    with tempfile.TemporaryFile("w+") as told, tempfile.TemporaryFile("w+") as complained:
        shell = subprocess.Popen(["sh", "-c", script], cwd=folder, env=environment, stdout=told, stderr=complained,
                                 start_new_session=True)
        try:
            shell.wait(timeout=600)  # of sanitizers
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # all have ended
            shell.wait()
        told.seek(0), complained.seek(0)
        return subprocess.CompletedProcess(script, shell.returncode, told.read(), complained.read())


@contextlib.contextmanager
def stand_in(settings):
    """A stand-in with these settings (YAML); its address."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(settings)
        file.flush()
        command = [COPPICE, "flow", "stand-in", file.name, "--port", "0", "--patience-seconds", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as served:
            try:
                url = served.stdout.readline().strip()
                if not url:
                    raise AssertionError(f"{served.stderr.read()}\n{settings}")
                yield url
            finally:
                served.kill()


def ask(url, model, prompt):
    """What a model says to a prompt."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": prompt}]}).encode()
    request = urllib.request.Request(url + "/chat/completions", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        return json.load(reply)["choices"][0]["message"]["content"]


def stand_in_keys():
    """The keys of the stand-in's settings, and the names of its faults and of what it ignores: from its sources."""
    folder = ROOT / "coppice" / "flow" / "stand_in"
    sources = {name: (folder / f"stand_in_{name}.cpp").read_text() for name in ("options", "rules", "faults")}
    text = "".join(sources.values())
    keys = set(re.findall(r'(?:fields|parts)\.(?:find|number|whole|text|texts)\("(\w+)"', text))
    keys |= set(re.findall(r'read_spread\(fields, "(\w+)"', text))
    for keys_in_loop in re.findall(r"for \(const char\* key :\s*\{([^}]*)\}", text):
        keys |= set(re.findall(r'"(\w+)"', keys_in_loop))
    keys |= set(re.findall(r'\{"(\w+)", &ignores', text))
    faults = re.search(r"kNames = \{([^}]*)\}", sources["faults"])
    return keys | set(re.findall(r'"(\w+)"', faults[1]))


class DocumentsTest(unittest.TestCase):
    def run_blocks(self, path, more_files=()):
        """The shell blocks, and behind them those of Python, in a folder with the sample rows and these files."""
        with tempfile.TemporaryDirectory(prefix="coppice_docs_") as folder:
            for name in ("packages.jsonl", "held_out.jsonl"):
                (Path(folder) / name).write_text(sample_rows())
            shutil.copytree(ROOT / "examples", Path(folder) / "examples")
            for file in more_files:
                if file.is_dir():
                    shutil.copytree(file, Path(folder) / file.name)
                else:
                    shutil.copy(file, folder)
            environment = dict(os.environ, PATH=f"{COPPICE.parent}:{os.environ['PATH']}")
            del environment["COPPICE"]
            done = run_shell("set -e\n" + "\n".join(blocks(path)), folder, environment)
            self.assertEqual(done.returncode, 0, f"{path.name}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")
            if not more_files:
                return done.stdout
            python = "\n".join(re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S))
            return subprocess.run([sys.executable, "-c", python], cwd=folder, capture_output=True, text=True, check=True).stdout

    def test_the_readme_runs_and_is_short(self):
        self.assertTrue(blocks(ROOT / "README.md"))
        self.run_blocks(ROOT / "README.md")
        self.assertLessEqual(len((ROOT / "README.md").read_text().splitlines()), 150)

    def test_the_tutorial_runs(self):
        self.assertTrue(blocks(ROOT / "docs" / "tutorial.md"))
        self.run_blocks(ROOT / "docs" / "tutorial.md")

    def test_the_search_for_a_smaller_model_runs(self):
        self.assertTrue(blocks(ROOT / "docs" / "compression.md"))
        self.run_blocks(ROOT / "docs" / "compression.md")

    def test_workers_find_one_another(self):
        self.assertTrue(blocks(ROOT / "docs" / "distributed.md"))
        self.run_blocks(ROOT / "docs" / "distributed.md")

    def test_passages_are_found(self):
        self.assertTrue(blocks(ROOT / "docs" / "retrieval.md"))
        self.run_blocks(ROOT / "docs" / "retrieval.md")

    @unittest.skipUnless(HAS_FLOW, "built without workflows")
    def test_workflows_are_planned_run_and_compared(self):
        told = self.run_blocks(ROOT / "docs" / "workflows.md", (ROOT / "examples" / "website").iterdir())
        self.assertIsNotNone(told)

    @unittest.skipUnless(HAS_FLOW, "built without workflows")
    def test_the_schema_of_workflows_is_what_the_program_prints(self):
        printed = subprocess.run([COPPICE, "flow", "schema"], capture_output=True, text=True, check=True).stdout
        self.assertEqual((ROOT / "docs" / "workflow.schema.json").read_text(), printed,
                         "run: build/release/coppice flow schema > docs/workflow.schema.json")

    @unittest.skipUnless(HAS_FLOW, "built without workflows")
    def test_the_settings_of_the_stand_in_are_taken_and_answer_as_told(self):
        page = (ROOT / "docs" / "stand_in.md").read_text()
        blocks_of_settings, asked = re.split(r"^```yaml\n", page, flags=re.M)[1:], 0
        self.assertGreater(len(blocks_of_settings), 4)
        for block in blocks_of_settings:
            settings, _, told = block.partition("```\n")
            model = re.search(r"^models:\n  (\w+):", settings, re.M)
            with stand_in(settings) as url:
                for prompt, answer in re.findall(r"^`([^`\n]+)` gets `([^`\n]+)`", told, re.M):
                    self.assertEqual(ask(url, model[1] if model else "any", prompt), answer, settings)
                    asked += 1
        self.assertGreater(asked, 5)

    def test_the_settings_of_the_stand_in_are_those_of_the_program(self):
        page = (ROOT / "docs" / "stand_in.md").read_text()
        known = stand_in_keys()
        self.assertGreater(len(known), 60)
        self.assertEqual(known - set(re.findall(r"`([a-z0-9_]+)`", page)), set(), "these are not told")
        told = {key for cell in re.findall(r"^\| (`[^|]+) \|", page, re.M) for key in re.findall(r"`(\w+)`", cell)}
        self.assertEqual(told - known, set(), "these there are not")

    @unittest.skipUnless(HAS_FLOW, "built without workflows")
    def test_a_router_is_trained(self):
        self.assertTrue(blocks(ROOT / "docs" / "routing.md"))
        self.assertIn("50% strong calls", self.run_blocks(ROOT / "docs" / "routing.md",
                                                          (ROOT / "examples" / "routing").glob("*.jsonl")))

    @unittest.skipUnless(COPPICE_NET.exists(), "coppice-net was not built: it needs LibTorch")
    def test_networks_are_trained(self):
        self.assertTrue(blocks(ROOT / "docs" / "networks.md"))
        self.run_blocks(ROOT / "docs" / "networks.md")

    def test_examples_of_formats_that_are_no_rows_are_taken(self):
        page = (ROOT / "docs" / "formats.md").read_text()
        examples = dict(re.findall(r"^<!-- example: (\w+)[^\n]*-->\n```\n(.*?)^```", page, re.M | re.S))
        with tempfile.TemporaryDirectory(prefix="coppice_docs_") as folder:
            for name in ("slots.bio", "domains.json", "intents.tsv", "passages.jsonl"):
                kind = {"slots.bio": "bio"}.get(name, name.split(".")[0])
                (Path(folder) / name).write_text(examples[kind])
            for arguments, says in ((["train-tagger", "slots.bio", "-o", "slots.coppice"], ""),
                                    (["train", "intents.tsv", "--domains", "domains.json", "-o", "intents.coppice"], ""),
                                    (["index", "passages.jsonl", "-o", "notes.coppice"], ""),
                                    (["retrieve", "notes.coppice", "dough"], "bread"),
                                    (["inspect", "slots.coppice"], "genre"),
                                    (["inspect", "intents.coppice"], "3 of the labels in 2 domains")):
                done = subprocess.run([COPPICE, *arguments], cwd=folder, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 0, f"{arguments}: {done.stderr}")
                self.assertIn(says, done.stdout)

    def test_blocks_of_cpp_compile(self):
        checked = 0
        for page in pages():
            for program in cpp_blocks(page):
                done = subprocess.run([os.environ["CXX"], "-std=c++20", "-fsyntax-only", f"-I{ROOT}", "-xc++", "-"],
                                      input=program, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, f"{page.name}: {done.stderr[:4000]}")
                checked += 1
        self.assertGreaterEqual(checked, 2)

    def test_the_page_of_parameters_is_what_the_program_prints(self):
        printed = subprocess.run([COPPICE, "options"], capture_output=True, text=True, check=True).stdout
        page = (ROOT / "docs" / "parameters.md").read_text()
        self.assertEqual(page if HAS_FLOW else without_flow(page), printed,
                         "run: build/release/coppice options > docs/parameters.md")

    @unittest.skipUnless(COPPICE_NET.exists(), "coppice-net was not built: it needs LibTorch")
    def test_the_page_of_networks_is_what_the_program_prints(self):
        printed = subprocess.run([COPPICE_NET, "options"], capture_output=True, text=True, check=True).stdout
        self.assertEqual((ROOT / "docs" / "parameters_net.md").read_text(), printed,
                         "run: build/release/coppice-net options > docs/parameters_net.md")

    def test_links_lead_somewhere(self):
        for page in pages():
            text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)  # [&](int i) is no link
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                self.assertTrue((page.parent / target).exists(), f"{page.name} links to {target}")

    def test_flags_in_the_documents_exist(self):
        known = helped_flags()
        self.assertIn("--beam", known)
        for page in pages():
            if page.name.startswith("parameters"):  # made by the program
                continue
            for code in re.findall(r"`([^`\n]+)`|^(.*coppice .*)$", page.read_text(), re.M):
                text = code[0] or code[1]
                if OTHER_PROGRAMS.search(text) or (not HAS_FLOW and "coppice flow" in text):
                    continue
                for flag in re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", text):
                    self.assertIn(flag, known, f"{page.name}: {text}")

    def test_defaults_in_the_documents_are_those_of_the_program(self):
        defaults = option_defaults()
        checked = 0
        for page in pages():
            for flag, said in re.findall(r"`--([a-z0-9-]+)`\s\(([0-9][0-9.,]*)\)", page.read_text()):
                self.assertIn(said.replace(",", ""), defaults[flag.replace("-", "_")], f"{page.name}: --{flag}")
                checked += 1
            # A row of a table that calls a value the default: `pifa` (default), under the option's name.
            option = None
            for line in page.read_text().splitlines():
                if heading := re.match(r"\| `--([a-z0-9-]+)` \|", line):
                    option = heading[1].replace("-", "_")
                if option and (row := re.match(r"\| `(\w+)` \(default\)", line)):
                    self.assertEqual({row[1]}, defaults[option], f"{page.name}: --{option}")
                    checked += 1
        self.assertGreater(checked, 2)
