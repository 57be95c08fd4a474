// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/checks/coherence.h"
#include "coppice/flow/checks/text_checks.h"

namespace coppice {
namespace {

using nlohmann::json;

struct CoherentOptions : TextFilesOptions {
  double least = 0;
  std::vector<std::string> usual;
};

void describe(OptionTable& table, CoherentOptions& options) {
  describe(table, static_cast<TextFilesOptions&>(options));
  table.add("least", options.least, 0, 1, "the least coherence; 0 = contradictions alone are looked for");
  table.add("usual", options.usual, "texts of other runs: words that are usual in them count for little");
}

class Coherent : public Check {
 public:
  Coherent(CoherentOptions options, std::vector<Branch> branches)
      : options_(std::move(options)), branches_(std::move(branches)), weights_(options_.usual) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    std::vector<Branch> all = branches_;
    for (const std::string& name : files.names(options_.files)) {
      all.push_back({name, std::string(files.reader_text(name))});
    }
    if (all.size() < 2) tally.fail("", fmt::format("there is {}, expected two at least", counted(all.size(), "text")));
    const Coherence found = coherence(all, weights_);
    for (const std::string& contradiction : found.contradictions) tally.fail("", contradiction);
    if (found.all < options_.least) {
      tally.fail("", fmt::format("the coherence is {:.2f}, expected at least {:.2f}", found.all, options_.least));
    }
    CheckResult result = tally.result("contradiction", "contradictions");
    result.score = all.size() < 2 ? 0 : std::min(found.all, 1.0);
    result.summary =
        fmt::format("coherence {:.2f}, {}", found.all, counted(found.contradictions.size(), "contradiction"));
    return result;
  }

 private:
  CoherentOptions options_;
  std::vector<Branch> branches_;
  WordWeights weights_;
};

std::vector<Branch> branches_of(const json& object) {
  std::vector<Branch> branches;
  if (object.is_null()) return branches;
  if (!object.is_object()) {
    throw Error(ErrorCode::usage,
                fmt::format("option branches is {}, expected an object of texts by name", json_value_text(object)));
  }
  for (const auto& [name, text] : object.items()) {
    if (!text.is_string()) {
      throw Error(ErrorCode::usage,
                  fmt::format("the branch '{}' is {}, expected a text", shown(name), json_value_text(text)));
    }
    branches.push_back({name, text.get<std::string>()});
  }
  return branches;
}

}  // namespace

CheckKind coherent_kind() {
  CheckKind kind;
  kind.name = "coherent";
  kind.help =
      "what was made side by side agrees: names, numbers and colours do not contradict one another; the score is the "
      "coherence";
  CoherentOptions defaults;
  OptionTable table;
  describe(table, defaults);
  kind.options.push_back({"branches", "object of texts", "", "texts beside the files: descriptions of images, say"});
  for (const Option& one : table.options()) kind.options.push_back({one.name, one.type, one.default_text, one.help});
  kind.make = [](const json& with) -> std::unique_ptr<const Check> {
    json rest = with;
    const json branches = taken_out(rest, "branches");
    CoherentOptions options;
    OptionTable named;
    describe(named, options);
    named.set(rest);
    return std::make_unique<const Coherent>(std::move(options), branches_of(branches));
  };
  return kind;
}

}  // namespace coppice
