// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/error.h"

// What goes to standard error; nothing else writes there but `TerminalProgress`. With --log-json each message is one
// line, one JSON object; bytes that are no UTF-8 (in a path, say) become U+FFFD in it.

namespace coppice::app {

struct CommonOptions;

/// What a command came to, in a sentence: as it is, or {"message": text}. Nothing with --quiet.
void say(const std::string& text, const CommonOptions& common);

/// What the user may not have meant: "note: text", or {"note": text}. Nothing with --quiet.
void note(const std::string& text, const CommonOptions& common);

/// Why the program ends: "coppice: ...", or {"error": {"code", "exit_code", "what", "where", "hint"}}; with --quiet,
/// too. Hints name the flags of `options`.
void tell(const Error& error, const std::vector<std::string>& options, const CommonOptions& common);

/// The line, or lines, that `tell` writes.
std::string told(const Error& error, const std::vector<std::string>& options, const CommonOptions& common);

/// Writes the object as one line of standard error.
void log_json(const nlohmann::ordered_json& object);

}  // namespace coppice::app
