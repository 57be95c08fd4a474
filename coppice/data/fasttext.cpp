// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/parsers.h"

#include <algorithm>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr std::string_view kSpaces = " \t\v\f\r";

/// Labels may stand anywhere among the words, as fastText has it; most files have them in front.
class FasttextParser final : public RowParser {
 public:
  explicit FasttextParser(const ReadOptions& options) : prefix_(options.label_prefix) {}

  Outcome parse(Line line, Row& row) override {
    refuse_nul(line.text);
    const std::string_view text = line.text;
    size_t begin = text.find_first_not_of(kSpaces);
    if (begin == std::string_view::npos) return Outcome::blank;
    while (begin < text.size() && text.substr(begin, prefix_.size()) == prefix_) begin = take_label(text, begin, row);
    const size_t last = text.find_last_not_of(kSpaces) + 1;
    row.text = text.substr(begin, last > begin ? last - begin : 0);
    row.has_text = true;
    if (label_from(text, begin) != std::string_view::npos) take_labels_out(text, begin, row);
    return Outcome::row;
  }

 private:
  /// Adds the label that starts at `begin`; returns where the next token starts.
  size_t take_label(std::string_view text, size_t begin, Row& row) const {
    const size_t end = std::min(text.find_first_of(kSpaces, begin), text.size());
    LabelMention label;
    label.name = text.substr(begin + prefix_.size(), end - begin - prefix_.size());
    label.column = begin + 1;
    row.labels.push_back(label);
    return std::min(text.find_first_not_of(kSpaces, end), text.size());
  }

  /// Where the next label at or behind `begin` starts, or npos.
  size_t label_from(std::string_view text, size_t begin) const {
    for (size_t place = text.find(prefix_, begin); place != std::string_view::npos;
         place = text.find(prefix_, place + 1)) {
      if (place == 0 || kSpaces.find(text[place - 1]) != std::string_view::npos) return place;
    }
    return std::string_view::npos;
  }

  void take_labels_out(std::string_view text, size_t begin, Row& row) const {
    for (size_t label = label_from(text, begin); label != std::string_view::npos; label = label_from(text, begin)) {
      row.scratch.append(text.substr(begin, label - begin));
      begin = take_label(text, label, row);
    }
    row.scratch.append(text.substr(begin));
    const size_t last = row.scratch.find_last_not_of(kSpaces);
    row.scratch.resize(last == std::string::npos ? 0 : last + 1);
    row.text = row.scratch;
  }

  std::string prefix_;
};

}  // namespace

std::unique_ptr<RowParser> make_fasttext_parser(const ReadOptions& options) {
  if (options.label_prefix.empty())
    throw Error(ErrorCode::usage, "label_prefix is empty, expected a word such as __label__");
  return std::make_unique<FasttextParser>(options);
}

}  // namespace coppice
