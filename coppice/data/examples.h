// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/data/label_names.h"
#include "coppice/data/read_options.h"
#include "coppice/math/csr.h"

namespace coppice {

/// Many texts in one buffer.
struct Texts {
  std::string bytes;
  std::vector<uint64_t> offsets{0};  ///< n + 1

  size_t size() const noexcept { return offsets.size() - 1; }
  std::string_view operator[](size_t i) const noexcept {
    return std::string_view(bytes).substr(offsets[i], offsets[i + 1] - offsets[i]);
  }
  void add(std::string_view text) {
    bytes.append(text);
    offsets.push_back(bytes.size());
  }
};

/// A block of rows as read: each row has a text, or features, or both; labels with their relevance; a weight.
///
/// Shapes: `texts`, `features`, `dense`, `labels`, `weights` and `ids` hold n rows each, or none at all.
/// In evaluation the labels that the model does not know have ids from the model's L on (see `LabelIndex`): they are
/// positives that no prediction can hit, so `labels.n_columns` may be larger than L.
struct Examples {
  Texts texts;
  Csr features;                  ///< n x d; no rows when the input is text only
  Csr dense;                     ///< n x any: features from a second file, put behind all others; or none
  Csr labels;                    ///< n x L; the value is the label's relevance (1 unless the input says otherwise)
  std::vector<float> weights;    ///< n; empty = every row weighs 1
  std::vector<std::string> ids;  ///< n; the input's own names for its rows ("id" in JSONL), "" = none; or empty

  size_t size() const noexcept;
};

/// Puts the weights of a block behind those of the `n_rows` rows before it; none at all stay none (1 each).
void append_weights(const Examples& block, size_t n_rows, std::vector<float>& weights);

/// Reads examples of one format in blocks, so that a file larger than memory can pass through.
class ExampleReader {
 public:
  virtual ~ExampleReader() = default;

  /// Replaces `block` by the next rows, at most about `kBlockBytes` of input; false at the end.
  /// Throws `ErrorCode::data` with file:line:column for a bad line (or counts it, see ReadOptions).
  virtual bool next(Examples& block) = 0;

  /// What was read so far; complete after `next` returned false.
  virtual const ReadReport& report() const = 0;

  static constexpr size_t kBlockBytes = size_t{8} << 20;
};

}  // namespace coppice
