// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/core/progress.h"
#include "coppice/math/key_index.h"
#include "coppice/tag/words.h"

namespace coppice {

/// A list of phrases, such as names of cities, without the phrases: known by hashes of their folded words. Of phrases
/// that are not in it, one in 65,536 is taken for one that is.
///
/// Immutable. Threads: const methods are thread-safe.
class Gazetteer {
 public:
  static constexpr uint32_t kMostWords = 32;  ///< of a phrase
  static constexpr uint32_t kFingerprintBits = 16;

  /// Where a word stands in a phrase of the list.
  enum class Mark : uint8_t { none, begin, inside };

  Gazetteer() = default;
  /// Throws `ErrorCode::data` for a name that is none and for numbers that do not fit each other.
  Gazetteer(std::string name, uint32_t most_words, KeyIndex phrases);

  const std::string& name() const noexcept { return name_; }
  uint32_t most_words() const noexcept { return most_words_; }  ///< of its longest phrase
  uint64_t size() const noexcept { return phrases_.size(); }
  const KeyIndex& phrases() const noexcept { return phrases_; }

  /// Marks the words of a text: from left to right, the longest phrase that begins at a word. `marks` has room for all.
  void mark(const SplitText& text, Mark* marks) const noexcept;

 private:
  std::string name_;
  uint32_t most_words_ = 0;
  KeyIndex phrases_;
};

/// The file of a gazetteer, and how its features are called.
struct GazetteerFile {
  std::string name;
  std::string path;
};

/// "city=cities.txt". Throws `ErrorCode::usage` for a text without a name or a path.
GazetteerFile gazetteer_file(std::string_view text);

/// Reads a phrase a line; blank lines and those that begin with # are left out; gzip, zstd and "-" as everywhere.
/// Throws `ErrorCode::io`, `ErrorCode::cancelled`; `ErrorCode::data` with the place of what is no UTF-8, of a NUL byte,
/// of a phrase without a word or of more than kMostWords, and for a file without a phrase.
Gazetteer read_gazetteer(const GazetteerFile& file, ThreadPool& pool, const Progress* stop = nullptr);

/// The gazetteer of phrases in memory. Throws as `read_gazetteer`.
Gazetteer make_gazetteer(std::string name, std::span<const std::string> phrases, ThreadPool& pool);

}  // namespace coppice
