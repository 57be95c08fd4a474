// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/workflow/yaml.h"

namespace coppice {

/// The names under `variants` and in the steps' own `variants`, in order of appearance.
std::vector<std::string> variant_names(const YamlDocument& document);

/// The workflow in that variant ("" = as it is), without any `variants`: the merge patch (RFC 7396) under
/// `variants.NAME`, then those of the steps. Places go along. Throws `ErrorCode::usage` for a name that is not there.
YamlDocument in_variant(const YamlDocument& document, const std::string& name);

/// What that variant takes away though it is not there: null for a step, model, endpoint or file that the workflow does
/// not have.
std::vector<Error> faults_of_variant(const YamlDocument& document, const std::string& name);

}  // namespace coppice
