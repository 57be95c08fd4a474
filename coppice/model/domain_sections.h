// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/data/label_domains.h"
#include "coppice/model/format.h"

namespace coppice {

/// Nothing for labels without domains.
void add_domains(ModelFileWriter& writer, const LabelDomains& domains);

/// Reads them back, mapped; none when the file has none. Throws `ErrorCode::data` for sections that do not fit.
LabelDomains read_domains(const ModelFile& file);

}  // namespace coppice
