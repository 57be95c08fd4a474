// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "coppice/core/output_file.h"
#include "coppice/data/reading_test.h"
#include "coppice/model/ranker_sections.h"
#include "coppice/model/sample_model.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

class CheckpointFile : public ::testing::Test {
 protected:
  void save(const std::string& fingerprint = "data") {
    Checkpoint(path_, fingerprint).save(ranker_.tree, {ranker_.levels.front()}, ranker_.n_features);
  }
  std::string bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// The error of loading these bytes; "" if there is none.
  std::string refusal_of(std::string_view bytes) const {
    folder_.write("checkpoint", bytes);
    return message_of([&] { Checkpoint(path_, "data").load(); });
  }
  /// The error of loading a file that is whole, but whose section `shape` says something else.
  std::string refusal_of_shape(const std::string& shape) const {
    write(shape, training_program());
    return message_of([&] { Checkpoint(path_, "data").load(); });
  }
  void write(const std::string& shape, const std::string& program) const {
    ModelFileWriter writer(program);
    writer.add_text({SectionType::shape}, ElementType::json, shape);
    writer.add_text({SectionType::fingerprint}, ElementType::text, "data");
    add_tree(writer, ranker_.tree);
    add_level(writer, 0, ranker_.levels.front());
    OutputFile file(path_);
    writer.write(file);
    file.commit();
  }

  TestFolder folder_;
  std::string path_ = folder_.path("checkpoint");
  Ranker ranker_ = sample_parts().ranker;
};

template <class T>
bool equal(const Array<T>& a, const Array<T>& b) {
  return std::ranges::equal(std::as_bytes(a.span()), std::as_bytes(b.span()));
}

TEST_F(CheckpointFile, GivesBackTheTreeAndTheLevelsThatAreFinished) {
  save();
  const auto state = Checkpoint(path_, "data").load();
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->tree.n_labels, ranker_.tree.n_labels);
  ASSERT_EQ(state->tree.depth(), 2u);
  for (size_t t = 0; t < 2; ++t) EXPECT_TRUE(equal(state->tree.first_child[t], ranker_.tree.first_child[t]));
  EXPECT_TRUE(equal(state->tree.leaf_label, ranker_.tree.leaf_label));
  ASSERT_EQ(state->levels.size(), 1u);
  EXPECT_TRUE(equal(state->levels[0].arrays().chunks, ranker_.levels[0].arrays().chunks));
  EXPECT_TRUE(equal(state->levels[0].arrays().bias, ranker_.levels[0].arrays().bias));
  EXPECT_TRUE(equal(state->levels[0].arrays().payload, ranker_.levels[0].arrays().payload));
}

TEST_F(CheckpointFile, IsNotThereBeforeItIsSavedAndAfterItIsRemoved) {
  EXPECT_FALSE(Checkpoint(path_, "data").load().has_value());
  save();
  EXPECT_TRUE(Checkpoint(path_, "data").load().has_value());
  remove_checkpoint(path_);
  EXPECT_FALSE(Checkpoint(path_, "data").load().has_value());
  remove_checkpoint(path_);
}

TEST_F(CheckpointFile, TellsItsLevelsToTheSameTrainingAlone) {
  EXPECT_EQ(Checkpoint("", "data").finished_levels(), 0u);
  EXPECT_EQ(Checkpoint(path_, "data").finished_levels(), 0u);
  save();
  EXPECT_EQ(Checkpoint(path_, "data").finished_levels(), 1u);
  EXPECT_EQ(Checkpoint(path_, "other data").finished_levels(), 0u);
  const std::string whole = bytes();
  folder_.write("checkpoint", whole.substr(0, whole.size() - 1));
  EXPECT_EQ(Checkpoint(path_, "data").finished_levels(), 0u);
  std::string flipped = whole;
  flipped[whole.size() / 2] ^= 1;
  folder_.write("checkpoint", flipped);
  EXPECT_EQ(Checkpoint(path_, "data").finished_levels(), 0u);
}

TEST_F(CheckpointFile, AnEmptyPathKeepsNothing) {
  const Checkpoint none("", "data");
  none.save(ranker_.tree, {}, ranker_.n_features);
  EXPECT_FALSE(none.load().has_value());
}

TEST_F(CheckpointFile, OfOtherDataOrOptionsIsRefused) {
  save("other data");
  const std::string message = message_of([&] { Checkpoint(path_, "data").load(); });
  EXPECT_THAT(message, HasSubstr("usage: "));
  EXPECT_THAT(message, HasSubstr("of other data or other options"));
  EXPECT_THAT(message, HasSubstr("without --resume"));
}

TEST_F(CheckpointFile, OfAnotherProgramIsRefused) {
  const std::string shape = R"({"depth":2,"levels":1,"n_features":40,"n_labels":52})";
  const auto refusal = [&](const std::string& program) {
    write(shape, program);
    return message_of([&] { Checkpoint(path_, "data").load(); });
  };
  EXPECT_EQ(refusal(training_program()), "");
  for (const std::string program : {"coppice 0.0.1, solver 1", "coppice checkpoint", ""}) {
    const std::string message = refusal(program);
    EXPECT_THAT(message, HasSubstr("usage: "));
    EXPECT_THAT(message, HasSubstr("written by another program (" + program + "), this is coppice "));
    EXPECT_THAT(message, HasSubstr("without --resume"));
  }
}

TEST_F(CheckpointFile, CutAtAnyByteIsRefused) {
  save();
  const std::string whole = bytes();
  ASSERT_EQ(refusal_of(whole), "");
  for (size_t n = 0; n < whole.size(); n += 7) ASSERT_THAT(refusal_of(whole.substr(0, n)), HasSubstr("data: ")) << n;
}

TEST_F(CheckpointFile, ThatIsNoneIsSaidToBeTheCheckpointAndToBeRemoved) {
  for (const std::string_view bytes :
       {"", "no model at all, but some text of more bytes than a header has: 0123456789"}) {
    const std::string message = refusal_of(bytes);
    EXPECT_THAT(message, HasSubstr("the checkpoint is damaged: "));
    EXPECT_THAT(message, HasSubstr("remove it, or train without --resume"));
  }
}

TEST_F(CheckpointFile, WithAFlippedBitIsRefused) {
  save();
  const std::string whole = bytes();
  for (size_t byte = FileHeader::kHeaderBytes; byte < whole.size(); ++byte) {
    std::string flipped = whole;
    flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << (byte % 8)));
    ASSERT_NE(refusal_of(flipped), "") << byte;
  }
}

TEST_F(CheckpointFile, WhoseNumbersDoNotFitIsRefused) {
  const auto shape = [](size_t depth, int levels, uint32_t n_features, uint32_t n_labels) {
    return "{\"depth\":" + std::to_string(depth) + ",\"levels\":" + std::to_string(levels) +
           ",\"n_features\":" + std::to_string(n_features) + ",\"n_labels\":" + std::to_string(n_labels) + "}";
  };
  const size_t depth = ranker_.tree.depth();
  const uint32_t d = ranker_.n_features, n_labels = ranker_.tree.n_labels;
  EXPECT_EQ(refusal_of_shape(shape(depth, 1, d, n_labels)), "");
  for (const std::string& wrong : {shape(depth, static_cast<int>(depth) + 1, d, n_labels), shape(depth, 2, d, n_labels),
                                   shape(depth + 1, 1, d, n_labels), shape(0, 1, d, n_labels),
                                   shape(depth, 1, 3, n_labels), shape(depth, 1, d, 3), shape(depth, -1, d, n_labels),
                                   std::string(R"({"depth":"2","levels":1})"), std::string("{}"), std::string("[]")}) {
    EXPECT_THAT(refusal_of_shape(wrong), HasSubstr("data: ")) << wrong;
  }
}

}  // namespace
}  // namespace coppice
