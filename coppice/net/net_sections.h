// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "coppice/net/net_model.h"

namespace coppice {

/// The sections of a network's file. They are views of the parts, which must outlive the writer.
ModelFileWriter network_sections(const NetModelParts& parts);

/// Reads them back, mapped. Throws `ErrorCode::unsupported` for a file that holds no network, `ErrorCode::data` for
/// sections that are missing or hold what cannot be.
NetModelParts read_network(const ModelFile& file);

}  // namespace coppice
