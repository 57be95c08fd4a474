// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace coppice {

/// A grammar in GBNF, the notation of llama.cpp, of which each sentence is a JSON text of the schema's shape.
///
/// Expressed: type, enum, const, properties and required (in the order of their names: those that must be there
/// first), additionalProperties, items, minItems, maxItems, minLength, maxLength (up to kMostGbnfRepeats), anyOf,
/// oneOf (as anyOf), an allOf of one, $ref to "#" and "#/...", recursion too. An object has the properties that the
/// schema names and no others; one that names none has any. Left to the validator, since they narrow the values and not
/// the shape: minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, pattern, format, uniqueItems,
/// minProperties, maxProperties. Throws `ErrorCode::unsupported` naming the place of any other keyword, of a reference
/// that leads elsewhere or to itself, and of a schema that allows nothing.
/// Source: llama.cpp, grammars/README.md (the notation); the translation is ours.
std::string make_gbnf(const nlohmann::json& schema);

/// A larger bound is left out: such repetitions are what makes these grammars slow.
inline constexpr unsigned kMostGbnfRepeats = 1'000;

}  // namespace coppice
