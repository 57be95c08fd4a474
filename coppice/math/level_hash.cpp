// SPDX-License-Identifier: Apache-2.0
#include "coppice/math/level_hash.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kRankWords = 8;

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::data, "perfect hash by levels: " + why);
}

/// The finaliser of MurmurHash3 (Appleby, 2011).
uint64_t finalise(uint64_t h) noexcept {
  h = (h ^ h >> 33) * 0xFF51AFD7ED558CCDu;
  h = (h ^ h >> 33) * 0xC4CEB9FE1A85EC53u;
  return h ^ h >> 33;
}

/// The bit of a key in a level of so many words.
uint64_t place_of(KeyHash key, size_t level, uint64_t n_words) noexcept {
  return multiply_high(finalise(key.low + (level + 1) * (key.high >> 16 | 1)), n_words * 64);
}

bool has_bit(const uint64_t* words, uint64_t place) noexcept {
  return (words[place / 64] >> (place % 64) & 1) != 0;
}

/// Sets the bits that just one key has; returns the keys of the others.
std::vector<KeyHash> fill_level(std::span<const KeyHash> keys, size_t level, std::vector<uint64_t>& once) {
  std::vector<uint64_t> twice(once.size());
  for (const KeyHash key : keys) {
    const uint64_t place = place_of(key, level, once.size());
    const uint64_t bit = uint64_t{1} << place % 64;
    twice[place / 64] |= once[place / 64] & bit;
    once[place / 64] |= bit;
  }
  std::vector<KeyHash> others;
  for (const KeyHash key : keys) {
    if (has_bit(twice.data(), place_of(key, level, once.size()))) others.push_back(key);
  }
  for (size_t i = 0; i < once.size(); ++i) once[i] &= ~twice[i];
  return others;
}

}  // namespace

LevelHash::LevelHash(Tables tables) : tables_(std::move(tables)) {
  if (tables_.n_keys == 0 || tables_.n_keys >= kNone) refuse("no keys, or too many");
  if (tables_.level_words.empty() || tables_.level_words.size() > kMostLevels) refuse("a wrong number of levels");
  uint64_t words = 0;
  for (const uint64_t level : tables_.level_words) {
    if (level == 0 || level > tables_.bits.size()) refuse("a level that does not fit");
    words += level;
  }
  if (words != tables_.bits.size()) refuse("levels that do not add up");
  if (tables_.ranks.size() != (words + kRankWords - 1) / kRankWords) refuse("a wrong number of ranks");
}

LevelHash LevelHash::build(std::span<const KeyHash> keys, double gamma) {
  check(!keys.empty() && keys.size() < kNone && gamma >= 1, "1 to 2^32 - 2 keys, gamma of at least 1");
  std::vector<KeyHash> left(keys.begin(), keys.end());
  std::vector<uint64_t> level_words, bits;
  while (!left.empty()) {
    if (level_words.size() == kMostLevels) refuse("two keys have the same hash");
    const auto n_words = static_cast<size_t>(std::ceil(static_cast<double>(left.size()) * gamma / 64));
    std::vector<uint64_t> level(n_words);
    left = fill_level(left, level_words.size(), level);
    level_words.push_back(n_words);
    bits.insert(bits.end(), level.begin(), level.end());
  }
  std::vector<uint32_t> ranks;
  uint32_t rank = 0;
  for (size_t i = 0; i < bits.size(); ++i) {
    if (i % kRankWords == 0) ranks.push_back(rank);
    rank += static_cast<uint32_t>(std::popcount(bits[i]));
  }
  check(rank == keys.size(), "a perfect hash has a bit for each key");
  Tables tables{keys.size(), std::move(level_words), std::move(bits), std::move(ranks)};
  return LevelHash(std::move(tables));
}

uint64_t LevelHash::size_bytes() const noexcept {
  return tables_.level_words.size_bytes() + tables_.bits.size_bytes() + tables_.ranks.size_bytes();
}

uint32_t LevelHash::slot(KeyHash key) const noexcept {
  const uint64_t* const words = tables_.bits.data();
  uint64_t first = 0;
  for (size_t level = 0; level < tables_.level_words.size(); ++level) {
    const uint64_t n_words = tables_.level_words[level];
    const uint64_t place = place_of(key, level, n_words);
    if (!has_bit(words + first, place)) {
      first += n_words;
      continue;
    }
    const uint64_t word = first + place / 64;
    uint64_t rank = tables_.ranks[word / kRankWords];
    for (uint64_t i = word / kRankWords * kRankWords; i < word; ++i)
      rank += static_cast<uint64_t>(std::popcount(words[i]));
    rank += static_cast<uint64_t>(std::popcount(words[word] & ((uint64_t{1} << place % 64) - 1)));
    return rank < tables_.n_keys ? static_cast<uint32_t>(rank) : kNone;
  }
  return kNone;
}

void LevelHash::verify() const {
  uint64_t rank = 0;
  for (size_t i = 0; i < tables_.bits.size(); ++i) {
    if (i % kRankWords == 0 && tables_.ranks[i / kRankWords] != rank) refuse("ranks that are not those of the bits");
    rank += static_cast<uint64_t>(std::popcount(tables_.bits[i]));
  }
  if (rank != tables_.n_keys) refuse("more or fewer bits than keys");
}

}  // namespace coppice
