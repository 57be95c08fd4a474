// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/data/read_options.h"

namespace coppice::app {

struct CommonOptions;

/// Writes text to standard output. Throws `ErrorCode::io` when it cannot (a full disk behind a redirect, say).
void print_out(std::string_view text);

/// The object as indented lines. Bytes that are no UTF-8 (in a path, say) become U+FFFD.
std::string json_text(const nlohmann::ordered_json& object);

/// Says on standard error what the reader repaired or left out, unless --quiet.
void print_remarks(const ReadReport& report, RowsAre rows, const CommonOptions& common);

/// Throws `ErrorCode::usage` when the file `output` is one of `inputs`, by this path or another: writing it would
/// destroy what is read. "-" among the inputs is the file behind standard input, if there is one; "" is none.
void expect_no_input(const std::string& output, const std::vector<std::string>& inputs);

/// The files below a folder, for `expect_no_input`; none where there is no such folder.
std::vector<std::string> files_below(const std::string& folder);

/// The double that prints as the float's own shortest decimal form: 0.1F gives 0.1, not 0.10000000149011612.
double shortest_decimal(float value);

}  // namespace coppice::app
