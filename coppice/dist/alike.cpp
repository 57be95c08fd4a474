// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/alike.h"

#include <algorithm>
#include <numeric>

#include "coppice/core/error.h"
#include "coppice/dist/gather.h"

namespace coppice {

std::pair<std::string, std::string> first_difference(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    const std::string_view line_a = a.substr(0, a.find('\n')), line_b = b.substr(0, b.find('\n'));
    if (line_a != line_b) return {std::string(line_a), std::string(line_b)};
    a.remove_prefix(std::min(a.size(), line_a.size() + 1));
    b.remove_prefix(std::min(b.size(), line_b.size() + 1));
  }
  return {};
}

void expect_alike(Transport& transport, std::span<const uint32_t> workers, const std::string& facts) {
  const std::vector<std::string> all = gather_texts(transport, facts);
  for (size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    const auto [theirs, first] = first_difference(all[rank], all[0]);
    throw Error(ErrorCode::usage,
                "worker " + std::to_string(workers[rank]) + " has " + theirs + ", worker " +
                    std::to_string(workers[0]) + " has " + first,
                {}, "all workers need the same options, data and program");
  }
}

void expect_alike(Transport& transport, const std::string& facts) {
  std::vector<uint32_t> workers(transport.size());
  std::iota(workers.begin(), workers.end(), 0U);
  expect_alike(transport, workers, facts);
}

}  // namespace coppice
