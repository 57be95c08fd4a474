// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/mapped_file.h"
#include "coppice/core/output_file.h"
#include "coppice/model/model.h"
#include "coppice/model/ranker_sections.h"
#include "coppice/rank/solver.h"

namespace coppice {
namespace {

struct Shape {
  uint32_t depth = 0;
  uint32_t n_levels = 0;
  uint32_t n_features = 0;
  uint32_t n_labels = 0;
};

constexpr const char* kBeginAnew = "remove it, or train without --resume to begin anew";

[[noreturn]] void fail(const ModelFile& file, const std::string& what) {
  throw Error(ErrorCode::data, what, file.where());
}

uint32_t number_at(const nlohmann::json& object, const char* key, const ModelFile& file) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_unsigned() || found->get<uint64_t>() > UINT32_MAX) {
    fail(file, std::string("there is no number \"") + key + "\" in range");
  }
  return found->get<uint32_t>();
}

Shape shape_of(const ModelFile& file) {
  const nlohmann::json object = parse_json(file.text({SectionType::shape}, ElementType::json));
  if (!object.is_object()) fail(file, "the section shape is no JSON object");
  const Shape shape{number_at(object, "depth", file), number_at(object, "levels", file),
                    number_at(object, "n_features", file), number_at(object, "n_labels", file)};
  if (shape.n_levels > shape.depth) fail(file, "it has more levels of weights than its tree");
  return shape;
}

TrainingState read_state(const ModelFile& file) {
  const Shape shape = shape_of(file);
  TrainingState state;
  state.tree = read_tree(file, shape.depth, shape.n_labels);
  state.tree.validate();
  for (uint32_t t = 0; t < shape.n_levels; ++t) {
    state.levels.push_back(read_level(file, t, shape.n_features));
    state.levels[t].verify(state.tree.first_child[t].span(), "level " + std::to_string(t + 1) + " of the checkpoint");
  }
  return state;
}

}  // namespace

std::string training_program() {
  return std::string(Model::default_producer()) + ", solver " + std::to_string(kSolverRevision);
}

void Checkpoint::save(const LabelTree& tree, const std::vector<LevelWeights>& levels, uint32_t n_features) const {
  if (path_.empty()) return;
  ModelFileWriter writer(training_program());
  writer.add_text(
      {SectionType::shape}, ElementType::json,
      nlohmann::ordered_json{
          {"depth", tree.depth()}, {"levels", levels.size()}, {"n_features", n_features}, {"n_labels", tree.n_labels}}
          .dump());
  writer.add_text({SectionType::fingerprint}, ElementType::text, fingerprint_);
  add_tree(writer, tree);
  for (uint32_t t = 0; t < levels.size(); ++t) add_level(writer, t, levels[t]);
  OutputFile file(path_);
  writer.write(file);
  file.commit();
}

ModelFile Checkpoint::open() const {
  ModelFile file = ModelFile::map(path_);
  file.verify();
  if (file.header().producer_text() != training_program()) {
    throw Error(ErrorCode::usage,
                "the checkpoint was written by another program (" + file.header().producer_text() + "), this is " +
                    training_program() + ": levels of one may not fit those of the other",
                path_, kBeginAnew);
  }
  if (file.text({SectionType::fingerprint}, ElementType::text) != fingerprint_) {
    throw Error(ErrorCode::usage, "the checkpoint is of other data or other options", path_, kBeginAnew);
  }
  return file;
}

uint32_t Checkpoint::finished_levels() const {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path_, none)) return 0;
  try {
    return shape_of(open()).n_levels;
  } catch (const Error&) {
    return 0;
  }
}

std::optional<TrainingState> Checkpoint::load() const {
  if (path_.empty() || !std::filesystem::exists(path_)) return std::nullopt;
  try {
    return read_state(open());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::data) throw;
    throw Error(ErrorCode::data, std::string("the checkpoint is damaged: ") + error.what(), path_, kBeginAnew);
  }
}

void expect_place_for_checkpoint(const std::string& path) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(path, none)) return;
  const MappedFile file(path);
  if (file.bytes().empty()) return;  // a run ended before it wrote: taken for a checkpoint, which reading it will name
  const auto& magic = FileHeader::kMagic;
  const size_t n = std::min(file.bytes().size(), magic.size());
  if (std::memcmp(file.bytes().data(), magic.data(), n) == 0) return;
  throw Error(ErrorCode::usage, "this is no checkpoint, and training would put its own in this place", path,
              "move it away, or let the model have another name");
}

void remove_checkpoint(const std::string& path) {
  std::error_code ignored;
  if (!path.empty()) std::filesystem::remove(path, ignored);
}

}  // namespace coppice
