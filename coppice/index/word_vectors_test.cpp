// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/word_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

using Rows = std::vector<std::vector<float>>;

const char* const kText =
    "5 3\n"
    "new_york 1 2 3\n"
    "Paris 4 5 6\n"
    "window 1 0 0\n"
    "manager 0 1 -1e0\n"
    "paris 7 8 9\n";

std::string binary_of(const std::vector<std::pair<std::string, std::vector<float>>>& words, bool line_ends) {
  std::string bytes = std::to_string(words.size()) + " " + std::to_string(words[0].second.size()) + "\n";
  for (const auto& [word, vector] : words) {
    bytes += word + " ";
    bytes.append(reinterpret_cast<const char*>(vector.data()), vector.size() * sizeof(float));
    if (line_ends) bytes += '\n';
  }
  return bytes;
}

const std::vector<std::pair<std::string, std::vector<float>>> kWords{{"new_york", {1, 2, 3}},
                                                                     {"Paris", {4, 5, 6}},
                                                                     {"window", {1, 0, 0}},
                                                                     {"manager", {0, 1, -1}},
                                                                     {"paris", {7, 8, 9}}};

LabelVectors read(std::string_view bytes, const std::vector<std::string>& names, WordVectorOptions options = {}) {
  const LabelNameList list{static_cast<uint32_t>(names.size()), [&](uint32_t label) { return names[label]; }};
  LabelVectors vectors = read_label_vectors(InputStream::from_memory(bytes, "vectors"), list, options);
  vectors.features.validate("label vectors");
  EXPECT_EQ(vectors.features.n_rows(), names.size());
  return vectors;
}

Rows rows_of(const LabelVectors& vectors) {
  Rows rows(vectors.features.n_rows(), std::vector<float>(vectors.features.n_columns));
  for (size_t i = 0; i < rows.size(); ++i) {
    const SparseRow row = vectors.features.row(i);
    for (size_t j = 0; j < row.size(); ++j) rows[i][row.columns[j]] = row.values[j];
  }
  return rows;
}

const std::vector<std::string> kNames{"New York", "Paris", "PARIS", "Window-Manager", "unheard of", "the window"};
const Rows kExpected{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {0.5f, 0.5f, -0.5f}, {0, 0, 0}, {1, 0, 0}};

TEST(WordVectors, OfTextGiveLabelsTheirVectors) {
  const LabelVectors vectors = read(kText, kNames);
  EXPECT_EQ(rows_of(vectors), kExpected);
  EXPECT_EQ(vectors.n_found, 5u);
  EXPECT_EQ(vectors.n_words, 5u);
  EXPECT_EQ(vectors.features.row(4).size(), 0u);
}

TEST(WordVectors, OfBinaryFilesGiveTheSame) {
  for (const bool line_ends : {true, false}) {
    EXPECT_EQ(rows_of(read(binary_of(kWords, line_ends), kNames)), kExpected);
    EXPECT_EQ(rows_of(read(binary_of(kWords, line_ends), kNames, {WordVectorFormat::binary})), kExpected);
  }
}

TEST(WordVectors, MayLackTheHeaderAndHaveWordsWithBlanks) {
  EXPECT_EQ(rows_of(read("a 1 2\nb 3 4\n", {"b"})), (Rows{{3, 4}}));
  EXPECT_EQ(rows_of(read("2 2\r\nnew york 1 2\r\nb 3 4\r\n", {"new york", "b"})), (Rows{{1, 2}, {3, 4}}));
}

TEST(WordVectors, CountTheFirstOfAWordThatOccursTwice) {
  EXPECT_EQ(rows_of(read("a 1 2\na 3 4\n", {"a"})), (Rows{{1, 2}}));
}

std::string refusal(std::string_view bytes, WordVectorOptions options = {}) {
  try {
    read(bytes, {"a"}, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.message();
  }
  return "accepted";
}

TEST(WordVectors, RefuseWhatIsAtFaultByItsPlace) {
  EXPECT_THAT(
      refusal("2 3\na 1 2 3\nb 1 2\n"),
      HasSubstr("vectors:3:6: word vectors: a word and 2 numbers, the header promises 3 numbers for each word"));
  EXPECT_THAT(refusal("a 1 2\nb 1\n"),
              HasSubstr("vectors:2:4: word vectors: a word and 1 number, the first line has 2"));
  EXPECT_THAT(refusal("1 3\na 1 x 3\n"), HasSubstr("vectors:2:5: word vectors: a value is 'x', expected a number"));
  EXPECT_THAT(refusal("1 2\na 1 nan\n"), HasSubstr("a value is nan, expected a finite number"));
  EXPECT_NE(refusal("3 2\na 1 2\n").find("ends after 1 of 3"), std::string::npos);
  EXPECT_THAT(refusal("a\n"), HasSubstr("vectors:1:2: word vectors: a word without numbers"));
  EXPECT_THAT(refusal("2 2\na 1 2\nb\n"), HasSubstr("vectors:3:2: word vectors: a word without numbers, the header"));
  EXPECT_NE(refusal("a b\n", {WordVectorFormat::binary}).find("no header"), std::string::npos);
  EXPECT_NE(refusal(binary_of({{"a", {std::numeric_limits<float>::quiet_NaN(), 1}}}, true), {WordVectorFormat::binary})
                .find("not finite"),
            std::string::npos);
  EXPECT_NE(refusal("1 2\n" + std::string(70000, 'x'), {WordVectorFormat::binary}).find("longer"), std::string::npos);
}

TEST(WordVectors, OfTextAreNotReadAsBinary) {
  for (const char* text : {"2 3\na 1 2 3\nb 1 2 3\n", "2 2\r\na 0.1234567 2.5\r\nb 1 2\r\n", "1 9\na 1 2 3\n"}) {
    const std::string told = refusal(text, {WordVectorFormat::binary});
    EXPECT_THAT(told, HasSubstr("this is text, expected the binary format")) << text;
    EXPECT_THAT(told, HasSubstr("--word-vector-format detect"));
  }
  // Floats whose bytes are all text (0x41414141 each) are binary none the less.
  EXPECT_EQ(read("1 2\na AAAAAAAA\n", {"a"}, {WordVectorFormat::binary}).n_found, 1u);
}

TEST(WordVectors, RefuseAFileThatKnowsNoLabel) {
  EXPECT_THAT(refusal("1 2\nb 1 2\n"), HasSubstr("vectors: word vectors: no label gets one"));
  EXPECT_THAT(refusal("1 2\nb 1 2\n"), HasSubstr("such as 'a'"));
  EXPECT_THAT(refusal(""), HasSubstr("vectors: word vectors: the file is empty"));
  EXPECT_EQ(read("1 2\nb 1 2\n", {}).n_found, 0u) << "there are no labels";
}

TEST(WordVectors, SayWhatAWrongHeaderPromises) {
  EXPECT_THAT(refusal("2 2\na 1 2 3\nb 1 2 3\n"),
              HasSubstr("the header promises 2 numbers for each word, the first line holds 3"));
  for (const char* header : {"2 4\n", "2 400000\n"}) {
    EXPECT_THAT(refusal(header + std::string("a 1 2 3\nb 1 2 3\n")),
                HasSubstr("vectors:2:8: word vectors: a word and 3 numbers, the header promises 4"));
  }
  EXPECT_THAT(refusal("9" + binary_of({{"a", {1, 0.5f}}}, true)), HasSubstr("the file ends in word 2 of 91"));
}

TEST(WordVectors, OfTextMayHaveAPlusAndBeTooSmallForAFloat) {
  EXPECT_EQ(rows_of(read("a +1 1e-50 -1e-400 +2.5e+0\n", {"a"})), (Rows{{1, 0, 0, 2.5f}}));
  EXPECT_EQ(rows_of(read("\xEF\xBB\xBF"
                         "1 2\na +1 1e-50\n",
                         {"a"})),
            (Rows{{1, 0}}));
}

TEST(WordVectors, OfOneLineLongerThanIsPeekedAreText) {
  std::string line = "1 200000\na";
  for (int i = 0; i < 200'000; ++i) line += " 1";
  EXPECT_EQ(read(line, {"a"}).features.row(0).size(), 200'000u);
}

TEST(WordVectors, SurviveTruncationAtEachByteAndFlippedBits) {
  const std::string whole = binary_of(kWords, true);
  for (size_t length = 0; length < whole.size() - 1; ++length) {
    EXPECT_NE(refusal(whole.substr(0, length), {WordVectorFormat::binary}), "accepted") << length;
    refusal(whole.substr(0, length));
    refusal(std::string(kText).substr(0, length));
  }
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      read(flipped, kNames);
    } catch (const Error&) {
    }
  }
}

TEST(SparseRows, KeepDenseCells) {
  const std::vector<float> cells{1, 0, 2, 0, 0, 0};
  const Csr matrix = sparse_rows(cells, 3);
  ASSERT_EQ(matrix.n_rows(), 2u);
  EXPECT_EQ(matrix.n_columns, 3u);
  EXPECT_EQ(matrix.row(0).columns[1], 2u);
  EXPECT_EQ(matrix.row(1).size(), 0u);
}

}  // namespace
}  // namespace coppice
