// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "coppice/core/error.h"
#include "coppice/model/damage_fixture.h"
#include "coppice/model/sample_model.h"
#include "coppice/rank/batch_prediction.h"

namespace coppice {
namespace {

using testing::end_of_directory;
using ::testing::HasSubstr;
using testing::load_image;
using testing::repair_header;

bool is_refused(const std::string& image, Verify verify) {
  try {
    load_image(image, verify);
  } catch (const Error&) {
    return true;
  }
  return false;
}

std::string with_flipped_bit(std::string image, size_t bit) {
  image[bit / 8] = static_cast<char>(image[bit / 8] ^ (1 << (bit % 8)));
  return image;
}

/// The places of all bytes that belong to sections of these types, padding left out.
std::vector<size_t> bytes_of_sections(const std::string& image, SectionType first, SectionType last) {
  std::vector<size_t> places;
  for (size_t at = FileHeader::kHeaderBytes; at < end_of_directory(image); at += sizeof(SectionEntry)) {
    SectionEntry entry;
    std::memcpy(&entry, image.data() + at, sizeof entry);
    if (entry.type < static_cast<uint32_t>(first) || entry.type > static_cast<uint32_t>(last)) continue;
    for (size_t i = 0; i < entry.size_bytes; ++i) places.push_back(entry.offset + i);
  }
  return places;
}

std::string error_of(ModelParts parts) {
  try {
    Model(std::move(parts)).verify();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.message();
  }
  return "";
}

TEST(Model, ASavedModelPredictsAsBefore) {
  const Model model(sample_parts());
  const Model loaded = load_image(sample_image(model), Verify::everything);
  EXPECT_EQ(loaded.n_labels(), model.n_labels());
  EXPECT_EQ(loaded.options_json(), model.options_json());
  EXPECT_EQ(loaded.metrics_json(), model.metrics_json());
  EXPECT_EQ(loaded.fingerprint(), model.fingerprint());
  EXPECT_EQ(loaded.n_training_rows(), 9u);
  EXPECT_EQ(loaded.label_counts()[0], 5u);
  EXPECT_EQ(loaded.label_names().name(1), "Fen\xC3\xAAtre");
  EXPECT_EQ(loaded.label_names().find("label-7"), std::optional<uint32_t>(7));
  ThreadPool pool(1);
  const Predictions before = predict_batch(model.ranker(), sample_queries(), {}, pool);
  const Predictions after = predict_batch(loaded.ranker(), sample_queries(), {}, pool);
  EXPECT_EQ(before.labels, after.labels);
  EXPECT_EQ(before.scores, after.scores);
  EXPECT_EQ(before.counts, after.counts);
  EXPECT_GT(before.counts[5], 5u);
}

TEST(Model, ASavedModelReadsTextAsBefore) {
  const Model model(sample_parts());
  const Model loaded = load_image(sample_image(model), Verify::everything);
  Vectorizer::State before_state;
  Vectorizer::State after_state;
  const SparseRow before = model.vectorizer()->transform("The Window Manager w9", before_state);
  const SparseRow after = loaded.vectorizer()->transform("The Window Manager w9", after_state);
  ASSERT_GE(before.size(), 5u);
  EXPECT_TRUE(std::equal(before.columns.begin(), before.columns.end(), after.columns.begin(), after.columns.end()));
  EXPECT_TRUE(std::equal(before.values.begin(), before.values.end(), after.values.begin(), after.values.end()));
  EXPECT_EQ(loaded.vectorizer()->feature_name(2), "window manager");
}

TEST(Model, AModelWithoutAVectorizerTakesFeatures) {
  ModelParts parts = sample_parts();
  parts.vectorizer.reset();
  const Model loaded = load_image(sample_image(Model(std::move(parts))), Verify::everything);
  EXPECT_EQ(loaded.vectorizer(), nullptr);
}

TEST(Model, LabelsWithoutNamesAreKnownByTheirNumbers) {
  ModelParts parts = sample_parts();
  parts.label_names = {};
  const Model loaded = load_image(sample_image(Model(std::move(parts))), Verify::everything);
  EXPECT_EQ(loaded.label_names().size(), 0u);
  EXPECT_EQ(loaded.n_labels(), 52u);
}

TEST(Model, ThePathOfAStopWordFileIsNotStored) {
  ModelParts parts = sample_parts();
  VectorizerOptions options;
  options.stop_words_file = "/home/somebody/words.txt";
  options.stop_words = {"the"};
  parts.vectorizer = make_vectorizer(options, std::vector<ImportedFeature>{{{}, "window", 1.0F}});
  const std::string image = sample_image(Model(std::move(parts)));
  EXPECT_EQ(image.find("somebody"), std::string::npos);
  EXPECT_EQ(load_image(image).vectorizer()->options().stop_words, std::vector<std::string>{"the"});
}

TEST(Model, TheSampleHasChunksOfEveryEncoding) {
  std::vector<bool> seen(4);
  const Model model(sample_parts());
  for (const LevelWeights& level : model.ranker().levels) {
    for (const ChunkEntry& chunk : level.arrays().chunks) seen[static_cast<size_t>(chunk.encoding)] = true;
  }
  EXPECT_THAT(seen, ::testing::Each(true));
}

TEST(Model, SavingWhatWasLoadedGivesTheSameBytes) {
  const std::string image = sample_image(Model(sample_parts()));
  EXPECT_TRUE(sample_image(load_image(image)) == image);
}

TEST(Model, MappedAndReadFilesAreTheSame) {
  const auto path = (std::filesystem::temp_directory_path() / ("coppice-model-" + std::to_string(::getpid()))).string();
  const Model model(sample_parts());
  model.save(path, "coppice sample");
  const Model mapped = Model::load(path, {Verify::everything, LoadMode::map});
  const Model read = Model::load(path, {Verify::everything, LoadMode::read});
  std::filesystem::remove(path);  // both live on
  EXPECT_TRUE(sample_image(mapped) == sample_image(read));
}

TEST(Model, AFileCutAtAnyByteIsAnError) {
  const std::string image = sample_image(Model(sample_parts()));
  for (size_t n = 0; n < image.size(); ++n) ASSERT_TRUE(is_refused(image.substr(0, n), Verify::structure)) << n;
}

/// Each bit of each byte is flipped; one test per place of the bit keeps them short.
class FlippedBit : public ::testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(OfEachByte, FlippedBit, ::testing::Range<size_t>(0, 8));

TEST_P(FlippedBit, AnywhereFailsVerification) {
  const std::string image = sample_image(Model(sample_parts()));
  ASSERT_FALSE(is_refused(image, Verify::everything));
  for (size_t byte = FileHeader::kHeaderBytes; byte < image.size(); ++byte) {
    ASSERT_TRUE(is_refused(with_flipped_bit(image, byte * 8 + GetParam()), Verify::everything)) << "byte " << byte;
  }
}

/// Flips bit `bit` of each of the bytes in turn and asks every model that still opens; returns how many did.
size_t ask_flipped(const std::string& image, const std::vector<size_t>& bytes, size_t bit) {
  size_t opened = 0;
  for (const size_t byte : bytes) {
    try {
      ask_everything(load_image(with_flipped_bit(image, byte * 8 + bit)));
      ++opened;
    } catch (const Error&) {
    }
  }
  return opened;
}

// Most values inside sections are not looked at when opening, so most of the models open.

TEST_P(FlippedBit, InNamesTreeOrWeightsNeverMakesAQueryReadOutOfBounds) {
  ModelParts parts = sample_parts();
  parts.vectorizer.reset();
  const std::string image = sample_image(Model(std::move(parts)));
  const auto bytes = bytes_of_sections(image, SectionType::shape, SectionType::weights_payload);
  EXPECT_GT(ask_flipped(image, bytes, GetParam()), bytes.size() / 2);
}

TEST_P(FlippedBit, InADeepTreeNeverMakesAQueryReadOutOfBounds) {
  const std::string image = sample_image(Model(deep_sample_parts()));
  const auto bytes = bytes_of_sections(image, SectionType::tree_first_child, SectionType::weights_payload);
  EXPECT_GT(ask_flipped(image, bytes, GetParam()), bytes.size() / 2);
}

TEST_P(FlippedBit, InTheVectorizerNeverMakesAQueryReadOutOfBounds) {
  const std::string image = sample_image(Model(sample_parts()));
  const auto bytes = bytes_of_sections(image, SectionType::vectorizer, SectionType::vectorizer_name_bytes);
  EXPECT_GT(ask_flipped(image, bytes, GetParam()), bytes.size() / 4);
}

TEST(Model, AFlippedBitInTheDirectoryIsHarmlessEvenWithItsChecksumRepaired) {
  const std::string image = sample_image(Model(sample_parts()));
  for (size_t bit = FileHeader::kHeaderBytes * 8; bit < end_of_directory(image) * 8; ++bit) {
    std::string flipped = with_flipped_bit(image, bit);
    repair_header(flipped);
    try {
      ask_everything(load_image(flipped));
    } catch (const Error&) {
    }
  }
}

/// What the fuzzer does to get behind the checksums.
TEST(Model, ARepairedImageIsWhatItsChecksumsSay) {
  std::string image = sample_image(Model(sample_parts()));
  const auto bytes = bytes_of_sections(image, SectionType::weights_payload, SectionType::weights_payload);
  image[bytes[bytes.size() / 2]] ^= 1;
  EXPECT_THROW(load_image(image, Verify::checksums), Error);
  testing::repair_image(testing::bytes_of_image(image));
  EXPECT_NO_THROW(load_image(image, Verify::checksums));
}

TEST(Model, PartsThatDoNotFitAreRefused) {
  const auto refused = [](auto change, const char* why) {
    ModelParts parts = sample_parts();
    change(parts);
    EXPECT_THAT(error_of(std::move(parts)), HasSubstr(why));
  };
  using V = std::vector<uint32_t>;
  EXPECT_EQ(error_of(sample_parts()), "");
  refused([](ModelParts& p) { p.ranker.levels.pop_back(); }, "levels of weights");
  refused([](ModelParts& p) { std::swap(p.ranker.levels[0], p.ranker.levels[1]); }, "chunks");
  refused([](ModelParts& p) { p.ranker.tree.first_child.clear(); }, "0 levels");
  refused([](ModelParts& p) { p.ranker.tree.first_child[0] = V{0, 2}; }, "child offsets");
  refused([](ModelParts& p) { p.ranker.tree.first_child[1] = V{1, 5, 7, 53}; }, "first child");
  refused([](ModelParts& p) { p.ranker.tree.first_child[1] = V{0, 7, 5, 53}; }, "children");
  refused([](ModelParts& p) { p.ranker.tree.leaf_label = V{0}; }, "number of leaves");
  refused([](ModelParts& p) { p.ranker.n_features = 41; }, "features");
  refused([](ModelParts& p) { p.ranker.post_processor = PostProcessor::of_model; }, "post-processor");
  refused([](ModelParts& p) { p.label_names = LabelNames::from({"a"}); }, "label names");
  ModelParts nameless = sample_parts();  // labels may have numbers only
  nameless.label_names = {};
  EXPECT_EQ(error_of(std::move(nameless)), "");
  refused([](ModelParts& p) { p.label_counts = PackedNumbers(V{1}); }, "label counts");
  refused([](ModelParts& p) { p.label_counts = PackedNumbers(V(52, 10)); }, "more rows");
  refused(
      [](ModelParts& p) {
        std::vector<ImportedFeature> features;
        for (int i = 0; i < 41; ++i) features.push_back({{}, "w" + std::to_string(i), 1.0F});
        p.vectorizer = make_vectorizer({}, features);
      },
      "41 features");
  refused([](ModelParts& p) { p.options_json = "{"; }, "options");
  refused([](ModelParts& p) { p.metrics_json = "[]"; }, "metrics");
  const std::string deep = R"({"a":)" + std::string(200'000, '[') + std::string(200'000, ']') + "}";
  refused([&](ModelParts& p) { p.options_json = deep; }, "options nest deeper");
  refused([&](ModelParts& p) { p.metrics_json = deep; }, "metrics nest deeper");
  refused([](ModelParts& p) { p.fingerprint = "\xFF"; }, "fingerprint");
}

TEST(Model, NamesThatAreNoUtf8AreRefused) {
  const uint32_t n_labels = sample_parts().ranker.tree.n_labels;
  const auto verified = [&](const std::string& first, const std::string& second) {
    std::vector<std::string> names(n_labels, "more");
    names[3] = first;
    names[4] = second;
    ModelParts parts = sample_parts();
    parts.label_names = LabelNames::from(names);
    return error_of(std::move(parts));
  };
  EXPECT_EQ(verified("\xC3\xA9t\xC3\xA9", "\xF0\x9F\x98\x80"), "");
  EXPECT_THAT(verified("\xE9t\xE9", ""), HasSubstr("the name of label 3 is not valid UTF-8"));
  EXPECT_THAT(verified("ok", "\xC3"), HasSubstr("the name of label 4 is not valid UTF-8"));
  EXPECT_THAT(verified("\xC3", "\xA9"), HasSubstr("the name of label 3 is not valid UTF-8"));  // only together it is
}

TEST(Model, OfEqualNamesTheTableHoldsTwoOrMore) {
  const uint32_t n_labels = sample_parts().ranker.tree.n_labels;
  const LabelNames names = LabelNames::from(std::vector<std::string>(n_labels, "same"));
  const auto verified = [&](auto change) {
    std::vector<uint32_t> slots(names.slots().begin(), names.slots().end());
    change(slots, std::find(slots.begin(), slots.end(), 2U));
    ModelParts parts = sample_parts();
    parts.label_names = LabelNames(names.bytes(), names.offsets(), std::move(slots));
    return error_of(std::move(parts));
  };
  EXPECT_EQ(verified([](auto&, auto) {}), "");
  EXPECT_EQ(verified([&](auto& slots, auto) {
              uint32_t label = 2;  // all of them, in any free slots
              for (uint32_t& slot : slots) slot = slot == 0 && label < n_labels ? ++label : slot;
            }),
            "");
  EXPECT_THAT(verified([](auto&, auto second) { *second = 0; }), HasSubstr("found for another label alone"));
  EXPECT_THAT(verified([](auto&, auto second) { *second = 1; }), HasSubstr("holds label 0 twice"));
  EXPECT_THAT(verified([&](auto&, auto second) { *second = n_labels + 1; }), HasSubstr("another label alone"));
}

}  // namespace
}  // namespace coppice
