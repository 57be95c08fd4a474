# SPDX-License-Identifier: Apache-2.0
"""libcoppice_runtime as its users get it: RUNTIME_SHARED and RUNTIME_ARCHIVE are linked by a C compiler with libm alone,
and answer as the program does; so does one that was built for 64-bit ARM, under an emulator."""
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "cli"))
from program import COPPICE, WORDS, environment, jsonl, rows  # noqa: E402
from tagger_test import bio, intents, utterances  # noqa: E402

SHARED, ARCHIVE = Path(os.environ["RUNTIME_SHARED"]), Path(os.environ["RUNTIME_ARCHIVE"])
CC, CXX = os.environ["CC"], os.environ["CXX"]
WORK = Path(os.environ["RUNTIME_WORK"])  # kept from run to run: what is built for ARM
EXAMPLE, ALLOCATIONS = ROOT / "examples" / "04_predict_from_c.c", ROOT / "tests" / "runtime" / "allocations.c"
OUT_OF_MEMORY = ROOT / "tests" / "runtime" / "out_of_memory.c"
UNDERSTAND = ROOT / "examples" / "05_understand_from_c.c"
MOST_BYTES = 500_000
MOST_GAP = 1e-5
EMULATOR = ["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu"]
ACCENTS = ["Fenster-Größe", "caf\u0065\u0301 audio", "\u00c5ngstr\u00f6m pixels", "\ud55c\uad6d\uc5b4 mail", "\u1112\u1161\u11ab shell",
           "\u8a08\u7b97\u6a5f window", "\uff37\uff29\uff2e\uff24\uff2f\uff37", "stra\u00dfe \u0130stanbul", "a\u0323\u0302 text", "\U0001f600 spam"]


def run(*command, stdin=""):
    done = subprocess.run([str(part) for part in command], input=stdin.encode(), capture_output=True, env=environment(),
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout.decode()[-3000:]}\n{done.stderr.decode()[-3000:]}")
    return done.stdout.decode()


def texts():
    draw = random.Random(5)
    words = [word for group in WORDS.values() for word in group]
    plain = [" ".join(draw.sample(words, draw.randint(0, 12))) for _ in range(60)]
    return plain + ACCENTS + ["", "unknownword", "x" * 300, " ".join(words * 8)]


def many_labels():
    """Rows of 60 labels, so that trees have levels."""
    draw = random.Random(3)
    return [{"text": f"topic{n} " + " ".join(draw.sample(WORDS["mail"], 2)) + " größe", "labels": [f"label {n}"]}
            for n in range(60) for _ in range(4)]


def answers_of(printed):
    """[(score, name), ...] of each text, from what the example prints."""
    result, current = [], []
    for line in printed.splitlines():
        if not line:
            result.append(current)
            current = []
            continue
        score, name = line.split("\t")
        current.append((float(score), name))
    return result


class RuntimeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        held = tempfile.TemporaryDirectory(prefix="coppice_runtime_")
        cls.addClassCleanup(held.cleanup)
        cls.folder = Path(held.name)
        cls.input = "".join(text + "\n" for text in texts())
        (cls.folder / "texts.jsonl").write_text(jsonl({"text": text} for text in texts()))
        cls.models = []
        for name, items, flags in (("flat", rows(), ["--max-leaf=100"]),
                                   ("deep", many_labels(), ["--max-leaf=4", "--branching=3", "--char-wb-ngrams=2,4"]),
                                   ("hashed", rows(), ["--hash-bits=12"])):
            (cls.folder / "rows.jsonl").write_text(jsonl(items))
            model = cls.folder / f"{name}.coppice"
            run(COPPICE, "train", cls.folder / "rows.jsonl", "-o", model, "--quiet", *flags)
            packed = cls.folder / f"{name}_packed.coppice"
            run(COPPICE, "compress", model, "-o", packed, "--quiet")
            cls.models += [model, packed]
        cls.example = cls.link(CC, EXAMPLE, "example")
        cls.make_assistants()

    @classmethod
    def make_assistants(cls):
        """Models that understand: with intents and slots, the same in few bits, and one with slots alone."""
        items = utterances()
        (cls.folder / "intents.jsonl").write_text(intents(items))
        (cls.folder / "slots.bio").write_text(bio(items))
        model, both, packed, alone = (cls.folder / f"{name}.coppice" for name in ("intents", "both", "both_packed", "alone"))
        tagger = [COPPICE, "train-tagger", cls.folder / "slots.bio", "--iterations=30", "--quiet"]
        (cls.folder / "domains.json").write_text('{"music and more": ["PlayMusic"]}')
        run(COPPICE, "train", cls.folder / "intents.jsonl", "--flat", "--domains", cls.folder / "domains.json", "-o", model,
            "--quiet")
        run(*tagger, "--model", model, "-o", both)
        run(*tagger, "-o", alone)
        run(COPPICE, "compress", both, "-o", packed, "--quiet")
        cls.assistants = [both, packed, alone, model]
        cls.utterances = "".join(" ".join(token for token, _ in tokens) + "\n" for _, tokens in utterances(40, seed=9))

    @classmethod
    def link(cls, compiler, source, name, *flags):
        """A program of the source and the archive, with libm and nothing else."""
        program = cls.folder / name
        run(compiler, "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'runtime'}", source, ARCHIVE, "-lm", *flags, "-o", program)
        return program

    def expected(self, model):
        printed = run(COPPICE, "predict", model, self.folder / "texts.jsonl", "--top-k=5", "--quiet")
        objects = [json.loads(line) for line in printed.splitlines()]
        return [list(zip(one["scores"], one["labels"])) for one in objects]

    def expect_same(self, got, expected, what):
        """Scores within MOST_GAP, and the same names but where their scores are that near to each other."""
        self.assertEqual([len(row) for row in got], [len(row) for row in expected], what)
        for i, (ours, theirs) in enumerate(zip(got, expected)):
            for (score, name), (wanted, wanted_name) in zip(ours, theirs):
                self.assertAlmostEqual(score, wanted, delta=MOST_GAP, msg=f"{what}, text {i}")
                if name != wanted_name:
                    twins = [s for s, n in theirs if n == name] or [theirs[-1][0]]
                    self.assertAlmostEqual(twins[0], wanted, delta=MOST_GAP, msg=f"{what}, text {i}: {name}, {wanted_name}")

    def test_it_is_small(self):
        stripped = self.folder / "stripped.so"
        run("strip", "-s", "-o", stripped, SHARED.resolve())
        program = self.link(CC, EXAMPLE, "small", "-s", "-Wl,--gc-sections")
        print(f"shared, stripped: {stripped.stat().st_size} bytes; the example with the archive in it: "
              f"{program.stat().st_size} bytes", file=sys.stderr)
        self.assertLess(stripped.stat().st_size, MOST_BYTES)
        self.assertLess(program.stat().st_size, MOST_BYTES)

    def test_it_needs_libc_and_libm_alone(self):
        for file in (SHARED, self.example):
            needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", file)))
            self.assertLessEqual(needed, {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"})

    def test_nothing_but_its_functions_is_to_be_seen(self):
        declared = set(re.findall(r"^COPPICE_API .*?(coppice_\w+)\(", (ROOT / "runtime/coppice_runtime.h").read_text(), re.M))
        self.assertGreater(len(declared), 8)
        for command in (["nm", "-D", "--defined-only", SHARED], ["nm", "-g", "--defined-only", ARCHIVE]):
            shown = {line.split()[-1] for line in run(*command).splitlines() if len(line.split()) == 3 and line.split()[1] != "u"}
            self.assertEqual(shown, declared, command)
        self.assertEqual((ROOT / "runtime/exports.txt").read_text().split(), sorted(declared))

    def test_it_answers_as_the_program_does(self):
        for model in self.models:
            self.expect_same(answers_of(run(self.example, model, stdin=self.input)), self.expected(model), model.name)

    def test_the_shared_library_answers_the_same(self):
        program = self.folder / "with_shared"
        run(CC, f"-I{ROOT / 'runtime'}", EXAMPLE, SHARED, f"-Wl,-rpath,{SHARED.resolve().parent}", "-o", program)
        for model in self.models:
            self.assertEqual(run(program, model, stdin=self.input), run(self.example, model, stdin=self.input))

    def test_a_cpp_program_with_a_libstdcpp_of_its_own_links_it(self):
        source = self.folder / "own.cpp"
        source.write_text('#include <iostream>\n#include <stdexcept>\n#include "coppice_runtime.h"\nint main() {\n'
                          '  coppice_error error; coppice_model* model;\n'
                          '  try { if (coppice_open("/no/such", &model, &error) == COPPICE_IO) throw std::runtime_error(error.message); }\n'
                          '  catch (const std::exception& e) { std::cout << e.what(); return 0; }\n  return 1;\n}\n')
        program = self.link(CXX, source, "own", "-static-libstdc++", "-static-libgcc")
        self.assertIn("/no/such: cannot open the file", run(program))

    def test_no_query_asks_for_memory_once_the_state_has_grown(self):
        wraps = ",".join(f"--wrap={name}" for name in ("malloc", "calloc", "realloc", "aligned_alloc"))
        program = self.link(CC, ALLOCATIONS, "allocations", f"-Wl,{wraps}")
        for model in self.models + self.assistants[:2]:
            warming, after = map(int, run(program, model, stdin=self.input).split())
            self.assertGreater(warming, 0, "the count is of this library")
            self.assertEqual(after, 0, model.name)

    def test_each_allocation_may_fail(self):
        program = self.link(CC, OUT_OF_MEMORY, "out_of_memory", "-Wl,--wrap=malloc")
        some = "".join(self.utterances.splitlines(True)[:2] + [text + "\n" for text in (ACCENTS[0], ACCENTS[4], "\u3316" * 100)])
        for model in self.models + self.assistants:
            self.assertGreater(int(run(program, model, stdin=some)), 20, model.name)

    def understood(self, model):
        """(intent, score, domain, [(slot, words), ...]) of each utterance, as the program prints it."""
        printed = run(COPPICE, "understand", model, "--format=text", "--quiet", "-", stdin=self.utterances)
        objects = [json.loads(line) for line in printed.splitlines()]
        return [(one.get("intent", ""), one.get("score", 0), one.get("domain"),
                 [(slot["name"], slot["text"]) for slot in one["slots"]]) for one in objects]

    def expect_understood(self, program, model):
        blocks = run(*program, model, stdin=self.utterances).split("\n\n")[:-1]
        self.assertEqual(len(blocks), self.utterances.count("\n"))
        understood = self.understood(model)
        for block, (intent, score, domain, slots) in zip(blocks, understood):
            lines = block.strip("\n").split("\n")
            if intent:
                name, got, *domains = lines.pop(0).split("\t")
                self.assertEqual((name, domains), (intent, [domain] if domain else []))
                self.assertAlmostEqual(float(got), score, delta=MOST_GAP)
            self.assertEqual([tuple(line.split("\t")) for line in lines], slots)
        return understood

    def test_it_understands_as_the_program_does(self):
        program = self.link(CC, UNDERSTAND, "understand")
        for model in self.assistants:
            understood = self.expect_understood([program], model)
        self.assertEqual({(intent, domain, len(slots)) for intent, _, domain, slots in understood},
                         {("PlayMusic", "music and more", 0), ("GetWeather", None, 0)}, "of a model without a tagger")

    def test_what_is_no_model_is_told(self):
        damaged = self.folder / "damaged.coppice"
        damaged.write_bytes(self.models[0].read_bytes()[:-1])
        cases = {"/no/such/file": (4, "No such file"), str(EXAMPLE): (3, "no Coppice model"), str(damaged): (3, "truncated?")}
        for path, (code, words) in cases.items():
            done = subprocess.run([self.example, path], capture_output=True, text=True, input="", check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn(words, done.stderr.replace("this is not a", "no"))

    def test_a_processor_without_avx2_gives_the_same_scores(self):
        if shutil.which("qemu-x86_64") is None:
            self.skipTest("qemu-x86_64 is missing: apt-get install qemu-user")
        plain = ["qemu-x86_64", "-cpu", "Nehalem"]
        for model in self.models:
            self.expect_same(answers_of(run(*plain, self.example, model, stdin=self.input)), self.expected(model), model.name)
        program = self.link(CC, UNDERSTAND, "understand")
        for model in self.assistants:
            self.expect_understood([*plain, program], model)

    def test_64_bit_arm_gives_the_same_scores(self):
        for tool in ("aarch64-linux-gnu-g++", "qemu-aarch64"):
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is missing: apt-get install g++-aarch64-linux-gnu qemu-user")
        build = WORK / "aarch64"
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        run("cmake", "-G", "Ninja", "-S", ROOT / "runtime" / "alone", "-B", build, *launcher,
            f"--toolchain={ROOT / 'cmake' / 'aarch64-linux-gnu.cmake'}")
        run("cmake", "--build", build)
        def linked(source, name):
            program = self.folder / name
            run("aarch64-linux-gnu-gcc", f"-I{ROOT / 'runtime'}", source, build / "runtime" / "libcoppice_runtime.a", "-lm",
                "-o", program)
            return [*EMULATOR, program]
        program = linked(EXAMPLE, "example_arm")
        for model in self.models:
            self.expect_same(answers_of(run(*program, model, stdin=self.input)), self.expected(model), model.name)
        program = linked(UNDERSTAND, "understand_arm")
        for model in self.assistants:
            self.expect_understood(program, model)
