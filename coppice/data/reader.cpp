// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/reader.h"

#include <algorithm>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/block_builder.h"
#include "coppice/data/line_example_reader.h"
#include "coppice/data/matrix_example_reader.h"
#include "coppice/data/parsers.h"

namespace coppice {
namespace {

constexpr size_t kLookBytes = size_t{64} << 10;

struct Extension {
  std::string_view text;
  Format format;
};
constexpr Extension kExtensions[] = {{".jsonl", Format::jsonl}, {".ndjson", Format::jsonl}, {".svm", Format::svm},
                                     {".libsvm", Format::svm},  {".csv", Format::csv},      {".npz", Format::npz},
                                     {".npy", Format::npy}};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return lower;
}

/// In lower case, without what says how it is compressed.
std::string plain_path(const std::string& path) {
  std::string lower = lower_case(path);
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (lower.ends_with(packed)) lower.resize(lower.size() - packed.size());
  }
  return lower;
}

std::optional<Recognised> by_extension(const std::string& plain) {
  for (const Extension& extension : kExtensions) {
    if (plain.ends_with(extension.text))
      return Recognised{extension.format, "the extension " + std::string(extension.text)};
  }
  return std::nullopt;
}

bool all_of(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

/// Relevances stand behind `::`; whether they are numbers from 0 is for the parser to say.
bool is_label_list(std::string_view text) {
  const std::string_view list = trimmed(text);
  const bool has_relevance = list.find("::") != std::string_view::npos && list.find_first_of("0123456789") == 0;
  return all_of(text, has_relevance ? "0123456789,:. \r+-eE" : "0123456789,:. \r");
}

/// Labels or nothing, then index:value pairs; or the three numbers of a header.
bool looks_like_svm(std::string_view line) {
  if (!all_of(line, "0123456789,:.-+eE \t\r")) return false;
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) return true;
  const std::string_view numbers = trimmed(line);
  return !numbers.empty() && std::count(numbers.begin(), numbers.end(), ' ') == 2 && all_of(numbers, "0123456789 ");
}

/// The format of a first line that is not blank.
Format by_line(std::string_view line) {
  const std::string_view text = trimmed(line);
  if (text.starts_with('{') || text.starts_with('[')) return Format::jsonl;
  if (text.find("__label__") == 0) return Format::fasttext;
  // The tab decides between the two that start with numbers: svm separates by spaces.
  const size_t tab = line.find('\t');
  if (tab != std::string_view::npos && is_label_list(line.substr(0, tab)) && !looks_like_svm(line)) {
    return Format::labelled_text;
  }
  if (looks_like_svm(line)) return Format::svm;
  if (tab != std::string_view::npos && is_label_list(line.substr(0, tab))) return Format::labelled_text;
  return Format::automatic;
}

/// The first line that is not blank, nor a row of svm without labels; may be cut off, and empty.
std::string_view first_line(std::string_view look) {
  if (look.starts_with("\xef\xbb\xbf")) look.remove_prefix(3);
  while (!look.empty()) {
    const size_t end = std::min(look.find('\n'), look.size());
    const std::string_view line = look.substr(0, end);
    if (!trimmed(line).empty() && line != "\r") return line;
    look.remove_prefix(std::min(end + 1, look.size()));
  }
  return {};
}

/// A table has a header, of single words; a line of a file of utterances is `intent<TAB>text`, of several words.
Recognised by_columns(InputStream& stream) {
  const std::string_view line = trimmed(first_line(stream.peek(kLookBytes)));
  const size_t tab = line.find('\t');
  const bool one_tab = tab != std::string_view::npos && line.find('\t', tab + 1) == std::string_view::npos;
  if (!one_tab || line.find(' ', tab) == std::string_view::npos) return {Format::tsv, "the extension .tsv"};
  return {Format::labelled_text, "the extension .tsv and the first line, which is no header", true};
}

/// Nothing for what looks like none of the formats.
std::optional<Recognised> by_content(InputStream& stream) {
  const std::string_view look = stream.peek(kLookBytes);
  if (look.empty()) throw Error(ErrorCode::data, "the input is empty: no rows", stream.name());
  if (look.starts_with("\x89"
                       "CPC\r\n")) {
    throw Error(
        ErrorCode::data, "this is a model, expected examples", stream.name(),
        "train reads examples alone and writes the model to -o; predict and evaluate take the model first, then "
        "the rows");
  }
  if (look.starts_with("PK\x03\x04")) return Recognised{Format::npz, "the first bytes"};
  if (look.starts_with("\x93NUMPY")) return Recognised{Format::npy, "the first bytes"};
  expect_utf8_mark(look, stream.name());
  const Format format = by_line(first_line(look));
  if (format != Format::automatic) return Recognised{format, "the first line"};
  return std::nullopt;
}

std::optional<Recognised> find_format(const std::string& path, InputStream& stream) {
  const std::string plain = plain_path(path);
  if (std::optional<Recognised> found = by_extension(plain)) return found;
  std::optional<Recognised> found = by_content(stream);
  if (!plain.ends_with(".tsv")) return found;
  if (!found) return by_columns(stream);
  // An intent may start as JSON does; no line of JSON has a tab and then a text of several words.
  const Recognised columns = by_columns(stream);
  return found->format == Format::jsonl && columns.named_labels ? columns : found;
}

bool is_matrix(Format format) noexcept {
  return format == Format::npz || format == Format::npy;
}

/// The options with the format that the stream has.
ReadOptions chosen(const std::string& path, ReadOptions options, InputStream& stream) {
  if (options.format != Format::automatic) return options;
  const Recognised recognised = recognise(path, stream);
  options.format = recognised.format;
  if (!recognised.named_labels) return options;
  // Whoever names fields has a table.
  const ReadOptions usual;
  const bool names_fields = options.text_field != usual.text_field || options.labels_field != usual.labels_field;
  if (names_fields) options.format = Format::tsv;
  options.named_labels |= !names_fields;
  return options;
}

/// `labels` may be nullptr: see `LineExampleReader`.
std::unique_ptr<ExampleReader> open_lines(InputStream stream, const ReadOptions& options, LabelIndex* labels) {
  if (is_matrix(options.format)) {
    throw Error(ErrorCode::unsupported,
                "a matrix (" + std::string(name(options.format)) + ") cannot be read from a stream", stream.name(),
                "give it as a file, not compressed by gzip or zstd");
  }
  if (labels != nullptr && !options.labels_path.empty()) {
    throw Error(ErrorCode::usage,
                "option labels_path is " + options.labels_path + ", but examples of the format " +
                    std::string(name(options.format)) + " hold their labels themselves",
                stream.name(), "labels_path goes with npz and npy");
  }
  return std::make_unique<LineExampleReader>(std::move(stream), options.format, options, labels);
}

std::unique_ptr<ExampleReader> open_rows(const std::string& path, const ReadOptions& given, LabelIndex* labels) {
  InputStream stream = InputStream::open(path, given.stop);
  const ReadOptions options = chosen(path, given, stream);
  if (is_matrix(options.format) && !is_stream(path))
    return std::make_unique<MatrixExampleReader>(path, options.format, options, labels);
  return open_lines(std::move(stream), options, labels);
}

/// A second reading: as many rows as in the first, or what was made of the first no longer goes with them.
class SecondReading final : public ExampleReader {
 public:
  SecondReading(std::unique_ptr<ExampleReader> reader, uint64_t n_rows) : reader_(std::move(reader)), n_rows_(n_rows) {}

  bool next(Examples& block) override {
    const bool more = reader_->next(block);
    const uint64_t n_rows = report().rows;
    if (more || n_rows == n_rows_) return more;
    throw Error(ErrorCode::data,
                "the second reading found " + counted(n_rows, "row") + ", the first " + std::to_string(n_rows_),
                report().input, "has the file been written to meanwhile? give a copy that stays as it is");
  }
  const ReadReport& report() const override { return reader_->report(); }

 private:
  std::unique_ptr<ExampleReader> reader_;
  uint64_t n_rows_;
};

}  // namespace

std::unique_ptr<RowParser> make_parser(Format format, const ReadOptions& options) {
  if (options.label_separator.empty()) throw Error(ErrorCode::usage, "label_separator is empty, expected a character");
  const bool has_fields = format == Format::jsonl || format == Format::csv || format == Format::tsv;
  if (has_fields && options.text_field.empty()) {
    throw Error(ErrorCode::usage, "text_field is empty, expected the name of a field");
  }
  switch (format) {
    case Format::jsonl:
      return make_jsonl_parser(options);
    case Format::labelled_text:
      return make_labelled_text_parser(options);
    case Format::svm:
      return make_svm_parser(options);
    case Format::fasttext:
      return make_fasttext_parser(options);
    case Format::text:
      return make_text_parser();
    case Format::csv:
      return make_csv_parser(options, ',');
    case Format::tsv:
      return make_csv_parser(options, '\t');
    case Format::automatic:
    case Format::npz:
    case Format::npy:
      break;
  }
  throw Error(ErrorCode::internal, "a matrix format has no lines to parse");
}

Recognised recognise(const std::string& path, InputStream& stream) {
  if (std::optional<Recognised> found = find_format(path, stream)) return *found;
  throw Error(ErrorCode::data, "the format cannot be told from the first line", stream.name() + ":1",
              "name it by the option format: jsonl, labelled_text, svm, fasttext, csv, tsv, or text for lines without "
              "labels");
}

std::optional<Recognised> find_format(const std::string& path) {
  InputStream stream = InputStream::open(path);
  return find_format(path, stream);
}

Recognised recognise(const std::string& path) {
  InputStream stream = InputStream::open(path);
  return recognise(path, stream);
}

std::unique_ptr<ExampleReader> open_examples(const std::string& path, const ReadOptions& options, LabelIndex& labels) {
  return open_rows(path, options, &labels);
}

std::unique_ptr<ExampleReader> open_queries(const std::string& path, const ReadOptions& options) {
  return open_rows(path, options, nullptr);
}

std::unique_ptr<ExampleReader> open_examples(InputStream stream, const ReadOptions& options, LabelIndex& labels) {
  const ReadOptions known = chosen(stream.name(), options, stream);
  return open_lines(std::move(stream), known, &labels);
}

ExampleSource::ExampleSource(std::string path, ReadOptions options)
    : path_(std::move(path)), options_(std::move(options)) {
  RereadableInput input(path_, options_.stop);
  InputStream stream = input.open();
  options_ = chosen(path_, std::move(options_), stream);
  if (!is_matrix(options_.format) || is_stream(path_)) input_ = std::move(input);
}

std::unique_ptr<ExampleReader> ExampleSource::open(LabelIndex& labels) const {
  if (!input_) return open_examples(path_, options_, labels);
  return open_examples(input_->open(), options_, labels);
}

std::unique_ptr<ExampleReader> ExampleSource::open_again(const ReadReport& first) const {
  if (!input_) return std::make_unique<SecondReading>(open_queries(path_, options_), first.rows);
  auto lines = std::make_unique<LineExampleReader>(input_->open(), options_.format, options_, nullptr);
  lines->leave_out(first.bad_labels);
  return std::make_unique<SecondReading>(std::move(lines), first.rows);
}

Dataset read_all(ExampleReader& reader, LabelIndex& labels) {
  ExamplesJoiner joiner;
  Examples block;
  uint32_t n_features = 0;
  while (reader.next(block)) {
    n_features = std::max(n_features, block.features.n_columns);
    joiner.add(block);
  }
  Dataset all;
  all.report = reader.report();
  require_rows(all.report);
  all.examples = joiner.take(n_features, labels.size());
  all.names = labels.names();
  all.n_labels = labels.size();
  return all;
}

Dataset read_all(const std::string& path, const ReadOptions& options, LabelIndex& labels) {
  return read_all(*open_examples(path, options, labels), labels);
}

void require_rows(const ReadReport& report) {
  if (report.rows > 0) return;
  if (report.bad_lines > 0) {
    throw Error(ErrorCode::data,
                "no rows: " + counted(report.bad_lines, "bad line") + ", the first: " + report.messages.front(),
                report.input);
  }
  if (report.lines == 0) throw Error(ErrorCode::data, "the input is empty: no rows", report.input);
  const std::string blank = report.blank_lines > 0 ? counted(report.blank_lines, "blank line") : std::string();
  std::string found = report.lines > report.blank_lines ? "a header" : blank;
  if (found != blank && !blank.empty()) found += " and " + blank;
  throw Error(ErrorCode::data, "no rows: " + found + " and nothing else", report.input);
}

void require_labels(const ReadReport& report) {
  require_rows(report);
  if (report.label_entries > 0) return;
  throw Error(ErrorCode::data, "no label in " + counted(report.rows, "row"), report.input,
              "labels_field names the field that holds them in JSONL, labels_path the label matrix of npz");
}

}  // namespace coppice
