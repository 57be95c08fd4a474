// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/passage_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/core/random.h"
#include "coppice/data/reading_test.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PassageReader : public ::testing::Test {
 protected:
  PassageList read(std::string_view bytes, const std::string& name = "rows.jsonl") const {
    return read_passages({folder_.write(name, bytes)}, options_);
  }
  std::string refusal(std::string_view bytes, const std::string& name = "rows.jsonl") const {
    return message_of([&] { read(bytes, name); });
  }

  TestFolder folder_;
  PassageReadOptions options_;
};

TEST_F(PassageReader, TakesIdTextTitleAndWhateverElseThereIs) {
  const PassageList list = read(
      "\xEF\xBB\xBF{\"id\": \"a\", \"text\": \"One.\", \"title\": \"T\", \"page\": 3, \"tags\": [\"x\"]}\r\n"
      "\n"
      "{\"text\": \"\\u00e4\", \"id\": 17}");
  ASSERT_EQ(list.passages.size(), 2u);
  EXPECT_EQ(list.passages[0].id, "a");
  EXPECT_EQ(list.passages[0].text, "One.");
  EXPECT_EQ(list.passages[0].searched(), "T\nOne.");
  EXPECT_EQ(list.passages[0].metadata, R"({"page":3,"tags":["x"],"title":"T"})");
  EXPECT_EQ(list.passages[1].id, "17");
  EXPECT_EQ(list.passages[1].searched(), "\xC3\xA4");
  EXPECT_EQ(list.passages[1].metadata, "");
  EXPECT_EQ(list.report.texts, 2u);
  EXPECT_EQ(read(R"({"id": "a", "text": "One.", "title": null})").passages[0].searched(), "One.");
  EXPECT_THAT(list.report.remarks(), IsEmpty());
}

TEST_F(PassageReader, FieldsMayHaveOtherNames) {
  options_.id_field = "key";
  options_.text_field = "body";
  options_.title_field = "body";
  const PassageList list = read(R"({"key": "a", "body": "One.", "title": "T"})");
  EXPECT_EQ(list.passages[0].searched(), "One.");
  EXPECT_EQ(list.passages[0].metadata, R"({"title":"T"})");
}

TEST_F(PassageReader, WhatIsNoPassageIsRefusedByItsPlace) {
  const auto refused = [&](const std::string& row) {
    std::string message = refusal("{\"id\": \"first\", \"text\": \"\"}\n" + row + "\n");
    const size_t at = message.find(folder_.path(""));
    if (at != std::string::npos) message.erase(at, folder_.path("").size());
    return message.substr(0, message.find('\n'));
  };
  EXPECT_EQ(refused(R"({"text": "x"})"), "data: rows.jsonl:2: the row has no 'id', expected what names the passage");
  EXPECT_EQ(refused(R"({"id": "a"})"), "data: rows.jsonl:2: the row has no 'text', expected the text of the passage");
  EXPECT_EQ(refused(R"({"id": "a", "text": 3})"), "data: rows.jsonl:2: 'text' is 3, expected a text");
  EXPECT_EQ(refused(R"({"id": "a", "text": null})"), "data: rows.jsonl:2: 'text' is null, expected a text");
  EXPECT_EQ(refused(R"({"id": "a", "text": "x", "title": []})"),
            "data: rows.jsonl:2: 'title' is a list, expected a text");
  EXPECT_EQ(refused(R"({"id": "", "text": "x"})"),
            "data: rows.jsonl:2: 'id' is \"\", expected a name or a whole number");
  EXPECT_EQ(refused(R"({"id": 1.5, "text": "x"})"),
            "data: rows.jsonl:2: 'id' is 1.5, expected a name or a whole number");
  EXPECT_EQ(refused("[]"), "data: rows.jsonl:2: got a list, expected a JSON object");
  EXPECT_THAT(refused(R"({"id": "a" "text": "x"})"), HasSubstr("data: rows.jsonl:2:17: no valid JSON: "));
  EXPECT_THAT(refused(R"({"id": "a", "text": "x"} {})"), HasSubstr("data: rows.jsonl:2:26: no valid JSON: "));
  EXPECT_THAT(refused(R"({"id": "a", "text": "\ud83d"})"), HasSubstr("no valid JSON"));
  EXPECT_THAT(refused(R"({"id": "a", "text": "x", "n": 1e999})"), HasSubstr("data: rows.jsonl:2: no valid JSON"));
  EXPECT_EQ(refused(R"({"id": "a", "text": "x", "text": "y"})"),
            "data: rows.jsonl:2: the field \"text\" is there twice, expected it once");
  EXPECT_EQ(refused(std::string(300, '[')), "data: rows.jsonl:2: the row nests deeper than 256 levels");
}

TEST_F(PassageReader, AnIdThatIsThereTwiceIsRefusedWithBothPlaces) {
  EXPECT_THAT(
      refusal("{\"id\": \"a\", \"text\": \"x\"}\n\n{\"id\": \"a\", \"text\": \"y\"}\n"),
      HasSubstr("rows.jsonl:3: the id 'a' is that of the passage at " + folder_.path("rows.jsonl:1") + ", too"));
  const std::string path = folder_.write("a.txt", "text");
  EXPECT_THAT(message_of([&] { read_passages({path, path}, options_); }), HasSubstr("is that of the passage at"));
}

TEST_F(PassageReader, NothingAtAllIsRefused) {
  EXPECT_THAT(refusal(""), HasSubstr("rows.jsonl: there are no passages in 1 file"));
  EXPECT_THAT(refusal("\n \n"), HasSubstr("there are no passages"));
  EXPECT_THAT(refusal(" \n", "a.txt"), HasSubstr("there are no passages"));
  EXPECT_THAT(message_of([&] { read_passages({folder_.path("none")}, options_); }), HasSubstr("io: "));
}

TEST_F(PassageReader, BadBytesAreRepairedAndCounted) {
  const PassageList list = read("{\"id\": \"a\", \"text\": \"caf\xE9\"}\n");
  EXPECT_EQ(list.passages[0].text, "caf\xEF\xBF\xBD");
  EXPECT_EQ(list.report.remarks(),
            std::vector<std::string>{"1 text with invalid UTF-8 repaired (what was bad became U+FFFD)"});
  EXPECT_EQ(read("caf\xE9", "a.txt").passages[0].text, "caf\xEF\xBF\xBD");
}

TEST_F(PassageReader, AFileOfTextIsOnePassageByItsPath) {
  const PassageList list = read("\xEF\xBB\xBFOne sentence.\n", "guide.md");
  ASSERT_EQ(list.passages.size(), 1u);
  EXPECT_EQ(list.passages[0].id, folder_.path("guide.md"));
  EXPECT_EQ(list.passages[0].text, "One sentence.\n");
  EXPECT_EQ(list.passages[0].metadata, "");
  EXPECT_THAT(refusal(std::string("a\0b", 3), "a.txt"), HasSubstr("a NUL byte, expected a file of text"));
  EXPECT_THAT(refusal("\xFF\xFE"
                      "a",
                      "a.txt"),
              HasSubstr("UTF-16"));
}

TEST_F(PassageReader, FilesWithoutATextArePassedOverAndCounted) {
  const PassageList list = read_passages({folder_.write("a.txt", " \n"), folder_.write("b.txt", "text")}, options_);
  ASSERT_EQ(list.passages.size(), 1u);
  EXPECT_EQ(list.report.remarks(), std::vector<std::string>{"1 file without a text passed over"});
}

TEST_F(PassageReader, PartsSayWhereTheyStandInTheirText) {
  std::string text;
  for (size_t i = 0; i < 250; ++i) text += "\xC3\xA4" + std::to_string(i) + (i % 10 == 9 ? ".\n" : " ");
  const PassageList list = read(text, "guide.md");
  ASSERT_EQ(list.passages.size(), 2u);
  EXPECT_EQ(list.report.split, 1u);
  const std::string id = folder_.path("guide.md");
  EXPECT_EQ(list.passages[0].id, id + "#1");
  EXPECT_EQ(list.passages[1].id, id + "#2");
  const size_t end = list.passages[0].text.size();
  EXPECT_EQ(list.passages[0].metadata,
            R"({"part":{"begin":0,"end":)" + std::to_string(end) + R"(,"of":")" + id + R"("}})");
  EXPECT_EQ(list.passages[1].text, text.substr(end + 1, list.passages[1].text.size()));
}

TEST_F(PassageReader, RowsAreCutWhenAskedAndKeepTheirTitle) {
  const std::string row = R"({"id": "a", "text": "One two. Three four.", "title": "T"})";
  EXPECT_EQ(read(row).passages.size(), 1u);
  options_.chunk_words = 2;
  const PassageList list = read(row);
  ASSERT_EQ(list.passages.size(), 2u);
  EXPECT_EQ(list.passages[1].id, "a#2");
  EXPECT_EQ(list.passages[1].searched(), "T\nThree four.");
  EXPECT_EQ(list.passages[1].metadata, R"({"part":{"begin":9,"end":20,"of":"a"},"title":"T"})");
  EXPECT_THAT(refusal(R"({"id": "a", "text": "One two. Three four.", "part": 1})"),
              HasSubstr("field \"part\" already"));
  EXPECT_EQ(read(R"({"id": "a", "text": "One two.", "part": 1})").passages.size(), 1u);
  EXPECT_THAT(refusal("{\"id\": \"a#2\", \"text\": \"x\"}\n" + row), HasSubstr("the id 'a#2'"));
}

TEST_F(PassageReader, WhatIsWrittenAsPassagesIsReadAgain) {
  options_.chunk_words = 2;
  const PassageList list = read(R"({"id": "a", "text": "One two. Three four.", "title": "T"})");
  const std::string row = R"({"id":"a#1","text":"One two.",)" + list.passages[0].metadata.substr(1);
  options_.chunk_words = 0;
  EXPECT_EQ(read(row).passages[0].metadata, list.passages[0].metadata);
}

TEST_F(PassageReader, TheNameTellsTheFormatUnlessItIsSaid) {
  for (const char* rows : {"-", "a.jsonl", "a.JSONL.gz", "a.ndjson", "b/a.json.zst"}) {
    EXPECT_EQ(format_of(rows, {}), PassageFormat::jsonl) << rows;
  }
  for (const char* text : {"a.md", "a.txt.gz", "a", "jsonl"})
    EXPECT_EQ(format_of(text, {}), PassageFormat::text) << text;
  options_.format = PassageFormat::text;
  EXPECT_EQ(format_of("a.jsonl", options_), PassageFormat::text);
}

TEST_F(PassageReader, RowsCutShortOrDamagedAreAnErrorOrPassages) {
  const std::string sound =
      "{\"id\": \"a\", \"text\": \"One \\u00e4.\", \"p\": [1, {\"q\": null}]}\n{\"id\": 2, \"text\": \"\"}";
  Random random(5);
  for (size_t i = 0; i < 220; ++i) {
    std::string bytes = sound.substr(0, i < sound.size() ? i : sound.size());
    if (i >= sound.size()) bytes[random.below(static_cast<uint32_t>(bytes.size()))] = static_cast<char>(random.next());
    try {
      for (const Passage& passage : read(bytes).passages) EXPECT_TRUE(is_valid_utf8(passage.text + passage.metadata));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::data) << error.message();
      EXPECT_FALSE(error.where().empty());
    }
  }
}

TEST_F(PassageReader, StopsWhenAsked) {
  Progress progress;
  progress.request_stop();
  options_.stop = &progress;
  EXPECT_THAT(refusal("{\"id\": \"a\", \"text\": \"x\"}\n"), HasSubstr("cancelled: "));
}

}  // namespace
}  // namespace coppice
