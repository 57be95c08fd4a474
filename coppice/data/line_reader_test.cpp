// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/line_reader.h"

#include <gtest/gtest.h>

#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(std::string_view bytes) {
  LineReader reader(InputStream::from_memory(bytes, "input"));
  Lines lines;
  while (const std::optional<Line> line = reader.next()) {
    lines.emplace_back(line->text);
    EXPECT_EQ(line->number, lines.size());
  }
  EXPECT_FALSE(reader.next());
  return lines;
}

TEST(LineReader, LinesEndByLfOrCrlfOrTheEnd) {
  EXPECT_EQ(lines_of(""), Lines{});
  EXPECT_EQ(lines_of("\n"), Lines{""});
  EXPECT_EQ(lines_of("a"), Lines{"a"});
  EXPECT_EQ(lines_of("a\nb\n"), (Lines{"a", "b"}));
  EXPECT_EQ(lines_of("a\r\n\r\nb\r"), (Lines{"a", "", "b"}));
  EXPECT_EQ(lines_of("a\rb\n"), Lines{"a\rb"});
}

TEST(LineReader, ByteOrderMarkIsDroppedAtTheStartOnly) {
  EXPECT_EQ(lines_of("\xef\xbb\xbf"
                     "a\n\xef\xbb\xbf"
                     "b\n"),
            (Lines{"a",
                   "\xef\xbb\xbf"
                   "b"}));
  EXPECT_EQ(lines_of("\xef\xbb\xbf"), Lines{});
}

TEST(LineReader, Utf16IsRefused) {
  EXPECT_EQ(message_of([] {
              lines_of(
                  std::string_view("\xff\xfe"
                                   "a\0",
                                   4));
            }),
            "data: input:1:1: the text is UTF-16, expected UTF-8\n  hint: convert it: iconv -f utf-16 -t utf-8");
}

TEST(LineReader, NulBytesAreBytes) {
  EXPECT_EQ(lines_of(std::string_view("a\0b\n\0\n", 6)), (Lines{std::string("a\0b", 3), std::string("\0", 1)}));
}

TEST(LineReader, LinesOfAnyLengthAcrossItsBuffer) {
  std::string bytes;
  Lines expected;
  for (const size_t size : {10u, 1'048'575u, 1'048'576u, 1'048'577u, 0u, 5'000'000u, 3u}) {
    expected.emplace_back(size, static_cast<char>('a' + expected.size()));
    bytes += expected.back() + "\n";
  }
  EXPECT_EQ(lines_of(bytes), expected);
}

TEST(LineReader, BytesBehindALineMayBeRead) {
  const std::string bytes(1'000, 'x');
  LineReader reader(InputStream::from_memory(bytes, "input"));
  const std::optional<Line> line = reader.next();
  char sum = 0;
  for (size_t i = 0; i < LineReader::kPadding; ++i)
    sum = static_cast<char>(sum + line->text.data()[line->text.size() + i]);
  EXPECT_EQ(sum, 0);
}

TEST(LineReader, TooLongALineIsAnErrorAndReadingGoesOn) {
  const std::string bytes = "short\n" + std::string(3'000'000, 'x') + "\nlast";
  LineReader reader(InputStream::from_memory(bytes, "input"), 1000);
  EXPECT_EQ(reader.next()->text, "short");
  EXPECT_EQ(
      message_of([&] { reader.next(); }),
      "data: input:2: the line is longer than 1000 bytes\n  hint: set max_line_bytes higher if such lines are meant");
  EXPECT_EQ(reader.next()->text, "last");
  EXPECT_EQ(reader.lines(), 3u);
}

TEST(LineReader, ALineOfExactlyTheLimitPasses) {
  LineReader reader(InputStream::from_memory("abcd\nabcde", "input"), 4);
  EXPECT_EQ(reader.next()->text, "abcd");
  EXPECT_NE(message_of([&] { reader.next(); }), "");
  EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace coppice
