// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/message.h"

#include <algorithm>

#include "coppice/http/characters.h"

namespace coppice {

std::optional<std::string_view> HttpHeaders::find(std::string_view name) const noexcept {
  for (const auto& [key, value] : all_) {
    if (equal_without_case(key, name)) return value;
  }
  return std::nullopt;
}

void HttpHeaders::set(std::string_view name, std::string value) {
  const auto is_it = [name](const auto& header) { return equal_without_case(header.first, name); };
  const auto first = std::find_if(all_.begin(), all_.end(), is_it);
  if (first == all_.end()) return add(std::string(name), std::move(value));
  first->second = std::move(value);
  all_.erase(std::remove_if(std::next(first), all_.end(), is_it), all_.end());
}

}  // namespace coppice
