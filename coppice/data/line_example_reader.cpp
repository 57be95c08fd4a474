// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/line_example_reader.h"

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/parsers.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

/// "line 3", "lines 3 to 7".
std::string lines_text(uint64_t first, uint64_t last) {
  const std::string start = std::to_string(first);
  return last > first ? "lines " + start + " to " + std::to_string(last) : "line " + start;
}

}  // namespace

LineExampleReader::LineExampleReader(InputStream stream, Format format, const ReadOptions& options, LabelIndex* labels)
    : reader_(std::move(stream), options.max_line_bytes),
      parser_(make_parser(format, options)),
      labels_(labels),
      max_record_bytes_(options.max_line_bytes),
      max_text_bytes_(options.max_text_bytes),
      n_features_(options.n_features),
      skip_bad_lines_(options.skip_bad_lines),
      is_text_(format != Format::svm) {
  report_.input = reader_.name();
  report_.format = format;
  if (const std::optional<char> separator = parser_->quoting_separator()) {
    quotes_.emplace(*separator);
    reader_.watch_refused([this](std::string_view part) { quotes_->take(part); });
  }
  if (labels_ == nullptr) return;
  resolver_.emplace(*labels_, options);
  if (options.n_labels > 0 && labels_->n_known() == 0 && !labels_->has_names()) labels_->reserve_ids(options.n_labels);
}

bool LineExampleReader::next(Examples& block) {
  const uint64_t start = reader_.bytes();
  while (!finished_ && reader_.bytes() - start < kBlockBytes) {
    if (!read_line()) finish();
  }
  const bool any = builder_.size() > 0;
  block = builder_.take(n_features_, labels_ != nullptr ? labels_->size() : 0);
  return any || !finished_;
}

/// False at the end of the input.
bool LineExampleReader::read_line() {
  if (quotes_ && record_line_ == 0 && !skipped_) quotes_->start_row();
  try {
    const std::optional<Line> line = reader_.next();
    if (line) take_line(*line);
    return line.has_value();
  } catch (const Error& error) {
    const bool may_go_on = skip_bad_lines_ && !parser_->in_header() && reader_.lines() != report_.lines;
    if (error.code() != ErrorCode::data || !may_go_on) throw;
    leave_out_long_line(error);
    return true;
  }
}

/// The line is gone, its row is a bad one: the lines that belong to it are skipped.
void LineExampleReader::leave_out_long_line(const Error& error) {
  report_.lines = reader_.lines();
  if (!skipped_) skipped_.emplace(SkippedRow{error, record_line_ > 0 ? record_line_ : report_.lines});
  record_line_ = 0;
  if (!quotes_ || !quotes_->is_open()) end_skipping("");
}

/// The line belongs to a row that is left out. A quote that nothing closes takes no more than a row may have.
void LineExampleReader::skip(std::string_view line) {
  quotes_->take(line);
  skipped_->bytes += line.size() + 1;
  if (!quotes_->is_open()) return end_skipping("");
  if (skipped_->bytes > max_record_bytes_) {
    end_skipping(": no closing quote in " + counted(max_record_bytes_, "byte") + " more");
  }
}

/// `ending`: what there is to say of the place; "" where the row itself ends.
void LineExampleReader::end_skipping(const std::string& ending) {
  const SkippedRow row = *std::exchange(skipped_, std::nullopt);
  std::string what = row.error.what();
  if (report_.lines > row.first_line || !ending.empty()) {
    what += "; left out: " + lines_text(row.first_line, report_.lines) + ending;
  }
  count_bad(Error(row.error.code(), what, row.error.where(), row.error.hint()));
}

void LineExampleReader::count_bad(const Error& error) {
  ++report_.bad_lines;
  if (report_.messages.size() < ReadReport::kMessagesKept) report_.messages.push_back(error.message());
}

void LineExampleReader::take_line(Line line) {
  report_.lines = line.number;
  if (skipped_) return skip(line.text);
  const uint64_t first_line = record_line_ > 0 ? record_line_ : line.number;
  try {
    row_.clear();
    switch (parse(line)) {
      case RowParser::Outcome::row:
        take_row(first_line);
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
    refuse(bad);
  }
  record_line_ = 0;
}

/// What a header says of the sizes; options go before it.
void LineExampleReader::take_sizes() {
  if (n_features_ == 0) n_features_ = parser_->n_features().value_or(0);
  const std::optional<uint32_t> n_labels = parser_->n_labels();
  if (!resolver_ || !n_labels) return;
  resolver_->set_header_labels(*n_labels, parser_->size_hint());
  if (labels_->n_known() == 0 && !labels_->has_names()) labels_->reserve_ids(*n_labels);
}

RowParser::Outcome LineExampleReader::parse(Line line) {
  if (is_text_ && !is_valid_utf8(line.text)) line = repaired(line);
  if (record_line_ > 0) {
    join(line.text);
    if (quotes_) quotes_->take(line.text);
    if (quotes_ && quotes_->is_open()) return RowParser::Outcome::incomplete;  // so that a row is parsed twice at most
    return parser_->parse({record_, record_line_}, row_);
  }
  const RowParser::Outcome outcome = parser_->parse(line, row_);
  if (outcome == RowParser::Outcome::incomplete) {
    record_.assign(line.text);
    if (quotes_) quotes_->start_inside();
  }
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
    throw BadLine{1,
                  "the row, " + lines_text(record_line_, report_.lines) + ", is longer than " +
                      counted(max_record_bytes_, "byte"),
                  "is a closing quote missing?"};
  }
}

/// `line`: where the row starts.
void LineExampleReader::take_row(uint64_t line) {
  if (std::binary_search(left_out_.begin(), left_out_.end(), line)) {
    ++report_.bad_lines;
    return;
  }
  if (row_.text.size() > max_text_bytes_) {
    throw BadLine{1, "the text is longer than " + counted(max_text_bytes_, "byte"), "split it into several rows"};
  }
  const uint64_t repeated = sort_features(row_.features);
  if (!resolver_) report_.unread_labels += row_.labels.size();
  builder_.add(row_, take_labels(line));
  if (!row_.features.empty()) n_features_ = std::max(n_features_, row_.features.back().column + 1);
  report_.repeated_features += repeated;
  if (row_.repaired) ++report_.repaired_lines;
  ++report_.rows;
}

std::span<const std::pair<uint32_t, float>> LineExampleReader::take_labels(uint64_t line) {
  if (!resolver_) return {};
  try {
    return resolver_->resolve(row_, report_);
  } catch (const BadLine&) {
    report_.bad_labels.push_back(line);
    throw;
  }
}

void LineExampleReader::finish() {
  finished_ = true;
  if (skipped_) end_skipping(", up to the end of the file: a quote is never closed");
  if (record_line_ > 0) {
    const bool several = report_.lines > record_line_;
    const std::string reach = "; it takes " + lines_text(record_line_, report_.lines) + ", up to the end of the file";
    refuse({1, "a quoted field without its closing quote" + (several ? reach : std::string())});
  }
  try {
    parser_->finish(report_.rows + report_.bad_lines);
  } catch (const BadLine& bad) {
    throw Error(ErrorCode::data, bad.what, report_.input + ":1:" + std::to_string(bad.column), bad.hint);
  }
  if (resolver_) resolver_->expect_plausible_ids(report_);
}

/// Throws, or counts the line if bad lines are to be left out. In a row of several lines the fault's own line is named.
void LineExampleReader::refuse(const BadLine& bad) {
  const bool several = record_line_ > 0;
  const std::string_view before = several ? std::string_view(record_).substr(0, bad.column - 1) : std::string_view();
  const uint64_t line =
      several ? record_line_ + static_cast<uint64_t>(std::count(before.begin(), before.end(), '\n')) : report_.lines;
  const size_t column = bad.column - (before.rfind('\n') + 1);  // npos + 1 is 0
  const Error error(ErrorCode::data, bad.what,
                    report_.input + ":" + std::to_string(line) + ":" + std::to_string(column), bad.hint);
  if (!skip_bad_lines_ || parser_->in_header()) throw error;
  count_bad(error);
}

}  // namespace coppice
