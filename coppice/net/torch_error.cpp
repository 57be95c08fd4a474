// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/torch_error.h"

#include <new>

namespace coppice {

Error torch_error(const std::string& what, const std::exception& error, const std::string& where,
                  const std::string& hint) {
  const std::string text = error.what(), first_line = text.substr(0, text.find('\n'));
  // LibTorch has no type for it on a CPU.
  const bool is_of_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr ||
                            text.find("not enough memory") != std::string::npos ||
                            text.find("out of memory") != std::string::npos;
  if (is_of_memory) return {ErrorCode::memory, what + ": " + first_line, where};
  return {ErrorCode::data, what + ": " + first_line, where, hint};
}

}  // namespace coppice
