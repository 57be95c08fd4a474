// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/training_memory.h"

#include <gtest/gtest.h>

#include <vector>

namespace coppice {
namespace {

TEST(TrainingMemory, OneThreadHoldsOneChunkAndWhatIsFinished) {
  const std::vector<ChunkMemory> chunks{{1000, 500, 10, 50, 1}, {900, 400, 10, 40, 1}};
  EXPECT_EQ(peak_of_chunks(std::span(chunks).first(1), 1), 1000u + 500 + 20);
  EXPECT_EQ(peak_of_chunks(chunks, 1), 1000u + 500 + 20);
}

TEST(TrainingMemory, ThreadsHoldNeighbouringChunks) {
  const std::vector<ChunkMemory> chunks{{1000, 500, 0, 50, 1}, {900, 400, 0, 40, 1}, {800, 300, 0, 30, 1}};
  EXPECT_EQ(peak_of_chunks(chunks, 2), 1000u + 900 + 2 * 500);
  EXPECT_EQ(peak_of_chunks(chunks, 7), 1000u + 900 + 800 + 3 * 500);
}

TEST(TrainingMemory, ThreadsShareTheProblemOfASplitChunk) {
  const std::vector<ChunkMemory> chunks{{1000, 500, 0, 50, 4}};
  EXPECT_EQ(peak_of_chunks(chunks, 2), 1000u + 2 * 500);
  EXPECT_EQ(peak_of_chunks(chunks, 7), 1000u + 4 * 500);
}

TEST(TrainingMemory, PackingNeedsNoProblem) {
  EXPECT_EQ(peak_of_chunks(std::vector<ChunkMemory>{{100, 0, 1000, 50, 4}}, 1), 2u * 1000 + 50);
  EXPECT_EQ(peak_of_chunks(std::vector<ChunkMemory>{{900, 0, 1000, 50, 4}}, 1), 900u + 1000 + 250);
}

TEST(TrainingMemory, LanesThatAreDoneGiveUpHalfOfTheSolversRoom) {
  const ChunkMemory chunk{1000, 500, 200, 50, 4, true};
  EXPECT_EQ(peak_of_chunks({&chunk, 1}, 2), 1000u + 200 + 2 * 500);
  const ChunkMemory heavy{1000, 500, 4000, 50, 1, true};
  EXPECT_EQ(peak_of_chunks({&heavy, 1}, 1), 1000u + 2 * 4000 + 250);
}

TEST(TrainingMemory, WhatIsFinishedMayOutweighWhatIsInWork) {
  const std::vector<ChunkMemory> chunks(100, {10, 10, 0, 20, 1});
  EXPECT_EQ(peak_of_chunks(chunks, 1), 100u * 20);
}

TEST(TrainingMemory, ABlockHasEachFeatureOnce) {
  CsrBuilder builder(10);
  for (const uint32_t column : {3, 7, 3}) {
    builder.add(column, 1);
    builder.end_row();
  }
  const BlockSize block = first_block(builder.build(), 10, 1);
  EXPECT_EQ(block.n_features, 2u);
  EXPECT_EQ(block.n_nonzeros, 3u);
}

TEST(TrainingMemory, ThreadsShareTheRowsOfBlocks) {
  CsrBuilder builder(20000);
  for (uint32_t row = 0; row < 20000; ++row) {
    builder.add(row, 1);
    builder.end_row();
  }
  const Csr features = builder.build();
  EXPECT_EQ(first_block(features, 10, 1).n_features, 16384u);
  EXPECT_EQ(first_block(features, 10, 4).n_features, 5000u);
}

TEST(TrainingMemory, ASearchUnpacksChunksThatAreNotTooWideNorTooLarge) {
  const BlockSize block{1000, 20000};
  const auto rows_of = [](uint64_t rows, uint64_t floats) { return rows * floats * 4 + 1000 * 4; };  // and the numbers
  const ChunkSize chunk{ChunkEncoding::masked, 100, 5000, 60000};
  EXPECT_EQ(unpacked_bytes(chunk, block), rows_of(1000, 104));
  ChunkSize other = chunk;
  other.n_rows = 300;
  EXPECT_EQ(unpacked_bytes(other, block), rows_of(300, 104)) << "few features have a weight";
  other = chunk;
  other.encoding = ChunkEncoding::hashed;
  EXPECT_EQ(unpacked_bytes(other, block), 0u) << "it would not pay";
  other.n_entries = 10000;
  EXPECT_EQ(unpacked_bytes(other, block), rows_of(1000, 104));
  other = chunk;
  other.n_children = 400;
  EXPECT_EQ(unpacked_bytes(other, block), 0u) << "too wide";
  other = chunk;
  other.n_entries = 80000;
  EXPECT_EQ(unpacked_bytes(other, block), 0u) << "too large";
}

TEST(TrainingMemory, ABlockThatSearchesHoldsItsFeaturesAndSixTimesTheBeam) {
  CsrBuilder builder(1);
  for (uint32_t row = 0; row < 40000; ++row) {
    if (row < 20000) builder.add(0, 1);
    builder.end_row();
  }
  const Csr features = builder.build();
  // 2^21 candidates at once, 600 a row for a beam of 300.
  EXPECT_NEAR(static_cast<double>(block_search_bytes(features, 300, 1)), 3495 * 6 * 300 * 8, 3495 * 100);
  const uint64_t narrow = block_search_bytes(features, 10, 1);
  EXPECT_GT(narrow, 16384u * (6 * 10 * 8 + 8));
  EXPECT_LT(narrow, 16384u * (6 * 10 * 8 + 108));
  EXPECT_LT(block_search_bytes(features, 10, 4), narrow) << "each thread has a block of its own, of fewer rows";
}

TEST(TrainingMemory, NoChunksTakeNothing) {
  EXPECT_EQ(peak_of_chunks({}, 2), 0u);
}

TEST(TrainingMemory, PopularChunksAreMatchedMore) {
  const std::vector<size_t> own{1, 32, 1024};
  const std::vector<double> extra = spread_matches(own, 73, 1000000);  // 1 + 8 + 64 shares
  EXPECT_NEAR(extra[0], 3, 1e-9);
  EXPECT_NEAR(extra[1], 24, 1e-9);
  EXPECT_NEAR(extra[2], 192, 1e-9);
  EXPECT_EQ(spread_matches(own, 1e9, 1100)[2], 76);  // there are no more rows
  EXPECT_EQ(spread_matches(own, 0, 1100), (std::vector<double>{0, 0, 0}));
  EXPECT_TRUE(spread_matches({}, 5, 10).empty());
}

}  // namespace
}  // namespace coppice
