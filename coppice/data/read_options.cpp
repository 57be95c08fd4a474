// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/read_options.h"

#include <iterator>
#include <limits>
#include <utility>

#include "coppice/core/quantity.h"

namespace coppice {
namespace {

constexpr std::pair<Format, const char*> kFormats[]{
    {Format::automatic, "auto"}, {Format::jsonl, "jsonl"},       {Format::labelled_text, "labelled_text"},
    {Format::svm, "svm"},        {Format::fasttext, "fasttext"}, {Format::text, "text"},
    {Format::csv, "csv"},        {Format::tsv, "tsv"},           {Format::npz, "npz"},
    {Format::npy, "npy"},
};

void describe_formats(OptionTable& table, ReadOptions& options) {
  table.add(
      "format", options.format, {std::begin(kFormats), std::end(kFormats)},
      "Format of the examples. auto goes by the file's extension and, failing that, by its first line. jsonl: an "
      "object per line with text and labels. labelled_text: ids, a tab, text (PECOS). svm: labels and "
      "index:value pairs (XMC repository, LIBSVM). fasttext: __label__name and text. text: a text per line, no "
      "labels. csv and tsv: a header line names the fields; lines name<TAB>text of a .tsv file are labelled_text with "
      "named_labels. npz and npy: a matrix as SciPy and NumPy save it.");
  table.add("label_names", options.label_names,
            "File with one label name a line; the line number, from 0, is the label's id (PECOS: output-items.txt; XMC "
            "repository: Y.txt). Ids beyond it and names that are not in it are then errors.");
  table.add("labels_path", options.labels_path,
            "For npz and npy: the file of the label matrix Y, a row per row of the features (PECOS: --label-path). "
            "Without it the examples have no labels.");
}

void describe_fields(OptionTable& table, ReadOptions& options) {
  table.add("text_field", options.text_field,
            "jsonl, csv, tsv: the fields that hold the text; several are joined by a space, in the order given here.");
  table.add("labels_field", options.labels_field, "jsonl, csv, tsv: the field that holds the labels.");
  table.add("features_field", options.features_field,
            "jsonl: the field that holds ready-made features, {\"index\": value, ...} or [value, ...].");
  table.add("weight_field", options.weight_field,
            "jsonl, csv, tsv: the field that holds the row's weight in training (1 if absent).");
  table.add("id_field", options.id_field, "jsonl, csv, tsv: the field that holds the row's own name.");
  table.add("label_prefix", options.label_prefix, "fasttext: what a label starts with (fastText: -label).");
  table.add("label_separator", options.label_separator,
            "labelled_text, csv, tsv: what stands between the labels of a row.");
  table.add("named_labels", options.named_labels,
            "labelled_text: what stands before the tab are names, not ids. In csv and tsv labels always are names.");
}

}  // namespace

void describe(OptionTable& table, ReadOptions& options) {
  describe_formats(table, options);
  describe_fields(table, options);
  table.add("svm_header", options.svm_header,
            {{SvmHeader::automatic, "auto"}, {SvmHeader::present, "present"}, {SvmHeader::absent, "absent"}},
            "svm: whether the first line says rows, features, labels. auto takes a first line of exactly three whole "
            "numbers for that; set absent if it is a row whose values are left out.");
  table.add("one_based", options.one_based,
            "svm: feature indices start at 1, as LIBSVM writes them; index 0 is then an error. The XMC repository "
            "starts at 0. Labels always start at 0.");
  table.add("n_features", options.n_features, 0, std::numeric_limits<uint32_t>::max(),
            "Number of features d; indices from d on are errors. 0: what the header says or the data holds, and no "
            "index above 99,999,999, so that one damaged number cannot demand all memory.");
  table.add(
      "n_labels", options.n_labels, 0, uint64_t{1} << 31,
      "Number of labels L when they are given as ids; ids from L on are errors. 0: what the header or the "
      "label-name file says or the data holds, and no id far above it: more than a million, and ten for each label "
      "of a row (in evaluation: for each label of the model).");
  table.add("skip_bad_lines", options.skip_bad_lines,
            "Leave bad lines out, count them and report the first ten, instead of stopping at the first one.");
  table.add(
      "max_line_bytes", options.max_line_bytes, 1, uint64_t{1} << 32,
      "A longer line is an error: a guard against binary files and runaway rows. Memory: twice the longest line.");
}

std::string_view name(Format format) noexcept {
  for (const auto& [value, text] : kFormats) {
    if (value == format) return text;
  }
  return "auto";
}

namespace {

/// "2 blank lines passed over"; `noun` gets the plural's s.
struct Remark {
  uint64_t count;
  const char* noun;
  const char* behind_noun;
};

std::string text_of(const Remark& remark) {
  return counted(remark.count, remark.noun) + remark.behind_noun;
}

/// Each message on lines of its own, set in.
std::string listed(const std::vector<std::string>& messages) {
  std::string text;
  for (const std::string& message : messages) {
    text += "\n  ";
    for (const char c : message) text += c == '\n' ? std::string("\n  ") : std::string(1, c);
  }
  return text;
}

}  // namespace

std::vector<std::string> ReadReport::remarks(RowsAre use) const {
  std::vector<std::string> texts;
  if (bad_lines > 0) {
    const bool more = bad_lines > messages.size();
    texts.push_back(counted(bad_lines, "bad line") + " left out" +
                    (more ? ", the first " + std::to_string(messages.size()) : "") + ":" + listed(messages));
  }
  std::vector<Remark> remarks{{blank_lines, "blank line", " passed over"},
                              {repaired_lines, "line", " with invalid UTF-8 repaired (what was bad became U+FFFD)"},
                              {repeated_features, "feature", " repeated in the same row, summed"}};
  if (use == RowsAre::examples) {
    remarks.push_back({repeated_labels, "label", " repeated in the same row, merged"});
    remarks.push_back({rows_without_labels, "row", " without labels"});
    if (unseen_label_entries < label_entries)
      remarks.push_back({unseen_label_entries, "label", " of rows unknown to the model, counted as not found"});
  }
  if (use == RowsAre::examples && label_entries > 0 && unseen_label_entries == label_entries) {
    texts.push_back("no label of the rows is known to the model (" + counted(label_entries, "label") +
                    ", all counted as not found): are these rows of the data that it was trained on, and labels "
                    "written as there?");
  }
  for (const Remark& remark : remarks) {
    if (remark.count > 0) texts.push_back(text_of(remark));
  }
  return texts;
}

}  // namespace coppice
