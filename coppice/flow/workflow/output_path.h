// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace coppice {

/// Why a path of an output file is none: it is empty or too long, leaves its folder ("/x", "../x"), has a part that is
/// empty or ".", a control character or a backslash. "" where it is a good one.
std::string fault_of_output_path(const std::string& path);

}  // namespace coppice
