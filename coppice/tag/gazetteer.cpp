// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/gazetteer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/row.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

constexpr uint64_t kSeed = 0x67617A;  // a phrase has other hashes than the features of a tagger

KeyHash hash_phrase(const SplitText& text, size_t first, size_t end) noexcept {
  return hash_key(text.folded_words(first, end), kSeed);
}

/// Collects phrases, each once.
class PhraseList {
 public:
  /// Throws `ErrorCode::data` for one without words or of too many.
  void add(std::string_view phrase, const std::string& where) {
    splitter_.split(phrase, split_);
    if (split_.size() == 0) throw Error(ErrorCode::data, "the phrase " + shown(phrase) + " has no word", where);
    if (split_.size() > Gazetteer::kMostWords) {
      throw Error(ErrorCode::data,
                  "a phrase of " + counted(split_.size(), "word") + ", at most " +
                      std::to_string(Gazetteer::kMostWords) + " expected",
                  where, "a gazetteer holds one phrase a line");
    }
    most_words_ = std::max(most_words_, static_cast<uint32_t>(split_.size()));
    keys_.push_back(hash_phrase(split_, 0, split_.size()));
  }

  bool empty() const noexcept { return keys_.empty(); }

  Gazetteer build(std::string name, ThreadPool& pool) {
    std::sort(keys_.begin(), keys_.end());
    keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
    KeyIndexOptions options;
    options.fingerprint_bits = Gazetteer::kFingerprintBits;
    return {std::move(name), most_words_, KeyIndex::build(keys_, pool, options)};
  }

 private:
  WordSplitter splitter_;
  SplitText split_;
  std::vector<KeyHash> keys_;
  uint32_t most_words_ = 0;
};

void expect_text(std::string_view line, const std::string& where) {
  if (line.find('\0') != std::string_view::npos) {
    throw Error(ErrorCode::data, "a NUL byte, expected a phrase", where, "is this a binary file?");
  }
  if (!is_valid_utf8(line)) {
    throw Error(ErrorCode::data, "the phrase is not valid UTF-8", where, "is this a text file, and is it UTF-8?");
  }
}

}  // namespace

Gazetteer::Gazetteer(std::string name, uint32_t most_words, KeyIndex phrases)
    : name_(std::move(name)), most_words_(most_words), phrases_(std::move(phrases)) {
  if (name_.empty()) throw Error(ErrorCode::data, "a gazetteer without a name");
  if (most_words_ < 1 || most_words_ > kMostWords) {
    throw Error(ErrorCode::data, "phrases of up to " + counted(most_words_, "word"));
  }
  if (phrases_.size() == 0) throw Error(ErrorCode::data, "a gazetteer without a phrase");
}

void Gazetteer::mark(const SplitText& text, Mark* marks) const noexcept {
  const size_t n = text.size();
  std::fill_n(marks, n, Mark::none);
  for (size_t first = 0; first < n;) {
    size_t end = std::min<size_t>(n, first + most_words_);
    while (end > first && phrases_.find(hash_phrase(text, first, end)) == KeyIndex::kNone) --end;
    if (end == first) {
      ++first;
      continue;
    }
    marks[first] = Mark::begin;
    std::fill(marks + first + 1, marks + end, Mark::inside);
    first = end;
  }
}

GazetteerFile gazetteer_file(std::string_view text) {
  const size_t sign = text.find('=');
  if (sign == std::string_view::npos || sign == 0 || sign + 1 == text.size()) {
    throw Error(ErrorCode::usage, "the gazetteer is '" + std::string(text) + "', expected NAME=FILE");
  }
  return {std::string(text.substr(0, sign)), std::string(text.substr(sign + 1))};
}

Gazetteer read_gazetteer(const GazetteerFile& file, ThreadPool& pool, const Progress* stop) {
  LineReader reader(InputStream::open(file.path, stop));
  PhraseList phrases;
  while (const std::optional<Line> line = reader.next()) {
    expect_text(line->text, reader.where());
    if (trimmed(line->text).empty() || line->text.front() == '#') continue;
    phrases.add(line->text, reader.where());
  }
  if (phrases.empty()) throw Error(ErrorCode::data, "the file holds no phrase, expected one a line", reader.name());
  return phrases.build(file.name, pool);
}

Gazetteer make_gazetteer(std::string name, std::span<const std::string> phrases, ThreadPool& pool) {
  PhraseList list;
  for (const std::string& phrase : phrases) list.add(phrase, name);
  if (list.empty()) throw Error(ErrorCode::data, "a gazetteer without a phrase", name);
  return list.build(std::move(name), pool);
}

}  // namespace coppice
