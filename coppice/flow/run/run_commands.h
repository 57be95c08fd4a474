// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>

// The commands by which runs go on, as messages and reports name them. `journal_flag` is that of RunSettings.

namespace coppice {

/// "coppice flow resume RUN --journal FILE".
std::string resume_command(const std::string& run, const std::string& journal_flag);

/// "coppice flow approve RUN --journal FILE --step STEP --item 2"; `item` -1 = the step has none.
std::string approve_command(const std::string& run, const std::string& journal_flag, const std::string& step,
                            int64_t item);

/// The same for several items: "... --item 0,2,5". `items` of a step without a foreach: {-1}.
std::string approve_command(const std::string& run, const std::string& journal_flag, const std::string& step,
                            const std::set<int64_t>& items);

/// "ok", "ok, item 2", "ok, items 0, 2, 5".
std::string place_text(const std::string& step, const std::set<int64_t>& items);
/// "ok", "ok, item 2".
std::string place_text(const std::string& step, int64_t item);

}  // namespace coppice
