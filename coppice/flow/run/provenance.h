// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace coppice {

/// Where figures come from. Of several the weakest counts.
enum class Provenance : uint8_t { measured, replayed, simulated };
const char* name(Provenance provenance) noexcept;

}  // namespace coppice
