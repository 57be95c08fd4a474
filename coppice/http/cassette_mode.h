// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace coppice {

/// What a cassette (cassette.h) does with a request.
enum class CassetteMode {
  record,  ///< all goes to the server and is written down; what the file held is kept
  replay,  ///< nothing goes to the server; a request that was not recorded is an error
  once     ///< what was recorded is replayed, the rest is sent and written down
};

}  // namespace coppice
