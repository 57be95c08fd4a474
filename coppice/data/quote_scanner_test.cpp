// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/quote_scanner.h"

#include <gtest/gtest.h>

#include <string>

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

}  // namespace
}  // namespace coppice
