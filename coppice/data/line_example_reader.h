// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "coppice/data/block_builder.h"
#include "coppice/data/examples.h"
#include "coppice/data/label_resolver.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/row.h"

namespace coppice {

/// Examples from a stream of lines: reads them, repairs invalid UTF-8, lets a parser make rows, resolves labels.
///
/// `labels` must outlive the reader. Memory: one block, and the longest line twice.
class LineExampleReader final : public ExampleReader {
 public:
  LineExampleReader(InputStream stream, Format format, const ReadOptions& options, LabelIndex& labels);

  bool next(Examples& block) override;
  const ReadReport& report() const override { return report_; }

 private:
  bool read_line();
  void take_line(Line line);
  RowParser::Outcome parse(Line line);
  Line repaired(Line line);
  void join(std::string_view line);
  void take_row();
  void take_sizes();
  void finish();
  void refuse(const BadLine& bad, const std::string& where);

  LineReader reader_;
  std::unique_ptr<RowParser> parser_;
  LabelResolver resolver_;
  LabelIndex& labels_;
  ReadReport report_;
  BlockBuilder builder_;
  Row row_;
  std::string repaired_;
  std::string record_;        ///< the lines so far of a row that goes on
  uint64_t record_line_ = 0;  ///< where it began; 0 = no such row
  uint64_t max_record_bytes_;
  uint32_t n_features_;  ///< declared, or one more than the largest index seen
  bool skip_bad_lines_;
  bool is_text_;
  bool finished_ = false;
};

}  // namespace coppice
