// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as the checkpoint of a training: it is refused, or gives a tree and levels that fit each other.
#include "coppice/train/checkpoint.h"

#include <cstdint>
#include <filesystem>

#include "coppice/core/mapped_file.h"
#include "coppice/model/sample_model.h"
#include "fuzz/examples_target.h"
#include "fuzz/model_image.h"
#include "fuzz/scratch_folder.h"

namespace {

const coppice::ScratchFolder& scratch() {
  static const coppice::ScratchFolder folder;
  return folder;
}

std::string sample_checkpoint() {
  const coppice::Ranker ranker = coppice::sample_parts().ranker;
  coppice::Checkpoint(scratch().path("seed"), "data").save(ranker.tree, {ranker.levels.front()}, ranker.n_features);
  const coppice::MappedFile file(scratch().path("seed"));
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most, unsigned int seed) {
  static const std::string image = sample_checkpoint();
  return coppice::mutate_image(image, data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string path = scratch().write("checkpoint", coppice::text_of(data, size));
  try {
    const auto state = coppice::Checkpoint(path, "data").load();
    coppice::require(state.has_value());
    coppice::require(state->levels.size() <= state->tree.depth());
    for (size_t t = 0; t < state->levels.size(); ++t)
      coppice::require(state->levels[t].arrays().chunks.size() == state->tree.n_nodes(t));
  } catch (const coppice::Error& error) {
    coppice::require(error.code() != coppice::ErrorCode::internal && error.code() != coppice::ErrorCode::io);
  }
  return 0;
}
