// SPDX-License-Identifier: Apache-2.0
#include <simdjson.h>

#include "coppice/data/utf8.h"

namespace coppice {

bool is_valid_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace coppice
