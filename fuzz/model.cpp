// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a model file: opening throws or gives a model, and a model answers every query without reading out of
// bounds. The mutator repairs checksums, so that mutations get behind them.
#include "coppice/model/model.h"

#include <cstdint>
#include <cstring>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/model/sample_model.h"
#include "fuzz/model_image.h"

namespace {

void open_and_ask(const std::vector<uint64_t>& words, size_t size, coppice::Verify verify) {
  try {
    const auto bytes = std::as_bytes(std::span(words)).first(size);
    coppice::ask_everything(coppice::Model::load(coppice::ModelFile(bytes, nullptr, "fuzz"), verify));
  } catch (const coppice::Error& error) {
    if (error.code() == coppice::ErrorCode::internal) throw;
  }
}

}  // namespace

/// The seed, when there is no corpus: libFuzzer starts from an empty input, which the mutator replaces by a model.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned int seed) {
  static const std::string image = coppice::sample_image(coppice::Model(coppice::sample_parts()));
  return coppice::mutate_image(image, data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint64_t> words((size + 7) / 8);
  if (size > 0) std::memcpy(words.data(), data, size);
  open_and_ask(words, size, coppice::Verify::structure);
  open_and_ask(words, size, coppice::Verify::everything);
  return 0;
}
