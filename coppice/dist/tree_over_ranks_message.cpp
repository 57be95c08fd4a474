// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/tree_over_ranks_message.h"

#include <algorithm>
#include <utility>

namespace coppice {
namespace {

void write(TreeMessageWriter& message, const Csr& matrix) {
  message.put(matrix.n_columns);
  message.put_all(matrix.offsets.span());
  message.put_all(matrix.columns.span());
  message.put_all(matrix.values.span());
}

Csr read_csr(TreeMessageReader& message) {
  Csr matrix;
  matrix.n_columns = message.get<uint32_t>();
  matrix.offsets = message.get_all<uint64_t>();
  matrix.columns = message.get_all<uint32_t>();
  matrix.values = message.get_all<float>();
  matrix.validate("rows of another worker");
  return matrix;
}

// Field by field: a pointer is among them.
void write(TreeMessageWriter& message, const LevelOptions& options) {
  static_assert(sizeof(SolverOptions) == 40 && sizeof(PruneOptions) == 8, "a new option goes to the workers, too");
  message.put(options.solver.loss);
  message.put(options.solver.c_positive);
  message.put(options.solver.c_negative);
  message.put(options.solver.bias);
  message.put(options.solver.epsilon);
  message.put(options.solver.max_iterations);
  message.put(options.solver.seed);
  message.put(options.prune);
}

LevelOptions read_options(TreeMessageReader& message) {
  LevelOptions options;
  options.solver.loss = message.get<Loss>();
  options.solver.c_positive = message.get<float>();
  options.solver.c_negative = message.get<float>();
  options.solver.bias = message.get<float>();
  options.solver.epsilon = message.get<float>();
  options.solver.max_iterations = message.get<uint32_t>();
  options.solver.seed = message.get<uint64_t>();
  options.prune = message.get<PruneOptions>();
  return options;
}

ChunkRowSets part_of(const ChunkRowSets& all, ChunkSpan span) {
  ChunkRowSets part;
  part.shared = all.shared;
  if (all.shared) {
    part.rows = all.rows;
    part.offsets.assign(span.end - span.begin + 1, 0);
    return part;
  }
  const auto at = [](auto& vector, uint64_t place) { return vector.begin() + static_cast<std::ptrdiff_t>(place); };
  const uint64_t first = all.offsets[span.begin];
  part.rows.assign(at(all.rows, first), at(all.rows, all.offsets[span.end]));
  part.offsets.assign(at(all.offsets, span.begin), at(all.offsets, span.end + 1));
  for (uint64_t& offset : part.offsets) offset -= first;
  return part;
}

}  // namespace

SharedLevel shared_level(const LevelTask& task, ChunkSpan span) {
  SharedLevel part;
  part.level = task.level;
  part.first_chunk = task.first_chunk + span.begin;
  part.bias = task.rows.bias;
  part.options = task.options;
  const auto first_child = task.first_child.subspan(span.begin, span.end - span.begin + 1);
  part.first_child.assign(first_child.begin(), first_child.end());
  part.row_sets = part_of(task.row_sets, span);
  CsrBuilder nodes(task.rows.nodes->n_columns);
  for (uint32_t row = 0; row < task.rows.nodes->n_rows(); ++row) {
    const SparseRow all = task.rows.nodes->row(row);
    auto node = std::lower_bound(all.columns.begin(), all.columns.end(), first_child.front());
    if (node == all.columns.end() || *node >= first_child.back()) continue;
    for (; node != all.columns.end() && *node < first_child.back(); ++node) {
      nodes.add(*node, all.values[static_cast<size_t>(node - all.columns.begin())]);
    }
    nodes.end_row();
    part.rows.push_back(row);
  }
  part.nodes = nodes.build();
  return part;
}

void write(TreeMessageWriter& message, const SharedLevel& level) {
  message.put(level.task);
  message.put(level.level);
  message.put(level.first_chunk);
  message.put(level.bias);
  write(message, level.options);
  message.put_all(std::span<const uint32_t>(level.first_child));
  message.put(level.row_sets.shared);
  message.put_all(std::span<const uint64_t>(level.row_sets.offsets));
  message.put_all(std::span<const uint32_t>(level.row_sets.rows));
  message.put_all(std::span<const uint32_t>(level.rows));
  write(message, level.nodes);
}

SharedLevel read_level(TreeMessageReader& message) {
  SharedLevel level;
  level.task = message.get<uint64_t>();
  level.level = message.get<uint32_t>();
  level.first_chunk = message.get<uint64_t>();
  level.bias = message.get<float>();
  level.options = read_options(message);
  level.first_child = message.get_all<uint32_t>();
  level.row_sets.shared = message.get<bool>();
  level.row_sets.offsets = message.get_all<uint64_t>();
  level.row_sets.rows = message.get_all<uint32_t>();
  level.rows = message.get_all<uint32_t>();
  level.nodes = read_csr(message);
  return level;
}

void write(TreeMessageWriter& message, const SharedRows& rows) {
  message.put(rows.rows_of_all);
  message.put(rows.nonzeros_of_all);
  message.put_all(std::span<const uint32_t>(rows.numbers));
  write(message, rows.features);
  message.put_all(std::span<const float>(rows.weights));
}

SharedRows read_rows(TreeMessageReader& message) {
  SharedRows rows;
  rows.rows_of_all = message.get<uint64_t>();
  rows.nonzeros_of_all = message.get<uint64_t>();
  rows.numbers = message.get_all<uint32_t>();
  rows.features = read_csr(message);
  rows.weights = message.get_all<float>();
  return rows;
}

void write(TreeMessageWriter& message, const SharedChunk& chunk) {
  message.put(chunk.task);
  message.put(chunk.chunk);
  message.put(chunk.encoded.entry);
  message.put_all(std::span<const float>(chunk.encoded.bias));
  message.put_all(std::span<const std::byte>(chunk.encoded.payload));
}

SharedChunk read_chunk(TreeMessageReader& message) {
  SharedChunk chunk;
  chunk.task = message.get<uint64_t>();
  chunk.chunk = message.get<uint64_t>();
  chunk.encoded.entry = message.get<ChunkEntry>();
  chunk.encoded.bias = message.get_all<float>();
  chunk.encoded.payload = message.get_all<std::byte>();
  return chunk;
}

void write(TreeMessageWriter& message, const Error& error) {
  message.put(error.code());
  message.put_text(error.what());
  message.put_text(error.where());
  message.put_text(error.hint());
}

Error read_error(TreeMessageReader& message) {
  const auto code = message.get<ErrorCode>();
  std::string what = message.get_text(), where = message.get_text();
  return {code, what, std::move(where), message.get_text()};
}

}  // namespace coppice
