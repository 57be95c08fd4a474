// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/gradient_message.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <string>

#include "coppice/core/error.h"
#include "coppice/math/bits.h"

namespace coppice {
namespace {

constexpr size_t kHeaderBytes = sizeof(GradientHeader);
constexpr size_t kTailBytes = 8;        // behind bits, so that a load of 64 stays inside
constexpr uint32_t kLoadedBits = 57;    // of a load that are good
constexpr uint32_t kLongestUnary = 40;  // a longer distance stands in 32 bits behind so many ones

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::data, "a message of gradients " + what);
}

uint32_t index_of(GradientWord word) noexcept {
  return word >> 1;
}
bool is_negative(GradientWord word) noexcept {
  return (word & 1) != 0;
}

/// Golomb's parameter for distances that are spread by chance: ln 2 of the mean one, as a power of two.
uint32_t rice_bits_for(size_t n_sent, size_t n_elements) noexcept {
  const double mean = static_cast<double>(n_elements) / static_cast<double>(std::max<size_t>(n_sent, 1));
  return static_cast<uint32_t>(std::max(0.0, std::floor(std::log2(std::max(1.0, 0.6931 * mean)))));
}

uint64_t gap_bits(uint32_t distance, uint32_t rice_bits) noexcept {
  const uint32_t unary = distance >> rice_bits;
  return 1 + (unary < kLongestUnary ? unary + 1 + rice_bits : kLongestUnary + 32);
}

uint64_t gaps_bits(std::span<const GradientWord> words, uint32_t rice_bits) noexcept {
  uint64_t bits = 0;
  uint32_t next = 0;  // the index that may come at the earliest
  for (const GradientWord word : words) {
    bits += gap_bits(index_of(word) - next, rice_bits);
    next = index_of(word) + 1;
  }
  return bits;
}

void write_gaps(std::span<const GradientWord> words, uint32_t rice_bits, std::vector<std::byte>& message) {
  BitWriter writer(message);
  uint32_t next = 0;
  for (const GradientWord word : words) {
    const uint32_t distance = index_of(word) - next, unary = distance >> rice_bits;
    writer.put(word & 1, 1);
    if (unary < kLongestUnary) {
      for (uint32_t left = unary; left > 0; left -= std::min(left, 32U)) {
        const uint32_t n = std::min(left, 32U);
        writer.put((uint64_t{1} << n) - 1, n);
      }
      writer.put(0, 1);
      writer.put(distance & ((1U << rice_bits) - 1), rice_bits);
    } else {
      writer.put(0xFFFFFFFF, 32), writer.put((1U << (kLongestUnary - 32)) - 1, kLongestUnary - 32);
      writer.put(distance, 32);
    }
    next = index_of(word) + 1;
  }
  writer.end();
  message.resize(message.size() + kTailBytes);
}

void write_bitmap(std::span<const GradientWord> words, uint32_t n_elements, std::vector<std::byte>& message) {
  const size_t bitmap = message.size(), signs = bitmap + bytes_of_bits(n_elements);
  message.resize(signs + bytes_of_bits(words.size()) + kTailBytes);
  const auto set = [&](size_t begin, size_t bit) { message[begin + bit / 8] |= std::byte{1} << (bit % 8); };
  for (size_t i = 0; i < words.size(); ++i) {
    set(bitmap, index_of(words[i]));
    if (is_negative(words[i])) set(signs, i);
  }
}

void put_header(GradientHeader header, std::vector<std::byte>& message) {
  std::memcpy(message.data(), &header, sizeof header);
  header.checksum = checksum_of(message);
  std::memcpy(message.data(), &header, sizeof header);
}

/// What a payload of this header must take; of gaps, at least.
uint64_t payload_bytes(const GradientHeader& header) noexcept {
  switch (header.encoding) {
    case GradientEncoding::words:
      return uint64_t{header.n_sent} * sizeof(GradientWord);
    case GradientEncoding::gaps:
      return bytes_of_bits(uint64_t{header.n_sent} * (2 + header.rice_bits)) + kTailBytes;
    case GradientEncoding::bitmap:
      return bytes_of_bits(header.n_elements) + bytes_of_bits(header.n_sent) + kTailBytes;
    case GradientEncoding::dense:
      return uint64_t{header.n_elements} * sizeof(float);
  }
  return ~uint64_t{0};
}

/// Reads the elements of one message, range after range.
class ElementReader {
 public:
  explicit ElementReader(const GradientMessage& message) noexcept
      : header_(message.header()),
        bytes_(message.payload()),
        end_bit_(8 * (bytes_.size() - std::min(bytes_.size(), kTailBytes))) {}

  /// sums[i - begin] += the element, for those of [begin, begin + sums.size()) that are sent; ranges follow one
  /// another.
  void add_to(std::span<float> sums, size_t begin) {
    switch (header_.encoding) {
      case GradientEncoding::words:
        return add_words(sums, begin);
      case GradientEncoding::gaps:
        return add_gaps(sums, begin);
      case GradientEncoding::bitmap:
        return add_bitmap(sums, begin);
      case GradientEncoding::dense:
        return add_dense(sums, begin);
    }
  }

  /// After the last range: whether all elements were in one.
  void expect_end() const {
    const uint32_t n_read = header_.encoding == GradientEncoding::gaps ? place_.n_read : n_read_;
    if (header_.encoding != GradientEncoding::dense && n_read != header_.n_sent) {
      refuse("has elements that are not there, or do not ascend");
    }
  }

 private:
  float value_of(bool negative) const noexcept { return negative ? -header_.threshold : header_.threshold; }

  void add_words(std::span<float> sums, size_t begin) noexcept {
    while (n_read_ < header_.n_sent) {
      GradientWord word;
      std::memcpy(&word, bytes_.data() + size_t{n_read_} * sizeof word, sizeof word);
      const size_t place = index_of(word) - begin;  // below begin: a large number
      if (place >= sums.size()) return;
      sums[place] += value_of(is_negative(word));
      ++n_read_;
    }
  }

  /// Several codes of a load, as long as they lie in it as a whole. A code whose element is behind the range is read
  /// again.
  void add_gaps(std::span<float> sums, size_t begin) noexcept {
    const uint32_t low_bits = header_.rice_bits;
    const uint64_t low_mask = (uint64_t{1} << low_bits) - 1;
    const auto threshold = std::bit_cast<uint32_t>(header_.threshold);
    Place place = place_;
    while (place.n_read < header_.n_sent && place.bit <= end_bit_) {
      const uint64_t word = load_bits(bytes_.data(), place.bit);
      uint32_t used = 0;
      for (; place.n_read < header_.n_sent; ++place.n_read) {
        const uint64_t code = word >> used;
        const auto unary = static_cast<uint32_t>(std::countr_one(code >> 1));
        const uint32_t length = 2 + unary + low_bits;
        if (used + length > kLoadedBits || unary >= kLongestUnary) break;
        const uint64_t index = place.next + (uint64_t{unary} << low_bits) + (code >> (2 + unary) & low_mask);
        if (index - begin >= sums.size()) return void((place.bit += used, place_ = place));
        sums[index - begin] += std::bit_cast<float>(threshold ^ static_cast<uint32_t>(code << 31));
        place.next = index + 1;
        used += length;
      }
      place.bit += used;
      if (used == 0 && !add_long_gap(sums, begin, place)) break;
    }
    place_ = place;
  }

  /// Where the reading of gaps is.
  struct Place {
    uint64_t bit = 0;
    uint64_t next = 0;  ///< the element that may come at the earliest
    uint32_t n_read = 0;
  };

  /// One code that is longer than a load; whether its element is in the range.
  bool add_long_gap(std::span<float> sums, size_t begin, Place& place) noexcept {
    const uint64_t code = load_bits(bytes_.data(), place.bit);
    const auto unary = static_cast<uint32_t>(std::countr_one(code >> 1));
    const bool is_short = unary < kLongestUnary;
    const uint64_t low_at = place.bit + 1 + (is_short ? unary + 1 : kLongestUnary);
    const uint32_t low_bits = is_short ? header_.rice_bits : 32;
    if (low_at > end_bit_) return false;
    const uint64_t low = read_bits(bytes_.data(), low_at, low_bits);
    const uint64_t index = place.next + low + (is_short ? uint64_t{unary} << low_bits : 0);
    if (index - begin >= sums.size()) return false;
    sums[index - begin] += value_of((code & 1) != 0);
    place = {low_at + low_bits, index + 1, place.n_read + 1};
    return true;
  }

  void add_bitmap(std::span<float> sums, size_t begin) noexcept {
    const std::byte* const signs = bytes_.data() + bytes_of_bits(header_.n_elements);
    for (size_t i = 0; i < sums.size(); i += 32) {
      const uint32_t width = static_cast<uint32_t>(std::min<size_t>(32, sums.size() - i));
      for (uint64_t left = read_bits(bytes_.data(), begin + i, width); left != 0; left &= left - 1) {
        if (n_read_ == header_.n_sent) return void(n_read_ = UINT32_MAX);
        const bool negative = read_bits(signs, n_read_++, 1) != 0;
        sums[i + static_cast<size_t>(std::countr_zero(left))] += value_of(negative);
      }
    }
  }

  void add_dense(std::span<float> sums, size_t begin) noexcept {
    for (size_t i = 0; i < sums.size(); ++i) {
      float value;
      std::memcpy(&value, bytes_.data() + (begin + i) * sizeof value, sizeof value);
      sums[i] += value;
    }
  }

  const GradientHeader& header_;
  std::span<const std::byte> bytes_;
  uint64_t end_bit_;  ///< of gaps
  Place place_;
  uint32_t n_read_ = 0;  ///< of words and bitmaps
};

}  // namespace

void write_message(std::span<const GradientWord> words, uint32_t n_elements, float threshold, uint64_t step,
                   std::vector<std::byte>& message) {
  check(n_elements < kMostElements, "an index has 31 bits");
  GradientHeader header;
  header.n_sent = static_cast<uint32_t>(words.size());
  header.n_elements = n_elements;
  header.threshold = threshold;
  header.step = step;
  header.rice_bits = static_cast<uint8_t>(rice_bits_for(words.size(), n_elements));
  const uint64_t word_bytes = words.size_bytes(),
                 gap_bytes = bytes_of_bits(gaps_bits(words, header.rice_bits)) + kTailBytes;
  const uint64_t bitmap_bytes = bytes_of_bits(n_elements) + bytes_of_bits(words.size()) + kTailBytes;
  message.assign(kHeaderBytes, std::byte{0});
  if (word_bytes <= std::min(gap_bytes, bitmap_bytes)) {
    header.encoding = GradientEncoding::words;
    const auto bytes = std::as_bytes(words);
    message.insert(message.end(), bytes.begin(), bytes.end());
  } else if (gap_bytes * 10 < bitmap_bytes * 9) {  // a bitmap is read faster
    header.encoding = GradientEncoding::gaps;
    write_gaps(words, header.rice_bits, message);
  } else {
    header.encoding = GradientEncoding::bitmap;
    write_bitmap(words, n_elements, message);
  }
  if (header.encoding != GradientEncoding::gaps) header.rice_bits = 0;
  put_header(header, message);
}

void write_message(std::span<const float> dense, uint64_t step, std::vector<std::byte>& message) {
  check(dense.size() < kMostElements, "an index has 31 bits");
  GradientHeader header;
  header.encoding = GradientEncoding::dense;
  header.n_sent = header.n_elements = static_cast<uint32_t>(dense.size());
  header.step = step;
  message.assign(kHeaderBytes, std::byte{0});
  const auto bytes = std::as_bytes(dense);
  message.insert(message.end(), bytes.begin(), bytes.end());
  put_header(header, message);
}

uint64_t checksum_of(std::span<const std::byte> message) noexcept {
  GradientHeader header;
  std::memcpy(&header, message.data(), sizeof header);
  header.checksum = 0;
  const uint64_t seed = XXH3_64bits(&header, sizeof header);
  return XXH3_64bits_withSeed(message.data() + kHeaderBytes, message.size() - kHeaderBytes, seed);
}

GradientMessage::GradientMessage(std::span<const std::byte> bytes, size_t n_elements, uint64_t step) {
  if (bytes.size() < kHeaderBytes) refuse("is cut short");
  std::memcpy(&header_, bytes.data(), sizeof header_);
  if (header_.version != 1) refuse("has version " + std::to_string(header_.version) + ", expected 1");
  if (checksum_of(bytes) != header_.checksum) refuse("was changed on its way: its checksum does not fit");
  payload_ = bytes.subspan(kHeaderBytes);
  const bool is_gaps = header_.encoding == GradientEncoding::gaps;
  const uint64_t expected = payload_bytes(header_);
  if (header_.rice_bits > 31 || (is_gaps ? payload_.size() < expected : payload_.size() != expected)) {
    refuse("has another size than its header says");
  }
  if (header_.n_elements != n_elements) {
    refuse("is for " + std::to_string(header_.n_elements) + " parameters, expected " + std::to_string(n_elements));
  }
  if (header_.step != step) {
    refuse("is of step " + std::to_string(header_.step) + ", expected " + std::to_string(step));
  }
}

void add_up(std::span<const GradientMessage> messages, std::span<float> sums) {
  constexpr size_t kRange = size_t{1} << 15;  // 128 kB
  std::vector<ElementReader> readers(messages.begin(), messages.end());
  for (size_t begin = 0; begin < sums.size(); begin += kRange) {
    const std::span<float> range = sums.subspan(begin, std::min(kRange, sums.size() - begin));
    std::fill(range.begin(), range.end(), 0.0F);
    for (ElementReader& reader : readers) reader.add_to(range, begin);
  }
  for (const ElementReader& reader : readers) reader.expect_end();
}

void add_up_naive(std::span<const GradientMessage> messages, std::span<float> sums) {
  std::fill(sums.begin(), sums.end(), 0.0F);
  for (const GradientMessage& message : messages) {
    ElementReader reader(message);
    reader.add_to(sums, 0);
    reader.expect_end();
  }
}

}  // namespace coppice
