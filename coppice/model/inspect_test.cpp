// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/inspect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/model/compress.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

ModelReport report_of(const Model& model) {
  const ModelFile file = testing::file_of_image(sample_image(model));
  return inspect(file, Model::load(file));
}

ModelReport sample_report() {
  return report_of(Model(sample_parts()));
}

TEST(Inspect, SizesOfTheSectionsAddUpToTheFile) {
  const ModelReport report = sample_report();
  uint64_t payload = 0;
  for (const SectionReport& section : report.sections) payload += section.size_bytes;
  EXPECT_LT(payload, report.file_bytes);
  EXPECT_GE(payload + 4096 + report.sections.size() * (64 + 64 + 63), report.file_bytes - 63);
}

TEST(Inspect, TheShapeOfTheTreeIsReported) {
  const ModelReport report = sample_report();
  ASSERT_EQ(report.levels.size(), 2u);
  const LevelReport& leaves = report.levels[1];
  EXPECT_EQ(leaves.n_nodes, 53u);
  EXPECT_EQ(leaves.n_chunks, 3u);
  EXPECT_EQ(leaves.fewest_children, 2u);
  EXPECT_EQ(leaves.most_children, 46u);
  EXPECT_NEAR(leaves.mean_children, 53.0 / 3, 1e-12);
  EXPECT_EQ(leaves.n_empty + leaves.n_direct + leaves.n_hashed + leaves.n_masked, 3u);
  EXPECT_GT(leaves.bits_per_weight(), 32.0);
}

TEST(Inspect, JsonAndTextSayTheSame) {
  const ModelReport report = sample_report();
  const auto json = to_json(report);
  EXPECT_EQ(json["n_labels"], 52);
  EXPECT_EQ(json["options"]["tree"]["branching"], 16);
  EXPECT_EQ(json["metrics"]["P@1"], 0.5);
  EXPECT_EQ(json["sections"].size(), report.sections.size());
  EXPECT_EQ(json["levels"][1]["n_nodes"], 53);
  EXPECT_EQ(json["uuid"].get<std::string>().size(), 36u);
  const std::string text = to_text(report);
  EXPECT_THAT(text, HasSubstr("52 labels, 40 features, takes text"));
  EXPECT_THAT(text, HasSubstr("weights_payload"));
  EXPECT_THAT(text, HasSubstr("tree.branching"));
  EXPECT_THAT(text, HasSubstr(report.uuid));
}

TEST(Inspect, ACompressedModelShowsWhatAKeyAndAWeightTakeAndWhatWasLost) {
  ThreadPool pool(1);
  CompressOptions options;
  ModelParts parts = compress(Model(assistant_sample_parts()), options, pool).parts();
  parts.metrics_json = R"({"compression":{"loss of P@1":0.07}})";
  const ModelReport report = report_of(Model(std::move(parts)));
  EXPECT_EQ(report.levels[1].n_packed + report.levels[1].n_empty, 3u);
  EXPECT_LT(report.bits_per_key, report_of(Model(assistant_sample_parts())).bits_per_key / 4);
  ASSERT_TRUE(report.tagger);
  EXPECT_NEAR(report.tagger->bits_per_key, 8 + 2.6, 3) << "of few features";
  const std::string text = to_text(report);
  EXPECT_THAT(text, HasSubstr("a feature of the text is known by"));
  EXPECT_THAT(text, HasSubstr("bits each"));
  EXPECT_THAT(text, HasSubstr("compression.loss of P@1            0.07"));

  options.keep_strings = true;
  const ModelReport named = report_of(compress(Model(assistant_sample_parts()), options, pool));
  EXPECT_EQ(named.bits_per_key, report.bits_per_key) << "names that were kept do not count";
}

}  // namespace
}  // namespace coppice
