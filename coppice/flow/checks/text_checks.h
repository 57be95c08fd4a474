// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/flow/checks/check_kinds.h"
#include "coppice/flow/checks/words.h"

namespace coppice {

/// What all checks of what readers see have.
struct TextFilesOptions {
  std::vector<std::string> files{"*.html", "*.htm", "*.txt", "*.md"};
};
void describe(OptionTable& table, TextFilesOptions& options);

/// The words of all files, those of each file after those of the one before. No file is a fault.
std::vector<std::string> words_in(const CheckedFiles& files, const std::vector<std::string>& globs, Tally& tally);

/// Throws `ErrorCode::usage` for a text without a word.
std::vector<Phrase> phrases_of(const std::vector<std::string>& texts);

}  // namespace coppice
