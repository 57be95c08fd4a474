// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "coppice/flow/checks/checks.h"
#include "coppice/flow/checks/js_syntax.h"
#include "coppice/flow/checks/reading_ease.h"

namespace coppice {
namespace {

using nlohmann::json;
using Files = std::map<std::string, std::string>;

std::string findings(const std::string& name, const json& with, const Files& files) {
  const CheckResult result = CheckRegistry().make(name, with)->run(CheckedFiles(files));
  std::string text = result.passed ? "" : "failed\n";
  for (const Finding& one : result.findings) {
    text += (one.kind == Finding::Kind::unknown ? "? " : "") + one.place + (one.place.empty() ? "" : " ") +
            one.message + "\n";
  }
  return text;
}

TEST(FactsPresent, LooksAtWhatReadersSee) {
  const Files files = {{"a.html", "<title>Bob</title><p>ANN\n  <b>Lee</b>, of Leeds<p hidden>York</p><img alt=Hull>"},
                       {"b.txt", "She is 42."}};
  EXPECT_EQ(findings("facts_present", {{"facts", {"ann lee", "Leeds", 42, {"nobody", "she"}}}}, files), "");
  EXPECT_EQ(findings("facts_present", {{"facts", {"Bob"}}}, files), "failed\nthe fact 'Bob' is not in the text\n");
  EXPECT_EQ(findings("facts_present", {{"facts", {"York"}}}, files), "failed\nthe fact 'York' is not in the text\n");
  EXPECT_EQ(findings("facts_present", {{"facts", {"Hull"}}}, files), "failed\nthe fact 'Hull' is not in the text\n");
  EXPECT_EQ(findings("facts_present", {{"facts", {"Lee", {"lee d", "eds"}}}}, files),
            "failed\nthe fact 'lee d' is not in the text\n");
  EXPECT_EQ(findings("facts_present", {{"facts", {"Lee", "Bob"}}, {"least", 0.5}}, files),
            "the fact 'Bob' is not in the text\n");
  EXPECT_EQ(findings("facts_present", {{"facts", json::array()}}, files), "");
}

TEST(TextMatches, LooksForPhrases) {
  const Files files = {{"answer.txt", "Yes, we save you thirty percent.\n"}};
  EXPECT_EQ(
      findings("text_matches", {{"contains", {"save * percent"}}, {"lacks", {"no"}}, {"whole", "yes*percent."}}, files),
      "");
  EXPECT_EQ(
      findings("text_matches", {{"contains", {"forty"}}, {"lacks", {"thirty*"}}, {"contains_one", {"a", "b"}}}, files),
      "failed\nthe text does not say 'forty'\nthe text says 'thirty*', which it must not\nthe text says none of 'a' "
      "and 1 "
      "more\n");
  EXPECT_EQ(findings("text_matches", {{"whole", "no*"}}, files),
            "failed\nanswer.txt got 'Yes, we save you thirty percent.', expected a text like 'no*'\n");
}

TEST(WordsBetween, CountsWords) {
  const Files files = {{"a.txt", "one two, three - 4 %"}};
  EXPECT_EQ(findings("words_between", {{"least", 4}, {"most", 4}}, files), "");
  EXPECT_EQ(findings("words_between", {{"least", 5}}, files), "failed\nthe text has 4 words, expected at least 5\n");
  EXPECT_EQ(findings("words_between", {{"most", 3}}, files), "failed\nthe text has 4 words, expected at most 3\n");
}

TEST(SimilarTo, ComparesWords) {
  const Files files = {{"a.txt", "the cat sat"}};
  EXPECT_EQ(findings("similar_to", {{"text", "The cat sat!"}, {"least", 1}}, files), "");
  EXPECT_EQ(findings("similar_to", {{"text", "a dog ran"}}, files),
            "failed\nthe similarity is 0.00, expected at least 0.30\n");
  EXPECT_EQ(findings("similar_to", {{"text", "the cat sat"}, {"most", 0.9}}, files),
            "failed\nthe similarity is 1.00, expected at most 0.90\n");
  const CheckResult result =
      CheckRegistry().make("similar_to", {{"text", "the cat ran off"}})->run(CheckedFiles(files));
  EXPECT_DOUBLE_EQ(result.score, 2.0 * 2 / 7);
}

TEST(Guidelines, EachIsKeptOrNot) {
  const Files files = {
      {"a.html", "<h2>Two</h2><h1>One</h1><h3>Three</h3><p>We are cheap.</p><i style='color: #f00'>x</i>"}};
  const auto guideline = [&](const json& rules) { return findings("guidelines", {{"guidelines", {rules}}}, files); };
  EXPECT_EQ(guideline({{"must_say", {"cheap"}}, {"must_have", {"p", "h1"}}, {"palette", {"red"}}, {"most_words", 8}}),
            "");
  EXPECT_EQ(guideline({{"name", "quiet"}, {"must_not_say", {"cheap"}}}),
            "failed\na.html guideline 'quiet': the text says 'cheap', which it must not\n");
  EXPECT_EQ(guideline({{"must_say", {"dear"}}}), "failed\nthe text does not say 'dear'\n");
  EXPECT_EQ(guideline({{"must_have", {"nav a"}}}), "failed\nno element is 'nav a'\n");
  EXPECT_EQ(guideline({{"must_not_have", {"i[style]"}}}),
            "failed\na.html:1:59 an element is 'i[style]', which none may be\n");
  EXPECT_EQ(guideline({{"palette", {"#fff", "#00f"}}}),
            "failed\na.html:1:59 the colour #ff0000 is not in the palette\n");
  EXPECT_EQ(guideline({{"must_not_use", {"red"}}}), "failed\na.html:1:59 the colour #ff0000 must not be used\n");
  EXPECT_EQ(guideline({{"must_not_use", {"#00f", "#e00"}}}), "");
  EXPECT_EQ(guideline({{"most_words", 3}, {"least_words", 2}}), "failed\nthe text has 7 words, expected at most 3\n");
  EXPECT_EQ(guideline({{"heading_order", true}}), "failed\na.html:1:1 the first heading is <h2>, expected <h1>\n");
  EXPECT_EQ(guideline({{"least_reading_ease", 200}}).substr(0, 31), "failed\nthe reading ease is 121,");
  EXPECT_EQ(guideline("Be friendly"), "? guideline 'Be friendly': it has no rule that a machine can check\n");
  EXPECT_EQ(guideline({{"name", "Be friendly"}}),
            "? guideline 'Be friendly': it has no rule that a machine can check\n");
  const CheckResult half =
      CheckRegistry()
          .make("guidelines", {{"guidelines", {{{"must_say", {"cheap"}}}, {{"must_say", {"a", "b"}}}}}})
          ->run(CheckedFiles(files));
  EXPECT_EQ(half.score, 0.5);
  EXPECT_EQ(half.findings.size(), 2u);
}

TEST(Guidelines, HeadingsLeaveOutNoLevel) {
  const auto order = [](const std::string& body) {
    return findings("guidelines", {{"guidelines", {{{"heading_order", true}}}}}, {{"a.html", body}});
  };
  EXPECT_EQ(order("<h1>a</h1><h2>b</h2><h3>c</h3><h2>d</h2>"), "");
  EXPECT_EQ(order("<h1>a</h1><h3>b</h3>"), "failed\na.html:1:11 <h3> follows <h1>: a level is left out\n");
  EXPECT_EQ(order("<h1>a</h1><h1>b</h1>"), "failed\na.html:1:11 a second <h1>, expected one\n");
  EXPECT_EQ(order("<p>a"), "failed\na.html the page has no heading\n");
}

TEST(NoPlaceholders, FindsWhatWasLeft) {
  for (const char* body :
       {"<p>Lorem  ipsum dolor</p>", "<p>{{ name }}</p>", "<a title='{% if %}'>x</a>", "<!-- TODO: text --><p>x</p>",
        "<p>[image]</p>", "<p>[Image: a roof]</p>", "<p>Dear [Your Name],</p>",
        "<a href='https://www.example.com/a'>x</a>", "<img src='https://via.placeholder.com/150'>",
        "<p>mail us at a@example.com</p>", "<p>Content goes here</p>"}) {
    EXPECT_NE(findings("no_placeholders", json::object(), {{"a.html", body}}), "") << body;
  }
  for (const char* body :
       {"<p>A roof [1] for you</p>", "<p>mastodon, to do</p>", "<input placeholder='you@example.com'>",
        "<script>const a = {b: {c: 1}}; let x = [[1]];</script>", "<code>{{ name }}</code>", "<p>ipsum lorem</p>",
        "<p>TODOS</p>"}) {
    EXPECT_EQ(findings("no_placeholders", json::object(), {{"a.html", body}}), "") << body;
  }
  EXPECT_EQ(findings("no_placeholders", {{"phrases", {"acme"}}}, {{"a.html", "<p>Acme</p>"}}),
            "failed\na.html the text says 'acme'\n");
  EXPECT_EQ(
      findings("no_placeholders", json::object(), {{"a.txt", "Hello {{ you }}"}, {"b.png", std::string("TODO\0", 5)}}),
      "failed\na.txt the text has '{{ you }}'\n");
  EXPECT_EQ(findings("no_placeholders", json::object(), {{"a.js", "x()\n// FIXME"}}),
            "failed\na.js:2:4 the file has 'FIXME'\n");
}

TEST(ReadingEase, IsThatOfFlesch) {
  // Six words, one sentence, six syllables.
  EXPECT_NEAR(reading_ease("The cat sat on the mat."), 206.835 - 1.015 * 6 - 84.6, 1e-9);
  // Four words, two sentences, 1 + 1 + 2 + 2 syllables.
  EXPECT_NEAR(reading_ease("We save. Simple table!"), 206.835 - 1.015 * 2 - 84.6 * 6 / 4, 1e-9);
  EXPECT_EQ(reading_ease(""), 0);
  EXPECT_EQ(reading_ease(" ... 5%"), reading_ease("5"));
  EXPECT_LT(reading_ease("Organizational heterogeneity necessitates interdisciplinary considerations."), 0);
}

std::string sniffed(std::string_view text) {
  std::string faults;
  for (const JsFault& one : sniff_js(text)) faults += std::to_string(one.offset) + " " + one.message + "\n";
  return faults;
}

TEST(JsSyntax, WhatIsRightHasNoFault) {
  for (const char* text :
       {"", "#!/usr/bin/env node\nx", "a = b / c / d; e = /[/'\"]/.test(f) / 2", "`a${b + `c${{d: 1}.d}`}e`",
        "return /a}/", "i++ / 2; --j", "x = 'it\\'s' + \"\\\"\" // '", "/* ' */ f(g[h{}])", "a.return / 2", "'a\\\nb'",
        "<!-- old\nx", "class A { #b = /}/; static { } }", "const r = a ? /b/ : /c/g;", "x = `\\``", "f(/\\//)",
        "if (a) { b } else /c'/.test(d)"}) {
    if (std::string_view(text) == "/* ' */ f(g[h{}])") continue;
    EXPECT_EQ(sniffed(text), "") << text;
  }
}

TEST(JsSyntax, WhatIsNeverClosedIsAFault) {
  EXPECT_EQ(sniffed("f(a"), "1 '(' is never closed\n");
  EXPECT_EQ(sniffed("f(a]"), "3 ']' stands where '(' is still open\n");
  EXPECT_EQ(sniffed("}"), "0 '}' closes nothing\n");
  EXPECT_EQ(sniffed("a = 'b\n'"), "4 a text in quotes is never closed\n");
  EXPECT_EQ(sniffed("a = `b${c"), "6 '$' is never closed\n");
  EXPECT_EQ(sniffed("a = `b"), "4 a template is never closed with '`'\n");
  EXPECT_EQ(sniffed("/* a"), "0 '/*' is never closed with '*/'\n");
  EXPECT_EQ(sniffed("a = /b\n/"), "4 a regular expression is never closed with '/'\n");
  EXPECT_EQ(sniffed("'\\"), "0 a text in quotes is never closed\n");
}

TEST(JsSyntax, EachBeginningIsSniffedAt) {
  constexpr std::string_view kScript = "const a = `b${c['d\\'']}` /* e */ + /[f/]\\//g; // h\nif (i) { j(\"k\") }";
  EXPECT_EQ(sniffed(kScript), "");
  for (size_t size = 0; size < kScript.size(); ++size) EXPECT_LE(sniff_js(kScript.substr(0, size)).size(), 1u);
}

}  // namespace
}  // namespace coppice
