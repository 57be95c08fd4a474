// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/json_to_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

using nlohmann::json;

std::string sentences(const char* text) {
  return json_to_text(parse_json(text));
}

std::string bullets(const char* text) {
  return json_to_text(parse_json(text), {JsonTextStyle::bullets});
}

const char* const kVisitor =
    R"({"name": "Ada", "age": 36, "is_member": true, "newsletter": false, "nickname": null, "interests":
  ["chess", "opera"], "address": {"city": "Ulm", "zipCode": "89073"}, "lastVisit": "2025-07-31", "allergies": [],
  "orders": [{"id": 1, "items": ["a", "b"]}, {"id": 2, "note": "Fragile!"}], "rating": 4.0, "empty": ""})";

TEST(JsonToText, AProfileBecomesSentences) {
  EXPECT_EQ(sentences(kVisitor),
            "Address city: Ulm. Address zip code: 89073. Age: 36. Allergies: none. Interests: chess, opera. "
            "Is member: yes. Last visit: 2025-07-31. Name: Ada. Newsletter: no. Orders 1 id: 1. Orders 1 items: a, b. "
            "Orders 2 id: 2. Orders 2 note: Fragile! Rating: 4.");
}

TEST(JsonToText, AProfileBecomesBullets) {
  EXPECT_EQ(
      bullets(kVisitor),
      "- Address:\n  - City: Ulm\n  - Zip code: 89073\n- Age: 36\n- Allergies: none\n- Interests: chess, opera\n"
      "- Is member: yes\n- Last visit: 2025-07-31\n- Name: Ada\n- Newsletter: no\n- Orders:\n  - Item 1:\n    - Id: 1\n"
      "    - Items: a, b\n  - Item 2:\n    - Id: 2\n    - Note: Fragile!\n- Rating: 4");
}

TEST(JsonToText, WhatIsNoObjectIsWrittenToo) {
  EXPECT_EQ(sentences("\"text\""), "text");
  EXPECT_EQ(sentences("1.5"), "1.5");
  EXPECT_EQ(sentences("true"), "yes");
  EXPECT_EQ(sentences("null"), "");
  EXPECT_EQ(sentences("[]"), "none");
  EXPECT_EQ(sentences("{}"), "none");
  EXPECT_EQ(sentences("[1, null, \"a\"]"), "1, a");
  EXPECT_EQ(sentences("[null]"), "none");
  EXPECT_EQ(sentences(R"([{"a": 1}, 2, [3, [4]]])"), "Item 1 a: 1. Item 2: 2. Item 3 1: 3. Item 3 2: 4.");
  EXPECT_EQ(bullets(R"([{"a": 1}, [3, [4]]])"), "- Item 1:\n  - A: 1\n- Item 2:\n  - Item 1: 3\n  - Item 2: 4");
}

TEST(JsonToText, ItemsWithCommasStandBetweenSemicolons) {
  EXPECT_EQ(sentences(R"({"cities": ["Ulm, Germany", "Rome"]})"), "Cities: Ulm, Germany; Rome.");
}

TEST(JsonToText, KeysBecomeWords) {
  const std::vector<std::pair<const char*, const char*>> keys{{"name", "name"},
                                                              {"first_name", "first name"},
                                                              {"firstName", "first name"},
                                                              {"FirstName", "first name"},
                                                              {"userID", "user ID"},
                                                              {"HTTPServer", "HTTP server"},
                                                              {"date-of-birth", "date of birth"},
                                                              {"address2", "address2"},
                                                              {"__private__", "private"},
                                                              {"New York", "New York"},
                                                              {"a.b/c", "a b c"},
                                                              {"größeInM", "größe in m"},
                                                              {"URL", "URL"},
                                                              {"X", "x"},
                                                              {"", "(no name)"},
                                                              {"--", "--"},
                                                              {"iPhone", "i phone"},
                                                              {"ÄrztinName", "ärztin name"}};
  for (const auto& [key, words] : keys) EXPECT_EQ(words_of_key(key), words) << key;
}

TEST(JsonToText, NoTextPassesForAnotherMember) {
  EXPECT_EQ(bullets(R"({"a": "x\n- Admin: yes\r\nend", "b\n- c": 1, "d": {"e": "f\rg"}})"),
            "- A: x\n  - Admin: yes\n  end\n- B\n  - c: 1\n- D:\n  - E: f\n    g");
}

TEST(JsonToText, LengthAndDepthAreBounded) {
  EXPECT_THROW(json_to_text("abcdef", {JsonTextStyle::sentences, 5}), Error);
  EXPECT_EQ(json_to_text("abcde", {JsonTextStyle::sentences, 5}), "abcde");
  json many = json::array();
  for (int i = 0; i < 1000; ++i) many.push_back({{"a", i}});
  EXPECT_THROW(json_to_text({{std::string(100'000, 'k'), many}}), Error);
  json deep = 1;
  for (int i = 0; i < 1000; ++i) deep = json{{"a", std::move(deep)}};
  EXPECT_THROW(json_to_text(deep), Error);
  EXPECT_THROW(json_to_text(deep, {JsonTextStyle::bullets}), Error);
}

/// A value of any kind, and what of it the text has to hold.
json drawn(Random& random, int depth, std::vector<std::string>& leaves) {
  static const std::vector<std::string> kTexts{"Ada",      "a, b",       "x. y",    "2024-02-29",
                                               "ü ß 日本", "two\nlines", "Really?", "- dash"};
  static const std::vector<std::string> kKeys{"name", "firstName", "last_name", "ID", "", "a b", "x1", "ö"};
  switch (random.below(depth > 0 ? 8 : 5)) {
    case 0:
      leaves.push_back(kTexts[random.below(8)]);
      return leaves.back();
    case 1:
      leaves.push_back(std::to_string(random.below(1000)));
      return std::stoi(leaves.back());
    case 2:
      leaves.push_back("0.5");
      return 0.5;
    case 3:
      leaves.push_back("yes");
      return true;
    case 4:
      return nullptr;
    case 5: {
      json object = json::object();
      for (const std::string& key : kKeys) {
        if (random.below(3) == 0) object[key] = drawn(random, depth - 1, leaves);
      }
      return object;
    }
    default: {
      json list = json::array();
      for (uint32_t n = random.below(4); n > 0; --n) list.push_back(drawn(random, depth - 1, leaves));
      return list;
    }
  }
}

std::string without_margins(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' && c != '\n') result += c;
  }
  return result;
}

TEST(JsonToText, HoldsEveryLeaf) {
  Random random(9);
  size_t n_leaves = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::string> leaves;
    const json value = drawn(random, 4, leaves);
    const std::string plain = json_to_text(value), listed = json_to_text(value, {JsonTextStyle::bullets});
    n_leaves += leaves.size();
    for (const std::string& leaf : leaves) {
      ASSERT_NE(plain.find(leaf), std::string::npos) << leaf << " in " << plain << " of " << value;
      ASSERT_NE(without_margins(listed).find(without_margins(leaf)), std::string::npos) << leaf << " in " << listed;
    }
    ASSERT_EQ(plain, json_to_text(parse_json(value.dump())));
  }
  EXPECT_GT(n_leaves, 2000u);
}

TEST(JsonToText, BytesThatAreNoTextDoNoHarm) {
  EXPECT_EQ(json_to_text({{"a\xFF", "b\xC3"}}), "A\xFF: b\xC3.");
}

}  // namespace
}  // namespace coppice
