// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

/// The examples of docs/formats.md by the format that the comment in front of them names.
std::map<std::string, std::string> examples_of_the_document() {
  std::ifstream file(std::filesystem::path(COPPICE_SOURCE_DIR) / "docs" / "formats.md");
  std::map<std::string, std::string> examples;
  std::string format;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    const std::string mark = "<!-- example: ";
    if (line.starts_with(mark)) {
      format = line.substr(mark.size(), line.find(' ', mark.size()) - mark.size());
    } else if (line == "```") {
      inside = !inside;
    } else if (inside) {
      examples[format] += line + "\n";
    }
  }
  return examples;
}

TEST(FormatsDocument, EachExampleIsReadAsItsFormat) {
  const auto examples = examples_of_the_document();
  const std::map<std::string, std::pair<Format, uint64_t>> expected{{"jsonl", {Format::jsonl, 2}},
                                                                    {"labelled_text", {Format::labelled_text, 3}},
                                                                    {"svm", {Format::svm, 3}},
                                                                    {"fasttext", {Format::fasttext, 1}},
                                                                    {"csv", {Format::csv, 2}}};
  EXPECT_EQ(examples.size(), expected.size() + 4) << "bio, domains, intents and passages: tests/docs";
  for (const auto& [format, how] : expected) {
    const auto [as, n_rows] = how;
    const std::string& text = examples.at(format);
    const Dataset data = read_bytes(text, as);
    EXPECT_EQ(data.report.rows, n_rows) << format;
    EXPECT_GT(data.report.label_entries, 0u) << format;
    if (as != Format::csv) {
      EXPECT_EQ(read_bytes(text, Format::automatic).report.format, as) << format;
    }
  }
}

}  // namespace
}  // namespace coppice
