// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/data/packed_names.h"
#include "coppice/model/format.h"

namespace coppice {

/// Where the tables of packed names lie.
struct PackedNamePlaces {
  SectionType entries, blocks, symbols, symbol_begins, ranks;
  SectionNeed need;  ///< of all these sections
};

void add_packed_names(ModelFileWriter& writer, const PackedNamePlaces& places, const PackedNames& names);

/// Reads them back, mapped. Throws `ErrorCode::data` for what is missing or does not fit `n_names`.
PackedNames read_packed_names(const ModelFile& file, const PackedNamePlaces& places, uint32_t n_names);

}  // namespace coppice
