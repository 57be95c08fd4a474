// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace coppice {

/// Is it an environment variable by which usual programs decide what they load, run or read as their settings: PATH,
/// LD_PRELOAD, BASH_ENV, PYTHONPATH, GIT_SSH_COMMAND, ...?
bool loads_code(std::string_view variable);

}  // namespace coppice
