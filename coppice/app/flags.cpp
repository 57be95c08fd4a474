// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/flags.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/repeated_keys.h"

namespace coppice::app {
namespace {

using nlohmann::json;

std::string help_text(const Option& option) {
  return option.help + " [" + (option.default_text.empty() ? "none" : option.default_text) + "]";
}

/// What a flag said may be wrong in a way the option names by its own name: say the flag's name too.
void set_from(const Option& option, const std::string& text, const std::string& source) {
  try {
    option.set_text(text);
  } catch (const Error& error) {
    throw Error(error.code(), error.what(), source, error.hint());
  }
}

json parse_config(std::istream& file, const std::string& path) {
  const auto refuse = [&](const std::string& key) {
    throw Error(ErrorCode::usage, "the option " + key + " is there twice, expected it once", path);
  };
  return json::parse(file, watch_repeated_keys(refuse), /*allow_exceptions=*/true, /*ignore_comments=*/true);
}

json read_config(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::io, "cannot open the config file", path);
  try {
    return parse_config(file, path);
  } catch (const std::ios_base::failure&) {  // a folder, say
    throw Error(ErrorCode::io, "cannot read the config file", path);
  } catch (const json::out_of_range& error) {
    throw Error(ErrorCode::usage, "the config file holds a number that is too large: " + json_fault(error.what()),
                path);
  } catch (const json::exception& error) {
    throw Error(ErrorCode::usage, "the config file is no JSON: " + json_fault(error.what()), path);
  }
}

}  // namespace

std::string flag_name(const std::string& option_name) {
  std::string name = "--" + option_name;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string variable_name(const std::string& option_name) {
  std::string name = "COPPICE_" + option_name;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  return name;
}

void Flags::add(CLI::App& command, OptionTable table, const std::string& heading) {
  for (const Option& option : table.options()) {
    auto& given = given_[option.name] = std::make_unique<Given>();
    if (option.type == "switch") {
      // A switch also takes =false, so that a default of true can be turned off.
      given->flag = command.add_flag(flag_name(option.name) + ",!--no-" + flag_name(option.name).substr(2), given->on,
                                     help_text(option));
    } else {
      given->flag = command.add_option(flag_name(option.name), given->text, help_text(option))->type_name("");
    }
    given->flag->group(heading);
  }
  sections_.push_back({heading, std::move(table)});
}

void Flags::add_config(CLI::App& command) {
  config_flag_ =
      command.add_option("--config", config_path_, "JSON file with options; flags and COPPICE_* variables win over it")
          ->group("Configuration");
  command.add_flag("--print-config", print_config_, "print all options with their values as JSON and stop")
      ->group("Configuration");
}

const Option& Flags::find(const std::string& name) const {
  std::vector<std::string> names;
  for (const Section& section : sections_) {
    for (const Option& option : section.table.options()) {
      if (option.name == name) return option;
      names.push_back(option.name);
    }
  }
  const std::string nearest = nearest_name(name, names);
  throw Error(ErrorCode::usage, "unknown option '" + name + "'", config_path_,
              nearest.empty() ? std::string() : "did you mean '" + nearest + "'?");
}

void Flags::apply_config_file() {
  const json config = read_config(config_path_);
  if (!config.is_object()) throw Error(ErrorCode::usage, "the config file is no JSON object", config_path_);
  for (const auto& [key, value] : config.items()) {
    try {
      find(key).set(value);
    } catch (const Error& error) {
      throw Error(error.code(), error.what(), config_path_, error.hint());
    }
  }
}

bool Flags::given(const std::string& name) const {
  return on_command_line(name) || std::getenv(variable_name(name).c_str()) != nullptr;
}

void Flags::apply() {
  if (config_path_.empty() && config_flag_ != nullptr && config_flag_->count() > 0) {
    throw Error(ErrorCode::usage, "the path is empty, expected that of a file", "--config",
                "leave --config out to do without it");
  }
  if (!config_path_.empty()) apply_config_file();
  for (const Section& section : sections_) {
    for (const Option& option : section.table.options()) {
      const Given& given = *given_.at(option.name);
      if (given.flag->count() > 0) {
        const std::string text = option.type == "switch" ? (given.on ? "true" : "false") : given.text;
        set_from(option, text, flag_name(option.name));
      } else if (const char* variable = std::getenv(variable_name(option.name).c_str())) {
        set_from(option, variable, variable_name(option.name));
      }
    }
  }
}

bool Flags::is_on(const std::string& name) const {
  for (const Section& section : sections_) {
    for (const Option& option : section.table.options()) {
      if (option.name == name) return option.get() == json(true);
    }
  }
  return false;
}

bool Flags::is_asked_for(const std::string& name) const {
  const auto found = given_.find(name);
  if (found == given_.end()) return false;
  const CLI::Option& flag = *found->second->flag;
  const char* variable = std::getenv(variable_name(name).c_str());
  const std::string text = flag.count() > 0 ? flag.results().back() : variable != nullptr ? variable : "";
  return text == "true" || text == "1" || is_on(name);
}

nlohmann::ordered_json Flags::resolved() const {
  nlohmann::ordered_json all = nlohmann::ordered_json::object();
  for (const Section& section : sections_) {
    for (const Option& option : section.table.options()) all[option.name] = option.get();
  }
  return all;
}

}  // namespace coppice::app
