// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/ranker_sections.h"

#include <utility>

namespace coppice {

template <>
struct ElementTypeOf<ChunkEntry> {
  static constexpr ElementType value = ElementType::record;
};

namespace {

constexpr LevelPlaces kLevelPlaces{SectionType::weights_chunks, SectionType::weights_bias,
                                   SectionType::weights_payload};

void add_arrays(ModelFileWriter& writer, const LevelPlaces& places, uint32_t index, const LevelWeights& weights) {
  const LevelArrays& arrays = weights.arrays();
  writer.add({places.chunks, index}, arrays.chunks);
  writer.add({places.bias, index}, arrays.bias);
  writer.add({places.payload, index}, arrays.payload);
}

LevelWeights read_arrays(const ModelFile& file, const LevelPlaces& places, uint32_t index, uint32_t n_features) {
  LevelArrays arrays;
  arrays.n_features = n_features;
  arrays.chunks = file.array<ChunkEntry>({places.chunks, index});
  arrays.bias = file.array<float>({places.bias, index});
  arrays.payload = file.array<std::byte>({places.payload, index});
  return LevelWeights(std::move(arrays));
}

}  // namespace

void add_tree(ModelFileWriter& writer, const LabelTree& tree) {
  for (uint32_t t = 0; t < tree.depth(); ++t) writer.add({SectionType::tree_first_child, t}, tree.first_child[t]);
  writer.add({SectionType::tree_leaf_label}, tree.leaf_label);
}

void add_level(ModelFileWriter& writer, uint32_t level, const LevelWeights& weights) {
  add_arrays(writer, kLevelPlaces, level, weights);
}

void add_weights(ModelFileWriter& writer, const LevelPlaces& places, const LevelWeights& weights) {
  add_arrays(writer, places, 0, weights);
}

LabelTree read_tree(const ModelFile& file, uint32_t depth, uint32_t n_labels) {
  LabelTree tree;
  tree.n_labels = n_labels;
  for (uint32_t t = 0; t < depth; ++t) {
    tree.first_child.push_back(file.array<uint32_t>({SectionType::tree_first_child, t}));
  }
  tree.leaf_label = file.array<uint32_t>({SectionType::tree_leaf_label});
  return tree;
}

LevelWeights read_level(const ModelFile& file, uint32_t level, uint32_t n_features) {
  return read_arrays(file, kLevelPlaces, level, n_features);
}

LevelWeights read_weights(const ModelFile& file, const LevelPlaces& places, uint32_t n_features) {
  return read_arrays(file, places, 0, n_features);
}

}  // namespace coppice
