// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/line_example_reader.h"

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/parsers.h"
#include "coppice/data/utf8.h"

namespace coppice {

LineExampleReader::LineExampleReader(InputStream stream, Format format, const ReadOptions& options, LabelIndex& labels)
    : reader_(std::move(stream), options.max_line_bytes),
      parser_(make_parser(format, options)),
      resolver_(labels, options),
      labels_(labels),
      max_record_bytes_(options.max_line_bytes),
      n_features_(options.n_features),
      skip_bad_lines_(options.skip_bad_lines),
      is_text_(format != Format::svm) {
  report_.input = reader_.name();
  report_.format = format;
  if (options.n_labels > 0 && labels.n_known() == 0 && !labels.has_names()) labels.reserve_ids(options.n_labels);
}

bool LineExampleReader::next(Examples& block) {
  const uint64_t start = reader_.bytes();
  while (!finished_ && reader_.bytes() - start < kBlockBytes) {
    if (!read_line()) finish();
  }
  const bool any = builder_.size() > 0;
  block = builder_.take(n_features_, labels_.size());
  return any || !finished_;
}

/// False at the end of the input.
bool LineExampleReader::read_line() {
  try {
    const std::optional<Line> line = reader_.next();
    if (line) take_line(*line);
    return line.has_value();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::data || !skip_bad_lines_ || reader_.lines() == report_.lines) throw;
    report_.lines = reader_.lines();
    ++report_.bad_lines;
    if (report_.messages.size() < ReadReport::kMessagesKept) report_.messages.push_back(error.message());
    return true;
  }
}

void LineExampleReader::take_line(Line line) {
  report_.lines = line.number;
  const uint64_t first_line = record_line_ > 0 ? record_line_ : line.number;
  try {
    row_.clear();
    switch (parse(line)) {
      case RowParser::Outcome::row:
        take_row();
        break;
      case RowParser::Outcome::blank:
        ++report_.blank_lines;
        break;
      case RowParser::Outcome::header:
        take_sizes();
        break;
      case RowParser::Outcome::incomplete:
        record_line_ = first_line;
        return;
    }
  } catch (const BadLine& bad) {
    record_line_ = 0;
    refuse(bad, report_.input + ":" + std::to_string(first_line));
  }
  record_line_ = 0;
}

/// What a header says of the sizes; options go before it.
void LineExampleReader::take_sizes() {
  resolver_.set_header_labels(parser_->n_labels(), parser_->size_hint());
  if (labels_.n_known() == 0 && !labels_.has_names()) labels_.reserve_ids(parser_->n_labels());
  if (n_features_ == 0) n_features_ = parser_->n_features();
}

RowParser::Outcome LineExampleReader::parse(Line line) {
  if (is_text_ && !is_valid_utf8(line.text)) line = repaired(line);
  if (record_line_ > 0) {
    join(line.text);
    if (parser_->goes_on(line.text)) return RowParser::Outcome::incomplete;
    return parser_->parse({record_, record_line_}, row_);
  }
  const RowParser::Outcome outcome = parser_->parse(line, row_);
  if (outcome == RowParser::Outcome::incomplete) record_.assign(line.text);
  return outcome;
}

Line LineExampleReader::repaired(Line line) {
  ++report_.repaired_lines;
  repaired_ = repair_utf8(line.text);
  const size_t size = repaired_.size();
  repaired_.append(LineReader::kPadding, '\0');
  return {std::string_view(repaired_).substr(0, size), line.number};
}

/// Adds a line to the row in work.
void LineExampleReader::join(std::string_view line) {
  record_ += '\n';
  record_ += line;
  if (record_.size() > max_record_bytes_) {
    throw BadLine{1, "the row is longer than " + std::to_string(max_record_bytes_) + " bytes",
                  "is a closing quote missing?"};
  }
}

void LineExampleReader::take_row() {
  const uint64_t repeated = sort_features(row_.features);
  const auto labels = resolver_.resolve(row_, report_);
  builder_.add(row_, labels);
  if (!row_.features.empty()) n_features_ = std::max(n_features_, row_.features.back().column + 1);
  report_.repeated_features += repeated;
  if (row_.repaired) ++report_.repaired_lines;
  ++report_.rows;
}

void LineExampleReader::finish() {
  finished_ = true;
  if (record_line_ > 0) {
    refuse({1, "a quoted field without its closing quote"}, report_.input + ":" + std::to_string(record_line_));
  }
  try {
    parser_->finish(report_.rows + report_.bad_lines);
  } catch (const BadLine& bad) {
    throw Error(ErrorCode::data, bad.what, report_.input + ":1:" + std::to_string(bad.column), bad.hint);
  }
  resolver_.expect_plausible_ids(report_);
}

/// Throws, or counts the line if bad lines are to be left out.
void LineExampleReader::refuse(const BadLine& bad, const std::string& where) {
  const Error error(ErrorCode::data, bad.what, where + ":" + std::to_string(bad.column), bad.hint);
  if (!skip_bad_lines_ || bad.fatal) throw error;
  ++report_.bad_lines;
  if (report_.messages.size() < ReadReport::kMessagesKept) report_.messages.push_back(error.message());
}

}  // namespace coppice
