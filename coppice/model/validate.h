// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/model/model.h"

namespace coppice {

/// Checks how the parts of a model fit each other, by a few values per level. Throws `ErrorCode::data`.
void check_parts(const ModelParts& parts);

/// Checks every value of every part, given that `check_parts` passed. Throws `ErrorCode::data`.
void check_contents(const ModelParts& parts);

}  // namespace coppice
