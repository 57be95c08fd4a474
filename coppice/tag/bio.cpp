// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/bio.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/line_reader.h"
#include "coppice/data/row.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

constexpr std::string_view kBlanks = " \t";
constexpr std::string_view kIntent = "intent=";
constexpr uint64_t kMostTextBytes = uint64_t{1} << 31;

/// The first and the last column of a line, and where the last one begins.
struct Columns {
  std::string_view token;
  std::string_view tag;
  size_t tag_column = 1;  ///< in bytes, from 1
};

/// Nothing where there is one column only.
std::optional<Columns> columns_of(std::string_view line) {
  const std::string_view separators = line.find('\t') != std::string_view::npos ? "\t" : " ";
  const size_t last = line.find_last_not_of(kBlanks);
  if (last == std::string_view::npos) return std::nullopt;
  const size_t before_tag = line.find_last_of(separators, last);
  const size_t token_end = line.find_first_of(separators);
  if (before_tag == std::string_view::npos || token_end > before_tag) return std::nullopt;
  Columns columns;
  columns.token = trimmed(line.substr(0, token_end));
  columns.tag = trimmed(line.substr(before_tag + 1));
  columns.tag_column = before_tag + 2;
  if (columns.token.empty() || columns.tag.empty()) return std::nullopt;
  return columns;
}

bool is_tag(std::string_view text) {
  return text == "O" || (text.size() > 2 && (text.starts_with("B-") || text.starts_with("I-")));
}

bool is_comment(std::string_view line) {
  if (!line.starts_with('#')) return false;
  const std::optional<Columns> columns = columns_of(line);
  return !columns || !is_tag(columns->tag);
}

BadLine no_tag(std::string_view tag, size_t column) {
  const bool is_iobes = tag.size() > 2 && (tag.starts_with("E-") || tag.starts_with("S-"));
  return {column, "the tag is " + shown(tag) + ", expected O, B-NAME or I-NAME",
          is_iobes ? "in IOB2, S- is B- and E- is I-" : "the tag is the last column of a line"};
}

/// The numbers of slot names, old and new.
class SlotNumbers {
 public:
  explicit SlotNumbers(std::vector<std::string> names) : names_(std::move(names)) {
    for (uint32_t i = 0; i < names_.size(); ++i) numbers_.emplace(names_[i], i);
  }

  uint32_t number(std::string_view name) {
    const auto [found, is_new] = numbers_.emplace(std::string(name), static_cast<uint32_t>(names_.size()));
    if (is_new) names_.emplace_back(name);
    return found->second;
  }

  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::vector<std::string> names_;
  std::unordered_map<std::string, uint32_t> numbers_;
};

class BioReader {
 public:
  BioReader(LineReader& reader, std::vector<std::string> slot_names, const BioOptions& options)
      : reader_(reader), numbers_(std::move(slot_names)), options_(options) {
    result_.report.input = reader.name();
  }

  TaggedTexts read() {
    while (const std::optional<Line> line = reader_.next()) {
      try {
        take(line->text);
      } catch (const BadLine& bad) {
        throw Error(ErrorCode::data, bad.what, reader_.where() + ":" + std::to_string(bad.column), bad.hint);
      }
    }
    end_text();
    if (result_.rows.empty()) {
      throw Error(ErrorCode::data, "there is no text, expected a token and its tag a line", reader_.name());
    }
    result_.report.lines = reader_.lines();
    result_.slot_names = numbers_.take();
    return std::move(result_);
  }

 private:
  void take(std::string_view line) {
    refuse_nul(line);
    std::string repaired;
    if (!is_valid_utf8(line)) {
      ++result_.report.repaired_lines;
      repaired = repair_utf8(line);
      line = repaired;
    }
    if (trimmed(line).empty()) return end_text();
    if (row_.text.empty() && is_comment(line)) return take_comment(line);
    const std::optional<Columns> columns = columns_of(line);
    if (!columns) {
      throw BadLine{1, "the line is " + shown(line) + ", expected a token and its tag",
                    "tokens and tags are separated by a tab or blanks; a blank line ends a text"};
    }
    take_token(*columns);
  }

  void take_comment(std::string_view line) {
    const std::string_view text = trimmed(line.substr(1));
    if (text.starts_with(kIntent)) row_.intent = trimmed(text.substr(kIntent.size()));
  }

  void take_token(const Columns& columns) {
    if (!is_tag(columns.tag)) throw no_tag(columns.tag, columns.tag_column);
    if (row_.text.size() + columns.token.size() >= kMostTextBytes) {
      throw BadLine{1, "the text is longer than " + counted(kMostTextBytes, "byte"), "a blank line ends a text"};
    }
    if (!row_.text.empty()) row_.text += ' ';
    const auto begin = static_cast<uint32_t>(row_.text.size());
    row_.text += columns.token;
    ++result_.report.tokens;
    const auto end = static_cast<uint32_t>(row_.text.size());
    if (columns.tag == "O") {
      open_ = kNone;
      return;
    }
    const uint32_t type = numbers_.number(columns.tag.substr(2));
    if (columns.tag.front() == 'I' && type == open_) {
      row_.slots.back().end = end;
      return;
    }
    if (columns.tag.front() == 'I') expect_repair(columns);
    row_.slots.push_back({type, begin, end});
    open_ = type;
  }

  /// An I tag where nothing of its type is open.
  void expect_repair(const Columns& columns) {
    if (options_.repair_tags) {
      ++result_.report.repaired_tags;
      return;
    }
    const std::string begun = "B-" + std::string(columns.tag.substr(2));
    throw BadLine{columns.tag_column,
                  "the tag " + shown(columns.tag) + " continues no slot, expected " + shown(begun) + " before it",
                  "the option repair_tags lets such a tag begin a slot"};
  }

  void end_text() {
    open_ = kNone;
    if (!row_.text.empty()) result_.rows.push_back(std::move(row_));
    row_ = {};
  }

  static constexpr uint32_t kNone = UINT32_MAX;

  LineReader& reader_;
  SlotNumbers numbers_;
  const BioOptions& options_;
  TaggedTexts result_;
  TaggedText row_;
  uint32_t open_ = kNone;  ///< the type of the slot that the token before belongs to
};

}  // namespace

void describe(OptionTable& table, BioOptions& options) {
  table.add(
      "repair_tags", options.repair_tags,
      "An I- tag without a tag before it that it continues begins a slot, as in IOB1 and in the scoring program of "
      "CoNLL; such tags are counted. Off: it is an error.");
}

std::vector<std::string> BioReport::remarks() const {
  std::vector<std::string> remarks;
  if (repaired_lines > 0) {
    remarks.push_back(counted(repaired_lines, "line") + " with invalid UTF-8: each bad sequence became U+FFFD");
  }
  if (repaired_tags > 0) remarks.push_back(counted(repaired_tags, "I- tag") + " that continued no slot begin one");
  return remarks;
}

uint64_t TaggedTexts::n_slots() const noexcept {
  uint64_t count = 0;
  for (const TaggedText& row : rows) count += row.slots.size();
  return count;
}

bool has_bio_name(std::string_view path) {
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (path.ends_with(packed)) path.remove_suffix(packed.size());
  }
  constexpr std::array<std::string_view, 4> kEndings{".bio", ".iob", ".iob2", ".conll"};
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return path.ends_with(ending); });
}

TaggedTexts read_bio(const std::string& path, std::vector<std::string> slot_names, const BioOptions& options) {
  LineReader reader(InputStream::open(path, options.stop));
  return BioReader(reader, std::move(slot_names), options).read();
}

}  // namespace coppice
