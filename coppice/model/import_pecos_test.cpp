// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/import_pecos.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "coppice/core/error.h"
#include "coppice/data/base64_test.h"
#include "coppice/model/pecos_folder_fixture.h"
#include "coppice/rank/beam_search.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

constexpr float kQuery[4] = {1.0F, 0.5F, -0.25F, 2.0F};

SparseRow query() {
  static constexpr uint32_t kColumns[4] = {0, 1, 2, 3};
  return {kColumns, kQuery};
}

float hinge(float margin) {
  return std::exp(-std::pow(std::max(0.0F, 1 - margin), 3.0F));
}

/// By hand from the numbers of the fixture: bias = weight of the last row times 2.
std::vector<float> expected_scores() {
  const float first = hinge(0.5F * kQuery[0] + 2 * 0.25F);
  const float second = hinge(-1.0F * kQuery[1] + 0.75F * kQuery[2]);
  return {second * hinge(1.0F * kQuery[0]), first * hinge(0.5F * kQuery[1] - 0.5F * kQuery[2]),
          second * hinge(2 * -0.125F), first * hinge(1.5F * kQuery[2] + 0.25F * kQuery[3] + 2 * 0.5F)};
}

std::string error_of(const std::string& folder, const ImportPecosOptions& options = {}) {
  ThreadPool pool(1);
  try {
    import_pecos(folder, options, pool);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(ImportPecos, ScoresAreThoseOfTheFormula) {
  const PecosFolder folder;
  folder.write_ranker();
  for (const size_t threads : {1, 2, 7}) {
    ThreadPool pool(threads);
    const Model model = import_pecos(folder / "model", {}, pool);
    model.verify();
    SearchState state;
    const auto found = predict(model.ranker(), query(), {}, state);
    ASSERT_EQ(found.size(), 4u);
    for (const ScoredLabel& label : found) EXPECT_NEAR(label.score, expected_scores()[label.label], 1e-6F);
    EXPECT_EQ(model.label_names().name(3), "3");
    EXPECT_THAT(model.options_json(), HasSubstr("\"top_k\":20"));
  }
}

TEST(ImportPecos, NoopGivesTheMarginsOfTheLabelsAlone) {
  const PecosFolder folder;
  folder.write_ranker("noop");
  ThreadPool pool(1);
  const Model model = import_pecos(folder / "model", {}, pool);
  const float expected[] = {1.0F * kQuery[0], 0.5F * kQuery[1] - 0.5F * kQuery[2], 2 * -0.125F,
                            1.5F * kQuery[2] + 0.25F * kQuery[3] + 2 * 0.5F};
  SearchState state;
  const auto found = predict(model.ranker(), query(), {}, state);
  ASSERT_EQ(found.size(), 4u);
  for (const ScoredLabel& label : found) EXPECT_NEAR(label.score, expected[label.label], 1e-6F);
  PredictOptions narrow;
  narrow.beam = 1;  // the first cluster has the larger margin: labels 1 and 3
  const auto best = predict(model.ranker(), query(), narrow, state);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].label, 3u);
  EXPECT_EQ(best[1].label, 1u);
}

TEST(ImportPecos, TheFolderRankerAndOneLevelOfItAreModelsToo) {
  const PecosFolder folder;
  folder.write_ranker();
  ThreadPool pool(1);
  EXPECT_EQ(import_pecos(folder / "model/ranker", {}, pool).n_labels(), 4u);
  const Model level = import_pecos(folder / "model/ranker/0.model", {}, pool);
  EXPECT_EQ(level.n_labels(), 2u);
  // Without clusters, or with several at the top, all labels hang from the root.
  const Model leaves = import_pecos(folder / "model/ranker/1.model", {}, pool);
  EXPECT_EQ(leaves.n_labels(), 4u);
  EXPECT_EQ(leaves.ranker().tree.depth(), 1u);
  std::filesystem::remove(folder / "model/ranker/0.model/C.npz");
  EXPECT_EQ(import_pecos(folder / "model/ranker/0.model", {}, pool).n_labels(), 2u);
}

TEST(ImportPecos, NamesAndVectorizerComeAlong) {
  const PecosFolder folder;
  folder.write_ranker();
  folder.write_tfidf();
  folder.write("names.txt", "red\r\ngreen\nblue\nblack");
  ThreadPool pool(1);
  const Model model = import_pecos(folder / "model", {folder / "tfidf", folder / "names.txt"}, pool);
  EXPECT_EQ(model.label_names().name(0), "red");
  EXPECT_EQ(model.label_names().name(3), "black");
  Vectorizer::State state;
  const SparseRow row = model.vectorizer()->transform("window  manager Window\tmanager window", state);
  // window twice (idf 0.5), manager once (1.25); "Window<TAB>manager" is one unknown token; the pair once (3).
  const float norm = std::sqrt(1.0F + 1.25F * 1.25F + 9.0F);
  EXPECT_THAT(row.columns, ::testing::ElementsAre(0, 1, 3));
  EXPECT_NEAR(row.values[0], 1 / norm, 1e-6F);
  EXPECT_NEAR(row.values[1], 1.25F / norm, 1e-6F);
  EXPECT_NEAR(row.values[2], 3 / norm, 1e-6F);
}

TEST(ImportPecos, LabelNamesAreReadAsInTraining) {
  const PecosFolder folder;
  folder.write_ranker();
  ThreadPool pool(1);
  const auto names = [&](const std::string& text) {
    folder.write("names.txt", text);
    return import_pecos(folder / "model", {{}, folder / "names.txt"}, pool).label_names();
  };
  const auto fault = [&](const std::string& text) -> std::string {
    try {
      names(text);
    } catch (const Error& error) {
      return std::string(name(error.code())) + ": " + error.message();
    }
    return {};
  };
  EXPECT_EQ(names("\xEF\xBB\xBFred\r\n\n\xC3\xA9t\xC3\xA9\nblack\n").name(0), "red");
  EXPECT_EQ(names("red\n\n\xC3\xA9t\xC3\xA9\nblack").name(1), "");
  EXPECT_EQ(names("red\n\n\xC3\xA9t\xC3\xA9\nblack").name(2), "\xC3\xA9t\xC3\xA9");
  EXPECT_EQ(names(from_base64("H4sIAAAAAAACAytKTeFKL0pNzeNKyilNBRKJydlcAIBjs4YVAAAA")).name(3), "black");
  EXPECT_THAT(fault("red\n\xE9t\xE9\nblue\nblack\n"),
              AllOf(HasSubstr("data: "), HasSubstr("names.txt:2: the label name is not valid UTF-8")));
  EXPECT_THAT(fault(std::string("red\ngr\0en\nblue\nblack\n", 22)), HasSubstr("names.txt:2:3: a NUL byte"));
  EXPECT_THAT(fault("red\n"), HasSubstr("names.txt: 1 label name, the model has 4 labels"));
  EXPECT_THAT(fault(""), HasSubstr("names.txt: the file is empty"));
}

TEST(ImportPecos, WhatCannotBeImportedIsNamed) {
  const PecosFolder folder;
  const auto with = [&](const std::string& path, const std::string& text) {
    folder.write_ranker();
    folder.write(path, text);
    return error_of(folder / "model");
  };
  EXPECT_THAT(error_of(folder / "nothing"), HasSubstr("nothing: there is no such folder\n  hint: XLinearModel.save"));
  std::filesystem::create_directory(folder / "empty");
  EXPECT_THAT(error_of(folder / "empty"),
              HasSubstr("empty: this is no folder of a PECOS model: it holds no param.json"));
  EXPECT_THAT(error_of(folder / "empty"), HasSubstr("ranker/, which holds param.json and 0.model/, 1.model/"));
  folder.write("file", "x");
  EXPECT_THAT(error_of(folder / "file"), HasSubstr("file: this is a file, expected the folder of a PECOS model"));
  EXPECT_THAT(with("model/ranker/param.json", R"({"model": "HierarchicalMLModel", "depth": 2, "is_mmap": true})"),
              HasSubstr("compiled for memory mapping"));
  EXPECT_THAT(with("model/ranker/param.json", R"({"model": "HNSW"})"), HasSubstr("HNSW"));
  EXPECT_THAT(with("model/ranker/param.json", R"({"model": "HierarchicalMLModel", "depth": 0})"), HasSubstr("depth"));
  EXPECT_THAT(with("model/ranker/1.model/W.npz", "x"), HasSubstr("W.npz"));
  EXPECT_THAT(with("model/ranker/1.model/W.npz", npz_text({4, {{}, {}, {}, {}}})), HasSubstr("5 x 4"));
  EXPECT_THAT(with("model/ranker/1.model/C.npz", npz_text({4, {{{1, 1}}}})), HasSubstr("4 x 2"));
  folder.write_ranker();
  folder.write_level("model/ranker/1.model", R"("nr_labels": 4, "nr_codes": 2)", "sigmoid");
  EXPECT_THAT(error_of(folder / "model"), HasSubstr("different post-processors"));
  folder.write_level("model/ranker/1.model", R"("nr_labels": 4, "nr_codes": 2)", "l9-hinge");
  EXPECT_NE(error_of(folder / "model"), "");
  folder.write_ranker();
  folder.write("names.txt", "one\n");
  EXPECT_THAT(error_of(folder / "model", {"", folder / "names.txt"}), HasSubstr("1 label name,"));
}

TEST(ImportPecos, JsonThatNestsWithoutMeasureIsRefused) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  for (const std::string& text : {R"({"model":"MLModel","nr_features":)" + deep + "}",
                                  R"({"model":"MLModel","pred_kwargs":{"a":)" + deep + "}}"}) {
    const PecosFolder folder;
    folder.write_ranker();
    folder.write("model/ranker/param.json", text);
    EXPECT_THAT(error_of(folder / "model"), HasSubstr("nest deeper than 256 levels"));
  }
  const PecosFolder folder;
  folder.write_ranker();
  folder.write("model/ranker/param.json", R"({"model":"MLModel","nr_features":[[1]]})");
  EXPECT_THAT(error_of(folder / "model"), HasSubstr("the value of \"nr_features\" has the wrong type: a list"));
}

TEST(ImportPecos, AVectorizersJsonThatNestsWithoutMeasureIsRefused) {
  const PecosFolder folder;
  folder.write_ranker();
  folder.write_tfidf();
  folder.write("tfidf/meta.json", R"({"kwargs": {"num_base_vect": 1, "norm_p": )" + std::string(200'000, '[') +
                                      std::string(200'000, ']') + "}}");
  EXPECT_THAT(error_of(folder / "model", {folder / "tfidf", ""}), HasSubstr("nest deeper than 256 levels"));
}

}  // namespace
}  // namespace coppice
