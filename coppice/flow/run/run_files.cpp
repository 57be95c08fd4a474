// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_files.h"

#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <map>
#include <set>
#include <utility>

#include "coppice/core/output_file.h"
#include "coppice/flow/workflow/output_path.h"
#include "coppice/http/base64.h"

namespace coppice {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const nlohmann::json& content) {
  if (content.is_string()) return content.get<std::string>();
  if (content.is_object() && content.contains("base64") && content["base64"].is_string()) {
    if (auto bytes = base64_decoded(content["base64"].get<std::string>())) return std::move(*bytes);
    throw Error(ErrorCode::data, "'base64' holds something else");
  }
  return content.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

/// A link that lies there already would lead out of the folder.
void make_folders(const fs::path& folder, const fs::path& inside) {
  fs::path at = folder;
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw_io_error("make the folder", folder.string(), failed.value());
  for (const fs::path& part : inside) {
    at /= part;
    if (fs::is_symlink(fs::symlink_status(at, failed))) {
      throw Error(ErrorCode::io, "a symbolic link lies where a folder or file is to be written", at.string());
    }
    if (at == folder / inside) break;
    fs::create_directory(at, failed);
    if (failed) throw_io_error("make the folder", at.string(), failed.value());
  }
}

RunFile make_run_file(const OutputSpec& spec, const TemplateScope& scope) {
  RunFile file{spec.path.render(scope), {}};
  if (const std::string fault = fault_of_output_path(file.path); !fault.empty()) throw Error(ErrorCode::data, fault);
  try {
    file.bytes = bytes_of(spec.content.evaluate(scope));
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("output '{}': {}", file.path, error.what()), error.where(), error.hint());
  }
  return file;
}

void add_files(const OutputSpec& spec, const TemplateScope& scope, std::vector<RunFile>& files) {
  if (!spec.foreach) return files.push_back(make_run_file(spec, scope));
  const nlohmann::json items = spec.foreach->evaluate(scope);
  if (!items.is_array()) throw Error(ErrorCode::data, "foreach of an output file is no list");
  for (size_t i = 0; i < items.size(); ++i) {
    const nlohmann::json index = i;
    TemplateScope names = scope;
    names.emplace_back("item", &items[i]);
    names.emplace_back("index", &index);
    files.push_back(make_run_file(spec, names));
  }
}

void expect_different(const std::vector<RunFile>& files) {
  std::set<std::string> paths;
  for (const RunFile& file : files) {
    if (paths.insert(file.path).second) continue;
    throw Error(ErrorCode::data, fmt::format("two outputs are called '{}'", file.path));
  }
}

}  // namespace

std::vector<RunFile> make_run_files(const Workflow& workflow, const TemplateScope& scope) {
  std::vector<RunFile> files;
  for (const OutputSpec& spec : workflow.outputs) add_files(spec, scope, files);
  expect_different(files);
  return files;
}

CheckReport check_run_files(const Workflow& workflow, const TemplateScope& scope, const std::vector<RunFile>& files) {
  std::map<std::string, std::string> by_name;
  for (const RunFile& file : files) by_name[file.path] = file.bytes;
  return run_checks(workflow.check_kinds->make_all(workflow.checks->evaluate(scope)), CheckedFiles(std::move(by_name)));
}

void expect_writable_folder(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) throw_io_error("make the folder", folder, failed.value());
  if (::access(folder.c_str(), W_OK | X_OK) != 0) throw_io_error("write into the folder", folder, errno);
}

void write_run_files(const std::string& folder, const std::vector<RunFile>& files) {
  for (const RunFile& file : files) {
    make_folders(folder, file.path);
    OutputFile output((fs::path(folder) / file.path).string());
    output.write(file.bytes);
    output.commit();
  }
}

}  // namespace coppice
