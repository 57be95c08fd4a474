// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/error.h"

#include <array>
#include <cstring>
#include <utility>

namespace coppice {
namespace {

struct CodeRow {
  ErrorCode code;
  std::string_view name;
  int exit_code;
};

constexpr std::array<CodeRow, 10> kCodes{{{ErrorCode::internal, "internal", 1},
                                          {ErrorCode::usage, "usage", 2},
                                          {ErrorCode::data, "data", 3},
                                          {ErrorCode::io, "io", 4},
                                          {ErrorCode::memory, "memory", 5},
                                          {ErrorCode::unsupported, "unsupported", 6},
                                          {ErrorCode::remote, "remote", 7},
                                          {ErrorCode::budget, "budget", 8},
                                          {ErrorCode::timeout, "timeout", 9},
                                          {ErrorCode::cancelled, "cancelled", 130}}};

const CodeRow& row(ErrorCode code) noexcept {
  for (const CodeRow& candidate : kCodes) {
    if (candidate.code == code) return candidate;
  }
  return kCodes[0];
}

}  // namespace

Error::Error(ErrorCode code, const std::string& what, std::string where, std::string hint)
    : std::runtime_error(what), code_(code), where_(std::move(where)), hint_(std::move(hint)) {}

std::string Error::message() const {
  std::string text = where_.empty() ? std::string() : where_ + ": ";
  text += what();
  if (!hint_.empty()) text += "\n  hint: " + hint_;
  return text;
}

std::string_view name(ErrorCode code) noexcept {
  return row(code).name;
}
int exit_code(ErrorCode code) noexcept {
  return row(code).exit_code;
}

std::string json_fault(std::string_view what) {
  const size_t tag_end = what.starts_with("[json.") ? what.find("] ") : std::string_view::npos;
  return std::string(tag_end == std::string_view::npos ? what : what.substr(tag_end + 2));
}

void throw_io_error(std::string_view action, const std::string& path, int error_number) {
  throw Error(ErrorCode::io, "cannot " + std::string(action) + ": " + std::strerror(error_number), path);
}

}  // namespace coppice
