// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_words.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

namespace coppice {
namespace {

constexpr uint64_t kBytesPerToken = 4;
constexpr size_t kMostKeywordBytes = size_t{256} << 10;
constexpr size_t kMostWordBytes = 40;  // a longer one is no word, but data

bool is_letter(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte >= 0x80;
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_continuation(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

constexpr std::array<std::string_view, 99> kFunctionWords = {
    "about", "above",  "after", "again", "all",     "also",  "and",   "answer", "any",   "are",   "because",
    "been",  "before", "being", "below", "between", "both",  "but",   "can",    "could", "did",   "does",
    "down",  "during", "each",  "every", "few",     "for",   "from",  "given",  "had",   "has",   "have",
    "her",   "here",   "him",   "his",   "how",     "into",  "its",   "just",   "let",   "like",  "make",
    "may",   "more",   "most",  "must",  "not",     "now",   "off",   "once",   "one",   "only",  "other",
    "our",   "out",    "over",  "own",   "please",  "same",  "she",   "should", "some",  "such",  "than",
    "that",  "the",    "their", "them",  "then",    "there", "these", "they",   "this",  "those", "through",
    "too",   "two",    "under", "until", "use",     "very",  "was",   "were",   "what",  "when",  "where",
    "which", "while",  "who",   "whom",  "why",     "will",  "with",  "would",  "write", "you",   "your"};
static_assert(std::is_sorted(kFunctionWords.begin(), kFunctionWords.end()));

bool is_function_word(std::string_view word) noexcept {
  return std::binary_search(kFunctionWords.begin(), kFunctionWords.end(), word);
}

/// Frames of sentences; each `*` is a word.
constexpr std::array<std::string_view, 8> kFrames = {"The * brings * and * together.",
                                                     "It begins with *, and * follows from it.",
                                                     "Where there is *, * is not far.",
                                                     "Both * and * depend on *.",
                                                     "Of all that matters here, * comes first.",
                                                     "Whoever knows * will look for * next.",
                                                     "There is more to * than *.",
                                                     "Between * and * stands *."};

void capitalise(std::string& text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
}

void add_direction(std::vector<float>& sum, std::string_view feature, float weight, uint64_t seed) {
  Random random(XXH3_64bits_withSeed(feature.data(), feature.size(), seed));
  for (size_t i = 0; i < sum.size();) {
    uint64_t bits = random.next();
    for (size_t end = std::min(i + 64, sum.size()); i < end; ++i, bits >>= 1) {
      sum[i] += (bits & 1) != 0 ? weight : -weight;
    }
  }
}

}  // namespace

uint64_t stand_in_tokens(std::string_view text) noexcept {
  return (text.size() + kBytesPerToken - 1) / kBytesPerToken;
}

size_t stand_in_token_begin(std::string_view text, uint64_t number) noexcept {
  if (number >= stand_in_tokens(text)) return text.size();
  size_t begin = static_cast<size_t>(number * kBytesPerToken);
  for (int i = 0; i < 3 && begin > 0 && is_continuation(text[begin]); ++i) --begin;
  return begin;
}

std::vector<std::string> stand_in_words(std::string_view text) {
  std::vector<std::string> words;
  for (size_t i = 0; i < text.size();) {
    if (!is_letter(text[i])) {
      ++i;
      continue;
    }
    std::string word;
    for (; i < text.size() && is_letter(text[i]); ++i) word += lower(text[i]);
    words.push_back(std::move(word));
  }
  return words;
}

std::vector<std::string> stand_in_keywords(std::string_view text, size_t most) {
  text = text.substr(0, stand_in_token_begin(text, kMostKeywordBytes / kBytesPerToken));
  std::unordered_map<std::string, size_t> place;
  std::vector<std::pair<size_t, std::string>> counted;
  for (std::string& word : stand_in_words(text)) {
    const bool is_number = word.find_first_not_of("0123456789") == std::string::npos;
    if (word.size() < 3 || word.size() > kMostWordBytes || is_number || is_function_word(word)) continue;
    const auto [at, is_new] = place.emplace(word, counted.size());
    if (is_new) counted.emplace_back(0, std::move(word));
    ++counted[at->second].first;
  }
  std::stable_sort(counted.begin(), counted.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> keywords;
  for (auto& [count, word] : counted) {
    if (keywords.size() == most) break;
    keywords.push_back(std::move(word));
  }
  return keywords;
}

StandInWriter::StandInWriter(std::vector<std::string> words, Random random)
    : words_(std::move(words)), random_(random) {
  if (words_.empty()) words_ = {"matter", "reason", "place", "order", "measure", "answer"};
}

const std::string& StandInWriter::word() {
  const auto size = static_cast<uint32_t>(words_.size());
  const uint32_t drawn = random_.below(size);
  last_ = drawn == last_ ? (drawn + 1) % size : drawn;
  return words_[last_];
}

std::string StandInWriter::phrase(size_t n_words) {
  std::string text;
  for (size_t i = 0; i < n_words; ++i) text += (i > 0 ? " " : "") + word();
  capitalise(text);
  return text;
}

std::string StandInWriter::sentence() {
  std::string text;
  for (const char c : kFrames[random_.below(kFrames.size())]) {
    if (c == '*') {
      text += word();
    } else {
      text += c;
    }
  }
  return text;
}

std::string StandInWriter::paragraph(uint64_t tokens) {
  std::string text = sentence();
  while (stand_in_tokens(text) < tokens) text += " " + sentence();
  return text;
}

std::vector<std::string> stand_in_off_topic_words() {
  return {"harbour", "violin",  "gravel",   "tariff", "walrus",  "kettle",  "monsoon", "lantern",
          "parsnip", "glacier", "trombone", "meadow", "sextant", "plaster", "orchard", "bobbin"};
}

std::vector<float> stand_in_embedding(std::string_view text, uint32_t dimensions, uint64_t seed) {
  constexpr float kWordWeight = 1, kTrigramWeight = 0.5F;
  std::map<std::string, float> weights;  // in a fixed order: sums of floats depend on it
  for (const std::string& word : stand_in_words(text)) {
    weights["w" + word] += kWordWeight;
    const std::string framed = "_" + word + "_";
    const float each = kTrigramWeight / std::sqrt(static_cast<float>(framed.size() - 2));
    for (size_t i = 0; i + 3 <= framed.size(); ++i) weights["t" + framed.substr(i, 3)] += each;
  }
  std::vector<float> sum(dimensions, 0.0F);
  for (const auto& [feature, weight] : weights) add_direction(sum, feature, weight, seed);
  double square = 0;
  for (const float x : sum) square += static_cast<double>(x) * x;
  if (square == 0 && dimensions > 0) sum[0] = 1;  // a text of no words (or one whose words cancel out)
  const double scale = square == 0 ? 1 : 1 / std::sqrt(square);
  for (float& x : sum) x = static_cast<float>(x * scale);
  return sum;
}

}  // namespace coppice
