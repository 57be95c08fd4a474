// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/dist/transport.h"

namespace coppice {

/// What each member says, by rank. `T` has no gaps between its fields: its bytes are sent as they are.
template <class T>
std::vector<T> gather_values(Transport& transport, const T& own) {
  static_assert(std::has_unique_object_representations_v<T>);
  std::vector<T> values;
  for (const auto& bytes : transport.all_gather(std::as_bytes(std::span(&own, 1)))) {
    check(bytes.size() == sizeof(T), "members say what is asked");
    std::memcpy(&values.emplace_back(), bytes.data(), sizeof(T));
  }
  return values;
}

inline std::vector<std::string> gather_texts(Transport& transport, std::string_view own) {
  std::vector<std::string> texts;
  for (const auto& bytes : transport.all_gather(std::as_bytes(std::span(own)))) {
    texts.emplace_back(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return texts;
}

}  // namespace coppice
