// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <string>

#include "coppice/core/error.h"

namespace coppice {

/// What LibTorch threw, as an error of ours: its first line, which says what happened, behind `what`.
/// `ErrorCode::memory` where there was too little, else `ErrorCode::data`.
Error torch_error(const std::string& what, const std::exception& error, const std::string& where = {},
                  const std::string& hint = {});

}  // namespace coppice
