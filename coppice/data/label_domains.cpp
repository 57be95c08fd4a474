// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/label_domains.h"

#include <limits>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

/// The largest number is that of no domain.
template <class Number>
Array<Number> numbers(std::span<const std::optional<uint32_t>> domains) {
  std::vector<Number> result;
  result.reserve(domains.size());
  for (const std::optional<uint32_t>& domain : domains) {
    result.push_back(static_cast<Number>(domain.value_or(std::numeric_limits<Number>::max())));
  }
  return result;
}

}  // namespace

LabelDomains LabelDomains::from(std::vector<std::string> names, std::span<const std::optional<uint32_t>> domains) {
  if (names.size() > kMostDomains) {
    throw Error(ErrorCode::data, "there are " + counted(names.size(), "domain") + ", expected at most 65535");
  }
  for (const std::optional<uint32_t>& domain : domains) check(!domain || *domain < names.size(), "a domain has a name");
  if (names.size() > kMostNarrow) return {std::move(names), {}, numbers<uint16_t>(domains)};
  return {std::move(names), numbers<uint8_t>(domains), {}};
}

size_t n_labels_in_domains(const LabelDomains& domains) {
  size_t count = 0;
  for (size_t label = 0; label < domains.size(); ++label) count += domains.of(static_cast<uint32_t>(label)).has_value();
  return count;
}

}  // namespace coppice
