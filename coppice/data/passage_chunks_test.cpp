// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/passage_chunks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/random.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

std::vector<std::string> parts_of(const std::string& text, const ChunkOptions& options) {
  std::vector<std::string> parts;
  for (const TextRange& range : chunk_text(text, options))
    parts.push_back(text.substr(range.begin, range.end - range.begin));
  return parts;
}

size_t n_words(std::string_view text) {
  size_t n = 0;
  bool in_word = false;
  for (const char c : text) {
    const bool is_space = c == ' ' || c == '\n';
    n += !is_space && !in_word ? 1 : 0;
    in_word = !is_space;
  }
  return n;
}

using Parts = std::vector<std::string>;

TEST(PassageChunks, AShortTextIsOnePart) {
  EXPECT_EQ(parts_of("  One two three.\n", {3, 0}), Parts{"One two three."});
  EXPECT_EQ(parts_of("", {3, 0}), Parts{""});
  EXPECT_EQ(parts_of(" \n", {3, 0}), Parts{""});
  EXPECT_EQ(parts_of("... --- !!!", {1, 0}), Parts{"... --- !!!"});
}

TEST(PassageChunks, EndWithASentenceWhereOneEndsNearby) {
  EXPECT_EQ(parts_of("One two three four. Five six seven. Eight nine ten?", {8, 0}),
            (Parts{"One two three four.", "Five six seven. Eight nine ten?"}));
  EXPECT_EQ(parts_of("One two three four five \"six.\" Seven eight nine.", {8, 0}),
            (Parts{"One two three four five \"six.\"", "Seven eight nine."}));
}

TEST(PassageChunks, AParagraphOrAHeadingBeginsAPart) {
  EXPECT_EQ(parts_of("one two three four\n\n## five six seven\neight", {6, 0}),
            (Parts{"one two three four", "## five six seven\neight"}));
}

TEST(PassageChunks, WithoutSentencesALineEndsThemElseAnyWord) {
  EXPECT_EQ(parts_of("one two three\nfour five six\nseven eight nine", {5, 0}),
            (Parts{"one two three\nfour five", "six\nseven eight nine"}));
  EXPECT_EQ(parts_of("- one two three\n- four five six\n- seven eight nine", {6, 0}),
            (Parts{"- one two three\n- four five six", "- seven eight nine"}));
  EXPECT_EQ(parts_of("a b c d e f g", {3, 0}), (Parts{"a b c", "d e", "f g"}));
}

TEST(PassageChunks, AreOfAboutTheSameSize) {
  std::string text;
  for (size_t i = 0; i < 101; ++i) text += "w ";
  const Parts parts = parts_of(text, {100, 0});
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(n_words(parts[0]), 51u);
}

TEST(PassageChunks, NumbersAndAbbreviationsInsideOfWordsEndNoSentence) {
  EXPECT_EQ(parts_of("version 3.14 of a.b.c runs. Then it ends", {6, 0}),
            (Parts{"version 3.14 of a.b.c runs.", "Then it ends"}));
}

TEST(PassageChunks, OverlapAtSentencesAsFarAsAsked) {
  EXPECT_EQ(parts_of("A b c. D e f. G h i. J k l.", {6, 3}),
            (Parts{"A b c. D e f.", "D e f. G h i.", "G h i. J k l."}));
  EXPECT_EQ(parts_of("a b c d e f g h", {4, 2}), (Parts{"a b c d", "c d e f", "e f g h"}));
}

TEST(PassageChunks, AnOverlapOfMoreThanHalfIsRefused) {
  EXPECT_THROW(chunk_text("a", {4, 3}), Error);
  EXPECT_THROW(chunk_text("a", {0, 0}), Error);
  EXPECT_THROW(chunk_text("a", {1, 1}), Error);
}

TEST(PassageChunks, IdeographsAreWordsAndTheirSentencesEndWithoutASpace) {
  const std::string text =
      "\xE4\xB8\xAD\xE6\x96\x87\xE5\xAD\x97\xE3\x80\x82\xE5\x8F\xA6\xE4\xB8\x80\xE5\x8F\xA5\xE3\x80\x82\xE5\xAD\x97";
  EXPECT_EQ(parts_of(text, {4, 0}), (Parts{text.substr(0, 12), text.substr(12)}));
}

/// A text of sentences, lines, paragraphs, long words and other scripts.
std::string random_text(uint64_t seed, size_t n) {
  Random random(seed);
  const char* const words[] = {"a",    "word", "3.14",    "\xC3\xA4pfel", "\xE4\xB8\xAD\xE6\x96\x87",
                               "e.g.", "(so)", "\xFF\xFE"};
  const char* const gaps[] = {" ", " ", " ", " ", ". ", "! ", "\n", "\n\n", " - ", ", ", "\xE3\x80\x82", "\t"};
  std::string text;
  for (size_t i = 0; i < n; ++i) {
    text += words[random.below(8)];
    text += gaps[random.below(12)];
  }
  return text;
}

std::string without_spaces(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
  return text;
}

TEST(PassageChunks, KeepAllOfTheTextInOrder) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::string text = random_text(seed, 200);
    const uint32_t words = 1 + static_cast<uint32_t>(seed % 40);
    std::string all;
    size_t end = 0;
    for (const TextRange& range : chunk_text(text, {words, 0})) {
      EXPECT_GE(range.begin, end);
      all += text.substr(range.begin, range.end - range.begin);
      end = range.end;
    }
    EXPECT_EQ(without_spaces(all), without_spaces(text));
  }
}

TEST(PassageChunks, HaveNoMoreWordsThanAskedAndShareNoMore) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    std::string text;
    for (size_t i = 0; i < 400; ++i) text += "w" + std::to_string(i) + (random.below(7) == 0 ? ". " : " ");
    const uint32_t words = 2 + random.below(60), overlap = random.below(words / 2 + 1);
    const std::vector<TextRange> parts = chunk_text(text, {words, overlap});
    for (size_t i = 0; i < parts.size(); ++i) {
      EXPECT_LE(n_words(text.substr(parts[i].begin, parts[i].end - parts[i].begin)), words);
      if (i == 0) continue;
      const bool shares = parts[i].begin < parts[i - 1].end;
      EXPECT_GT(parts[i].begin, parts[i - 1].begin);
      EXPECT_GT(parts[i].end, parts[i - 1].end);
      if (shares) {
        EXPECT_LE(n_words(text.substr(parts[i].begin, parts[i - 1].end - parts[i].begin)), overlap);
      }
    }
    EXPECT_EQ(parts.back().end, text.size() - 1);
  }
}

TEST(PassageChunks, CutsLieBetweenCharactersWhereverTheTextEnds) {
  std::string text = random_text(7, 60);
  text = repair_utf8(text);
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::string cut = text.substr(0, valid_utf8_bytes(std::string_view(text).substr(0, size)));
    for (const std::string& part : parts_of(cut, {3, 1})) EXPECT_TRUE(is_valid_utf8(part));
    parts_of(text.substr(0, size), {3, 1});  // and what is no UTF-8 is no error here
  }
}

TEST(PassageChunks, AHugeTextTakesTimeInProportion) {
  std::string text;
  while (text.size() < 4'000'000) text += "word word. ";
  EXPECT_GT(chunk_text(text, {1000, 500}).size(), 700u);
  EXPECT_EQ(chunk_text(std::string(4'000'000, 'x'), {1, 0}).size(), 1u);
  EXPECT_EQ(chunk_text(std::string(4'000'000, '.'), {1, 0}).size(), 1u);
}

}  // namespace
}  // namespace coppice
