// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace coppice {

/// Why an operation failed; one table maps each to an exit code, an HTTP status and a Python exception.
enum class ErrorCode { internal, usage, data, io, memory, unsupported, remote, budget, timeout, cancelled };

/// The only exception that the library throws on purpose.
///
/// `what()` is one sentence with what was got and what was expected; `where()` is "file:line:column" (line and
/// column from 1) or any other place in the input, and may be empty; `hint()` says what the user can do, and may be
/// empty. A broken promise of our own (`check`) is `ErrorCode::internal`.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what, std::string where = {}, std::string hint = {});

  ErrorCode code() const noexcept { return code_; }
  const std::string& where() const noexcept { return where_; }
  const std::string& hint() const noexcept { return hint_; }

  /// "where: what. hint", the form in which programs print it.
  std::string message() const;

 private:
  ErrorCode code_;
  std::string where_;
  std::string hint_;
};

/// "data", "io", ...: the name used in JSON and in documents.
std::string_view name(ErrorCode code) noexcept;

/// 1 internal, 2 usage, 3 data, 4 io, 5 memory, 6 unsupported, 7 remote, 8 budget, 9 timeout, 130 cancelled.
int exit_code(ErrorCode code) noexcept;

/// Throws `ErrorCode::io` for a failed system call on `path`, with the system's own words for `error_number`.
[[noreturn]] void throw_io_error(std::string_view action, const std::string& path, int error_number);

/// What the JSON parser says of a fault, without its own tag: "[json.exception.parse_error.101] parse error at ...".
std::string json_fault(std::string_view what);

/// Throws `ErrorCode::internal` when our own invariant does not hold.
inline void check(bool holds, const char* invariant) {
  if (!holds) [[unlikely]]
    throw Error(ErrorCode::internal, std::string("broken invariant: ") + invariant);
}

}  // namespace coppice
