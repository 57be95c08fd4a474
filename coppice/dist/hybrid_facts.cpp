// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/hybrid_facts.h"

#include <algorithm>

#include "coppice/core/error.h"
#include "coppice/dist/gather.h"

namespace coppice {

std::string hybrid_facts(const HybridOptions& options, uint32_t minibatch, size_t n_parameters) {
  HybridOptions copy = options;
  OptionTable table;
  describe(table, copy);
  std::string facts;
  for (const Option& option : table.options()) facts += option.name + " " + option.default_text + "\n";
  facts += "minibatch " + std::to_string(minibatch) + "\n";
  facts += "parameters " + std::to_string(n_parameters) + "\n";
  return facts;
}

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

void expect_full_groups(const HybridOptions& options, uint32_t n_workers) {
  if (options.group_size == 0 || n_workers % options.group_size == 0) return;
  throw Error(ErrorCode::usage,
              std::to_string(n_workers) + " workers do not fill groups of " + std::to_string(options.group_size));
}

}  // namespace coppice
