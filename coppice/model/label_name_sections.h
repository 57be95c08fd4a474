// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "coppice/data/label_names.h"
#include "coppice/model/format.h"

namespace coppice {

/// The names of labels, plain or packed, as they are.
void add_label_names(ModelFileWriter& writer, const LabelNames& names);

/// Reads them back, mapped. Throws `ErrorCode::data` for sections that are missing or do not fit each other.
LabelNames read_label_names(const ModelFile& file, uint32_t n_labels);

}  // namespace coppice
