// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "coppice/core/quantity.h"
#include "coppice/data/parsers.h"

namespace coppice {
namespace {

struct Field {
  std::string_view text;
  size_t column;  ///< in bytes from the start of the record, from 1
};

class CsvParser final : public RowParser {
 public:
  CsvParser(const ReadOptions& options, char separator)
      : options_(options), separator_(separator), quoting_(separator == ',') {}

  Outcome parse(Line line, Row& row) override {
    if (trimmed(line.text).empty() && line.text.find(separator_) == std::string_view::npos) return Outcome::blank;
    refuse_nul(line.text);
    if (!split(line.text)) return Outcome::incomplete;
    if (n_fields_ == 0) {
      read_header();
      return Outcome::header;
    }
    if (fields_.size() != n_fields_) {
      throw BadLine{line.text.size() + 1, "the row has " + counted(fields_.size(), "field") + ", expected " +
                                              std::to_string(n_fields_) + " as in the header"};
    }
    take_row(row);
    return Outcome::row;
  }

  std::optional<char> quoting_separator() const override { return quoting_ ? std::optional(separator_) : std::nullopt; }

  bool in_header() const override { return n_fields_ == 0; }

 private:
  /// Splits the record into `fields_`; false if it ends inside quotes. Tab-separated files know no quotes.
  bool split(std::string_view record) {
    fields_.clear();
    unquoted_.clear();
    unquoted_.reserve(record.size());  // so that views into it stay valid
    size_t begin = 0;
    for (;;) {
      const bool quotes = quoting_ && begin < record.size() && record[begin] == '"';
      size_t end = 0;
      if (quotes) {
        const std::optional<size_t> closing = take_quoted(record, begin);
        if (!closing) return false;
        end = *closing;
      } else {
        end = std::min(record.find(separator_, begin), record.size());
        fields_.push_back({record.substr(begin, end - begin), begin + 1});
        refuse_stray_quote(fields_.back());
      }
      if (end == record.size()) return true;
      if (record[end] != separator_) {
        throw BadLine{end + 1, "text follows a closing quote, expected a comma or the end of the row",
                      "a quote inside a quoted field is written twice: \"\""};
      }
      begin = end + 1;
    }
  }

  void refuse_stray_quote(const Field& field) const {
    const size_t quote = quoting_ ? field.text.find('"') : std::string_view::npos;
    if (quote == std::string_view::npos) return;
    throw BadLine{field.column + quote, "a quote inside a field that does not start with one, expected none",
                  "quote the whole field and write the quote twice: \"\""};
  }

  /// The field that starts with the quote at `begin`; the place behind its closing quote, or nothing if it has none.
  std::optional<size_t> take_quoted(std::string_view record, size_t begin) {
    const size_t start = unquoted_.size();
    for (size_t i = begin + 1; i < record.size(); ++i) {
      const size_t quote = record.find('"', i);
      if (quote == std::string_view::npos) return std::nullopt;
      unquoted_.append(record.substr(i, quote - i));
      const bool doubled = quote + 1 < record.size() && record[quote + 1] == '"';
      if (!doubled) {
        fields_.push_back({std::string_view(unquoted_).substr(start), begin + 1});
        return quote + 1;
      }
      unquoted_ += '"';
      i = quote + 1;
    }
    return std::nullopt;
  }

  /// Of the header; fields that nobody asks for may repeat.
  std::optional<size_t> find_field(const std::string& name) const {
    std::optional<size_t> found;
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (trimmed(fields_[i].text) != name) continue;
      if (found) throw BadLine{fields_[i].column, "the field " + shown(name) + " is there twice, expected it once"};
      found = i;
    }
    return found;
  }

  void read_header() {
    texts_.clear();
    for (const std::string& name : options_.text_field) {
      const std::optional<size_t> place = find_field(name);
      if (!place) {
        throw BadLine{1, "the header has no field " + shown(name) + ", expected one of that name",
                      "text_field names the field that holds the text"};
      }
      texts_.push_back(*place);
    }
    labels_ = find_field(options_.labels_field);
    weight_ = find_field(options_.weight_field);
    id_ = find_field(options_.id_field);
    n_fields_ = fields_.size();
  }

  void take_row(Row& row) const {
    row.has_text = true;
    if (texts_.size() == 1) {
      row.text = fields_[texts_.front()].text;
    } else {
      for (const size_t i : texts_) {
        if (i != texts_.front()) row.scratch += ' ';
        row.scratch += fields_[i].text;
      }
      row.text = row.scratch;
    }
    if (labels_) take_labels(fields_[*labels_], row);
    if (weight_) take_weight(fields_[*weight_], row);
    if (id_) {
      row.id = fields_[*id_].text;
      row.has_id = true;
    }
  }

  static void take_weight(const Field& field, Row& row) {
    const std::string_view text = trimmed(field.text);
    if (text.empty()) return;
    row.weight = parse_value(text, field.column, "weight");
    if (row.weight < 0) throw BadLine{field.column, "weight is " + shown(text) + ", expected a number from 0"};
  }

  void take_labels(const Field& field, Row& row) const {
    if (trimmed(field.text).empty()) return;
    for (size_t begin = 0; begin <= field.text.size();) {
      const size_t end = std::min(field.text.find(options_.label_separator, begin), field.text.size());
      LabelMention label;
      label.name = trimmed(field.text.substr(begin, end - begin));
      label.column = field.column + begin;
      row.labels.push_back(label);
      begin = end + options_.label_separator.size();
    }
  }

  ReadOptions options_;
  char separator_;
  bool quoting_;
  std::vector<Field> fields_;
  std::string unquoted_;
  size_t n_fields_ = 0;
  std::vector<size_t> texts_;
  std::optional<size_t> labels_;
  std::optional<size_t> weight_;
  std::optional<size_t> id_;
};

}  // namespace

std::unique_ptr<RowParser> make_csv_parser(const ReadOptions& options, char separator) {
  return std::make_unique<CsvParser>(options, separator);
}

}  // namespace coppice
