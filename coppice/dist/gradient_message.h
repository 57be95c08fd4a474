// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// One element that is sent: its index in the upper 31 bits, and 1 in the lowest where the threshold is taken away.
/// Source: Strom, "Scalable distributed DNN training using commodity GPU cloud computing", 2015.
using GradientWord = uint32_t;
inline constexpr size_t kMostElements = size_t{1} << 31;

/// How the elements of a message are written: what takes the fewest bytes is taken, a bitmap where it takes hardly
/// more.
enum class GradientEncoding : uint8_t {
  words,   ///< 32 bits each
  gaps,    ///< the distances between them in Rice's code, its two parts apart, and signs: some 6 to 11 bits each
  bitmap,  ///< a bit for every element, and signs of those that are sent: from some 1 in 3 on
  dense,   ///< every element as it is, f32: without a threshold
};

/// What stands before the elements, all of it little-endian.
struct GradientHeader {
  uint8_t version = 1;
  GradientEncoding encoding = GradientEncoding::words;
  uint8_t rice_bits = 0;  ///< of gaps: the low bits of a distance, which follow the unary part
  uint8_t reserved = 0;
  uint32_t n_sent = 0;
  uint32_t n_elements = 0;
  float threshold = 0;  ///< what each element sent stands for, plus or minus
  uint64_t step = 0;
  uint64_t checksum = 0;  ///< XXH3-64 of what follows, its seed that of the header with this field zero
};
static_assert(sizeof(GradientHeader) == 32);

/// Writes the message of these words, which ascend.
void write_message(std::span<const GradientWord> words, uint32_t n_elements, float threshold, uint64_t step,
                   std::vector<std::byte>& message);

/// Writes the message of all elements as they are.
void write_message(std::span<const float> dense, uint64_t step, std::vector<std::byte>& message);

/// What its header should say.
uint64_t checksum_of(std::span<const std::byte> message) noexcept;

/// A message that came in whole and unchanged: its bytes, which it does not keep.
class GradientMessage {
 public:
  /// Throws `ErrorCode::data` for bytes that are no message, were changed on their way, or are for another step or for
  /// another number of elements.
  GradientMessage(std::span<const std::byte> bytes, size_t n_elements, uint64_t step);

  const GradientHeader& header() const noexcept { return header_; }
  std::span<const std::byte> payload() const noexcept { return payload_; }

 private:
  GradientHeader header_;
  std::span<const std::byte> payload_;
};

/// sums[i] = the sum of what the messages say of element i, in the order of the messages, from 0 on.
/// Throws `ErrorCode::data` for elements that do not ascend or are not there; sums then are of no use. Goes from range
/// to range of the sums, each of which stays in the cache while all messages are read there.
void add_up(std::span<const GradientMessage> messages, std::span<float> sums);

/// The plain loop that `add_up` is tested against.
void add_up_naive(std::span<const GradientMessage> messages, std::span<float> sums);

}  // namespace coppice
