// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/recording.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <numeric>

#include "coppice/core/error.h"
#include "coppice/net/net_fixture.h"
#include "coppice/net/recording_list.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

/// A folder of its own, gone in the end.
class Recordings : public testing::Test {
 protected:
  Recordings() : folder_(fs::path(testing::TempDir()) / ("recordings_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Recordings() override { fs::remove_all(folder_); }

  /// WAV of 16 bits, by hand. Samples of several channels stand side by side.
  std::string write_wav(const std::string& name, const std::vector<int16_t>& samples, uint16_t channels = 1,
                        uint32_t rate = 8000) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream file(path, std::ios::binary);
    const auto number = [&](auto value) { file.write(reinterpret_cast<const char*>(&value), sizeof value); };
    const auto bytes = static_cast<uint32_t>(samples.size() * 2);
    file << "RIFF";
    number(bytes + 36);
    file << "WAVEfmt ";
    number(uint32_t{16}), number(uint16_t{1}), number(channels), number(rate), number(rate * channels * 2);
    number(static_cast<uint16_t>(channels * 2)), number(uint16_t{16});
    file << "data";
    number(bytes);
    for (const int16_t sample : samples) number(sample);
    return path;
  }

  fs::path folder_;
};

ErrorCode code_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST_F(Recordings, SamplesComeAsTheyWereWritten) {
  const Recording recording = read_recording(write_wav("a.wav", {0, 16384, -32768, 1}));
  EXPECT_EQ(recording.sample_rate, 8000U);
  EXPECT_THAT(recording.samples, testing::ElementsAre(0, 0.5F, -1, 1.0F / 32768));
}

TEST_F(Recordings, ChannelsBecomeTheirMean) {
  EXPECT_THAT(read_recording(write_wav("a.wav", {16384, 0, -16384, 16384}, 2)).samples, testing::ElementsAre(0.25F, 0));
}

TEST_F(Recordings, WhatCannotBeReadIsAnError) {
  EXPECT_EQ(code_of([&] { read_recording(folder_ / "none.wav"); }), ErrorCode::io);
  std::ofstream(folder_ / "text.wav") << "this is no sound";
  EXPECT_EQ(code_of([&] { read_recording(folder_ / "text.wav"); }), ErrorCode::data);
  EXPECT_EQ(code_of([&] { read_recording(write_wav("empty.wav", {})); }), ErrorCode::data);
}

TEST_F(Recordings, AHeaderThatPromisesMoreThanThereIsGivesWhatThereIs) {
  const std::string path = write_wav("a.wav", std::vector<int16_t>(1000, 100));
  fs::resize_file(path, 44 + 600);
  EXPECT_LE(read_recording(path).samples.size(), 1000U);
}

TEST_F(Recordings, AToneStaysTheSameAtAnotherRate) {
  const Recording other = resample({tone(440, 0.5, 16000), 16000}, 8000);
  const std::vector<float> expected = tone(440, 0.5, 8000);
  ASSERT_NEAR(double(other.samples.size()), 4000, 8);
  double difference = 0;
  for (size_t i = 500; i < 3500; ++i) difference += std::abs(other.samples[i] - expected[i]);
  EXPECT_LT(difference / 3000, 0.02);
  EXPECT_EQ(code_of([] { resample({{0, 0}, 8000}, 8000 * 257); }), ErrorCode::data);
}

TEST_F(Recordings, NamesSayWhatIsSaidAndByWhom) {
  write_wav("7_theo_3.wav", {1});
  write_wav("yes/anna_0.wav", {1});
  std::ofstream(folder_ / "README.md") << "no recording";
  const std::vector<RecordingFile> found = find_recordings(folder_);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].label + found[0].speaker, "7theo");
  EXPECT_EQ(found[1].label + found[1].speaker, "yesanna");
}

TEST_F(Recordings, AnnotatedOnesMayHaveNamesOfEitherKind) {
  EXPECT_EQ(speaker_in("more/7_theo_3.wav", {"theo", "anna"}), "theo");
  EXPECT_EQ(speaker_in("more/yes/anna_0.wav", {"theo", "anna"}), "anna");
  EXPECT_EQ(speaker_in("more/7_carl_3.wav", {"theo", "anna"}), "carl");
  EXPECT_EQ(speaker_in("more/seven.wav", {"theo"}), "");
}

TEST_F(Recordings, AFolderThatSaysNoLabelsIsRefused) {
  EXPECT_EQ(code_of([&] { find_recordings(folder_); }), ErrorCode::data);
  EXPECT_EQ(code_of([&] { find_recordings(folder_ / "none"); }), ErrorCode::io);
  write_wav("seven.wav", {1});
  EXPECT_EQ(code_of([&] { find_recordings(folder_); }), ErrorCode::data);
}

TEST_F(Recordings, QueriesNeedSayNoLabel) {
  write_wav("seven.wav", {1});
  const std::vector<RecordingFile> found = find_recordings(folder_, RowsAre::queries);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].label + found[0].speaker, "");
}

}  // namespace
}  // namespace coppice
