// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/passages.h"

#include <gtest/gtest.h>

#include "coppice/core/random.h"
#include "coppice/data/reading_test.h"

namespace coppice {
namespace {

Passages sample() {
  PassagesBuilder builder;
  builder.add("one", R"({"page":1})");
  builder.add("", "");
  builder.add("three", "");
  return builder.build();
}

TEST(Passages, HoldTextsAndWhatIsKnownOfThem) {
  const Passages passages = sample();
  ASSERT_EQ(passages.size(), 3u);
  EXPECT_EQ(passages.text(0), "one");
  EXPECT_EQ(passages.metadata(0), R"({"page":1})");
  EXPECT_EQ(passages.text(1), "");
  EXPECT_EQ(passages.metadata(1), "");
  EXPECT_EQ(passages.text(2), "three");
  EXPECT_EQ(passages.text(3), "");
  EXPECT_EQ(passages.metadata(UINT32_MAX), "");
  passages.verify();
}

TEST(Passages, NoneAtAllAreNone) {
  EXPECT_EQ(Passages().size(), 0u);
  EXPECT_EQ(Passages().text(0), "");
  EXPECT_EQ(PassagesBuilder().build().size(), 0u);
  Passages().verify();
}

TEST(Passages, ABuilderIsEmptyOnceItHasBuilt) {
  PassagesBuilder builder;
  builder.add("one", "");
  EXPECT_EQ(builder.build().size(), 1u);
  EXPECT_EQ(builder.build().size(), 0u);
}

std::string fault_of(const Passages& passages) {
  return message_of([&] { passages.verify(); });
}

TEST(Passages, VerifyingNamesWhatIsWrong) {
  const auto bytes = [](std::string_view text) { return std::vector<char>(text.begin(), text.end()); };
  const auto places = [](std::vector<uint64_t> offsets) { return offsets; };
  EXPECT_EQ(fault_of({bytes("ab"), places({0, 2, 1, 2, 2})}), "data: the passage of label 0 ends before it begins");
  EXPECT_EQ(fault_of({bytes("\xFF"), places({0, 1, 1})}), "data: the passage of label 0 is not valid UTF-8");
  for (const char* metadata : {"[]", "{", "3", "{}{}"}) {
    const std::string text = metadata;
    EXPECT_EQ(fault_of({bytes(text), places({0, 0, text.size()})}),
              "data: the passage of label 0 has metadata that are no JSON object");
  }
}

TEST(Passages, WhateverTheArraysHoldNothingIsReadOutOfBounds) {
  Random random(1);
  for (size_t trial = 0; trial < 2000; ++trial) {
    std::vector<uint64_t> offsets(random.below(8));
    for (uint64_t& offset : offsets) offset = random.below(4) == 0 ? random.next() : random.below(12);
    const Passages passages(std::vector<char>(random.below(10), 'x'), std::move(offsets));
    size_t size = 0;
    for (uint32_t label = 0; label < 5; ++label) size += passages.text(label).size() + passages.metadata(label).size();
    EXPECT_LE(size, 10 * passages.bytes().size());
  }
}

}  // namespace
}  // namespace coppice
