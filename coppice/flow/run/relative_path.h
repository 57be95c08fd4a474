// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace coppice {

/// Is it the path of something below the folder where it begins, written without any way out: "images/a.png", no
/// "../a", "/a", "a//b", "a\b"? Of at most 1000 bytes, none of them a control character.
bool is_below_its_folder(const std::string& path);

}  // namespace coppice
