// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

// The commands by which runs go on, as messages and reports name them. `journal_flag` is that of RunSettings.

namespace coppice {

/// "coppice flow resume RUN --journal FILE".
std::string resume_command(const std::string& run, const std::string& journal_flag);

/// "coppice flow approve RUN --journal FILE --step STEP --item 2"; `item` -1 = the step has none.
std::string approve_command(const std::string& run, const std::string& journal_flag, const std::string& step,
                            int64_t item);

/// "ok", "ok, item 2".
std::string place_text(const std::string& step, int64_t item);

}  // namespace coppice
