// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/checks.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/checks/check_kinds.h"
#include "coppice/flow/checks/checked_page.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

using nlohmann::json;

/// Two hexadecimal digits after '%', or -1.
int decoded_byte(std::string_view text) noexcept {
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  if (text.size() < 3 || digit(text[1]) < 0 || digit(text[2]) < 0) return -1;
  return digit(text[1]) * 16 + digit(text[2]);
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte = text[i] == '%' ? decoded_byte(text.substr(i)) : -1;
    result += byte < 0 ? text[i] : static_cast<char>(byte);
    i += byte < 0 ? 0 : 2;
  }
  return result;
}

/// "index.html" or "contrast" out of an item of a list of checks, and its options.
std::pair<std::string, json> named_options(const json& item) {
  if (item.is_string()) return {item.get<std::string>(), json::object()};
  if (!item.is_object() || item.size() != 1) {
    throw Error(ErrorCode::usage,
                fmt::format("got {} in a list of checks, expected a name or {{name: options}}", json_value_text(item)));
  }
  return {item.begin().key(), item.begin().value().is_null() ? json::object() : item.begin().value()};
}

std::string_view name_of(Finding::Kind kind) noexcept {
  return kind == Finding::Kind::fault ? "fault" : "unknown";
}

}  // namespace

bool is_page_name(std::string_view name) noexcept {
  return name.ends_with(".html") || name.ends_with(".htm") || name.ends_with(".HTML") || name.ends_with(".HTM");
}

std::string extension_of(std::string_view name) {
  const std::string_view file = name.substr(name.rfind('/') + 1);  // npos + 1 is 0
  const size_t point = file.rfind('.');
  return point == file.npos || point == 0 ? std::string() : lower_case(file.substr(point + 1));
}

std::optional<std::string> resolved_name(std::string_view from, std::string_view address) {
  const std::string_view path = address.substr(0, address.find_first_of("?#"));
  if (path.empty()) return std::string(from);
  std::vector<std::string> parts;
  const auto add_all = [&](const std::string& text) {
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('/', begin), text.size());
      const std::string part = text.substr(begin, end - begin);
      begin = end + 1;
      if (part == "..") {
        if (parts.empty()) return false;
        parts.pop_back();
      } else if (!part.empty() && part != ".") {
        parts.push_back(part);
      }
    }
    return true;
  };
  const size_t folder = from.rfind('/');
  if (!path.starts_with('/') && folder != from.npos) add_all(std::string(from.substr(0, folder)));
  const std::string decoded = percent_decoded(path);
  if (!add_all(decoded)) return std::nullopt;
  if (decoded.ends_with('/') || parts.empty()) parts.emplace_back("index.html");
  std::string name;
  for (const std::string& part : parts) name += (name.empty() ? "" : "/") + part;
  return name;
}

CheckedFiles::CheckedFiles(std::map<std::string, std::string> files) : files_(std::move(files)) {
  for (const auto& [name, bytes] : files_) {
    std::vector<size_t>& lines = lines_[name];
    lines.push_back(0);
    for (size_t end = bytes.find('\n'); end != bytes.npos; end = bytes.find('\n', end + 1)) lines.push_back(end + 1);
    if (!is_page_name(name)) continue;
    const auto find_sheet = [&, &page = name](std::string_view address) -> std::optional<std::string_view> {
      const auto target = resolved_name(page, trim_blanks(address));
      const auto found = target ? files_.find(*target) : files_.end();
      return found == files_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
    };
    pages_.emplace(name, std::make_unique<const Page>(HtmlPage(bytes), find_sheet));
  }
}

CheckedFiles::~CheckedFiles() = default;
CheckedFiles::CheckedFiles(CheckedFiles&&) noexcept = default;
CheckedFiles& CheckedFiles::operator=(CheckedFiles&&) noexcept = default;

std::vector<std::string> CheckedFiles::names(const std::vector<std::string>& globs) const {
  std::vector<std::string> found;
  for (const auto& [name, bytes] : files_) {
    const bool is_wanted = std::any_of(globs.begin(), globs.end(),
                                       [&, &file = name](const std::string& glob) { return matches_glob(file, glob); });
    if (is_wanted) found.push_back(name);
  }
  return found;
}

const CheckedFiles::Page* CheckedFiles::page(const std::string& name) const {
  const auto found = pages_.find(name);
  return found == pages_.end() ? nullptr : found->second.get();
}

std::string_view CheckedFiles::reader_text(const std::string& name) const {
  if (const Page* const one = page(name)) return one->text;
  const std::string extension = extension_of(name);
  const bool is_for_readers = extension.empty() || extension == "txt" || extension == "md";
  const auto found = files_.find(name);
  return is_for_readers && found != files_.end() ? std::string_view(found->second) : std::string_view();
}

std::string CheckedFiles::place(const std::string& name, size_t offset) const {
  const std::vector<size_t>& lines = lines_.at(name);
  const auto line = std::upper_bound(lines.begin(), lines.end(), offset) - 1;
  return fmt::format("{}:{}:{}", name, line - lines.begin() + 1, offset - *line + 1);
}

/// Names and texts of the files stand in messages, and may be any bytes.
void Tally::add(Finding finding) {
  constexpr size_t kLongest = 400;
  if (findings_.size() < CheckResult::kMostFindings) {
    findings_.push_back({finding.kind, shown(finding.place, kLongest), shown(finding.message, kLongest)});
  } else {
    ++left_out_;
  }
}

void Tally::expect_files(const std::vector<std::string>& names, const std::vector<std::string>& globs) {
  if (!names.empty()) return;
  std::string list;
  for (const std::string& glob : globs) list += (list.empty() ? "'" : ", '") + shown(glob) + "'";
  fail("", fmt::format("there is no file named {} to check", list));
}

CheckResult Tally::result(std::string_view noun, std::string_view plural) const {
  CheckResult result;
  const size_t total = passed_ + failed_ + unknown_;
  result.passed = failed_ == 0;
  result.score = total == 0 ? 1 : static_cast<double>(passed_) / static_cast<double>(total);
  result.findings = findings_;
  result.left_out = left_out_;
  result.summary = fmt::format("{} of {} right", passed_, counted(total, noun, plural));
  if (unknown_ > 0) result.summary += fmt::format(", {} not known", unknown_);
  return result;
}

nlohmann::json taken_out(nlohmann::json& object, const std::string& key) {
  if (!object.is_object() || !object.contains(key)) return nullptr;
  json value = std::move(object[key]);
  object.erase(key);
  return value;
}

CheckRegistry::CheckRegistry() {
  for (CheckKind& kind : std::vector<CheckKind>{
           html_parses_kind(), alt_texts_kind(), links_resolve_kind(), contrast_kind(), css_parses_kind(),
           js_parses_kind(), facts_present_kind(), guidelines_kind(), no_placeholders_kind(), size_kind(),
           text_matches_kind(), words_between_kind(), similar_to_kind(), coherent_kind()}) {
    add(std::move(kind));
  }
}

void CheckRegistry::add(CheckKind kind) {
  const std::string name = kind.name;
  kinds_.insert_or_assign(name, std::move(kind));
}

namespace {

/// Is one of the options a text that is filled in later?
bool has_template(const json& options) {
  return options.is_object() && std::any_of(options.begin(), options.end(), [](const json& value) {
           return value.is_string() && value.get_ref<const std::string&>().find("{{") != std::string::npos;
         });
}

/// Of options that the kind does not have, below the pointer `at`.
std::vector<Error> unknown_options(const CheckKind& kind, const json& options, const std::string& at) {
  std::vector<std::string> names;
  for (const CheckOption& option : kind.options) names.push_back(option.name);
  std::vector<Error> faults;
  for (const auto& [name, value] : options.items()) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string nearest = nearest_name(name.substr(0, 100), names);
    faults.emplace_back(ErrorCode::usage, fmt::format("{}: unknown option '{}'", kind.name, shown(name)),
                        at + (json::json_pointer() / name).to_string(),
                        nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
  }
  return faults;
}

/// Of the option that an error names, or of all.
std::string place_of_fault(const Error& error, const json& options, const std::string& at) {
  const std::string said = error.what();
  for (const auto& [name, value] : options.items()) {
    if (said.find("option " + name + " ") != said.npos) return at + (json::json_pointer() / name).to_string();
  }
  return at;
}

/// Any check, with the name that it was asked for by.
class NamedCheck : public Check {
 public:
  NamedCheck(std::string name, std::unique_ptr<const Check> check) : name_(std::move(name)), check_(std::move(check)) {}

  CheckResult run(const CheckedFiles& files) const override {
    CheckResult result = check_->run(files);
    result.check = name_;
    return result;
  }

 private:
  std::string name_;
  std::unique_ptr<const Check> check_;
};

}  // namespace

std::unique_ptr<const Check> CheckRegistry::make(const std::string& name, const nlohmann::json& with) const {
  const auto found = kinds_.find(name);
  if (found == kinds_.end()) {
    std::vector<std::string> names;
    for (const auto& [known, kind] : kinds_) names.push_back(known);
    const std::string nearest = nearest_name(name.substr(0, 100), names);
    throw Error(ErrorCode::usage, fmt::format("there is no check '{}'", shown(name)), "",
                nearest.empty() ? "" : fmt::format("did you mean '{}'?", nearest));
  }
  if (!with.is_object()) {
    throw Error(ErrorCode::usage, fmt::format("got {}, expected an object of options", json_value_text(with)), name);
  }
  try {
    return std::make_unique<const NamedCheck>(name, found->second.make(with));
  } catch (const Error& error) {
    const std::string where = error.where().empty() ? name : name + ": " + error.where();
    throw Error(error.code(), error.what(), where, error.hint());
  }
}

std::vector<std::unique_ptr<const Check>> CheckRegistry::make_all(const nlohmann::json& list) const {
  if (!list.is_array()) {
    throw Error(ErrorCode::usage, fmt::format("got {}, expected a list of checks", json_value_text(list)));
  }
  std::vector<std::unique_ptr<const Check>> checks;
  for (const json& item : list) {
    const auto [name, options] = named_options(item);
    checks.push_back(make(name, options));
  }
  return checks;
}

std::vector<Error> CheckRegistry::faults(const nlohmann::json& list) const {
  std::vector<Error> all;
  const auto attempt = [&](const std::string& at, const json& options, const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      const std::string what = error.where().empty() ? error.what() : error.where() + ": " + error.what();
      all.emplace_back(error.code(), what, place_of_fault(error, options, at), error.hint());
    }
  };
  if (!list.is_array()) {
    attempt("", json::object(), [&] { (void)make_all(list); });
    return all;
  }
  for (size_t i = 0; i < list.size(); ++i) {
    std::string at = "/" + std::to_string(i);
    attempt(at, json::object(), [&] {
      const auto [name, options] = named_options(list[i]);
      if (list[i].is_object()) at += (json::json_pointer() / name).to_string();
      const auto found = kinds_.find(name);
      const bool is_known = found != kinds_.end() && options.is_object();
      std::vector<Error> unknown;
      if (is_known && !found->second.options.empty()) unknown = unknown_options(found->second, options, at);
      const bool has_more = unknown.empty() && !(is_known && has_template(options));
      all.insert(all.end(), unknown.begin(), unknown.end());
      if (has_more) attempt(at, options, [&, &name = name, &options = options] { (void)make(name, options); });
    });
  }
  return all;
}

CheckReport run_checks(const std::vector<std::unique_ptr<const Check>>& checks, const CheckedFiles& files) {
  CheckReport report;
  report.passed = true;
  double sum = 0;
  for (const auto& check : checks) {
    report.results.push_back(check->run(files));
    report.passed = report.passed && report.results.back().passed;
    sum += report.results.back().score;
  }
  report.score = checks.empty() ? 1 : sum / static_cast<double>(checks.size());
  return report;
}

nlohmann::json report_json(const CheckReport& report) {
  json checks = json::array();
  for (const CheckResult& result : report.results) {
    json findings = json::array();
    for (const Finding& one : result.findings) {
      findings.push_back({{"kind", name_of(one.kind)}, {"place", one.place}, {"message", one.message}});
    }
    checks.push_back({{"check", result.check},
                      {"passed", result.passed},
                      {"score", result.score},
                      {"summary", result.summary},
                      {"findings", std::move(findings)},
                      {"left_out", result.left_out}});
  }
  return {{"passed", report.passed}, {"score", report.score}, {"checks", std::move(checks)}};
}

std::string faults_text(const CheckReport& report, size_t most_lines) {
  std::string text;
  size_t lines = 0, more = 0;
  for (const CheckResult& result : report.results) {
    if (result.passed) continue;
    more += result.left_out;
    for (const Finding& one : result.findings) {
      if (one.kind != Finding::Kind::fault) continue;
      if (lines == most_lines) {
        ++more;
        continue;
      }
      ++lines;
      text += "- " + result.check + (one.place.empty() ? "" : ", " + one.place) + ": " + one.message + "\n";
    }
  }
  if (more > 0) text += fmt::format("- and {} more\n", more);
  return text;
}

}  // namespace coppice
