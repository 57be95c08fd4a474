# SPDX-License-Identifier: Apache-2.0
"""Damaged models: an error that says what is wrong; without --verify never a crash, with it never unnoticed."""
import random
import struct
from pathlib import Path

from program import ProgramTest

USAGE, DATA, UNSUPPORTED = 2, 3, 6
QUERY = '{"text": "inbox spam smtp"}\n'
HEADER_BYTES, ENTRY_BYTES, TREE_FIRST_CHILD = 4096, 64, 64  # docs/model_format.md


def tree_offsets(model):
    """The places of the child offsets of each level below the root's, the first and the last of a level left out."""
    count = struct.unpack_from("<I", model, 96)[0]
    for place in range(HEADER_BYTES, HEADER_BYTES + count * ENTRY_BYTES, ENTRY_BYTES):
        kind, level = struct.unpack_from("<2I", model, place)
        offset, size = struct.unpack_from("<2Q", model, place + 16)
        if kind == TREE_FIRST_CHILD and level > 0:
            yield from range(offset + 4, offset + size - 4, 4)


class DamagedModels(ProgramTest):
    def damaged(self, content):
        return self.write("damaged.coppice", bytes(content))

    def trained_bytes(self):
        return Path(self.train()).read_bytes()

    def ask(self, path, text, labels):
        """Asks all that a query can; a damaged name of a label may leave the label unknown."""
        names = ",".join(labels)
        for command in (["predict", path, "-"], ["predict", path, "-", "--allow", names],
                        ["predict", path, "-", "--deny", names], ["predict", path, "-", "--score-labels", names],
                        ["explain", path, text], ["explain", path, text, "--label", labels[0], "--json"]):
            done = self.run_program(*command, stdin=QUERY)
            allowed = (0, DATA, UNSUPPORTED) + ((USAGE,) if names in command or labels[0] in command else ())
            self.assertIn(done.returncode, allowed, f"{command}\n{done.stderr}")

    def test_a_text_file_where_a_model_is_expected(self):
        self.expect(DATA, "predict", self.damaged(b'{"text": "x"}\n' * 1000), "-", stdin=QUERY, says="not a Coppice model")

    def test_what_readers_of_other_formats_were_tripped_by(self):
        files = sorted((Path(__file__).resolve().parents[1] / "golden" / "hostile").iterdir())
        self.assertGreater(len(files), 10)
        for path in files:
            for command in (["predict", path, "-"], ["inspect", path], ["compress", path, "-o", self.path("small")]):
                with self.subTest(path.name, command=command[0]):
                    done = self.run_program(*command, stdin=QUERY)
                    self.assertIn(done.returncode, (DATA, UNSUPPORTED), done.stderr)
                    told = [line for line in done.stderr.splitlines() if line.startswith("coppice: ")]
                    self.assertEqual(len(told), 1, done.stderr)
                    self.assertIn(path.name, done.stderr)

    def test_an_empty_file(self):
        self.expect(DATA, "predict", self.damaged(b""), "-", stdin=QUERY, says="empty")

    def test_a_model_of_a_later_version(self):
        model = bytearray(self.trained_bytes())
        model[8] = model[12] = 9  # the version, and the lowest that a reader must know: docs/model_format.md
        self.expect(UNSUPPORTED, "predict", self.damaged(model), "-", stdin=QUERY, says="version")

    def test_a_model_cut_short_anywhere(self):
        model = self.trained_bytes()
        draw = random.Random(5)
        for length in [1, 7, 8, 63, 64, 4095, 4096, 4097, len(model) - 1, *draw.sample(range(len(model)), 8)]:
            with self.subTest(length):
                done = self.run_program("predict", self.damaged(model[:length]), "-", stdin=QUERY)
                self.assertEqual(done.returncode, DATA, done.stderr)

    def test_a_flipped_bit_is_never_a_crash_and_never_passes_verify(self):
        model = self.trained_bytes()
        draw = random.Random(6)
        places = [*draw.sample(range(4096), 8), *draw.sample(range(4096, len(model)), 16)]
        for place in places:
            with self.subTest(place):
                flipped = bytearray(model)
                flipped[place] ^= 1 << draw.randrange(8)
                path = self.damaged(flipped)
                self.ask(path, "inbox spam smtp", ["mail", "shell"])
                checked = self.run_program("inspect", path, "--verify")
                self.assertIn(checked.returncode, (DATA, UNSUPPORTED), f"byte {place} was flipped unnoticed")

    def test_a_flipped_bit_in_the_tree_of_several_levels_is_never_a_crash(self):
        items = [{"text": f"own{n} word{n % 4}", "labels": [f"label{n}"]} for n in range(16)] * 3
        model = Path(self.train("deep.coppice", items, "--branching", "2", "--root-branching", "2",
                                "--max-leaf", "2")).read_bytes()
        places = list(tree_offsets(model))
        self.assertGreater(len(places), 8)
        for place in places:
            with self.subTest(place):
                flipped = bytearray(model)
                flipped[place + 3] ^= 128
                self.ask(self.damaged(flipped), "own3 word3", ["label3", "label5"])
