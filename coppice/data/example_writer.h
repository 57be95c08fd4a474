// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "coppice/core/output_file.h"
#include "coppice/data/examples.h"
#include "coppice/data/label_names.h"

namespace coppice {

/// Appends `text` as a JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD, so the result is JSON.
void append_json_string(std::string& line, std::string_view text);

/// Appends the shortest decimal that reads back as the same float; a whole number has no point.
void append_number(std::string& line, float value);

/// Writes examples as JSONL that the JSONL reader reads back: labels by name, or by number if `names` is empty;
/// relevances other than 1 as {"name": relevance}, which needs names. Fields have the names that `fields` gives them
/// (of several for texts the first). Throws `ErrorCode::unsupported` for relevances of labels without names.
void write_jsonl(OutputFile& file, const Examples& block, const LabelNames& names, const ReadOptions& fields = {});

/// Writes features and labels as svm with a header. Throws `ErrorCode::data` if the row counts differ.
void write_svm(OutputFile& file, const Csr& features, const Csr& labels);

}  // namespace coppice
