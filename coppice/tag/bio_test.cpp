// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/bio.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Bio : public ::testing::Test {
 protected:
  ~Bio() override { std::filesystem::remove(path_); }

  TaggedTexts read(const std::string& content, BioOptions options = {}, std::vector<std::string> names = {}) {
    std::ofstream(path_, std::ios::binary) << content;
    return read_bio(path_, std::move(names), options);
  }

  /// What reading says, less the folder.
  std::string error_of(const std::string& content) {
    try {
      read(content);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data);
      const std::string message = error.message();
      return message.substr(message.find("bio-"));
    }
    return "no error";
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / ("coppice-bio-" + std::to_string(::getpid()))).string();
};

TEST_F(Bio, TokensMakeTheTextAndTagsItsSlots) {
  const TaggedTexts read_texts = read(
      "# intent=PlayMusic\nplay\tO\nmiles\tB-artist\ndavis\tI-artist\n's\tO\nblue\tB-album\n\n"
      "weather\tO\nin\tO\nparis\tB-city\n");
  ASSERT_EQ(read_texts.rows.size(), 2u);
  EXPECT_THAT(read_texts.slot_names, ElementsAre("artist", "album", "city"));
  const TaggedText& first = read_texts.rows[0];
  EXPECT_EQ(first.text, "play miles davis 's blue");
  EXPECT_EQ(first.intent, "PlayMusic");
  EXPECT_THAT(first.slots, ElementsAre(Slot{0, 5, 16}, Slot{1, 20, 24}));
  EXPECT_EQ(read_texts.rows[1].text, "weather in paris");
  EXPECT_EQ(read_texts.rows[1].intent, "");
  EXPECT_THAT(read_texts.rows[1].slots, ElementsAre(Slot{2, 11, 16}));
  EXPECT_EQ(read_texts.report.tokens, 8u);
  EXPECT_EQ(read_texts.n_slots(), 3u);
}

TEST_F(Bio, ColumnsMayBeSeparatedByBlanksAndHaveOthersBetweenThem) {
  const TaggedTexts texts = read("paris  NNP  B-city\nnow RB O \nnew york\tX\tB-city\n");
  ASSERT_EQ(texts.rows.size(), 1u);
  EXPECT_EQ(texts.rows[0].text, "paris now new york");
  EXPECT_THAT(texts.rows[0].slots, ElementsAre(Slot{0, 0, 5}, Slot{0, 10, 18}));
}

TEST_F(Bio, ABTagEndsTheSlotBeforeIt) {
  const TaggedTexts texts = read("a B-x\nb B-x\nc I-x\nd B-y\n");
  EXPECT_THAT(texts.rows[0].slots, ElementsAre(Slot{0, 0, 1}, Slot{0, 2, 5}, Slot{1, 6, 7}));
}

TEST_F(Bio, SeveralBlankLinesCrLfAndAByteOrderMarkAreFine) {
  const TaggedTexts texts = read("\xEF\xBB\xBF\r\n\r\na\tB-x\r\n\r\n \t\r\nb\tO\r\n\r\n");
  ASSERT_EQ(texts.rows.size(), 2u);
  EXPECT_EQ(texts.rows[0].text, "a");
  EXPECT_EQ(texts.rows[1].text, "b");
}

TEST_F(Bio, AHashIsACommentAboveATextOnlyAndWithoutATag) {
  const TaggedTexts texts = read("# a comment\n#\tB-sign\n# O\n1 O\n");
  ASSERT_EQ(texts.rows.size(), 1u);
  EXPECT_EQ(texts.rows[0].text, "# # 1");
  EXPECT_THAT(error_of("1 O\n# a comment\n"), HasSubstr(":2:5: the tag is 'comment', expected O, B-NAME or I-NAME"));
}

TEST_F(Bio, NamesKnownBeforeKeepTheirNumbers) {
  const TaggedTexts texts = read("a B-new\nb B-old\n", {}, {"older", "old"});
  EXPECT_THAT(texts.slot_names, ElementsAre("older", "old", "new"));
  EXPECT_THAT(texts.rows[0].slots, ElementsAre(Slot{2, 0, 1}, Slot{1, 2, 3}));
}

TEST_F(Bio, AnITagThatContinuesNothingIsAnErrorUnlessItIsRepaired) {
  for (const char* text : {"a O\nb I-x\n", "a B-y\nb I-x\n", "a B-x\n\nb I-x\n"}) {
    const std::string error = error_of(text);
    EXPECT_THAT(error, HasSubstr(":3: the tag 'I-x' continues no slot, expected 'B-x' before it")) << text;
    EXPECT_THAT(error, HasSubstr("repair_tags"));
    BioOptions repair;
    repair.repair_tags = true;
    const TaggedTexts texts = read(text, repair);
    EXPECT_EQ(texts.report.repaired_tags, 1u);
    EXPECT_EQ(texts.rows.back().slots.back().end, texts.rows.back().text.size());
    EXPECT_THAT(texts.report.remarks(), ElementsAre(HasSubstr("1 I- tag")));
  }
}

TEST_F(Bio, WhatIsNoTokenWithATagIsToldWithItsPlace) {
  EXPECT_THAT(error_of("a O\nword\n"), HasSubstr(":2:1: the line is 'word', expected a token and its tag"));
  EXPECT_THAT(error_of("a\tZ\n"), HasSubstr(":1:3: the tag is 'Z'"));
  EXPECT_THAT(error_of("a S-x\n"), HasSubstr("in IOB2, S- is B- and E- is I-"));
  EXPECT_THAT(error_of("a B-\n"), HasSubstr("the tag is 'B-'"));
  EXPECT_THAT(error_of("\tO\n"), HasSubstr(":1:1: the line is"));
  EXPECT_THAT(error_of(std::string("a\0b O\n", 6)), HasSubstr(":1:2:"));
}

TEST_F(Bio, AFileWithoutATextIsAnError) {
  for (const char* text : {"", "\n\n", "# intent=X\n\n"}) EXPECT_THAT(error_of(text), HasSubstr("there is no text"));
}

TEST_F(Bio, BytesThatAreNoUtf8AreReplacedAndCounted) {
  const TaggedTexts texts = read("caf\xE9 B-x\n");
  EXPECT_EQ(texts.rows[0].text, "caf\xEF\xBF\xBD");
  EXPECT_THAT(texts.report.remarks(), ElementsAre(HasSubstr("1 line with invalid UTF-8")));
}

TEST(BioName, TellsFilesOfTagsByTheirEnding) {
  for (const char* name : {"a.bio", "a.iob", "dir/b.conll.gz", "c.iob2.zst"}) EXPECT_TRUE(has_bio_name(name)) << name;
  for (const char* name : {"a.tsv", "bio", "a.bio.txt", "-", ""}) EXPECT_FALSE(has_bio_name(name)) << name;
}

}  // namespace
}  // namespace coppice
