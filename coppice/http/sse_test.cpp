// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/sse.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

std::string text_of(const SseEvent& event) {
  return event.event + '|' + event.data + '|' + event.id;
}

std::vector<std::string> events_of(const std::vector<std::string>& pieces) {
  SseParser parser;
  std::vector<std::string> events;
  for (const std::string& piece : pieces) {
    parser.feed(piece, [&events](const SseEvent& event) { events.push_back(text_of(event)); });
  }
  return events;
}

/// The same, from the whole text: cut into lines, then into events.
std::vector<std::string> plain_events_of(std::string text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  std::vector<std::string> lines(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\r' || text[i] == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += text[i];
    }
  }
  lines.pop_back();  // what no line break ends
  std::vector<std::string> events;
  std::string event, id;
  std::optional<std::string> data;
  for (const std::string& line : lines) {
    const size_t colon = line.find(':');
    const std::string field = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    if (line.empty()) {
      if (data) events.push_back(event + '|' + *data + '|' + id);
      event.clear(), data.reset();
    }
    if (field == "data") data = data ? *data + '\n' + value : value;
    if (field == "event") event = value;
    if (field == "id" && value.find('\0') == std::string::npos) id = value;
  }
  return events;
}

TEST(Sse, CutsAStreamIntoEvents) {
  const std::vector<std::string> expected{"|one|", "add|two\n lines|7", "|next|7", "||7"};
  EXPECT_EQ(events_of({": hello\ndata: one\n\nevent: add\nid: 7\ndata:two\ndata:  lines\nretry: 5\n\n\ndata: next\n\n"
                       "event: none\n\ndata\n\n"}),
            expected);
}

TEST(Sse, TakesEachKindOfLineEnd) {
  const std::vector<std::string> expected{"|a|", "|b|"};
  EXPECT_EQ(events_of({"data: a\n\ndata: b\n\n"}), expected);
  EXPECT_EQ(events_of({"data: a\r\rdata: b\r\r"}), expected);
  EXPECT_EQ(events_of({"data: a\r\n\r\ndata: b\r\n\r\n"}), expected);
  EXPECT_EQ(events_of({"data: a\r", "\n\r", "\ndata: b\r\n\r"}), expected);
}

TEST(Sse, PassesOverAByteOrderMarkAtTheStartAlone) {
  EXPECT_EQ(events_of({"\xEF",
                       "\xBB\xBF"
                       "data: a\n\n"}),
            (std::vector<std::string>{"|a|"}));
  EXPECT_EQ(events_of({"\n\xEF\xBB\xBF"
                       "data: a\n\n"}),
            std::vector<std::string>());
}

TEST(Sse, AnEventThatNothingEndsIsNone) {
  SseParser parser;
  int events = 0;
  const auto count = [&events](const SseEvent&) { ++events; };
  EXPECT_FALSE(parser.is_inside_event());
  parser.feed("data: a\n", count);
  EXPECT_TRUE(parser.is_inside_event());
  parser.feed("\n", count);
  EXPECT_FALSE(parser.is_inside_event());
  parser.feed("da", count);
  EXPECT_TRUE(parser.is_inside_event());
  EXPECT_EQ(events, 1);
}

TEST(Sse, GivesUpAnEventThatIsTooLong) {
  const auto ignore = [](const SseEvent&) {};
  SseParser in_one_line(100);
  EXPECT_THROW(in_one_line.feed("data: " + std::string(200, 'x'), ignore), Error);
  SseParser in_pieces(100);
  EXPECT_THROW(for (int i = 0; i < 200; ++i) in_pieces.feed("x", ignore), Error);
  SseParser in_lines(100);
  EXPECT_THROW(for (int i = 0; i < 200; ++i) in_lines.feed("data:x\n", ignore), Error);
  SseParser endless(100);
  for (int i = 0; i < 200; ++i) endless.feed("data:x\n\n: comment\n", ignore);
}

TEST(Sse, DoesNotDependOnThePieces) {
  std::mt19937 random(1);
  const std::vector<std::string> parts{"data",
                                       "event",
                                       "id",
                                       ":",
                                       ": ",
                                       " ",
                                       "\n",
                                       "\r",
                                       "\r\n",
                                       "\n\n",
                                       "x",
                                       "\xEF\xBB\xBF",
                                       std::string(1, '\0'),
                                       ": c\n",
                                       "data: y\n",
                                       "retry"};
  size_t n_events = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string text;
    for (size_t i = random() % 30; i > 0; --i) text += parts[random() % parts.size()];
    std::vector<std::string> pieces;
    for (std::string_view rest = text; !rest.empty();) {
      pieces.emplace_back(rest.substr(0, 1 + random() % 5));
      rest.remove_prefix(pieces.back().size());
    }
    const std::vector<std::string> expected = plain_events_of(text);
    n_events += expected.size();
    ASSERT_EQ(events_of(pieces), expected) << text;
    ASSERT_EQ(events_of({text}), expected) << text;
  }
  EXPECT_GT(n_events, 1'000U);
}

}  // namespace
}  // namespace coppice
