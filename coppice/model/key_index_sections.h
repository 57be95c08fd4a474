// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "coppice/math/key_index.h"
#include "coppice/model/format.h"

namespace coppice {

/// Where the tables of a set of keys lie.
struct KeyIndexPlaces {
  SectionType parts, pilots, remap;  ///< of a hash by pilots
  SectionType levels, bits, ranks;   ///< of one by levels
  SectionType fingerprints;
  uint32_t index = 0;  ///< of all these sections
};

/// Adds the sections of the keys, and to `object` what there is to know of them.
void add_key_index(ModelFileWriter& writer, const KeyIndexPlaces& places, const KeyIndex& keys,
                   nlohmann::ordered_json& object);

/// Reads them back, mapped. Throws `ErrorCode::data` for what is missing or does not fit.
KeyIndex read_key_index(const ModelFile& file, const KeyIndexPlaces& places, const nlohmann::json& object);

}  // namespace coppice
