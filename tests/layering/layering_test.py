#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The checker itself: each breach is found, and a house in order passes."""
import tempfile
import unittest
from pathlib import Path

from layering import LICENCE, breaches


class Layering(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name)
        self.write("coppice/coppice.h", '#include "coppice/math/a.h"\n')
        self.write("coppice/math/a.h", '#include <vector>\n#include "coppice/core/b.h"\n')
        self.write("coppice/core/b.h", "#include <nlohmann/json_fwd.hpp>\n")

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, text, licence=f"// {LICENCE}\n"):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(licence + text)

    def expect_one(self, part):
        found = breaches(self.root)
        self.assertEqual(len(found), 1, found)
        self.assertIn(part, found[0])

    def test_a_house_in_order_passes(self):
        self.assertEqual(breaches(self.root), [])

    def test_an_include_to_the_right_is_found(self):
        self.write("coppice/core/c.cpp", '#include "coppice/math/a.h"\n')
        self.expect_one("coppice/core/c.cpp:2: core may not include coppice/math/a.h")

    def test_flow_sees_only_core_and_http(self):
        self.write("coppice/flow/c.cpp", '#include "coppice/math/a.h"\n')
        self.expect_one("flow may not include")

    def test_dist_sees_the_ranker_only_in_tree_over_ranks(self):
        self.write("coppice/rank/d.h", "")
        self.write("coppice/dist/tree_over_ranks.cpp", '#include "coppice/rank/d.h"\n')
        self.assertEqual(breaches(self.root), [])
        self.write("coppice/dist/hybrid.cpp", '#include "coppice/rank/d.h"\n')
        self.expect_one("dist may not include")

    def test_an_unknown_folder_is_found(self):
        self.write("coppice/extras/c.cpp", "")
        self.expect_one("no place in the order")

    def test_a_third_party_header_in_a_public_one_is_found_also_behind_another(self):
        self.write("coppice/core/b.h", "#include <fmt/core.h>\n")
        self.expect_one("public header includes third-party fmt/core.h")

    def test_values_of_workflows_are_json_and_nothing_else_from_outside(self):
        self.write("coppice/flow.h", '#include "coppice/flow/d.h"\n')
        self.write("coppice/flow/d.h", "#include <nlohmann/json.hpp>\n")
        self.assertEqual(breaches(self.root), [])
        self.write("coppice/flow/d.h", "#include <boost/asio/awaitable.hpp>\n")
        self.expect_one("public header includes third-party boost/asio/awaitable.hpp")

    def test_a_third_party_header_in_a_source_is_fine(self):
        self.write("coppice/core/c.cpp", "#include <fmt/core.h>\n")
        self.assertEqual(breaches(self.root), [])

    def test_a_long_file_is_found(self):
        self.write("coppice/core/c.cpp", "\n" * 500)
        self.expect_one("501 lines")

    def test_a_missing_licence_is_found(self):
        self.write("coppice/core/c.cpp", "int x;\n", licence="")
        self.expect_one("first line")

    def test_a_script_may_start_with_its_interpreter(self):
        self.write("scripts/run", "", licence=f"#!/bin/sh\n# {LICENCE}\n")
        self.assertEqual(breaches(self.root), [])

    def test_an_empty_name_is_found(self):
        self.write("coppice/core/string_utils.cpp", "")
        self.expect_one("says nothing")


if __name__ == "__main__":
    unittest.main()
