// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/same_labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<uint32_t> match(const std::vector<std::string>& first, const std::vector<std::string>& other) {
  const LabelNames a = LabelNames::from(first), b = LabelNames::from(other);
  return match_labels({a, static_cast<uint32_t>(a.size())}, {b, static_cast<uint32_t>(b.size())}, "two.coppice");
}

template <class Work>
std::string error_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(SameLabels, InTheSameOrderKeepTheirNumbers) {
  EXPECT_THAT(match({"ab", "c"}, {"ab", "c"}), IsEmpty());
}

TEST(SameLabels, InAnotherOrderAreFoundByName) {
  EXPECT_THAT(match({"a", "b", "c"}, {"c", "a", "b"}), ElementsAre(2, 0, 1));
  EXPECT_THAT(match({"x", "twice", "twice"}, {"twice", "x", "twice"}), ElementsAre(1, 0, 2));
}

TEST(SameLabels, OfOtherNamesAreRefusedAndTheFirstIsNamed) {
  EXPECT_THAT(error_of([] { match({"ab", "c"}, {"a", "bc"}); }), HasSubstr("two.coppice: "));
  EXPECT_THAT(error_of([] { match({"ab", "c"}, {"a", "bc"}); }), HasSubstr("'a' is new"));
  EXPECT_THAT(error_of([] { match({"a", "b", "c"}, {"c", "a"}); }), HasSubstr("it has no 'b'"));
  EXPECT_THAT(error_of([] { match({"a"}, {"a", "b"}); }), HasSubstr("'b' is new"));
  EXPECT_THAT(error_of([] { match({"a", "b"}, {"a"}); }), HasSubstr("it has no 'b'"));
  EXPECT_THAT(error_of([] { match({"a", "b"}, {"a"}); }), HasSubstr("label_names"));
  EXPECT_THAT(error_of([] { match({"a", "a", "b"}, {"a", "b", "b"}); }), HasSubstr("it has no 'a'"));
}

TEST(SameLabels, WithoutNamesAreSoManyNumbers) {
  const LabelNames none, names = LabelNames::from({"0", "1", "2"});
  EXPECT_THAT(match_labels({none, 3}, {none, 3}, ""), IsEmpty());
  EXPECT_THAT(error_of([&] { match_labels({none, 3}, {none, 4}, ""); }), HasSubstr("4 labels, the first has 3"));
  EXPECT_THAT(error_of([&] { match_labels({none, 3}, {names, 3}, ""); }), HasSubstr("they have names"));
  EXPECT_THAT(error_of([&] { match_labels({names, 3}, {none, 3}, ""); }), HasSubstr("they are numbers"));
}

}  // namespace
}  // namespace coppice
