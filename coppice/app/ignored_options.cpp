// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/ignored_options.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "coppice/core/error.h"
#include "coppice/data/reader.h"

namespace coppice::app {
namespace {

using Values = nlohmann::ordered_json;  ///< of all options of a command, by name
using Formats = std::set<std::string>;

/// Which formats look at an option.
struct UsedBy {
  const char* option;
  Formats formats;
};

const std::vector<UsedBy>& table_of_formats() {
  static const Formats kFields{"jsonl", "csv", "tsv"};
  static const Formats kLines{"jsonl", "labelled_text", "svm", "fasttext", "text", "csv", "tsv"};
  static const std::vector<UsedBy> table{{"text_field", kFields},
                                         {"labels_field", kFields},
                                         {"weight_field", kFields},
                                         {"id_field", kFields},
                                         {"features_field", {"jsonl"}},
                                         {"label_prefix", {"fasttext"}},
                                         {"label_separator", {"labelled_text", "csv", "tsv"}},
                                         {"named_labels", {"labelled_text"}},
                                         {"svm_header", {"svm"}},
                                         {"one_based", {"svm"}},
                                         {"n_features", {"jsonl", "svm", "npz", "npy"}},
                                         {"skip_bad_lines", kLines},
                                         {"max_line_bytes", kLines}};
  return table;
}

bool is(const Values& values, const char* option, const Values& expected) {
  const auto found = values.find(option);
  return found != values.end() && *found == expected;
}

/// The format of the rows at `path`; "" if that is not known yet.
std::string format_of(const std::string& path, const std::string& chosen) {
  if (chosen != "auto") return chosen;
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) return {};
  try {
    const std::optional<Recognised> found = find_format(path);
    return found ? std::string(name(found->format)) : std::string();
  } catch (const Error&) {  // for the reader to say
    return {};
  }
}

/// The formats of all rows that the command reads; none if one of them is not known.
Formats formats_read(const Values& values, const std::string& input) {
  Formats formats;
  std::vector<std::string> paths{input};
  if (values.contains("validate") && !is(values, "validate", "")) paths.push_back(values["validate"]);
  for (const std::string& path : paths) formats.insert(format_of(path, values["format"]));
  if (values.contains("annotated") && !is(values, "annotated", "")) {
    formats.insert(format_of(values["annotated"], "auto"));  // which has a format of its own
  }
  return formats.contains("") ? Formats() : formats;
}

std::string joined(const Formats& formats, const char* between) {
  std::string text;
  for (const std::string& format : formats) text += (text.empty() ? "" : between) + format;
  return text;
}

void add_those_of_formats(const Values& values, const std::string& input, std::vector<Unused>& unused) {
  if (input.empty() || !values.contains("format") || !values.contains("labels_field")) return;
  const Formats read = formats_read(values, input);
  for (const UsedBy& row : table_of_formats()) {
    const bool used = std::any_of(read.begin(), read.end(), [&](const auto& one) { return row.formats.contains(one); });
    unused.push_back({!read.empty() && !used,
                      {row.option},
                      "it is for rows of " + joined(row.formats, ", ") + ", these are " + joined(read, " and ")});
  }
}

}  // namespace

std::vector<Unused> ignored_options(const Flags& flags, const std::string& input) {
  const Values values = flags.resolved();
  const Values none = Values::array();
  const bool same_samples = is(values, "tree", none) && values["cluster_min_sample"] == values["cluster_max_sample"];
  const bool no_tokens = is(values, "word_ngrams", none) && is(values, "compounds", "off");
  std::vector<Unused> unused{
      {is(values, "label_vectors", ""), {"word_vector_format"}, "--label-vectors names no vectors"},
      {same_samples, {"cluster_sample_warmup"}, "--cluster-min-sample and --cluster-max-sample are the same"},
      {no_tokens && !is(values, "tokens", "space"),
       {"tokens"},
       "no feature is made of tokens (--word-ngrams, --compounds); space alone changes character n-grams"}};
  add_those_of_formats(values, input, unused);
  return unused;
}

}  // namespace coppice::app
