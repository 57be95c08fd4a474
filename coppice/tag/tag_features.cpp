// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/tag_features.h"

#include <algorithm>

namespace coppice {
namespace {

constexpr uint64_t kSeed = 0;
constexpr char kSeparator = 0x1F;  // no word holds a control character
constexpr std::string_view kBefore = "\x02", kBehind = "\x03";

/// Bytes of the first `count` characters; all of them when there are fewer.
size_t prefix_bytes(std::string_view word, size_t count) noexcept {
  size_t at = 0;
  for (; at < word.size() && count > 0; --count) {
    ++at;
    while (at < word.size() && (static_cast<unsigned char>(word[at]) & 0xC0) == 0x80) ++at;
  }
  return at;
}

size_t suffix_bytes(std::string_view word, size_t count) noexcept {
  size_t at = word.size();
  for (; at > 0 && count > 0; --count) {
    --at;
    while (at > 0 && (static_cast<unsigned char>(word[at]) & 0xC0) == 0x80) --at;
  }
  return word.size() - at;
}

char shape_of(std::string_view word, size_t at) noexcept {
  const auto byte = static_cast<unsigned char>(word[at]);
  if (byte >= 'A' && byte <= 'Z') return 'X';
  if (byte >= 'a' && byte <= 'z') return 'x';
  if (byte >= '0' && byte <= '9') return 'd';
  if (byte < 0x80) return static_cast<char>(byte);
  const CharClass char_class = coppice::char_class(decode_utf8(word, at).code_point);
  return char_class == CharClass::letter || char_class == CharClass::mark ? 'x' : 'u';
}

}  // namespace

void describe(OptionTable& table, TagFeatureOptions& options) {
  constexpr uint32_t kMost = TagFeatureOptions::kMostWindow;
  table.add("word_window", options.word_window, 0, kMost,
            "A word's tag is told by the words up to so far to its left and right, and by itself.");
  table.add("pair_window", options.pair_window, 0, kMost,
            "By pairs of neighbouring words, both up to so far away. 0 = by none.");
  table.add("triple_window", options.triple_window, 0, kMost,
            "By three neighbouring words, all up to so far away. 0 = by none.");
  table.add("prefix_chars", options.prefix_chars, 0, TagFeatureOptions::kMostChars,
            "By the word's first characters, from one to so many.");
  table.add("suffix_chars", options.suffix_chars, 0, TagFeatureOptions::kMostChars,
            "By the word's last characters, from one to so many.");
  table.add("shape_window", options.shape_window, 0, kMost,
            "By how words look (capitals, digits, other signs), up to so far away.");
  table.add(
      "sentence_words", options.sentence_words,
      "By which words stand anywhere in the text: they tell what it is about. Off for long texts of many subjects.");
}

void append_shape(std::string_view word, std::string& shape) {
  constexpr size_t kMostDigits = 4;
  size_t run = 0;
  char last = 0;
  for (size_t at = 0; at < word.size(); at += prefix_bytes(word.substr(at), 1)) {
    const char c = shape_of(word, at);
    run = c == last ? run + 1 : 1;
    last = c;
    if (run <= (c == 'd' ? kMostDigits : 1)) shape += c;
  }
}

KeyHash hash_tag_feature(std::string_view bytes) noexcept {
  return hash_key(bytes, kSeed);
}

void TagFeatureExtractor::extract(const TagFeatureSource& source, std::string_view text, const SplitText& split,
                                  TagFeatures& result) {
  options_ = source.options;
  gazetteers_ = source.gazetteers;
  split_ = &split;
  result_ = &result;
  result.keys.clear();
  result.begin.assign(1, 0);
  const size_t n = split.size();
  if (shapes_.size() < n) shapes_.resize(n);
  for (size_t i = 0; i < n; ++i) {
    shapes_[i].clear();
    append_shape(text.substr(split.words[i].begin, split.words[i].end - split.words[i].begin), shapes_[i]);
  }
  marks_.resize(gazetteers_.size() * n);
  for (size_t g = 0; g < gazetteers_.size(); ++g) gazetteers_[g].mark(split, marks_.data() + g * n);
  for (size_t i = 0; i < n; ++i) {
    extract_word(i);
    result.begin.push_back(static_cast<uint32_t>(result.keys.size()));
  }
  if (options_.sentence_words) add_text_words();
  result.begin.push_back(static_cast<uint32_t>(result.keys.size()));
}

void TagFeatureExtractor::extract_word(size_t i) {
  add_words(i);
  add_affixes(i);
  add_shapes(i);
  if (!gazetteers_.empty()) add_marks(i);
}

/// The word at that distance; what stands for those before the first and behind the last one.
std::string_view TagFeatureExtractor::word(size_t i, int distance) const noexcept {
  const int64_t place = static_cast<int64_t>(i) + distance;
  if (place < 0) return kBefore;
  if (place >= static_cast<int64_t>(split_->size())) return kBehind;
  return split_->folded_word(static_cast<size_t>(place));
}

void TagFeatureExtractor::start(char kind, int distance) {
  buffer_.assign(1, kind);
  buffer_ += static_cast<char>('A' + distance + static_cast<int>(TagFeatureOptions::kMostWindow));
}

void TagFeatureExtractor::finish() {
  result_->keys.push_back(hash_tag_feature(buffer_));
}

/// The words at distances from `first` to `last` as one feature, unless all of them lie outside of the text but the
/// nearest one.
void TagFeatureExtractor::add_run(char kind, size_t i, int first, int last) {
  const int64_t begin = static_cast<int64_t>(i) + first, end = static_cast<int64_t>(i) + last;
  if (end < -1 || begin > static_cast<int64_t>(split_->size())) return;
  start(kind, first);
  for (int distance = first; distance <= last; ++distance) {
    if (distance > first) buffer_ += kSeparator;
    buffer_ += word(i, distance);
  }
  finish();
}

void TagFeatureExtractor::add_words(size_t i) {
  const int words = static_cast<int>(options_.word_window), pairs = static_cast<int>(options_.pair_window),
            triples = static_cast<int>(options_.triple_window);
  for (int distance = -words; distance <= words; ++distance) add_run('w', i, distance, distance);
  for (int distance = -pairs; distance < pairs; ++distance) add_run('p', i, distance, distance + 1);
  for (int distance = -triples; distance < triples - 1; ++distance) add_run('t', i, distance, distance + 2);
}

void TagFeatureExtractor::add_affixes(size_t i) {
  const std::string_view own = word(i, 0);
  const auto add = [&](char kind, size_t chars, std::string_view affix) {
    start(kind, 0);
    buffer_ += static_cast<char>('0' + chars);
    buffer_ += affix;
    finish();
  };
  for (size_t chars = 1; chars <= options_.prefix_chars; ++chars) {
    const size_t bytes = prefix_bytes(own, chars);
    add('b', chars, own.substr(0, bytes));
    if (bytes == own.size()) break;
  }
  for (size_t chars = 1; chars <= options_.suffix_chars; ++chars) {
    const size_t bytes = suffix_bytes(own, chars);
    add('e', chars, own.substr(own.size() - bytes));
    if (bytes == own.size()) break;
  }
}

void TagFeatureExtractor::add_shapes(size_t i) {
  const int window = static_cast<int>(options_.shape_window);
  for (int distance = -window; distance <= window; ++distance) {
    const int64_t place = static_cast<int64_t>(i) + distance;
    if (place < 0 || place >= static_cast<int64_t>(split_->size())) continue;
    start('s', distance);
    buffer_ += shapes_[static_cast<size_t>(place)];
    finish();
  }
}

/// Of the word and its neighbours.
void TagFeatureExtractor::add_marks(size_t i) {
  const size_t n = split_->size();
  for (size_t g = 0; g < gazetteers_.size(); ++g) {
    for (int distance = -1; distance <= 1; ++distance) {
      const int64_t place = static_cast<int64_t>(i) + distance;
      if (place < 0 || place >= static_cast<int64_t>(n)) continue;
      const Gazetteer::Mark mark = marks_[g * n + static_cast<size_t>(place)];
      if (mark == Gazetteer::Mark::none) continue;
      start('g', distance);
      buffer_ += mark == Gazetteer::Mark::begin ? 'B' : 'I';
      buffer_ += gazetteers_[g].name();
      finish();
    }
  }
}

/// Each word once.
void TagFeatureExtractor::add_text_words() {
  for (size_t i = 0; i < split_->size(); ++i) {
    start('a', 0);
    buffer_ += word(i, 0);
    finish();
  }
  const auto first = result_->keys.begin() + result_->begin.back();
  std::sort(first, result_->keys.end());
  result_->keys.erase(std::unique(first, result_->keys.end()), result_->keys.end());
}

}  // namespace coppice
