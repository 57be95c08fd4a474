// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "coppice/data/vectorizer.h"
#include "coppice/model/format.h"

namespace coppice {

/// The sections of a vectorizer: its options, and its table of features or, where it was compressed, their perfect
/// hash.
void add_vectorizer(ModelFileWriter& writer, const Vectorizer& vectorizer);

/// Reads it back, mapped; nothing when the model takes no text. Throws `ErrorCode::data` for sections that are missing
/// or do not fit each other, and where this machine hashes features otherwise than the one that wrote them.
std::optional<Vectorizer> read_vectorizer(const ModelFile& file);

}  // namespace coppice
