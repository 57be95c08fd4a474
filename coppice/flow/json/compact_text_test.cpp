// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/compact_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/random.h"
#include "coppice/flow/json/text_hash.h"

namespace coppice {
namespace {

template <class Json>
std::string by_library(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string random_string(Random& random) {
  std::string made;
  for (uint64_t left = random.next() % 12; left > 0; --left) {
    made += random.next() % 4 == 0 ? static_cast<char>(random.next()) : static_cast<char>('a' + random.next() % 26);
  }
  return made;
}

template <class Json>
Json random_value(Random& random, int depth) {
  switch (random.next() % (depth > 0 ? 9 : 7)) {
    case 0:
      return nullptr;
    case 1:
      return random.next() % 2 == 0;
    case 2:
      return static_cast<int64_t>(random.next());
    case 3:
      return random.next();
    case 4:
      return static_cast<int>(random.next() % 2000) - 1000;
    case 5:
      return static_cast<double>(random.next() % 100000) / 64;
    case 6:
      return random_string(random);
    default:
      break;
  }
  const bool is_array = random.next() % 2 == 0;
  Json made = is_array ? Json::array() : Json::object();
  for (uint64_t left = random.next() % 4; left > 0; --left) {
    Json each = random_value<Json>(random, depth - 1);
    if (is_array) {
      made.push_back(std::move(each));
    } else {
      made[random_string(random)] = std::move(each);
    }
  }
  return made;
}

TEST(CompactText, IsWhatTheLibraryWrites) {
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    const auto sorted = random_value<nlohmann::json>(random, 4);
    ASSERT_EQ(compact_text(sorted), by_library(sorted));
    const auto ordered = random_value<nlohmann::ordered_json>(random, 4);
    ASSERT_EQ(compact_text(ordered), by_library(ordered));
  }
}

TEST(CompactText, NumbersAtTheirLimits) {
  const nlohmann::json value = {std::numeric_limits<int64_t>::min(),
                                std::numeric_limits<int64_t>::max(),
                                std::numeric_limits<uint64_t>::max(),
                                0,
                                -0.0,
                                1e300,
                                std::numeric_limits<double>::quiet_NaN()};
  EXPECT_EQ(compact_text(value), "[-9223372036854775808,9223372036854775807,18446744073709551615,0,-0.0,1e+300,null]");
}

TEST(CompactText, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(compact_text(nlohmann::json("a\xff")), "\"a\xef\xbf\xbd\"");
  EXPECT_EQ(compact_text(nlohmann::json{{"\x80", 1}}), "{\"\xef\xbf\xbd\":1}");
}

TEST(CompactText, EmptyOnes) {
  EXPECT_EQ(compact_text(nlohmann::json::parse(R"([[], {}, "", {"": []}])")), R"([[],{},"",{"":[]}])");
}

TEST(TextHash, IsXxh3Of128Bits) {
  EXPECT_EQ(text_hash(""), "99aa06d3014798d86001c324468d497f");  // the value of xxHash's own tests
}

}  // namespace
}  // namespace coppice
