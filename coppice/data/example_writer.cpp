// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/example_writer.h"

#include <algorithm>
#include <charconv>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/data/utf8.h"

namespace coppice {
namespace {

void append_escaped(std::string& line, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"':
      line += "\\\"";
      return;
    case '\\':
      line += "\\\\";
      return;
    case '\n':
      line += "\\n";
      return;
    case '\t':
      line += "\\t";
      return;
    case '\r':
      line += "\\r";
      return;
    default:
      line += "\\u00";
      line += kHex[static_cast<unsigned char>(c) >> 4];
      line += kHex[static_cast<unsigned char>(c) & 15];
  }
}

bool needs_escape(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void append_label(std::string& line, uint32_t label, const LabelNames& names) {
  if (names.size() == 0) {
    line += std::to_string(label);
  } else {
    append_json_string(line, names.name(label));
  }
}

void append_labels(std::string& line, const SparseRow& row, const LabelNames& names) {
  const bool weighted = std::any_of(row.values.begin(), row.values.end(), [](float value) { return value != 1; });
  line += weighted ? '{' : '[';
  for (size_t j = 0; j < row.size(); ++j) {
    if (j > 0) line += ", ";
    if (weighted && names.size() == 0) {
      throw Error(ErrorCode::unsupported, "JSONL gives relevances to named labels only, these are numbers");
    }
    append_label(line, row.columns[j], names);
    if (!weighted) continue;
    line += ": ";
    append_number(line, row.values[j]);
  }
  line += weighted ? '}' : ']';
}

void append_pairs(std::string& line, const SparseRow& row, bool json) {
  for (size_t j = 0; j < row.size(); ++j) {
    if (j > 0) line += json ? ", " : " ";
    line += (json ? "\"" : "") + std::to_string(row.columns[j]) + (json ? "\": " : ":");
    append_number(line, row.values[j]);
  }
}

}  // namespace

void append_json_string(std::string& line, std::string_view text) {
  std::string repaired;
  if (!is_valid_utf8(text)) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  line += '"';
  while (!text.empty()) {
    const auto stop = std::find_if(text.begin(), text.end(), needs_escape);
    const size_t plain = static_cast<size_t>(stop - text.begin());
    line.append(text.substr(0, plain));
    if (plain == text.size()) break;
    append_escaped(line, text[plain]);
    text.remove_prefix(plain + 1);
  }
  line += '"';
}

void append_number(std::string& line, float value) {
  char digits[48];
  line.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void write_jsonl(OutputFile& file, const Examples& block, const LabelNames& names, const ReadOptions& fields) {
  std::string line;
  const auto begin_field = [&line](std::string_view name) {
    if (line.size() > 1) line += ", ";
    append_json_string(line, name);
    line += ": ";
  };
  for (size_t i = 0; i < block.size(); ++i) {
    line = "{";
    if (!block.ids.empty()) {
      begin_field(fields.id_field);
      append_json_string(line, block.ids[i]);
    }
    if (block.texts.size() > 0) {
      begin_field(fields.text_field.front());
      append_json_string(line, block.texts[i]);
    }
    if (block.features.n_rows() > 0) {
      begin_field(fields.features_field);
      line += '{';
      append_pairs(line, block.features.row(i), true);
      line += '}';
    }
    if (block.labels.n_rows() > 0) {
      begin_field(fields.labels_field);
      append_labels(line, block.labels.row(i), names);
    }
    if (!block.weights.empty()) {
      begin_field(fields.weight_field);
      append_number(line, block.weights[i]);
    }
    file.write(line + "}\n");
  }
}

void write_svm(OutputFile& file, const Csr& features, const Csr& labels) {
  if (features.n_rows() != labels.n_rows()) {
    throw Error(ErrorCode::data, counted(features.n_rows(), "row") + " of features and " +
                                     std::to_string(labels.n_rows()) + " of labels, expected as many");
  }
  file.write(std::to_string(features.n_rows()) + " " + std::to_string(features.n_columns) + " " +
             std::to_string(labels.n_columns) + "\n");
  std::string line;
  for (size_t i = 0; i < features.n_rows(); ++i) {
    line.clear();
    const SparseRow row = labels.row(i);
    for (size_t j = 0; j < row.size(); ++j) {
      if (j > 0) line += ',';
      line += std::to_string(row.columns[j]);
      if (row.values[j] == 1) continue;
      line += "::";
      append_number(line, row.values[j]);
    }
    line += ' ';
    append_pairs(line, features.row(i), false);
    line += '\n';
    file.write(line);
  }
}

}  // namespace coppice
