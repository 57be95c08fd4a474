// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/matrix_example_reader.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/block_builder.h"
#include "coppice/data/npy.h"
#include "coppice/data/npz.h"
#include "coppice/data/reader.h"

namespace coppice {
namespace {

Csr read_svm_features(const std::string& path) {
  ReadOptions options;
  options.format = Format::svm;
  const auto reader = open_queries(path, options);
  ExamplesJoiner joiner;
  uint32_t n_features = 0;
  for (Examples block; reader->next(block);) {
    n_features = std::max(n_features, block.features.n_columns);
    joiner.add(block);
  }
  require_rows(reader->report());
  return joiner.take(n_features, 0).features;
}

Csr read_dense(const std::string& path) {
  const Dense matrix = read_npy(path);
  return to_csr(matrix, 0, matrix.n_rows);
}

/// Throws for a file in the place of a matrix; `expected` says which.
[[noreturn]] void refuse_format(const std::string& path, const std::optional<Recognised>& found,
                                const std::string& expected) {
  const std::string got =
      found ? "this is " + std::string(name(found->format)) + ", told by " + found->by : "the format is not known";
  throw Error(ErrorCode::data, got + ", expected " + expected, path,
              "scipy.sparse.save_npz and numpy.save write matrices");
}

Csr slice(const Csr& matrix, size_t begin, size_t end) {
  std::vector<uint32_t> rows(end - begin);
  std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(begin));
  return select_rows(matrix, rows);
}

}  // namespace

Csr read_matrix(const std::string& path) {
  const std::optional<Recognised> found = find_format(path);
  switch (found ? found->format : Format::automatic) {
    case Format::npz:
      return read_npz(path);
    case Format::npy:
      return read_dense(path);
    case Format::svm:
      return read_svm_features(path);
    default:
      refuse_format(path, found, "a matrix: npz, npy or svm");
  }
}

MatrixExampleReader::MatrixExampleReader(const std::string& path, Format format, const ReadOptions& options,
                                         LabelIndex* labels)
    : labels_(labels), labels_path_(options.labels_path) {
  report_.input = path;
  report_.format = format;
  NpzRepairs repairs;
  features_ = format == Format::npz ? read_npz(path, &repairs) : read_dense(path);
  report_.repeated_features = repairs.summed_entries;
  if (options.n_features > 0) {
    if (features_.n_columns > options.n_features) {
      throw Error(ErrorCode::data,
                  "the matrix has " + counted(features_.n_columns, "column") + ", expected at most " +
                      std::to_string(options.n_features),
                  path);
    }
    features_.n_columns = options.n_features;
  }
  if (labels_ == nullptr) return;
  resolver_.emplace(*labels_, options);
  if (!labels_path_.empty()) read_labels(options);
}

void MatrixExampleReader::read_labels(const ReadOptions& options) {
  const std::optional<Recognised> found = find_format(labels_path_);
  if (!found || (found->format != Format::npz && found->format != Format::npy)) {
    refuse_format(labels_path_, found, "the label matrix: npz or npy");
  }
  relevance_ = read_matrix(labels_path_);
  if (relevance_.n_rows() != features_.n_rows()) {
    throw Error(ErrorCode::data,
                "the label matrix has " + counted(relevance_.n_rows(), "row") + ", the features in " + report_.input +
                    " have " + std::to_string(features_.n_rows()),
                labels_path_);
  }
  resolver_->set_header_labels(relevance_.n_columns);
  const bool bare_ids = options.label_names.empty() && !labels_->has_names();
  if (bare_ids && relevance_.n_columns > labels_->size() && labels_->n_known() == 0) {
    labels_->reserve_ids(relevance_.n_columns);
  }
}

bool MatrixExampleReader::next(Examples& block) {
  block = {};
  const size_t begin = static_cast<size_t>(report_.rows);
  size_t end = begin;
  for (size_t bytes = 0; end < features_.n_rows() && bytes < kBlockBytes; ++end)
    bytes += 8 * features_.row(end).size() + 8;
  if (begin == end) return false;
  block.features = slice(features_, begin, end);
  if (resolver_) block.labels = resolve_labels(begin, end);
  report_.rows = end;
  return true;
}

Csr MatrixExampleReader::resolve_labels(size_t begin, size_t end) {
  CsrBuilder builder;
  Row row;
  for (size_t i = begin; i < end; ++i) {
    row.clear();
    try {
      const SparseRow entries = relevance_.n_rows() > 0 ? relevance_.row(i) : SparseRow{};
      for (size_t j = 0; j < entries.size(); ++j) {
        if (!is_relevant(entries.values[j], 1)) continue;
        LabelMention label;
        label.id = entries.columns[j];
        label.relevance = entries.values[j];
        row.labels.push_back(label);
      }
      for (const auto& [label, relevance] : resolver_->resolve(row, report_)) builder.add(label, relevance);
    } catch (const BadLine& bad) {
      throw Error(ErrorCode::data, bad.what, labels_path_ + ": row " + std::to_string(i), bad.hint);
    }
    builder.end_row();
  }
  builder.set_columns(labels_->size());
  return builder.build();
}

}  // namespace coppice
