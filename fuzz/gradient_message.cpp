// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a worker's message of gradients, their checksum made right: they are refused, or add up to what the
// plain loop makes of them.
#include "coppice/dist/gradient_message.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "fuzz/examples_target.h"

namespace {

using coppice::GradientHeader;
using coppice::GradientMessage;
using Add = void (*)(std::span<const GradientMessage>, std::span<float>);

constexpr uint32_t kMostElements = 1U << 18;  // some ranges of add_up

std::optional<std::vector<float>> sums_by(Add add, const GradientMessage& message) {
  std::vector<float> sums(message.header().n_elements);
  try {
    const std::vector<GradientMessage> twice{message, message};
    add(twice, sums);
    return sums;
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data);
    return std::nullopt;
  }
}

void add_up_both_ways(const GradientMessage& message) {
  const auto fast = sums_by(coppice::add_up, message), plain = sums_by(coppice::add_up_naive, message);
  coppice::require(fast.has_value() == plain.has_value());
  if (!fast || fast->empty()) return;
  coppice::require(std::memcmp(fast->data(), plain->data(), fast->size() * sizeof(float)) == 0);
  const auto n_sent = std::count_if(fast->begin(), fast->end(), [](float sum) { return sum != 0; });
  coppice::require(static_cast<uint64_t>(n_sent) <= message.header().n_sent);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  GradientHeader header;
  if (size >= sizeof header) {
    std::memcpy(&header, data, sizeof header);
    if (header.n_elements > kMostElements) return 0;
    header.checksum = coppice::checksum_of(bytes);
    std::memcpy(bytes.data(), &header, sizeof header);
  }
  try {
    add_up_both_ways(GradientMessage(bytes, header.n_elements, header.step));
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data);
  }
  return 0;
}
