// SPDX-License-Identifier: Apache-2.0
#include <xxhash.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "coppice/flow/checks/coherence.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

constexpr size_t kShingleWords = 5;
constexpr size_t kMostExact = 64;
constexpr size_t kHashes = 256;

using Shingles = std::vector<uint64_t>;  // hashes, in order, each once

uint64_t hash_of(const std::vector<std::string>& words, size_t begin, size_t count) {
  std::string joined;
  for (size_t i = begin; i < begin + count; ++i) joined.append(words[i]).push_back('\0');
  return XXH3_64bits(joined.data(), joined.size());
}

Shingles shingles_of(const std::vector<std::string>& words) {
  const size_t size = std::min(kShingleWords, words.size());
  Shingles shingles;
  for (size_t i = 0; i + size <= words.size(); ++i) {
    shingles.push_back(hash_of(words, i, size));
    if (size == 0) break;
  }
  std::sort(shingles.begin(), shingles.end());
  shingles.erase(std::unique(shingles.begin(), shingles.end()), shingles.end());
  return shingles;
}

double resemblance(const Shingles& a, const Shingles& b) {
  Shingles common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return static_cast<double>(common.size()) / static_cast<double>(a.size() + b.size() - common.size());
}

double exact_similarity(const std::vector<Shingles>& texts) {
  double sum = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    for (size_t j = i + 1; j < texts.size(); ++j) sum += resemblance(texts[i], texts[j]);
  }
  return sum * 2 / static_cast<double>(texts.size() * (texts.size() - 1));
}

uint64_t mixed(uint64_t value, uint64_t seed) noexcept {
  value ^= seed * 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

/// The share of pairs that have the same minimum, over all hash functions: of texts with the same minimum, counted,
/// there are c (c - 1) / 2 pairs, so that no pair is looked at by itself.
double estimated_similarity(const std::vector<Shingles>& texts) {
  double pairs = 0;
  for (uint64_t seed = 1; seed <= kHashes; ++seed) {
    std::unordered_map<uint64_t, size_t> with_minimum;
    for (const Shingles& shingles : texts) {
      uint64_t least = std::numeric_limits<uint64_t>::max();
      for (const uint64_t shingle : shingles) least = std::min(least, mixed(shingle, seed));
      pairs += static_cast<double>(with_minimum[least]++);
    }
  }
  const double all = static_cast<double>(texts.size()) * static_cast<double>(texts.size() - 1) / 2;
  return pairs / all / static_cast<double>(kHashes);
}

double share(size_t part, size_t whole) noexcept {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

Novelty novelty(const std::vector<std::string>& texts) {
  std::vector<Shingles> shingles;
  std::unordered_set<uint64_t> words_seen, pairs_seen, texts_seen;
  size_t n_words = 0, n_pairs = 0;
  Novelty result;
  for (const std::string& text : texts) {
    const std::vector<std::string> words = words_of(text);
    shingles.push_back(shingles_of(words));
    if (!texts_seen.insert(hash_of(words, 0, words.size())).second) ++result.copies;
    n_words += words.size();
    for (size_t i = 0; i < words.size(); ++i) words_seen.insert(hash_of(words, i, 1));
    for (size_t i = 0; i + 1 < words.size(); ++i, ++n_pairs) pairs_seen.insert(hash_of(words, i, 2));
  }
  result.distinct_1 = share(words_seen.size(), n_words);
  result.distinct_2 = share(pairs_seen.size(), n_pairs);
  result.is_estimated = texts.size() > kMostExact;
  result.diversity = 1;
  if (texts.size() > 1) {
    result.diversity = 1 - (result.is_estimated ? estimated_similarity(shingles) : exact_similarity(shingles));
  }
  return result;
}

}  // namespace coppice
