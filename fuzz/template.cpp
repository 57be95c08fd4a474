// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template.h"

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "fuzz/examples_target.h"

namespace {

using coppice::Template;
using nlohmann::json;

const json& sample() {
  static const json kSample = coppice::parse_json(R"({"t": "a b\u00e9", "i": 7, "x": 2.5, "b": true, "n": null,
    "l": [3, 1, 2], "s": ["b", "A"], "o": {"k": "v", "l": [{"a": 1}, {"a": 2}]}})");
  return kSample;
}

coppice::TemplateScope scope_of(const json& object) {
  coppice::TemplateScope scope;
  for (auto entry = object.begin(); entry != object.end(); ++entry) scope.emplace_back(entry.key(), &*entry);
  return scope;
}

constexpr coppice::TemplateLimits kLimits{1 << 16, 20'000};

/// What a template needs is what it says it reads: with that alone it comes to the same.
void expect_references_suffice(const Template& parsed, const std::string& text) {
  json needed = json::object();
  for (const auto& reference : parsed.references()) {
    const auto found = sample().find(reference.path.at(0));
    if (found != sample().end()) needed[found.key()] = *found;
  }
  coppice::require(parsed.render(scope_of(needed), kLimits) == text);
}

template <class Use>
void use(Use run) {
  try {
    run();
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::usage || error.code() == coppice::ErrorCode::data);
    coppice::require(!error.where().empty());
  }
}

}  // namespace

/// A template, and the same text as an expression without braces.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  use([&] {
    const Template parsed = Template::parse(input, {"input"});
    const std::string text = parsed.render(scope_of(sample()), kLimits);
    coppice::require(text.size() <= kLimits.output_bytes);
    coppice::require(parsed.render(scope_of(sample()), kLimits) == text);
    expect_references_suffice(parsed, text);
    parsed.evaluate(scope_of(sample()), kLimits);
  });
  use([&] { Template::parse_expression(input, {"input"}).is_true(scope_of(sample()), kLimits); });
  return 0;
}
