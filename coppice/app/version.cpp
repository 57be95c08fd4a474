// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/version.h"

#include <fmt/core.h>
#include <hwy/highway.h>
#include <hwy/targets.h>

namespace coppice::app {

std::string version_text() {
  // The best of the targets this processor supports is the lowest bit set.
  const auto supported = hwy::SupportedTargets();
  return fmt::format("coppice {} (kernels: {})", COPPICE_VERSION, hwy::TargetName(supported & -supported));
}

}  // namespace coppice::app
