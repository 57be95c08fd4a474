// SPDX-License-Identifier: Apache-2.0
#include "bench/flags.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"

namespace coppice::bench {

void Flags::add(std::string prefix, OptionTable table) {
  tables_.emplace_back(std::move(prefix), std::move(table));
}

const Option* Flags::find(const std::string& name) const {
  for (const auto& [prefix, table] : tables_) {
    for (const Option& option : table.options()) {
      if (option.name == name || prefix + option.name == name) return &option;
    }
  }
  return nullptr;
}

void Flags::set(const std::string& argument) {
  const size_t equals = argument.find('=');
  std::string name = argument.substr(0, equals);
  if (!name.starts_with("--")) throw Error(ErrorCode::usage, "expected --name=value, got '" + argument + "'");
  name.erase(0, 2);
  std::replace(name.begin(), name.end(), '-', '_');
  const Option* option = find(name);
  if (option == nullptr) {
    std::vector<std::string> names;
    for (const auto& entry : tables_) {
      for (const Option& known : entry.second.options()) names.push_back(known.name);
    }
    throw Error(ErrorCode::usage, "unknown flag --" + name, {}, "did you mean --" + nearest_name(name, names) + "?");
  }
  option->set_text(equals == std::string::npos ? "true" : argument.substr(equals + 1));
  given_.emplace_back(name, option);
}

void Flags::print_help() const {
  for (const auto& [prefix, table] : tables_) {
    for (const Option& option : table.options()) {
      fmt::print("--{}{}=<{}>  [{}]\n      {}\n", find(option.name) == &option ? "" : prefix, option.name, option.type,
                 option.default_text, option.help);
    }
  }
}

bool Flags::parse(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--help") {
      print_help();
      return false;
    }
    set(argv[i]);
  }
  return true;
}

nlohmann::ordered_json Flags::given() const {
  nlohmann::ordered_json settings = nlohmann::ordered_json::object();
  for (const auto& [name, option] : given_) settings[name] = option->get();
  return settings;
}

int run_program(const std::function<void()>& body) {
  try {
    body();
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.message());
    return exit_code(error.code());
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return exit_code(ErrorCode::internal);
  }
}

}  // namespace coppice::bench
