// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/output.h"

#include <fmt/core.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "coppice/core/error.h"

namespace coppice::app {

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
    throw_io_error("write to standard output", "-", errno);
  }
}

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < kUnits.size()) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

}  // namespace coppice::app
