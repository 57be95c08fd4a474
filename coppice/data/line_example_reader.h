// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/data/block_builder.h"
#include "coppice/data/examples.h"
#include "coppice/data/label_resolver.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/quote_scanner.h"
#include "coppice/data/row.h"

namespace coppice {

/// Examples from a stream of lines: reads them, repairs invalid UTF-8, lets a parser make rows, resolves labels.
///
/// `labels` must outlive the reader; without it (nullptr) labels play no part: rows come without them, and none makes a
/// row bad. Memory: one block, and the longest line twice. Stays where it was made.
class LineExampleReader final : public ExampleReader {
 public:
  LineExampleReader(InputStream stream, Format format, const ReadOptions& options, LabelIndex* labels);

  /// Rows that start in these lines, in ascending order, count as bad ones.
  void leave_out(std::vector<uint64_t> lines) { left_out_ = std::move(lines); }

  bool next(Examples& block) override;
  const ReadReport& report() const override { return report_; }

 private:
  bool read_line();
  void take_line(Line line);
  RowParser::Outcome parse(Line line);
  Line repaired(Line line);
  void join(std::string_view line);
  void take_row(uint64_t line);
  std::span<const std::pair<uint32_t, float>> take_labels(uint64_t line);
  void take_sizes();
  void finish();
  void refuse(const BadLine& bad);
  void count_bad(const Error& error);
  void leave_out_long_line(const Error& error);
  void skip(std::string_view line);
  void end_skipping(const std::string& ending);

  /// A row that is left out for a line that is too long, and goes on.
  struct SkippedRow {
    Error error;
    uint64_t first_line;
    uint64_t bytes = 0;  ///< of the lines behind
  };

  LineReader reader_;
  std::unique_ptr<RowParser> parser_;
  LabelIndex* labels_;
  std::optional<LabelResolver> resolver_;  ///< none if labels play no part
  ReadReport report_;
  BlockBuilder builder_;
  Row row_;
  std::string repaired_;
  std::string record_;                  ///< the lines so far of a row that goes on
  uint64_t record_line_ = 0;            ///< where it began; 0 = no such row
  std::optional<QuoteScanner> quotes_;  ///< of the row in work; none where each line is a row
  std::optional<SkippedRow> skipped_;
  std::vector<uint64_t> left_out_;
  uint64_t max_record_bytes_;
  uint64_t max_text_bytes_;
  uint32_t n_features_;  ///< declared, or one more than the largest index seen
  bool skip_bad_lines_;
  bool is_text_;
  bool finished_ = false;
};

}  // namespace coppice
