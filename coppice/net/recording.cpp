// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/recording.h"

#include <samplerate.h>
#include <sndfile.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kFramesAtOnce = 16384;

struct Close {
  void operator()(SNDFILE* file) const noexcept { sf_close(file); }
};

/// The mean of the channels of each frame, behind `samples`.
void append_means(const std::vector<float>& frames, size_t n_frames, int n_channels, std::vector<float>& samples) {
  for (size_t i = 0; i < n_frames; ++i) {
    float sum = 0;
    for (int c = 0; c < n_channels; ++c) sum += frames[i * n_channels + c];
    samples.push_back(sum / static_cast<float>(n_channels));
  }
}

}  // namespace

Recording read_recording(const std::string& path) {
  SF_INFO info{};
  errno = 0;
  const std::unique_ptr<SNDFILE, Close> file(sf_open(path.c_str(), SFM_READ, &info));
  if (!file) {
    if (sf_error(nullptr) == SF_ERR_SYSTEM) throw Error(ErrorCode::io, std::strerror(errno), path);
    throw Error(ErrorCode::data, "this is no recording that can be read: " + std::string(sf_strerror(nullptr)), path);
  }
  Recording recording{{}, static_cast<uint32_t>(info.samplerate)};
  // What the header says of the length is not believed.
  std::vector<float> frames(kFramesAtOnce * info.channels);
  for (sf_count_t n = 0; (n = sf_readf_float(file.get(), frames.data(), kFramesAtOnce)) > 0;) {
    append_means(frames, static_cast<size_t>(n), info.channels, recording.samples);
  }
  if (sf_error(file.get()) != SF_ERR_NO_ERROR) {
    throw Error(ErrorCode::data, "the recording is damaged: " + std::string(sf_strerror(file.get())), path);
  }
  if (recording.samples.empty()) throw Error(ErrorCode::data, "the recording has no sound", path);
  for (const float sample : recording.samples) {
    if (!std::isfinite(sample)) throw Error(ErrorCode::data, "the recording has a sample that is no number", path);
  }
  return recording;
}

Recording resample(Recording recording, uint32_t sample_rate) {
  if (recording.sample_rate == sample_rate) return recording;
  const double ratio = static_cast<double>(sample_rate) / recording.sample_rate;
  SRC_DATA job{};
  Recording result{{}, sample_rate};
  result.samples.resize(static_cast<size_t>(std::ceil(ratio * static_cast<double>(recording.samples.size()))) + 1);
  job.data_in = recording.samples.data();
  job.input_frames = static_cast<long>(recording.samples.size());
  job.data_out = result.samples.data();
  job.output_frames = static_cast<long>(result.samples.size());
  job.src_ratio = ratio;
  if (const int code = src_simple(&job, SRC_SINC_FASTEST, 1); code != 0) {
    throw Error(ErrorCode::data, "sound of " + std::to_string(recording.sample_rate) +
                                     " samples a second does not go " + "into " + std::to_string(sample_rate) + ": " +
                                     src_strerror(code));
  }
  result.samples.resize(static_cast<size_t>(job.output_frames_gen));
  return result;
}

}  // namespace coppice
