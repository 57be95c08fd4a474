// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "coppice/model/damage_fixture.h"
#include "coppice/model/format.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most);

namespace coppice {

/// What a custom mutator does for such files: `seed` where there is no corpus yet, a mutation, most times a repair.
inline size_t mutate_image(std::string_view seed, uint8_t* data, size_t size, size_t most, unsigned int choice) {
  if (size < FileHeader::kHeaderBytes && seed.size() <= most && choice % 8 != 0) {
    std::memcpy(data, seed.data(), seed.size());
    size = seed.size();
  }
  size = LLVMFuzzerMutate(data, size, most);
  if (choice % 4 != 0) testing::repair_image({data, size});
  return size;
}

}  // namespace coppice
