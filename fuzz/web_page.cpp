// SPDX-License-Identifier: Apache-2.0
//
// Any page, with any style sheet and script: all checks of pages run, say the same twice, and keep their bounds.
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "coppice/flow/checks/checks.h"
#include "coppice/flow/checks/coherence.h"
#include "coppice/flow/checks/html_page.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

namespace {

using Checks = std::vector<std::unique_ptr<const coppice::Check>>;

const Checks& all_checks() {
  static const Checks checks = coppice::CheckRegistry().make_all(nlohmann::json::parse(R"([
    "html_parses", "alt_texts", "links_resolve", "contrast", {"contrast": {"unknown": "fail", "least": 7}}, "css_parses",
    "js_parses", "no_placeholders", "size", {"facts_present": {"facts": ["sun", ["a * b", "c*"]]}},
    {"guidelines": {"guidelines": [{"palette": ["red", "#fff"], "heading_order": true, "least_reading_ease": 50,
      "must_have": ["p > a[href]", ".a b"], "must_not_have": ["i"], "must_say": ["sun"], "most_words": 5}]}},
    {"text_matches": {"contains": ["sun"], "whole": "*sun*"}}, {"words_between": {"least": 2}},
    {"similar_to": {"text": "the sun"}}, {"coherent": {"branches": {"x": "The sun of 5 roofs in Leeds is red"}}}])"));
  return checks;
}

/// Each node below its parent and within it, and where it says in the page.
void expect_sound(std::string_view bytes) {
  const coppice::HtmlPage page(bytes);
  coppice::require(page.size() >= 3 || page.count_faults() > 0);
  coppice::require(page[0].end == page.size());
  for (size_t i = 1; i < page.size(); ++i) {
    const coppice::HtmlNode& node = page[i];
    coppice::require(node.parent < i && node.end > i && node.end <= page[node.parent].end);
    coppice::require(node.depth == page[node.parent].depth + 1 && node.depth <= coppice::HtmlPage::kDeepest);
    coppice::require(node.offset <= bytes.size() && !page[node.parent].is_text());
  }
}

void expect_bounded(const coppice::CheckReport& report) {
  for (const coppice::CheckResult& result : report.results) {
    coppice::require(result.score >= 0 && result.score <= 1);
    coppice::require(result.findings.size() <= coppice::CheckResult::kMostFindings);
    coppice::require(result.passed || !result.findings.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parts = coppice::parts_of(coppice::text_of(data, size), 3);
  expect_sound(parts[0]);
  const coppice::CheckedFiles files({{"index.html", std::string(parts[0])},
                                     {"a.css", std::string(parts[1])},
                                     {"a.js", std::string(parts[2])},
                                     {"b.html", "<!DOCTYPE html><html lang=en><title>b</title><p id=c>b"}});
  const coppice::CheckReport report = coppice::run_checks(all_checks(), files);
  expect_bounded(report);
  coppice::require(coppice::report_json(report).dump() ==
                   coppice::report_json(coppice::run_checks(all_checks(), files)).dump());
  coppice::faults_text(report);
  const coppice::Coherence agreement = coppice::coherence({{"a", std::string(parts[0])}, {"b", std::string(parts[1])}});
  coppice::require(agreement.all >= 0 && agreement.all <= 1 + 1e-9);
  return 0;
}
