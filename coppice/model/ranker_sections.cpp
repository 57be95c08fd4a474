// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/ranker_sections.h"

#include <utility>

namespace coppice {

template <>
struct ElementTypeOf<ChunkEntry> {
  static constexpr ElementType value = ElementType::record;
};

void add_tree(ModelFileWriter& writer, const LabelTree& tree) {
  for (uint32_t t = 0; t < tree.depth(); ++t) writer.add({SectionType::tree_first_child, t}, tree.first_child[t]);
  writer.add({SectionType::tree_leaf_label}, tree.leaf_label);
}

void add_level(ModelFileWriter& writer, uint32_t level, const LevelWeights& weights) {
  const LevelArrays& arrays = weights.arrays();
  writer.add({SectionType::weights_chunks, level}, arrays.chunks);
  writer.add({SectionType::weights_bias, level}, arrays.bias);
  writer.add({SectionType::weights_payload, level}, arrays.payload);
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
  LevelArrays arrays;
  arrays.n_features = n_features;
  arrays.chunks = file.array<ChunkEntry>({SectionType::weights_chunks, level});
  arrays.bias = file.array<float>({SectionType::weights_bias, level});
  arrays.payload = file.array<std::byte>({SectionType::weights_payload, level});
  return LevelWeights(std::move(arrays));
}

}  // namespace coppice
