// SPDX-License-Identifier: Apache-2.0
//
// What the whole library has from simdjson, Highway's library and libstdc++, in plain lines: the runtime links no
// library but libstdc++'s archive, and of that as little as it can.
#include <algorithm>
#include <cstdlib>
#include <exception>

#include "coppice/data/number_sorter.h"
#include "coppice/data/utf8.h"

namespace coppice {

bool is_valid_utf8(std::string_view text) noexcept {
  return valid_utf8_bytes(text) == text.size();
}

struct NumberSorter::Scratch {};

NumberSorter::NumberSorter() = default;
NumberSorter::~NumberSorter() = default;
NumberSorter::NumberSorter(NumberSorter&&) noexcept = default;
NumberSorter& NumberSorter::operator=(NumberSorter&&) noexcept = default;

void NumberSorter::sort(std::span<uint32_t> numbers) noexcept {
  std::sort(numbers.begin(), numbers.end());
}

void NumberSorter::sort(std::span<uint64_t> numbers) noexcept {
  std::sort(numbers.begin(), numbers.end());
}

}  // namespace coppice

/// libstdc++'s own prints the type of an exception that nobody caught, for which it brings a demangler of 40 kB. Here
/// none leaves the library.
void __gnu_cxx::__verbose_terminate_handler() {
  std::abort();
}
