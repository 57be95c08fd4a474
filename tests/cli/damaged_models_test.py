# SPDX-License-Identifier: Apache-2.0
"""Damaged models: an error that says what is wrong; without --verify never a crash, with it never unnoticed."""
import random
from pathlib import Path

from program import ProgramTest

DATA, UNSUPPORTED = 3, 6
QUERY = '{"text": "inbox spam smtp"}\n'


class DamagedModels(ProgramTest):
    def damaged(self, content):
        return self.write("damaged.coppice", bytes(content))

    def trained_bytes(self):
        return Path(self.train()).read_bytes()

    def test_a_text_file_where_a_model_is_expected(self):
        self.expect(DATA, "predict", self.damaged(b'{"text": "x"}\n' * 1000), "-", stdin=QUERY, says="not a Coppice model")

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
                done = self.run_program("predict", path, "-", stdin=QUERY)
                self.assertIn(done.returncode, (0, DATA, UNSUPPORTED), done.stderr)
                checked = self.run_program("inspect", path, "--verify")
                self.assertIn(checked.returncode, (DATA, UNSUPPORTED), f"byte {place} was flipped unnoticed")
