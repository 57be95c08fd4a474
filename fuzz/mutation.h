// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/random.h"

namespace coppice::fuzz {

using Bytes = std::vector<uint8_t>;

/// Changes inputs in the ways that break parsers: bits, bytes and numbers with odd values, ranges cut out, repeated or
/// taken from another input, an early end.
///
/// The same seed gives the same changes on every machine. Threads: one at a time.
class Mutator {
 public:
  /// `seeds` is borrowed: where spliced ranges come from; may be empty.
  Mutator(uint64_t seed, const std::vector<Bytes>& seeds) : random_(seed), seeds_(seeds) {}

  /// From here on the changes of stream `number`, whatever was drawn before.
  void restart(uint64_t seed, uint64_t number) { random_ = Random(seed, number); }

  /// One to eight changes, of which at least one has an effect as a rule; the result has at most `most_bytes`.
  void mutate(Bytes& input, size_t most_bytes);

  uint32_t below(size_t bound) { return random_.below(static_cast<uint32_t>(bound)); }

 private:
  void change(Bytes& input);
  void flip_bit(Bytes& input);
  void set_byte(Bytes& input);
  void set_word(Bytes& input);
  void edit_number(Bytes& input);
  void remove_range(Bytes& input);
  void repeat_range(Bytes& input);
  void splice(Bytes& input);
  void insert(Bytes& input, std::span<const uint8_t> range);

  Random random_;
  const std::vector<Bytes>& seeds_;
};

}  // namespace coppice::fuzz
