// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/model.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/model/domain_sections.h"
#include "coppice/model/json_section.h"
#include "coppice/model/label_name_sections.h"
#include "coppice/model/passage_sections.h"
#include "coppice/model/ranker_sections.h"
#include "coppice/model/section_rules.h"
#include "coppice/model/tagger_sections.h"
#include "coppice/model/validate.h"
#include "coppice/model/vectorizer_sections.h"

namespace coppice {

namespace {

/// The numbers that size everything else.
struct Shape {
  uint32_t depth = 0;
  uint32_t n_features = 0;
  uint32_t n_labels = 0;
  uint64_t n_training_rows = 0;
  uint32_t n_dense = 0;
  PostProcessor post_processor = PostProcessor::l3_hinge;
};

std::string to_json(const Shape& shape) {
  nlohmann::ordered_json object{{"depth", shape.depth},
                                {"n_features", shape.n_features},
                                {"n_labels", shape.n_labels},
                                {"n_training_rows", shape.n_training_rows},
                                {"post_processor", std::string(name(shape.post_processor))}};
  if (shape.n_dense > 0) object["n_dense"] = shape.n_dense;
  return object.dump();
}

Shape shape_of(const ModelFile& file) {
  const HeldJson section = json_section(file, SectionType::shape);
  const nlohmann::json& object = section.value;
  Shape shape;
  shape.depth = static_cast<uint32_t>(number_at(object, "depth", kMostSections, file));
  shape.n_features = static_cast<uint32_t>(number_at(object, "n_features", UINT32_MAX, file));
  shape.n_labels = static_cast<uint32_t>(number_at(object, "n_labels", UINT32_MAX - 1, file));
  shape.n_training_rows = number_at(object, "n_training_rows", UINT64_MAX, file);
  if (object.contains("n_dense")) {
    shape.n_dense = static_cast<uint32_t>(number_at(object, "n_dense", UINT32_MAX, file));
  }
  const auto post_processor = object.find("post_processor");
  if (post_processor == object.end() || !post_processor->is_string()) {
    refuse_file(file, "the section shape has no text \"post_processor\"");
  }
  shape.post_processor = post_processor_from_name(post_processor->get<std::string>());
  return shape;
}

Ranker read_ranker(const ModelFile& file, const Shape& shape) {
  Ranker ranker;
  ranker.n_features = shape.n_features;
  ranker.post_processor = shape.post_processor;
  ranker.tree = read_tree(file, shape.depth, shape.n_labels);
  for (uint32_t t = 0; t < shape.depth; ++t) ranker.levels.push_back(read_level(file, t, shape.n_features));
  return ranker;
}

void add_ranker(ModelFileWriter& writer, const Ranker& ranker) {
  add_tree(writer, ranker.tree);
  for (uint32_t t = 0; t < ranker.tree.depth(); ++t) add_level(writer, t, ranker.levels[t]);
}

ModelParts read_parts(const ModelFile& file) {
  if (file.has({SectionType::network})) {
    throw Error(ErrorCode::unsupported, "the file holds a network, expected a linear model", file.where(),
                "coppice predict-net and evaluate-net take networks");
  }
  const Shape shape = shape_of(file);
  ModelParts parts;
  parts.ranker = read_ranker(file, shape);
  parts.label_names = read_label_names(file, shape.n_labels);
  parts.domains = read_domains(file);
  parts.passages = read_passages(file);
  parts.vectorizer = read_vectorizer(file);
  parts.tagger = read_tagger(file);
  parts.n_training_rows = shape.n_training_rows;
  parts.n_dense = shape.n_dense;
  const auto text = [&](SectionType type, ElementType element, std::string& value) {
    if (file.has({type})) value = file.text({type}, element);
  };
  text(SectionType::options, ElementType::json, parts.options_json);
  text(SectionType::metrics, ElementType::json, parts.metrics_json);
  text(SectionType::fingerprint, ElementType::text, parts.fingerprint);
  if (file.has({SectionType::label_counts})) {
    parts.label_counts =
        PackedNumbers(file.array<uint8_t>({SectionType::label_counts}), parts.ranker.tree.n_labels, "the label counts");
  }
  return parts;
}

/// Reads a model; where an error names no place, the file is named.
template <class Read>
Model naming(const ModelFile& file, Read&& read) {
  try {
    return read();
  } catch (const Error& error) {
    if (!error.where().empty()) throw;
    throw Error(error.code(), error.what(), file.where(), error.hint());
  }
}

ModelFileWriter sections_of(const ModelParts& parts, std::string_view producer) {
  const Ranker& ranker = parts.ranker;
  ModelFileWriter writer(producer);
  writer.add_text({SectionType::shape}, ElementType::json,
                  to_json({static_cast<uint32_t>(ranker.tree.depth()), ranker.n_features, ranker.tree.n_labels,
                           parts.n_training_rows, parts.n_dense, ranker.post_processor}));
  writer.add_text({SectionType::options}, ElementType::json, parts.options_json, SectionNeed::optional);
  writer.add_text({SectionType::metrics}, ElementType::json, parts.metrics_json, SectionNeed::optional);
  writer.add_text({SectionType::fingerprint}, ElementType::text, parts.fingerprint, SectionNeed::optional);
  add_label_names(writer, parts.label_names);
  add_domains(writer, parts.domains);
  if (!parts.label_counts.empty()) {
    writer.add({SectionType::label_counts}, parts.label_counts.bytes(), SectionNeed::optional);
  }
  if (parts.vectorizer) add_vectorizer(writer, *parts.vectorizer);
  add_ranker(writer, ranker);
  if (parts.tagger) add_tagger(writer, *parts.tagger);
  add_passages(writer, parts.passages);
  return writer;
}

}  // namespace

Model::Model(ModelParts parts) : parts_(std::move(parts)) {
  check_parts(parts_);
}

Model Model::load(const std::string& path, const LoadOptions& options) {
  const ModelFile file = options.mode == LoadMode::map ? ModelFile::map(path) : ModelFile::read(path);
  return load(file, options.verify);
}

Model Model::load(const ModelFile& file) {
  return naming(file, [&] { return Model(read_parts(file)); });
}

Model Model::load(const ModelFile& file, Verify verify) {
  if (verify == Verify::structure) return load(file);
  return naming(file, [&] {
    file.verify();
    Model model(read_parts(file));
    const Tagger* const tagger = model.tagger();
    const size_t n_gazetteers = tagger == nullptr ? 0 : tagger->parts().gazetteers.size();
    check_sections(file, static_cast<uint32_t>(model.parts().ranker.tree.depth()), static_cast<uint32_t>(n_gazetteers));
    if (verify == Verify::everything) model.verify();
    return model;
  });
}

void Model::save(const std::string& path, std::string_view producer) const {
  const ModelFileWriter writer = sections_of(parts_, producer);
  OutputFile file(path);
  writer.write(file);
  file.commit();
}

uint64_t Model::saved_bytes() const {
  return sections_of(parts_, default_producer()).size_bytes();
}

const Ranker& Model::ranker() const {
  if (has_ranker()) return parts_.ranker;
  throw Error(ErrorCode::usage, "the model has a slot tagger alone, it ranks no labels", {},
              "coppice understand finds the slots of texts with it");
}

void Model::verify() const {
  check_contents(parts_);
}

std::string_view Model::default_producer() noexcept {
  return "coppice " COPPICE_VERSION;
}

}  // namespace coppice
