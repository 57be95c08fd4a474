// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace coppice::app {

/// "coppice 0.1.0 (kernels: AVX2)": the version and the instruction set chosen on this machine.
std::string version_text();

}  // namespace coppice::app
