// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/packed_numbers.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/math/bits.h"

namespace coppice {
namespace {

constexpr size_t kSlack = 7;
constexpr uint32_t kMostWidth = 32;

[[noreturn]] void refuse(const char* what) {
  throw Error(ErrorCode::data, std::string(what) + " are damaged");
}

}  // namespace

PackedNumbers::PackedNumbers(std::span<const uint32_t> numbers) : count_(numbers.size()) {
  if (numbers.empty()) return;
  const auto width = static_cast<uint32_t>(std::bit_width(*std::max_element(numbers.begin(), numbers.end())));
  std::vector<std::byte> packed{static_cast<std::byte>(width)};
  BitWriter bits(packed);
  for (const uint32_t number : numbers) bits.put(number, width);
  bits.end();
  packed.resize(1 + bytes_of_bits(uint64_t{width} * count_) + kSlack);
  std::vector<uint8_t> bytes(packed.size());
  std::transform(packed.begin(), packed.end(), bytes.begin(), [](std::byte b) { return std::to_integer<uint8_t>(b); });
  bytes_ = std::move(bytes);
}

PackedNumbers::PackedNumbers(Array<uint8_t> bytes, size_t count, const char* what)
    : bytes_(std::move(bytes)), count_(count) {
  if (bytes_.empty() || width() > kMostWidth) refuse(what);
  if (bytes_.size() != 1 + bytes_of_bits(uint64_t{width()} * count_) + kSlack) refuse(what);
}

uint32_t PackedNumbers::operator[](size_t i) const noexcept {
  if (width() == 0) return 0;
  const std::byte* numbers = std::as_bytes(bytes_.span()).data() + 1;
  return static_cast<uint32_t>(read_bits(numbers, uint64_t{width()} * i, width()));
}

std::vector<uint32_t> PackedNumbers::values() const {
  std::vector<uint32_t> values(count_);
  for (size_t i = 0; i < count_; ++i) values[i] = (*this)[i];
  return values;
}

void PackedNumbers::verify(const char* what) const {
  if (bytes_.empty()) return;
  const std::byte* numbers = std::as_bytes(bytes_.span()).data() + 1;
  const uint64_t end = uint64_t{width()} * count_;
  const auto left = static_cast<uint32_t>(8 * bytes_of_bits(end) - end);
  const bool slack_is_zero = std::all_of(bytes_.end() - kSlack, bytes_.end(), [](uint8_t b) { return b == 0; });
  if (!slack_is_zero || (left > 0 && read_bits(numbers, end, left) != 0)) refuse(what);
}

}  // namespace coppice
