// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/math/csr.h"
#include "coppice/rank/level_training.h"

namespace coppice {

/// What the workers of one ranker say to each other.
enum class TreeMessage : uint32_t {
  lives,        ///< that the sender lives, nothing else
  rows,         ///< of the training set, for the worker to keep
  level,        ///< chunks to be trained: a LevelTask
  train,        ///< all that were named
  chunks,       ///< that are finished
  done,         ///< no more of them: a RankReport
  failed,       ///< an error, with which the other one is to end
  dismiss,      ///< nothing more is to be trained
  predictions,  ///< of a block of rows
};

/// Puts a message together. The same program reads it, on a machine of the same byte order.
class TreeMessageWriter {
 public:
  explicit TreeMessageWriter(TreeMessage kind) { put(kind); }

  template <class T>
  void put(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    append(std::as_bytes(std::span(&value, 1)));
  }
  template <class T>
  void put_all(std::span<const T> values) {
    put(uint64_t{values.size()});
    append(std::as_bytes(values));
  }
  void put_text(std::string_view text) { put_all(std::span(text)); }

  std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  void append(std::span<const std::byte> bytes) {
    const size_t end = bytes_.size();
    bytes_.resize(end + bytes.size());
    if (!bytes.empty()) std::memcpy(bytes_.data() + end, bytes.data(), bytes.size());
  }

  std::vector<std::byte> bytes_;
};

/// Takes a message apart. Throws `ErrorCode::remote` for one that ends too soon.
class TreeMessageReader {
 public:
  explicit TreeMessageReader(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) { kind_ = get<TreeMessage>(); }

  TreeMessage kind() const noexcept { return kind_; }
  bool at_end() const noexcept { return place_ == bytes_.size(); }

  template <class T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    std::memcpy(&value, take(1, sizeof value), sizeof value);
    return value;
  }
  template <class T>
  std::vector<T> get_all() {
    std::vector<T> values;
    const auto count = get<uint64_t>();
    const std::byte* const from = take(count, sizeof(T));
    values.resize(count);
    if (count > 0) std::memcpy(values.data(), from, count * sizeof(T));
    return values;
  }
  std::string get_text() {
    const std::vector<char> text = get_all<char>();
    return {text.begin(), text.end()};
  }

 private:
  const std::byte* take(uint64_t count, size_t size) {
    if (count > (bytes_.size() - place_) / size) {
      throw Error(ErrorCode::remote, "a message of another worker is damaged: it ends too soon");
    }
    const std::byte* const from = bytes_.data() + place_;
    place_ += count * size;
    return from;
  }

  std::vector<std::byte> bytes_;
  size_t place_ = 0;
  TreeMessage kind_;
};

/// Those chunks of a level that one worker trains, of rows that have the numbers of the whole training set.
struct SharedLevel {
  uint64_t task = 0;  ///< among those that are trained at the same time
  uint32_t level = 0;
  uint64_t first_chunk = 0;
  float bias = 1;
  LevelOptions options;
  std::vector<uint32_t> first_child;
  ChunkRowSets row_sets;
  std::vector<uint32_t> rows;  ///< those that have a node here, ascending
  Csr nodes;                   ///< of these rows: their nodes below these chunks
};

/// The part of a task that a worker gets; its number `task` is for the caller to say.
SharedLevel shared_level(const LevelTask& task, ChunkSpan span);
void write(TreeMessageWriter& message, const SharedLevel& level);
SharedLevel read_level(TreeMessageReader& message);

/// Rows of the training set that a worker keeps: their numbers, features and weights (none: 1 each).
struct SharedRows {
  uint64_t rows_of_all = 0, nonzeros_of_all = 0;  ///< of the whole training set: more will never come
  std::vector<uint32_t> numbers;
  Csr features;
  std::vector<float> weights;
};
void write(TreeMessageWriter& message, const SharedRows& rows);
SharedRows read_rows(TreeMessageReader& message);

/// A finished chunk.
struct SharedChunk {
  uint64_t task = 0;   ///< the number that its level was sent with
  uint64_t chunk = 0;  ///< in the whole level
  EncodedChunk encoded;
};
void write(TreeMessageWriter& message, const SharedChunk& chunk);
SharedChunk read_chunk(TreeMessageReader& message);

void write(TreeMessageWriter& message, const Error& error);
Error read_error(TreeMessageReader& message);

}  // namespace coppice
