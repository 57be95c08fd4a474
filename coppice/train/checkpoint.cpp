// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/checkpoint.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/output_file.h"
#include "coppice/model/ranker_sections.h"

namespace coppice {

void Checkpoint::save(const LabelTree& tree, const std::vector<LevelWeights>& levels, uint32_t n_features) const {
  if (path_.empty()) return;
  ModelFileWriter writer("coppice checkpoint");
  writer.add_text({SectionType::shape}, ElementType::json,
                  nlohmann::ordered_json{{"depth", tree.depth()},
                                         {"levels", levels.size()},
                                         {"n_features", n_features},
                                         {"n_labels", tree.n_labels}}
                      .dump());
  writer.add_text({SectionType::fingerprint}, ElementType::text, fingerprint_);
  add_tree(writer, tree);
  for (uint32_t t = 0; t < levels.size(); ++t) add_level(writer, t, levels[t]);
  OutputFile file(path_);
  writer.write(file);
  file.commit();
}

std::optional<TrainingState> Checkpoint::load() const {
  if (path_.empty() || !std::filesystem::exists(path_)) return std::nullopt;
  const ModelFile file = ModelFile::map(path_);
  file.verify();
  if (file.text({SectionType::fingerprint}, ElementType::text) != fingerprint_) {
    throw Error(ErrorCode::usage, "the checkpoint is of other data or other options", path_,
                "remove it, or train without --resume to begin anew");
  }
  const auto shape = nlohmann::json::parse(file.text({SectionType::shape}, ElementType::json));
  TrainingState state;
  state.tree = read_tree(file, shape.at("depth").get<uint32_t>(), shape.at("n_labels").get<uint32_t>());
  state.tree.validate();
  const auto n_levels = shape.at("levels").get<uint32_t>();
  for (uint32_t t = 0; t < n_levels; ++t) {
    state.levels.push_back(read_level(file, t, shape.at("n_features").get<uint32_t>()));
    state.levels[t].verify(state.tree.first_child[t].span(), "level " + std::to_string(t + 1) + " of the checkpoint");
  }
  return state;
}

void remove_checkpoint(const std::string& path) {
  std::error_code ignored;
  if (!path.empty()) std::filesystem::remove(path, ignored);
}

}  // namespace coppice
