// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/workflow/workflow.h"

namespace coppice {

/// What is sure to fail by the types that are known before anything runs: of the input by its schema, of what steps put
/// out by their kinds, of what templates make of them. A field that is not there, a `foreach` or a loop over what is no
/// list, a value under `with` of a type that the kind does not take. Of a type that is not known nothing is said.
///
/// The steps are in order (each after those that it needs).
std::vector<Error> check_types(const Workflow& workflow, const YamlDocument& document);

}  // namespace coppice
