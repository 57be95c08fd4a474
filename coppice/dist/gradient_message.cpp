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
constexpr size_t kTailBytes = 8;  // behind bits, so that a load of 64 stays inside
constexpr size_t kWordBits = 64;  // of the unary parts, which are written in whole words

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

uint64_t words_of_bits(uint64_t bits) noexcept {
  return (bits + kWordBits - 1) / kWordBits;
}

/// What stands where in a payload of gaps: the unary parts of all distances, then their low bits and signs.
struct GapsLayout {
  uint64_t unary_words, low_bytes;

  uint64_t bytes() const noexcept { return unary_words * sizeof(uint64_t) + low_bytes + kTailBytes; }
};

uint64_t low_bytes_of(uint64_t n_sent, uint32_t rice_bits) noexcept {
  return bytes_of_bits(n_sent * (1 + rice_bits));
}

GapsLayout gaps_layout(std::span<const GradientWord> words, uint32_t rice_bits) noexcept {
  uint64_t unary_bits = words.size();
  uint32_t next = 0;  // the index that may come at the earliest
  for (const GradientWord word : words) {
    unary_bits += (index_of(word) - next) >> rice_bits;
    next = index_of(word) + 1;
  }
  return {words_of_bits(unary_bits), low_bytes_of(words.size(), rice_bits)};
}

template <class T>
void store(std::byte* bytes, T value) noexcept {
  std::memcpy(bytes, &value, sizeof value);
}

/// Bits wait in registers: to add them to what lies in memory would wait for the last ones to get there.
void write_gaps(std::span<const GradientWord> words, uint32_t rice_bits, const GapsLayout& layout,
                std::vector<std::byte>& message) {
  message.resize(kHeaderBytes + layout.bytes());
  std::byte* const unary = message.data() + kHeaderBytes;
  std::byte* low = unary + layout.unary_words * sizeof(uint64_t);
  const uint32_t low_mask = (1U << rice_bits) - 1;
  uint64_t unary_at = 0, unary_word = 0, unary_bits = 0;
  uint64_t low_bits = 0;
  uint32_t n_low_bits = 0, next = 0;
  for (const GradientWord word : words) {
    const uint32_t distance = index_of(word) - next;
    unary_at += distance >> rice_bits;
    if (unary_at / kWordBits != unary_word) {
      store(unary + unary_word * sizeof(uint64_t), unary_bits);
      unary_word = unary_at / kWordBits;
      unary_bits = 0;
    }
    unary_bits |= uint64_t{1} << unary_at++ % kWordBits;
    low_bits |= (uint64_t{distance & low_mask} << 1 | (word & 1)) << n_low_bits;
    n_low_bits += 1 + rice_bits;
    if (n_low_bits >= 32) {
      store(low, static_cast<uint32_t>(low_bits));
      low += sizeof(uint32_t), low_bits >>= 32, n_low_bits -= 32;
    }
    next = index_of(word) + 1;
  }
  if (layout.unary_words > 0) store(unary + unary_word * sizeof(uint64_t), unary_bits);
  store(low, static_cast<uint32_t>(low_bits));  // there is a tail behind it
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
      return GapsLayout{words_of_bits(header.n_sent), low_bytes_of(header.n_sent, header.rice_bits)}.bytes();
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
        n_unary_words_(unary_words_of(message)),
        low_(bytes_.data() + n_unary_words_ * sizeof(uint64_t)) {}

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
    const bool is_gaps = header_.encoding == GradientEncoding::gaps;
    const bool has_gaps = place_.unary == 0 && place_.n_words == n_unary_words_ && place_.n_begun == header_.n_sent;
    const bool has_all = is_gaps ? has_gaps : n_read_ == header_.n_sent;
    if (header_.encoding != GradientEncoding::dense && !has_all) {
      refuse("has elements that are not there, or do not ascend");
    }
  }

 private:
  float value_of(bool negative) const noexcept { return negative ? -header_.threshold : header_.threshold; }

  static size_t unary_words_of(const GradientMessage& message) noexcept {
    const GradientHeader& header = message.header();
    if (header.encoding != GradientEncoding::gaps) return 0;
    const uint64_t others = low_bytes_of(header.n_sent, header.rice_bits) + kTailBytes;
    return (message.payload().size() - others) / sizeof(uint64_t);
  }

  void add_words(std::span<float> sums, size_t begin) noexcept {
    while (n_read_ < header_.n_sent) {
      GradientWord word;
      std::memcpy(&word, bytes_.data() + size_t{n_read_} * sizeof word, sizeof word);
      const size_t place = index_of(word) - begin;  // below begin: a large number
      if (place >= sums.size() || index_of(word) < next_) return;
      sums[place] += value_of(is_negative(word));
      next_ = index_of(word) + 1;
      ++n_read_;
    }
  }

  // The unary parts are set bits, each after as many zeros as its distance has multiples of 2^rice_bits: of element k
  // at bit p, all distances so far have p - k of them. What else an index is made of, `base` adds up.
  void add_gaps(std::span<float> sums, size_t begin) noexcept {
    const uint32_t rice_bits = header_.rice_bits, width = 1 + rice_bits;
    const uint64_t low_mask = (uint64_t{1} << rice_bits) - 1;
    const auto threshold = std::bit_cast<uint32_t>(header_.threshold);
    Place at = place_;
    at.base -= begin;
    do {
      for (; at.unary != 0; at.unary &= at.unary - 1) {
        const uint64_t field = load_bits(low_, at.low_bit);
        const uint64_t base = at.base + (field >> 1 & low_mask);
        const uint64_t place = base + (static_cast<uint64_t>(std::countr_zero(at.unary)) << rice_bits);
        if (place >= sums.size()) break;
        sums[place] += std::bit_cast<float>(threshold ^ static_cast<uint32_t>(field << 31));
        at.base = base - low_mask;
        at.low_bit += width;
      }
    } while (at.unary == 0 && next_unary(at));
    at.base += begin;
    place_ = at;
  }

  /// Where the reading of gaps is.
  struct Place {
    uint64_t unary = 0;  ///< what is left of a word of unary parts
    uint64_t n_words = 0;
    uint64_t base = 0;
    uint64_t low_bit = 0;
    uint64_t n_begun = 0;  ///< elements in the words up to this one
  };

  /// The next word of unary parts; false at the end, and for more elements than there are.
  bool next_unary(Place& at) const noexcept {
    if (at.n_words == n_unary_words_) return false;
    uint64_t word;
    std::memcpy(&word, bytes_.data() + at.n_words * sizeof word, sizeof word);
    at.n_begun += static_cast<uint64_t>(std::popcount(word));
    if (at.n_begun > header_.n_sent) return false;
    if (at.n_words++ > 0) at.base += uint64_t{kWordBits} << header_.rice_bits;
    at.unary = word;
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
  size_t n_unary_words_;  ///< of gaps
  const std::byte* low_;  ///< of gaps: low bits and signs
  Place place_;
  uint32_t n_read_ = 0;  ///< of words and bitmaps
  uint32_t next_ = 0;    ///< of words: the element that may come at the earliest
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
  const GapsLayout gaps = gaps_layout(words, header.rice_bits);
  const uint64_t word_bytes = words.size_bytes(), gap_bytes = gaps.bytes();
  const uint64_t bitmap_bytes = bytes_of_bits(n_elements) + bytes_of_bits(words.size()) + kTailBytes;
  message.assign(kHeaderBytes, std::byte{0});
  if (word_bytes <= std::min(gap_bytes, bitmap_bytes)) {
    header.encoding = GradientEncoding::words;
    const auto bytes = std::as_bytes(words);
    message.insert(message.end(), bytes.begin(), bytes.end());
  } else if (gap_bytes * 10 < bitmap_bytes * 9) {  // a bitmap is read faster
    header.encoding = GradientEncoding::gaps;
    write_gaps(words, header.rice_bits, gaps, message);
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
  const uint64_t expected = payload_bytes(header_), size = payload_.size();
  const bool fits = is_gaps ? size >= expected && (size - expected) % sizeof(uint64_t) == 0 : size == expected;
  if (header_.rice_bits > 31 || !fits) {
    refuse("has another size than its header says");
  }
  if (header_.n_elements != n_elements) {
    refuse("is for " + std::to_string(header_.n_elements) + " parameters, expected " + std::to_string(n_elements));
  }
  const bool is_dense = header_.encoding == GradientEncoding::dense;
  const bool is_nothing = is_gaps && header_.n_sent == 0;  // which takes no gaps
  if (header_.n_sent > header_.n_elements || (is_dense && header_.n_sent != header_.n_elements) || is_nothing) {
    refuse("sends " + std::to_string(header_.n_sent) + " of " + std::to_string(header_.n_elements) + " elements");
  }
  if (!is_dense && !(header_.threshold > 0 && std::isfinite(header_.threshold))) {
    refuse("has a threshold that is no number above 0");
  }
  if (header_.step != step) {
    refuse("is of step " + std::to_string(header_.step) + ", expected " + std::to_string(step));
  }
}

void add_up(std::span<const GradientMessage> messages, std::span<float> sums) {
  constexpr size_t kRange = size_t{1} << 16;  // 256 kB: with less, what is between two ranges weighs
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
