// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace coppice {

/// Sound of one channel, from -1 to 1.
struct Recording {
  std::vector<float> samples;
  uint32_t sample_rate = 0;  ///< in a second
};

/// Reads WAV, FLAC, Ogg and whatever else libsndfile knows; several channels become their mean. Throws `ErrorCode::io`
/// for a file that cannot be opened, `ErrorCode::data` for one without sound or of another kind.
Recording read_recording(const std::string& path);

/// The same sound at another rate (windowed sinc, libsamplerate). Throws `ErrorCode::data` where the rates are more
/// than 256 times apart.
Recording resample(Recording recording, uint32_t sample_rate);

}  // namespace coppice
