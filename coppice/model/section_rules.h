// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/model/format.h"

namespace coppice {

/// Checks which sections a model file has, against the table in docs/model_format.md: that each of a known type is
/// required or optional as the table says, has an index that its type can have in a tree of `depth` levels and with so
/// many gazetteers, and that the parts of the vectorizer and those of the tagger stand together. Throws
/// `ErrorCode::data` naming the section.
void check_sections(const ModelFile& file, uint32_t depth, uint32_t n_gazetteers);

}  // namespace coppice
