// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/domains_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

LabelNames labels() {
  return LabelNames::from({"pin_change", "book_flight", "balance", "hello", "caf\xC3\xA9"});
}

std::string refusal(std::string_view json, const LabelNames& names = labels()) {
  try {
    domains_from_json(json, names, "domains.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.message();
  }
  return "accepted";
}

TEST(DomainsFromJson, EachLabelIsInTheDomainThatNamesIt) {
  const DomainList list = domains_from_json(
      R"({"travel": ["book_flight", "caf\u00e9"], "banking": ["balance", "pin_change"], "idle": []})", labels(), "d");
  EXPECT_THAT(list.domains.names(), ElementsAre("banking", "idle", "travel"));
  EXPECT_EQ(list.domains.size(), 5u);
  EXPECT_EQ(list.domains.of(0), 0u);
  EXPECT_EQ(list.domains.of(1), 2u);
  EXPECT_EQ(list.domains.of(2), 0u);
  EXPECT_EQ(list.domains.of(3), std::nullopt);
  EXPECT_EQ(list.domains.of(4), 2u);
  EXPECT_EQ(list.n_without, 1u);
  EXPECT_EQ(list.n_unknown, 0u);
}

TEST(DomainsFromJson, NamesThatNoLabelHasAreCounted) {
  const DomainList list =
      domains_from_json(R"({"a": ["pin_change", "new_card", "Balance"], "b": ["balance"]})", labels(), "d");
  EXPECT_EQ(list.n_unknown, 2u);
  EXPECT_EQ(list.some_unknown, "\"new_card\"");
  EXPECT_EQ(list.n_without, 3u);
}

TEST(DomainsFromJson, AllLabelsOfANameAreInItsDomain) {
  const DomainList list = domains_from_json(R"({"a": ["x"]})", LabelNames::from({"x", "y", "x"}), "d");
  EXPECT_EQ(list.domains.of(0), 0u);
  EXPECT_EQ(list.domains.of(1), std::nullopt);
  EXPECT_EQ(list.domains.of(2), 0u);
}

TEST(DomainsFromJson, TheOrderOfTheFileDoesNotMatter) {
  const DomainList one = domains_from_json(R"({"a": ["balance", "hello"], "b": ["pin_change"]})", labels(), "d");
  const DomainList other = domains_from_json(R"({"b": ["pin_change"], "a": ["hello", "balance"]})", labels(), "d");
  EXPECT_EQ(one.domains.names(), other.domains.names());
  for (uint32_t label = 0; label < 5; ++label) EXPECT_EQ(one.domains.of(label), other.domains.of(label));
}

TEST(DomainsFromJson, NamesThePlaceOfAFault) {
  EXPECT_THAT(refusal(""), StartsWith("domains.json:1:1: domains: no valid JSON: "));
  EXPECT_THAT(refusal("{\"a\":\n [\n  }"), StartsWith("domains.json:3:3: domains: no valid JSON: syntax error"));
  EXPECT_THAT(refusal("{\"a\": [\"\xFF\"]}"), HasSubstr("no valid JSON"));
  EXPECT_THAT(refusal("{\"a\": [1e399999999]}"), StartsWith("domains.json: domains: no valid JSON"));
  EXPECT_THAT(refusal("[]"), StartsWith("domains.json: domains: got a list, expected lists of labels by domain"));
  EXPECT_THAT(refusal("{}"), HasSubstr("got no domain, expected lists of labels by domain"));
  EXPECT_THAT(refusal("7"), HasSubstr("got 7, expected"));
  EXPECT_THAT(refusal(R"({"a": ["balance"], "b": "hello"})"),
              StartsWith("domains.json: /b: domains: got \"hello\", expected a list of labels"));
  EXPECT_THAT(refusal(R"({"a": {"balance": 1}})"), StartsWith("domains.json: /a: domains: got an object, expected"));
  EXPECT_THAT(refusal(R"({"a": ["balance", 3]})"),
              StartsWith("domains.json: /a/1: domains: got 3, expected the name of a label"));
  EXPECT_THAT(refusal(R"({"a": [["balance"]]})"), StartsWith("domains.json: /a/0: domains: got a list, expected"));
  EXPECT_EQ(refusal(R"({"a": ["balance"]})"), "accepted");
}

TEST(DomainsFromJson, NothingIsThereTwice) {
  EXPECT_THAT(refusal(R"({"a": ["balance"], "b": ["hello", "balance"]})"),
              StartsWith("domains.json: /b/1: domains: the label \"balance\" is in a domain already"));
  EXPECT_THAT(refusal(R"({"a": ["balance", "balance"]})"), HasSubstr("expected each label once"));
  EXPECT_THAT(refusal(R"({"a": ["unknown"], "b": ["unknown", "balance"]})"), HasSubstr("expected each label once"));
  EXPECT_THAT(refusal(R"({"a": ["balance"], "a": ["hello"]})"), HasSubstr("the domain \"a\" is there twice"));
}

TEST(DomainsFromJson, OneLabelAtLeastIsKnown) {
  EXPECT_THAT(refusal(R"({"a": ["unknown"]})"), HasSubstr("none of its names is that of a label"));
  EXPECT_THAT(refusal(R"({"a": []})"), HasSubstr("none of its names is that of a label"));
  EXPECT_THAT(refusal(R"({"a": ["0"]})", LabelNames()), HasSubstr("the labels have numbers only"));
}

TEST(DomainsFromJson, MessagesHaveNoControlCharacters) {
  const std::string told = refusal("{\"a\\nb\": [\"c\\u0007\", \"c\\u0007\"]}");
  EXPECT_THAT(told, StartsWith("domains.json: /a?b/1: domains: the label \"c?\" is in a domain already"));
}

TEST(DomainsFromJson, DeepNestingIsNoMoreThanAWrongType) {
  const std::string deep = "{\"a\": " + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_THAT(refusal(deep), HasSubstr("/a/0: domains: got a list"));
}

}  // namespace
}  // namespace coppice
