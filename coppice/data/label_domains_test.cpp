// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/label_domains.h"

#include <gtest/gtest.h>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// "d0", "d1", ...
std::vector<std::string> names(size_t count) {
  std::vector<std::string> result;
  for (size_t i = 0; i < count; ++i) result.push_back("d" + std::to_string(i));
  return result;
}

TEST(LabelDomains, ALabelHasItsDomainOrNone) {
  for (const uint32_t count : {1U, 254U, 255U, 256U, 300U, 65535U}) {
    const std::vector<std::optional<uint32_t>> of{0, std::nullopt, count - 1};
    const LabelDomains domains = LabelDomains::from(names(count), of);
    EXPECT_EQ(domains.size(), 3u);
    EXPECT_EQ(domains.names().size(), count);
    EXPECT_EQ(domains.wide().empty(), count <= 255);
    for (uint32_t label = 0; label < 3; ++label) EXPECT_EQ(domains.of(label), of[label]) << count;
    EXPECT_EQ(domains.of(3), std::nullopt);
    EXPECT_EQ(domains.of(UINT32_MAX), std::nullopt);
    EXPECT_EQ(n_labels_in_domains(domains), 2u);
  }
  EXPECT_THROW(LabelDomains::from(names(65536), {}), Error);
}

TEST(LabelDomains, NoneAreThereUnlessTheyAreGiven) {
  const LabelDomains domains;
  EXPECT_EQ(domains.size(), 0u);
  EXPECT_EQ(domains.of(0), std::nullopt);
}

TEST(LabelDomains, DamagedNumbersAreThoseOfNoDomain) {
  const LabelDomains narrow({"a", "b"}, std::vector<uint8_t>{1, 2, 254, 255}, {});
  const LabelDomains wide({"a", "b"}, {}, std::vector<uint16_t>{1, 2, 65534, 65535});
  for (const LabelDomains& domains : {narrow, wide}) {
    EXPECT_EQ(domains.of(0), 1u);
    for (const uint32_t label : {1U, 2U, 3U, 4U}) EXPECT_EQ(domains.of(label), std::nullopt) << label;
  }
}

}  // namespace
}  // namespace coppice
