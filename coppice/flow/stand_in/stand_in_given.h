// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace coppice {

/// What a text says of the input that it was made from: JSON pointers into the input, and the texts there.
using GivenTexts = std::map<std::string, std::string>;

/// The input's texts that the answer has, as words of their own. A lone word in small letters may stand there for
/// itself ("main", "color"), and is none; nor are texts of less than three bytes, or behind the input's thousandth
/// value.
GivenTexts given_texts(const std::string& answer, const nlohmann::json& inputs);

/// The answer as it might be to another input: where it has a given text, it gets what stands in the same place of
/// `inputs`; what has no text there stays. Longer texts go first. In JSON, texts are looked for as JSON has them, and
/// everywhere as HTML has them, too.
std::string with_given(const std::string& answer, const GivenTexts& given, const nlohmann::json& inputs);

}  // namespace coppice
