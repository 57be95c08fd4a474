// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/alike.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text.append(line).append("\n");
  return text;
}

/// The first lines that differ.
std::pair<std::string, std::string> difference(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    const std::string_view line_a = a.substr(0, a.find('\n')), line_b = b.substr(0, b.find('\n'));
    if (line_a != line_b) return {std::string(line_a), std::string(line_b)};
    a.remove_prefix(std::min(a.size(), line_a.size() + 1));
    b.remove_prefix(std::min(b.size(), line_b.size() + 1));
  }
  return {};
}

}  // namespace

void expect_alike(Transport& transport, const std::vector<std::string>& facts) {
  const std::string own = joined(facts);
  const auto all = transport.all_gather(std::as_bytes(std::span(own)));
  const auto text_of = [](const std::vector<std::byte>& bytes) {
    return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  for (size_t worker = 1; worker < all.size(); ++worker) {
    if (all[worker] == all[0]) continue;
    const auto [theirs, first] = difference(text_of(all[worker]), text_of(all[0]));
    throw Error(ErrorCode::usage, "worker " + std::to_string(worker) + " has " + theirs + ", worker 0 has " + first, {},
                "all workers need the same options, data and program");
  }
}

}  // namespace coppice
