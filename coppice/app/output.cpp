// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/output.h"

#include <fmt/core.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "coppice/app/command.h"
#include "coppice/app/hints.h"
#include "coppice/app/messages.h"
#include "coppice/app/terminal_text.h"
#include "coppice/app/unused_options.h"
#include "coppice/core/error.h"
#include "coppice/core/output_file.h"

namespace coppice::app {

void print_out(std::string_view text) {
  OutputFile out("-");
  out.write(text_for(STDOUT_FILENO, text));
  out.commit();
}

std::string json_text(const nlohmann::ordered_json& object) {
  return object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void print_remarks(const ReadReport& report, RowsAre rows, const CommonOptions& common) {
  ReadOptions names;
  OptionTable options;
  describe(options, names);
  for (const std::string& remark : report.remarks(rows)) note(with_flags(remark, names_of(options)), common);
}

void expect_no_input(const std::string& output, const std::vector<std::string>& inputs) {
  if (output.empty() || is_output_stream(output)) return;
  for (const std::string& input : inputs) {
    std::error_code differs;  // also when one of them is missing
    if (input.empty() || !std::filesystem::equivalent(input == "-" ? "/dev/stdin" : input, output, differs)) continue;
    throw Error(ErrorCode::usage,
                fmt::format("the output is the same file as the input {}", input == "-" ? "stdin" : input), output,
                "give the output a name of its own: writing it would destroy the input");
  }
}

std::vector<std::string> files_below(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code none;
  for (auto at = std::filesystem::recursive_directory_iterator(folder, none); at != decltype(at){};
       at.increment(none)) {
    files.push_back(at->path().string());
  }
  return files;
}

double shortest_decimal(float value) {
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  double decimal = 0;
  std::from_chars(digits, end, decimal);
  return decimal;
}

}  // namespace coppice::app
