// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/quote_scanner.h"

#include <gtest/gtest.h>

#include <string>

#include "coppice/data/parsers.h"

namespace coppice {
namespace {

bool is_open(std::string_view row) {
  QuoteScanner whole(',');
  whole.take(row);
  QuoteScanner bytes(',');
  for (size_t i = 0; i < row.size(); ++i) bytes.take(row.substr(i, 1));
  EXPECT_EQ(whole.is_open(), bytes.is_open()) << row;
  return whole.is_open();
}

TEST(QuoteScanner, AQuoteOpensAFieldOnlyAtItsStart) {
  for (const char* open : {"\"", "\"a", "a,\"b", "\"a\",\"b", "\"a\"\"", "\"\"\"", "a,\"b\"\",c"}) {
    EXPECT_TRUE(is_open(open)) << open;
  }
  for (const char* closed : {"", "a", "a,b", "\"a\"", "\"\"", "\"a\"\"b\"", "a\"b", " \"a", "a,b\"", "\"a\" \"b"}) {
    EXPECT_FALSE(is_open(closed)) << closed;
  }
}

TEST(QuoteScanner, GoesOnInsideQuotesAndStartsAnew) {
  QuoteScanner quotes(';');
  quotes.start_inside();
  quotes.take("a,b");
  EXPECT_TRUE(quotes.is_open());
  quotes.take("c\";d");
  EXPECT_FALSE(quotes.is_open());
  quotes.take("\"");  // ends a row that is none
  quotes.take(";\"");
  EXPECT_FALSE(quotes.is_open());
  quotes.start_row();
  quotes.take("\"");
  EXPECT_TRUE(quotes.is_open());
}

/// Does the parser of csv ask for another line?
bool goes_on(RowParser& parser, const std::string& line) {
  Row row;
  try {
    return parser.parse({line, 2}, row) == RowParser::Outcome::incomplete;
  } catch (const BadLine&) {
    return false;
  }
}

TEST(QuoteScanner, AgreesWithTheParserOnAllShortLines) {
  const auto parser = make_csv_parser({}, ',');
  Row header;
  parser->parse({"text", 1}, header);
  constexpr std::string_view kBytes = "\",a";
  constexpr int kLength = 7;
  int n_lines = 1;
  for (int length = 0; length <= kLength; ++length, n_lines *= 3) {
    for (int number = 0; number < n_lines; ++number) {
      std::string line;
      for (int rest = number; line.size() < static_cast<size_t>(length); rest /= 3) line += kBytes[rest % 3];
      EXPECT_EQ(is_open(line), goes_on(*parser, line)) << line;
    }
  }
}

}  // namespace
}  // namespace coppice
