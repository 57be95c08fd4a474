// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "coppice/model/model.h"

namespace coppice::app {

/// The label that a flag names, as `find_label`; the error for a name that the model has not names the nearest one.
/// `where`: the place of the name in a file, if it comes from one ("names.txt:3").
/// Cost: where there is no such label, a comparison with each.
uint32_t named_label(const Model& model, const std::string& name, const std::string& where = {});

}  // namespace coppice::app
