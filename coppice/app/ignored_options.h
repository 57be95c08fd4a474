// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "coppice/app/flags.h"
#include "coppice/app/unused_options.h"

namespace coppice::app {

/// Options that the format of the rows or the values of other options make useless, in whatever command they are. To be
/// called after `Flags::apply`.
///
/// `input`: the path of the rows that the command reads, "" for none. Where their format is not known before they are
/// read (standard input, a pipe, no such file), the options of formats are not spoken of.
/// Cost: a look at the first bytes of the rows.
std::vector<Unused> ignored_options(const Flags& flags, const std::string& input);

}  // namespace coppice::app
