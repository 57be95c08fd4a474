// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/data/passages.h"
#include "coppice/model/format.h"

namespace coppice {

/// Nothing for labels that stand for no passages.
void add_passages(ModelFileWriter& writer, const Passages& passages);

/// Reads them back, mapped; none when the file has none. Throws `ErrorCode::data` for sections that do not fit.
Passages read_passages(const ModelFile& file);

}  // namespace coppice
