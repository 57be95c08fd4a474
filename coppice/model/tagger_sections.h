// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "coppice/model/format.h"
#include "coppice/tag/tagger.h"

namespace coppice {

void add_tagger(ModelFileWriter& writer, const Tagger& tagger);

/// Reads it back, mapped; nothing when the file has none. Throws `ErrorCode::data` for sections that are missing or do
/// not fit each other.
std::optional<Tagger> read_tagger(const ModelFile& file);

}  // namespace coppice
