// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "coppice/data/parsers.h"

namespace coppice {
namespace {

class LabelledTextParser final : public RowParser {
 public:
  explicit LabelledTextParser(const ReadOptions& options)
      : separator_(options.label_separator), named_(options.named_labels) {}

  Outcome parse(Line line, Row& row) override {
    if (trimmed(line.text).empty() && line.text.find('\t') == std::string_view::npos) return Outcome::blank;
    refuse_nul(line.text);
    const size_t tab = line.text.find('\t');
    if (tab == std::string_view::npos) {
      throw BadLine{line.text.size() + 1, "the line has no tab, expected labels, a tab and the text"};
    }
    const std::string_view labels = line.text.substr(0, tab);
    if (named_) {
      add_names(labels, row);
    } else {
      add_ids(labels, row);
    }
    row.text = line.text.substr(tab + 1);
    row.has_text = true;
    return Outcome::row;
  }

 private:
  void add_ids(std::string_view list, Row& row) const {
    try {
      parse_label_ids(list, 1, separator_, row);
    } catch (BadLine& bad) {
      const bool is_name = list.find_first_of("0123456789+-.:, ") != 0;
      if (is_name && bad.hint.empty()) bad.hint = "set the option named_labels if names stand before the tab";
      throw;
    }
  }

  void add_names(std::string_view list, Row& row) const {
    if (trimmed(list).empty()) return;
    for (size_t begin = 0; begin <= list.size();) {
      const size_t end = std::min(list.find(separator_, begin), list.size());
      LabelMention label;
      label.name = trimmed(list.substr(begin, end - begin));
      label.column = begin + 1;
      row.labels.push_back(label);
      begin = end + separator_.size();
    }
  }

  std::string separator_;
  bool named_;
};

class TextParser final : public RowParser {
 public:
  Outcome parse(Line line, Row& row) override {
    refuse_nul(line.text);
    row.text = line.text;
    row.has_text = true;
    return Outcome::row;
  }
};

}  // namespace

std::unique_ptr<RowParser> make_labelled_text_parser(const ReadOptions& options) {
  return std::make_unique<LabelledTextParser>(options);
}

std::unique_ptr<RowParser> make_text_parser() {
  return std::make_unique<TextParser>();
}

}  // namespace coppice
