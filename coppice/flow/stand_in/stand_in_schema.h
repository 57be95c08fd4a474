// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {

/// A value that a JSON Schema allows, with texts out of the writer's words.
///
/// Holds to: type enum const; minimum maximum exclusiveMinimum exclusiveMaximum multipleOf; minLength maxLength,
/// pattern (stand_in_pattern.h) and format of texts; items prefixItems minItems maxItems uniqueItems; properties
/// required additionalProperties minProperties; $ref within the schema; allOf is merged, of anyOf and oneOf one is
/// drawn. Other keywords are passed over. A property whose name asks for prose ("description", "summary") gets a
/// sentence, others a few words. Deep down, optional properties are left out.
/// Throws `ErrorCode::data` for a schema that refers to what is not there, has no end, or asks for more than 20,000
/// values.
nlohmann::json schema_instance(const nlohmann::json& schema, StandInWriter& writer);

}  // namespace coppice
