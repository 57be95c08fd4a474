// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "coppice/core/error.h"
#include "coppice/data/reader.h"
#include "coppice/data/utf8.h"

namespace coppice {

/// Aborts, which the fuzzer reports, if a promise of `ExampleReader` does not hold.
inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void require_promises(const Dataset& data) {
  const Examples& examples = data.examples;
  const size_t n_rows = data.report.rows;
  require(examples.size() == n_rows);
  require(examples.texts.size() == 0 || examples.texts.size() == n_rows);
  require(examples.features.n_rows() == 0 || examples.features.n_rows() == n_rows);
  require(examples.labels.n_rows() == n_rows && examples.labels.n_columns == data.n_labels);
  examples.features.validate("features");
  examples.labels.validate("labels");
  for (size_t i = 0; i < examples.texts.size(); ++i) require(is_valid_utf8(examples.texts[i]));
  for (const float weight : examples.weights) require(weight >= 0);
  for (uint32_t label = 0; label < data.names.size(); ++label)
    require(data.names.find(data.names.name(label)) == label);
}

/// Reads the input twice, stopping at the first bad line and leaving bad lines out; only data errors may come of it.
inline int fuzz_examples(const uint8_t* bytes, size_t size, ReadOptions options) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  uint64_t strict_rows = 0;
  for (const bool skip : {false, true}) {
    options.skip_bad_lines = skip;
    LabelIndex labels;
    try {
      const Dataset data = read_all(*open_examples(InputStream::from_memory(input, "input"), options, labels), labels);
      require_promises(data);
      if (!skip) strict_rows = data.report.rows;
      if (skip && strict_rows > 0) require(data.report.rows == strict_rows && data.report.bad_lines == 0);
    } catch (const Error& error) {
      require(error.code() == ErrorCode::data || error.code() == ErrorCode::unsupported);
      require(!error.where().empty());
    }
  }
  return 0;
}

}  // namespace coppice
