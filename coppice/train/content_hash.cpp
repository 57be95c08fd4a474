// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/content_hash.h"

#include <xxhash.h>

#include <cstdint>
#include <cstdio>

namespace coppice {

struct ContentHash::State {
  XXH3_state_t* hash = XXH3_createState();

  State() = default;
  ~State() { XXH3_freeState(hash); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

ContentHash::ContentHash() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(state_->hash);
}

ContentHash::~ContentHash() = default;

void ContentHash::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_->hash, bytes.data(), bytes.size());
}

void ContentHash::add(const Csr& matrix) {
  add(std::span<const uint32_t>(&matrix.n_columns, 1));
  add(matrix.offsets.span());
  add(matrix.columns.span());
  add(matrix.values.span());
}

std::string ContentHash::text() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_->hash);
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high64),
                static_cast<unsigned long long>(hash.low64));
  return text;
}

}  // namespace coppice
