// SPDX-License-Identifier: Apache-2.0
//
// Files of every released format version stand in tests/golden, plain and compressed; they must be read for ever. With
// COPPICE_WRITE_GOLDEN set in the environment, those that are not there are written.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "coppice/model/compress.h"
#include "coppice/model/model.h"
#include "coppice/model/retrieve.h"
#include "coppice/model/sample_model.h"
#include "coppice/model/understanding.h"
#include "coppice/rank/beam_search.h"

namespace coppice {
namespace {

const std::string kFolder = std::string(COPPICE_GOLDEN_FOLDER) + "/";

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Answer {
  std::string what;
  float score;
};

/// The five best labels of each sample query, and of a text.
std::vector<Answer> answers_of_plain(const Model& model) {
  PredictOptions options;
  options.top_k = 5;
  SearchState state;
  std::vector<Answer> result;
  const auto ask = [&](SparseRow row) {
    for (const ScoredLabel& found : predict(model.ranker(), row, options, state)) {
      result.push_back({std::to_string(found.label), found.score});
    }
  };
  const Csr queries = sample_queries();
  for (size_t i = 0; i < queries.n_rows(); ++i) ask(queries.row(i));
  Vectorizer::State text;
  ask(model.vectorizer()->transform("The Window Manager w9", text));
  return result;
}

/// "banking: city 4-12, ...": the domain and the slots.
std::string described(const Understanding& understood) {
  std::string text = understood.domain.value_or("none") + ":";
  for (const FoundSlot& slot : understood.slots) {
    text += " " + slot.name + " " + std::to_string(slot.begin) + "-" + std::to_string(slot.end);
  }
  return text;
}

/// What some texts mean, and the names of their five best labels.
std::vector<Answer> answers_of_texts(const Model& model) {
  PredictOptions options;
  options.top_k = 5;
  std::vector<Answer> result;
  for (const char* text : {"w1 w2 w3", "W250, w17; w99 w3 and w299", "", "no known word", "w9 in New York w20 w108",
                           "a w7 in oslo w45 w61 w222 w280", "w140 w141 w142 w143 w144 w145 w146 w147 w148"}) {
    const Understanding understood = understand(model, text);
    result.push_back({described(understood), understood.intent->score});
    for (const NamedScore& best : predict_text(model, text, options)) result.push_back({best.name, best.score});
  }
  return result;
}

/// Passages as they come back: "intent-3 | its text | what is known of it".
std::vector<Answer> answers_of_passages(const Model& model) {
  std::vector<Answer> result;
  for (const char* text : {"w1 w2 w3", "W250, w17; w99 w3 and w299", "", "no known word", "w9 w20 w108 w20",
                           "w7 w45 w61 w222 w280", "w140 w141 w142 w143 w144 w145 w146 w147 w148"}) {
    for (const RetrievedPassage& found : retrieve(model, text)) {
      result.push_back(
          {found.id + " | " + found.text.substr(0, found.text.find('\n')) + " | " + found.metadata, found.score});
    }
  }
  return result;
}

Model compressed(ModelParts parts, const CompressOptions& options) {
  ThreadPool pool(1);
  return compress(Model(std::move(parts)), options, pool);
}

/// Weights of 8 bits with a scale for each label, features known by pilots and fingerprints.
Model with_defaults() {
  return compressed(flat_sample_parts(12), {});
}

/// Weights of 4 bits in groups, many of a row so that masks say whose they are; features known by levels of bits.
Model with_groups_and_levels() {
  CompressOptions options;
  options.pack.value_bits = 4;
  options.pack.scaling = Scaling::groups;
  options.keys.perfect_hash = PerfectHash::levels;
  ModelParts parts = flat_sample_parts(40);
  parts.tagger = tagger_sample_parts().tagger;
  return compressed(std::move(parts), options);
}

/// Intents in domains, slots, and the words of the features.
Model compressed_assistant() {
  CompressOptions options;
  options.keep_strings = true;
  ModelParts parts = flat_sample_parts(12);
  parts.domains = sample_domains(parts.ranker.tree.n_labels);
  parts.tagger = tagger_sample_parts().tagger;
  return compressed(std::move(parts), options);
}

struct Golden {
  const char* name;
  Model (*make)();
  std::vector<Answer> (*answers)(const Model&);

  std::string path(const char* ending) const { return kFolder + name + ending; }
};

void PrintTo(const Golden& golden, std::ostream* out) {
  *out << golden.name;
}

const Golden kGoldens[] = {{"model_v1", [] { return Model(sample_parts()); }, answers_of_plain},
                           {"compressed_v1", with_defaults, answers_of_texts},
                           {"compressed_groups_levels_v1", with_groups_and_levels, answers_of_texts},
                           {"compressed_assistant_v1", compressed_assistant, answers_of_texts},
                           {"assistant_v1", [] { return Model(assistant_sample_parts()); }, answers_of_texts},
                           {"passages_v1", [] { return Model(passages_sample_parts()); }, answers_of_passages}};

/// Never anew: what was written once stays.
void write_missing(const Golden& golden) {
  if (std::filesystem::exists(golden.path(".coppice"))) return;
  const Model model = golden.make();
  std::ofstream(golden.path(".coppice"), std::ios::binary) << sample_image(model);
  std::ofstream file(golden.path(".answers"));
  file.precision(9);
  for (const Answer& answer : golden.answers(model)) file << answer.what << ' ' << answer.score << '\n';
}

class GoldenFiles : public ::testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    if (std::getenv("COPPICE_WRITE_GOLDEN") != nullptr) write_missing(GetParam());
  }
};

TEST_P(GoldenFiles, GiveTheSameAnswers) {
  const Model model = Model::load(GetParam().path(".coppice"), {Verify::everything, LoadMode::map});
  std::istringstream expected(file_text(GetParam().path(".answers")));
  const std::vector<Answer> got = GetParam().answers(model);
  ASSERT_GT(got.size(), 20u);
  std::string line;
  for (const Answer& answer : got) {
    ASSERT_TRUE(std::getline(expected, line));
    const size_t place = line.rfind(' ');
    EXPECT_EQ(answer.what, line.substr(0, place));
    const float score = std::stof(line.substr(place));
    EXPECT_NEAR(answer.score, score, 1e-5F * std::abs(score));
  }
  EXPECT_FALSE(std::getline(expected, line)) << line;
}

INSTANTIATE_TEST_SUITE_P(Version1, GoldenFiles, ::testing::ValuesIn(kGoldens),
                         [](const auto& test) { return std::string(test.param.name); });

/// Of those that nothing was rounded for: another compressor may well find smaller files than these.
TEST(Golden, TheFileOfVersion1IsRecreatedByteForByte) {
  EXPECT_TRUE(sample_image(Model(sample_parts())) == file_text(kFolder + "model_v1.coppice"));
}

/// What no file holds would be read for ever by luck alone.
TEST(Golden, TheFilesHoldSectionsOfEveryType) {
  std::set<uint32_t> types;
  for (const Golden& golden : kGoldens) {
    const ModelFile file = ModelFile::read(golden.path(".coppice"));
    for (const SectionEntry& entry : file.sections()) types.insert(entry.type);
  }
  const auto first_of_networks = static_cast<uint32_t>(SectionType::network);  // which net/ has files of its own for
  for (uint32_t type = 0; type < first_of_networks; ++type) {
    const std::string_view name = section_name(type);
    EXPECT_EQ(types.count(type), name.empty() ? 0u : 1u) << type << ' ' << name;
  }
}

}  // namespace
}  // namespace coppice
