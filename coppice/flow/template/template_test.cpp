// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

using nlohmann::json;

const json& sample() {
  static const json kSample = parse_json(R"({
    "name": "Ada", "age": 36, "score": 0.5, "member": true, "nothing": null, "empty": "", "evil": "{{ age }}{% if %}",
    "tags": ["b", "a", "C"], "none_of_them": [], "large": 18446744073709551615, "least": -9223372036854775808,
    "people": [{"name": "Zoe", "age": 3}, {"name": "abe", "age": 20, "vip": true}, {"name": "Bob", "age": 7}],
    "steps": {"writer": {"output": {"title": "On coppicing", "sections": [{"text": "one"}, {"text": "two"}]}}}
  })");
  return kSample;
}

TemplateScope scope_of(const json& object) {
  TemplateScope scope;
  for (auto entry = object.begin(); entry != object.end(); ++entry) scope.emplace_back(entry.key(), &*entry);
  return scope;
}

std::string rendered(const std::string& text, const TemplateLimits& limits = {}) {
  return Template::parse(text, {"site.yaml", 10, 5}).render(scope_of(sample()), limits);
}

std::string fault(const std::string& text, const TemplateLimits& limits = {}) {
  try {
    return "no error, but: " + rendered(text, limits);
  } catch (const Error& error) {
    return error.message();
  }
}

/// The fault without its hint.
std::string what(const std::string& text, const TemplateLimits& limits = {}) {
  const std::string message = fault(text, limits);
  return message.substr(0, message.find('\n'));
}

/// The code with which a text is refused; nothing = it is not.
std::string code_of(const std::string& text) {
  try {
    rendered(text);
    return {};
  } catch (const Error& error) {
    return std::string(name(error.code()));
  }
}

std::string repeated(const std::string& text, size_t n) {
  std::string result;
  for (size_t i = 0; i < n; ++i) result += text;
  return result;
}

/// "a.b", with a ? behind what has a default.
std::vector<std::string> references(const std::string& text) {
  std::vector<std::string> texts;
  for (const auto& reference : Template::parse(text, {}).references()) {
    std::string path;
    for (const auto& part : reference.path) path += (path.empty() ? "" : ".") + part;
    texts.push_back(path + (reference.has_default ? "?" : ""));
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(Template, TextStandsAsItIs) {
  EXPECT_EQ(rendered(""), "");
  EXPECT_EQ(rendered("{ } % # \\ {a} $x\n"), "{ } % # \\ {a} $x\n");
  EXPECT_EQ(rendered("a\r\nb\rc"), "a\nb\nc");
  EXPECT_TRUE(Template::parse("a { b", {}).is_plain_text());
  EXPECT_TRUE(Template::parse("{% raw %}{{ b }}{% endraw %}{# c #}", {}).is_plain_text());
  EXPECT_FALSE(Template::parse("a {{ b }}", {}).is_plain_text());
  EXPECT_FALSE(Template::parse_expression("1", {}).is_plain_text());
}

TEST(Template, ValuesArePrintedAsTextOrAsJson) {
  EXPECT_EQ(rendered("{{ name }}, {{ age }}, {{ score }}, {{ member }}, {{ nothing }}"), "Ada, 36, 0.5, true, null");
  EXPECT_EQ(rendered("{{ tags }}"), R"(["b", "a", "C"])");
  EXPECT_EQ(rendered("{{ people[0] }}"), R"({"age": 3, "name": "Zoe"})");
  EXPECT_EQ(rendered("{{ 1.0 }} {{ 1e16 }} {{ 1e15 }} {{ 1e-5 }} {{ 0.0001 }} {{ -0.0 }} {{ 1.5e300 }} {{ large }}"),
            "1.0 1e+16 1000000000000000.0 1e-05 0.0001 -0.0 1.5e+300 18446744073709551615");
  EXPECT_EQ(rendered(R"({{ ["a\"\\\n\x01\u00e9\U0001F600\ud83d\ude00"] }})"), "[\"a\\\"\\\\\\n\\u0001\u00e9😀😀\"]");
  EXPECT_EQ(rendered("{{ people[:1] | tojson(indent=2) }}"), "[\n  {\n    \"age\": 3,\n    \"name\": \"Zoe\"\n  }\n]");
  EXPECT_EQ(rendered("{{ [] | tojson(2) }}{{ {} | tojson(2) }}"), "[]{}");
}

TEST(Template, BytesThatAreNoTextStayBytesButNotInJson) {
  const json value = std::string("a\xFF\xC3");
  const auto text = [&](const char* expression) { return Template::parse(expression, {}).render({{"v", &value}}); };
  EXPECT_EQ(text("{{ v }}"), "a\xFF\xC3");
  EXPECT_EQ(text("{{ [v] }}"), "[\"a\xEF\xBF\xBD\xEF\xBF\xBD\"]");
  EXPECT_EQ(text("{{ v | upper | length }}{{ v | title }}{{ v[::-1] }}"),
            "3A\xFF\xC3\xC3\xFF"
            "a");
  EXPECT_EQ(text("{{ v | trim | truncate(1, true, '', 0) }}"), "a");
}

TEST(Template, WhatIsNotDefinedIsAnErrorWithItsPlace) {
  EXPECT_EQ(fault("{{ nmae }}"), "site.yaml:10:8: 'nmae' is not defined\n  hint: did you mean 'name'?");
  EXPECT_EQ(fault("line\n{{ steps.writer.output.titel }}"),
            "site.yaml:11:4: 'steps.writer.output' has no 'titel'\n  hint: did you mean 'title'?");
  EXPECT_EQ(fault("{{ steps.writer.output.sections[7].text }}"),
            "site.yaml:10:8: 'steps.writer.output.sections' has 2 items, got [7]");
  EXPECT_EQ(fault("{{ steps.writer.output.sections.text }}"),
            "site.yaml:10:8: 'steps.writer.output.sections' is a list and has no 'text'\n"
            "  hint: loop over it, or take an item by its number: [0]");
  EXPECT_EQ(what("{{ people[0].name.first }}"), "site.yaml:10:8: 'people[0].name' is a text and has no 'first'");
  EXPECT_EQ(what("{{ people[age].name }}"), "site.yaml:10:14: the value has 3 items, got [36]");
  EXPECT_EQ(fault("{% for person in people %}{{ persn }}{% endfor %}"),
            "site.yaml:10:34: 'persn' is not defined\n  hint: did you mean 'person'?");
  EXPECT_EQ(what("{{ 1 if nothing }}"), "site.yaml:10:10: the condition is false and there is no 'else'");
  EXPECT_EQ(what("{{ none_of_them | first }}"), "site.yaml:10:23: '| first' got an empty list");
}

TEST(Template, WhatIsNotDefinedIsAnErrorWhereverItStands) {
  for (const char* use :
       {"{% set x = absent %}", "{{ [absent] | length }}", "{{ absent is none }}", "{{ absent == 1 }}",
        "{{ true and absent }}", "{{ {'a': absent}.b is defined }}", "{% for x in absent %}{% endfor %}",
        "{{ tags[absent] }}", "{{ absent | upper }}", "{{ tags | join(absent) }}", "{{ absent ~ 1 }}",
        "{% if absent %}{% endif %}", "{{ tags | map(attribute='x') | list }}", "{{ -absent }}"}) {
    EXPECT_EQ(code_of(use), "data") << use;
  }
}

TEST(Template, BeforeADefaultAWholePathMayBeAbsent) {
  EXPECT_EQ(rendered("{{ absent.a.b[0] | default('x') }}{{ steps.gone.output | d(name) }}"), "xAda");
  EXPECT_EQ(rendered("{{ absent | default }}|{{ absent | default(gone) | default(2) }}"), "|2");
  EXPECT_EQ(rendered("{{ age | default(gone.too) }}"), "36");
  EXPECT_EQ(
      rendered("{{ empty | default('x') }}{{ empty | default('x', true) }}{{ nothing | default(1, boolean=true) }}"),
      "x1");
  EXPECT_EQ(rendered("{{ (absent if member else 1) | default(5) }}"), "5");
  EXPECT_EQ(rendered("{{ absent.a is defined }} {{ absent is not defined }} {{ age is defined }}"), "false true true");
  EXPECT_EQ(what("{{ absent | default(gone) }}"), "site.yaml:10:25: 'gone' is not defined");
}

TEST(Template, OperatorsAreThoseOfPython) {
  EXPECT_EQ(rendered("{{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7 / 2 }} {{ 4 / 2 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }}"),
            "-4 2 -2 3.5 2.0 3.0 0.5");
  EXPECT_EQ(rendered("{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 }} {{ 'a' + 'b' }} {{ [1] + [2] }} {{ 'ab' * 2 }}"),
            "3 9 ab [1, 2] abab");
  EXPECT_EQ(rendered("{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1.0 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }}"),
            "true false true true true");
  EXPECT_EQ(
      rendered("{{ true == 1 }} {{ '1' == 1 }} {{ {'a': [1.0]} == {'a': [1]} }} {{ large > 1e18 }} {{ large < 1e20 }}"),
      "false false true true true");
  EXPECT_EQ(rendered("{{ 'a' in 'cat' }} {{ 'name' in people[0] }} {{ 3 not in [1, 2] }} {{ 1.0 in [1] }}"),
            "true true true true");
  EXPECT_EQ(rendered("{{ 0 or '' or 'x' }} {{ 1 and 'y' }} {{ not [] }} {{ 'z' if not nothing else absent }}"),
            "x y true z");
  EXPECT_EQ(rendered("{{ 1 ~ none ~ [true] ~ 'x' }} {{ -1 | abs }} {{ 'a' 'b' }}"), "1null[true]x 1 ab");
}

TEST(Template, NumbersThatLeaveTheirRangeAreAnError) {
  EXPECT_EQ(what("{{ 9223372036854775807 + 1 }}"), "site.yaml:10:28: the result is too large a number");
  for (const char* use :
       {"{{ least - 1 }}", "{{ -least }}", "{{ least // -1 }}", "{{ least | abs }}", "{{ large + 1 }}",
        "{{ 1e308 * 10 }}", "{{ 3037000500 * 3037000500 }}", "{{ 1e30 | int }}", "{{ large | round(-2) }}",
        "{{ [1e308, 1e308] | sum }}", "{{ 9223372036854775807 | round(-1) }}"}) {
    EXPECT_TRUE(what(use).find("too large") != std::string::npos) << use << ": " << what(use);
  }
  EXPECT_EQ(rendered("{{ least % -1 }} {{ large }} {{ 'x' | int(large) }}"),
            "0 18446744073709551615 18446744073709551615");
  EXPECT_EQ(what("{{ 1 / 0 }}"), "site.yaml:10:10: got a division by zero");
  EXPECT_EQ(what("{{ 1 % 0.0 }}"), "site.yaml:10:10: got a division by zero");
  EXPECT_EQ(code_of("{{ 1e999 }}"), "usage");
  EXPECT_EQ(code_of("{{ 99999999999999999999 }}"), "usage");
}

TEST(Template, KindsThatDoNotFitAreNamed) {
  EXPECT_EQ(fault("{{ name + age }}"),
            "site.yaml:10:13: got a text + a number, expected numbers\n  hint: '~' joins values of any kind as text");
  EXPECT_EQ(what("{{ name < age }}"),
            "site.yaml:10:13: got a text and a number, expected two numbers or two texts for '<'");
  EXPECT_EQ(what("{{ [1, 'a'] | sort }}"),
            "site.yaml:10:19: got a text and a number, expected two numbers or two texts for sorting");
  EXPECT_EQ(what("{{ tags | upper }}"), "site.yaml:10:15: got a list, expected a text before '| upper'");
  EXPECT_EQ(fault("{{ nothing | trim }}"),
            "site.yaml:10:18: got none, expected a text before '| trim'\n"
            "  hint: '| default(\"\", true)' replaces what is none");
  EXPECT_EQ(what("{% for c in name %}{% endfor %}"),
            "site.yaml:10:5: got a text, expected a list or an object to loop over");
  EXPECT_EQ(what("{% for a, b in tags %}{% endfor %}"),
            "site.yaml:10:5: got a text, expected a list of 2 for so many names");
}

TEST(Template, BlocksChooseAndRepeat) {
  EXPECT_EQ(rendered("{% if age > 40 %}old{% elif age > 30 %}grown{% else %}young{% endif %}"), "grown");
  EXPECT_EQ(rendered("{% for p in people if p.age > 5 %}{{ loop.index }}/{{ loop.length }} {{ p.name }}"
                     "{{ '' if loop.last else ', ' }}{% endfor %}"),
            "1/2 abe, 2/2 Bob");
  EXPECT_EQ(rendered("{% for x in none_of_them %}{{ x }}{% else %}nothing{% endfor %}"), "nothing");
  EXPECT_EQ(
      rendered(
          "{% for k, v in people[0] | items %}{{ k }}={{ v }};{% endfor %}{% for k in people[0] %}{{ k }}{% endfor %}"),
      "age=3;name=Zoe;agename");
  EXPECT_EQ(rendered("{% for a in [1, 2] %}{% for b in 'xy' | list %}{{ a }}{{ b }}{{ loop.first }} {% endfor %}"
                     "{{ loop.index0 }}{{ loop.revindex }};{% endfor %}"),
            "1xtrue 1yfalse 02;2xtrue 2yfalse 11;");
  EXPECT_EQ(rendered("{% set x = 1 %}{% for i in [1] %}{{ x }}{% set x = 2 %}{{ x }}{% endfor %}{{ x }}"), "121");
  EXPECT_EQ(rendered("{% if member %}{% set who = 'm' %}{% endif %}{{ who }}"), "m");
}

TEST(Template, WhatOnePassOfALoopMakesIsGoneInTheNext) {
  EXPECT_EQ(rendered("{% for p in people %}{% if loop.first %}{% set y = p.name ~ '!' %}{% endif %}"
                     "{{ y | default('-') }}{% endfor %}"),
            "Zoe!--");
  EXPECT_EQ(rendered("{% for p in people %}{% for q in [] %}{% else %}{% if loop.first %}{% set y = p.name ~ '!' %}"
                     "{% endif %}{{ y | default('-') }}{% endfor %}{% endfor %}"),
            "Zoe!--");
  EXPECT_EQ(rendered("{% set y = name ~ '?' %}{% for p in people %}{% set z = y ~ p.age %}{{ z }}{% endfor %}{{ y }}"),
            "Ada?3Ada?20Ada?7Ada?");
  EXPECT_EQ(rendered("{% set x = {'a': {'b': ['deep' ~ 1]}} %}{% set y = x.a.b %}{% set x = 1 %}{{ y[0] }}{{ x }}"),
            "deep11");
}

TEST(Template, TagsTakeBlanksAwayAsAsked) {
  EXPECT_EQ(rendered("a\n  {% if true %}\n  b\n  {% endif %}\nc\n"), "a\n  b\nc\n");
  EXPECT_EQ(rendered("a  {%- if true -%}  b  {%- endif %}  c"), "ab  c");
  EXPECT_EQ(rendered("a\n  {%+ if true +%}\nb{% endif %}"), "a\n  \nb");
  EXPECT_EQ(rendered("a {{- 1 -}} b\n  {{ 2 }}\n  {# c #}\nd"), "a1b\n  2\nd");
  EXPECT_EQ(rendered("{% raw %}{{ x }}{% if %}{% endraw %}"), "{{ x }}{% if %}");
}

TEST(Template, FiltersDoWhatTheirNamesSay) {
  EXPECT_EQ(rendered("{{ tags | sort | join }} {{ tags | sort(true, case_sensitive=true) | join('') }}"), "abC baC");
  EXPECT_EQ(rendered("{{ people | sort(attribute='age') | map(attribute='name') | join(', ') }}"), "Zoe, Bob, abe");
  EXPECT_EQ(rendered("{{ people | selectattr('vip', 'defined') | map(attribute='name') | first }}"), "abe");
  EXPECT_EQ(rendered("{{ people | rejectattr('age', 'gt', 5) | map(attribute='name') | join }}"), "Zoe");
  EXPECT_EQ(rendered("{{ people | map(attribute='vip', default=false) | list }}"), "[false, true, false]");
  EXPECT_EQ(rendered("{{ (people | max(attribute='age')).name }} {{ [3, 1] | min }} {{ people | sum('age') }}"),
            "abe 1 30");
  EXPECT_EQ(rendered("{{ [1, 1.0, 'a', 'A', true, [2], [2]] | unique | list }}"), R"([1, "a", true, [2]])");
  EXPECT_EQ(rendered("{{ [1, 2, 3] | batch(2, 0) | list }} {{ people[0] | keys }} {{ people[0] | values }}"),
            R"([[1, 2], [3, 0]] ["age", "name"] [3, "Zoe"])");
  EXPECT_EQ(rendered("{{ ' a b  c ' | split }} {{ 'a,b,c' | split(',', 1) }} {{ ' a b ' | split(none, 1) }}"),
            R"(["a", "b", "c"] ["a", "b,c"] ["a", "b "])");
  EXPECT_EQ(rendered("{{ 'straße' | upper }} {{ 'ÉCOLE' | lower }} {{ 'it-is (so)' | title }} {{ 'aB' | capitalize }}"),
            "STRASSE école It-Is (So) Ab");
  EXPECT_EQ(rendered("{{ 2.5 | round }} {{ 3.14159 | round(2) }} {{ 7 | round }} {{ 1234 | round(-2) }} {{ 2.1 | "
                     "round(0, 'ceil') }}"),
            "2.0 3.14 7 1200 3.0");
  EXPECT_EQ(rendered("{{ '3.7' | int }} {{ 'x' | int(5) }} {{ ' 42 ' | int }} {{ 'nan' | float }} {{ '1e2' | float }}"),
            "3 5 42 0.0 100.0");
  EXPECT_EQ(rendered("{{ '<a href=\"x\">&\\'' | escape }}"), "&lt;a href=&#34;x&#34;&gt;&amp;&#39;");
}

TEST(Template, TruncateTokensCountsFourBytesAsOne) {
  EXPECT_EQ(rendered("{{ 'one two three' | truncate_tokens(4) }}"), "one two three");
  EXPECT_EQ(rendered("{{ 'one two three' | truncate_tokens(3) }}"), "one two");
  EXPECT_EQ(rendered("{{ 'one two three' | truncate_tokens(3, ' ...') }}"), "one two ...");
  EXPECT_EQ(rendered("{{ 'aééééé' | truncate_tokens(1) }}{{ 'x' | truncate_tokens(0) }}"), "aé");
  for (size_t n = 0; n < 8; ++n) {
    EXPECT_LE(rendered("{{ 'wörter über wörter' | truncate_tokens(" + std::to_string(n) + ", '…') }}").size(), n * 4);
  }
}

TEST(Template, DataIsNeverReadAsATemplate) {
  EXPECT_EQ(rendered("{{ evil }}"), "{{ age }}{% if %}");
  EXPECT_EQ(rendered("{% set x = evil ~ '{{ 1 }}' %}{{ x }}{{ [x] | join }}"),
            "{{ age }}{% if %}{{ 1 }}{{ age }}{% if %}{{ 1 }}");
}

TEST(Template, OneExpressionKeepsItsType) {
  const auto value = [](const char* text) { return Template::parse(text, {}).evaluate(scope_of(sample())); };
  EXPECT_EQ(value("{{ age }}"), json(36));
  EXPECT_EQ(value("{{ tags | sort }}"), json({"a", "b", "C"}));
  EXPECT_EQ(value("{{ people[0] }}"), sample()["people"][0]);
  EXPECT_EQ(value("{{ nothing }}"), json());
  EXPECT_EQ(value("{{ age }} "), json("36 "));
  EXPECT_EQ(value(""), json(""));
}

TEST(Template, AnExpressionAloneNeedsNoBraces) {
  const auto is_true = [](const char* text) {
    return Template::parse_expression(text, {"f", 3, 7}).is_true(scope_of(sample()));
  };
  EXPECT_TRUE(is_true("age > 30 and 'a' in tags"));
  EXPECT_FALSE(is_true("not member"));
  EXPECT_FALSE(is_true("none_of_them"));
  EXPECT_TRUE(is_true("absent is not defined"));
  EXPECT_TRUE(Template::parse("{{ age }}", {}).is_true(scope_of(sample())));
  EXPECT_FALSE(Template::parse("{{ none_of_them }}", {}).is_true(scope_of(sample())));
  EXPECT_EQ(Template::parse_expression("age", {}).render(scope_of(sample())), "36");
  for (const char* text : {"", "a b", "{{ age }}", "age }}", "1 +"}) {
    EXPECT_THROW(is_true(text), Error) << text;
  }
}

TEST(Template, FaultsOfTheTemplateAreUsageWithTheirPlace) {
  EXPECT_EQ(fault("{{ name | uper }}"), "site.yaml:10:15: unknown filter 'uper'\n  hint: did you mean 'upper'?");
  EXPECT_EQ(what("{{ a.items() }}"),
            "site.yaml:10:15: got '(', which would call something: templates here call nothing");
  EXPECT_EQ(what("{% include 'x' %}"), "site.yaml:10:8: got '{% include %}', which templates here do not have");
  EXPECT_EQ(fault("{% fro x in y %}"), "site.yaml:10:8: unknown block 'fro'\n  hint: did you mean 'for'?");
  EXPECT_EQ(what("\n\n {% if a %}"), "site.yaml:12:5: '{% if %}' is not closed by '{% endif %}'");
  EXPECT_EQ(what("{{ a "), "site.yaml:10:5: '{{' is not closed by '}}'");
  EXPECT_EQ(what("{{ tags | join(sep=1) }}"), "site.yaml:10:24: 'join' has no argument 'sep'");
  EXPECT_EQ(what("{{ x is defned }}"), "site.yaml:10:13: unknown test 'defned'");
  EXPECT_EQ(what("{% for x in y %}{{ loop.idx }}{% endfor %}"), "site.yaml:10:29: a loop has no 'idx'");
  for (const char* text : {"{{ }}",
                           "{{ 1, 2 }}",
                           "{{ 'a }}",
                           "{% if %}{% endif %}",
                           "{% endif %}",
                           "{% else %}",
                           "{# a",
                           "{% for in x %}{% endfor %}",
                           "{% set x %}a{% endset %}",
                           "{% set a.b = 1 %}",
                           "{{ a.1.5e3 }}",
                           "{{ [1 }}",
                           "{{ {'a' 1} }}",
                           "{{ a | join(1, 2, 3) }}",
                           "{{ a | }}",
                           "{{ a is }}",
                           "{{ 007 }}",
                           "{% raw %}",
                           "{{ '\\ud800' }}",
                           "{{ 2 ** 3 }}",
                           "{% set if = 1 %}",
                           "{{ loop }}{% for",
                           "{{ a! }}",
                           "{% if a %}{% else %}{% elif b %}{% endif %}",
                           "{% for x, x in y %}{% endfor %}",
                           "{% for x in y %}{% endif %}",
                           "{{ a | map }}",
                           "{{ a | map(x) }}",
                           "{{ a | select('odd', 1) }}"}) {
    EXPECT_EQ(code_of(text), "usage") << text;
  }
}

TEST(Template, ReferencesAreWhatComesFromOutside) {
  EXPECT_EQ(references("{{ a.b['c'] }}{{ a.list[0].x }}{{ a[-1] }}{{ a[b.c].d }}{{ a[1:n] }}"),
            (Texts{"a.b.c", "a.list.0.x", "a.-1", "a", "b.c", "a", "n"}));
  EXPECT_EQ(references("{{ a | default(b.c) }}{{ d.e is defined }}{{ f is not none }}{{ g is undefined }}"),
            (Texts{"a?", "b.c", "d.e?", "f", "g?"}));
  EXPECT_EQ(references("{{ (a if b else c[d].e) | default(1) }}{{ (f or g) | default(1) }}"),
            (Texts{"a?", "b", "c?", "d", "f", "g"}));
  EXPECT_EQ(
      references(
          "{% if a %}{% elif b.c %}{% endif %}{{ {'k': v, key: 1} }}{{ x if y else z }}{{ -m | map(attribute=n) }}"),
      (Texts{"a", "b.c", "v", "key", "x", "y", "z", "m", "n"}));
  EXPECT_EQ(Template::parse("a\n{{ b }}", {"f", 3, 9}).references()[0].line, 4u);
  EXPECT_EQ(Template::parse("a\n{{ b }}", {"f", 3, 9}).references()[0].column, 4u);
  EXPECT_EQ(Template::parse("{{ b }}", {"f", 3, 9}).references()[0].column, 12u);
}

TEST(Template, NamesOfLoopsAndOfSetHideWhatIsOutside) {
  EXPECT_EQ(references("{% for x in x.list %}{{ x.y ~ z }}{% endfor %}{{ x }}"), (Texts{"x.list", "z", "x"}));
  EXPECT_EQ(references(
                "{% for k, v in a | items if v > k %}{{ k }}{{ loop.index }}{% else %}{{ v }}{% endfor %}{{ loop.x }}"),
            (Texts{"a", "v", "loop.x"}));
  EXPECT_EQ(references("{{ s }}{% set s = s.t %}{{ s }}"), (Texts{"s", "s.t"}));
  EXPECT_EQ(references("{% for i in l %}{% set s = i %}{{ s }}{% endfor %}{{ s }}"), (Texts{"l", "s"}));
  EXPECT_EQ(references("{% if c %}{% set s = 1 %}{{ s }}{% endif %}{{ s }}"), (Texts{"c", "s"}));
  EXPECT_EQ(references("{% if c %}{% set s = 1 %}{% else %}{% set s = 2 %}{% endif %}{{ s }}"), (Texts{"c"}));
  EXPECT_EQ(
      references("{% if c %}{% set s = 1 %}{% elif d %}{% set t = 2 %}{% else %}{% set s = 2 %}{% endif %}{{ s }}"),
      (Texts{"c", "d", "s"}));
  EXPECT_EQ(
      references("{% if a %}{% if b %}{% set s = 1 %}{% else %}{% set s = 2 %}{% endif %}{{ s }}{% endif %}{{ s }}"),
      (Texts{"a", "b", "s"}));
}

/// What a template asks of its scope: what cannot be taken away without an error.
TEST(Template, ReferencesAreAllThatIsNeeded) {
  const std::string text =
      "{% set total = people | sum(attribute='age') %}{% for p in people %}{{ p.name }} of {{ total }}{% endfor %}"
      "{% if steps.writer.output.title is defined %}{{ steps.writer.output.sections[1].text | default(name) }}{% endif "
      "%}"
      "{{ absent.thing | default(score) }}";
  const Template parsed = Template::parse(text, {});
  std::set<std::string> roots;
  for (const auto& reference : parsed.references()) roots.insert(reference.path[0]);
  EXPECT_EQ(roots, (std::set<std::string>{"people", "steps", "name", "absent", "score"}));
  json needed = json::object();
  for (const std::string& root : roots) {
    if (sample().contains(root)) needed[root] = sample()[root];
  }
  EXPECT_EQ(parsed.render(scope_of(needed)), parsed.render(scope_of(sample())));
}

TEST(Template, LaterNamesOfAScopeHideEarlierOnes) {
  const json one = 1, two = 2;
  EXPECT_EQ(Template::parse("{{ a }}", {}).render({{"a", &one}, {"a", &two}}), "2");
}

TEST(Template, NestingHasABound) {
  for (const auto& [open, close] : std::vector<std::pair<std::string, std::string>>{{"(", ")"},
                                                                                    {"[", "]"},
                                                                                    {"-", ""},
                                                                                    {"not ", ""},
                                                                                    {"a[", "]"},
                                                                                    {"{'a':", "}"},
                                                                                    {"1 if (", ") else 2"},
                                                                                    {"a | join(", ")"},
                                                                                    {"1 + ", ""},
                                                                                    {"1 if 1 else ", ""},
                                                                                    {"", " | abs"},
                                                                                    {"", "[a]"},
                                                                                    {"1 ~ (", ")"}}) {
    const auto nested = [&, open = open, close = close](size_t n) {
      return "{{ " + repeated(open, n) + "1" + repeated(close, n) + " }}";
    };
    EXPECT_NO_THROW(Template::parse(nested(20), {})) << open << close;
    EXPECT_EQ(code_of(nested(5'000)), "usage") << open << close;
  }
  EXPECT_EQ(rendered("{{ " + repeated("1 ~ ", 5000) + "1 }}").size(), 5001u);  // no nesting, but a long row
  EXPECT_EQ(rendered(repeated("{% if true %}", 90) + "x" + repeated("{% endif %}", 90)), "x");
  EXPECT_EQ(code_of(repeated("{% if true %}", 20'000)), "usage");
  EXPECT_EQ(code_of(repeated("{% for a in b %}", 20'000)), "usage");
}

TEST(Template, ValuesThatNestTooDeepAreAnError) {
  const std::string deeper = "{% set a = [a] %}", objects = "{% set a = {'a': a} %}";
  for (const std::string& step : {deeper, objects}) {
    EXPECT_TRUE(what("{% set a = 1 %}" + repeated(step, 1000) + "{{ a }}").find("nests deeper") != std::string::npos);
    EXPECT_TRUE(what("{% set a = 1 %}" + repeated(step, 1000) + "{{ a == a }}").find("nests deeper") !=
                std::string::npos);
    EXPECT_NO_THROW(rendered("{% set a = 1 %}" + repeated(step, 200) + "{{ a }}"));
  }
}

TEST(Template, LimitsHold) {
  const std::string grows = "{% set s = '0123456789' %}" + repeated("{% set s = s ~ s %}", 60) + "{{ s | length }}";
  EXPECT_EQ(what(grows), "site.yaml:10:424: the text becomes longer than 16777216 bytes");
  EXPECT_TRUE(what("{{ 'ab' * 1000000000000 }}").find("longer than") != std::string::npos);
  EXPECT_TRUE(what("{{ ('a' * 10) | indent(10) }}", {5, 1000}).find("longer than 5 bytes") != std::string::npos);
  EXPECT_TRUE(what("abcdef", {5, 1000}).find("longer than 5 bytes") != std::string::npos);
  EXPECT_TRUE(what("{{ tags }}", {5, 1000}).find("longer than 5 bytes") != std::string::npos);
  EXPECT_EQ(rendered("{{ name }}{{ 12 }}", {5, 1000}), "Ada12");
  const std::string loops =
      "{% set l = ('x' * 1000) | list %}" + repeated("{% for a in l %}", 5) + "{{ a }}" + repeated("{% endfor %}", 5);
  EXPECT_TRUE(what(loops, {1 << 20, 100'000}).find("more than 100000 steps") != std::string::npos);
  for (const char* use :
       {"{{ ('x' * 9999999) | replace('x', 'yy') | length }}", "{{ [1] | batch(99999999, 0) | list }}",
        "{% for a in l %}{% for b in l %}{% if l == l %}{% endif %}{% endfor %}{% endfor %}",
        "{% for a in l %}{% for b in l %}{{ '' if b in l }}{% endfor %}{% endfor %}"}) {
    const std::string text = "{% set l = ('x' * 3000) | list %}" + std::string(use);
    const TemplateLimits few{size_t{16} << 20, 200'000};
    EXPECT_TRUE(what(text, few).find("more than 200000 steps") != std::string::npos) << use << what(text, few);
  }
}

TEST(Template, CutOffAnywhereItIsReadOrRefused) {
  const std::string text =
      "a {%- if b.c is not defined and [1, {'k': 2.5}] -%} {{ x | default('\\u00e9', true) | truncate(3) }}\n{% elif y "
      "%}"
      "{% for k, v in z | items if v > 1 %}{{ loop.index }}{% else %}{# c #}{% endfor %}{% raw %}{{{% endraw %}"
      "{% endif %}{% set q = -1 ~ 'a' if x else t[1:2] %}";
  for (size_t n = 0; n <= text.size(); ++n) {
    const std::string part = text.substr(0, n);
    const std::string code = code_of(part);
    EXPECT_TRUE(code.empty() || code == "usage" || code == "data") << part;
  }
}

TEST(Template, MutatedItIsReadOrRefused) {
  const std::string text =
      "{% for k, v in people[0]|items %}{{ k ~ (v + 1 if v is number else -age) }}{% endfor %}{{ tags[::-1] }}";
  const std::string bytes = "{}%#-+|.,:[]()'\"\\ abz019\n\xC3\xFF";
  Random random(7);
  for (int i = 0; i < 5'000; ++i) {
    std::string mutated = text;
    for (uint32_t n = 1 + random.below(3); n > 0; --n) {
      mutated[random.below(static_cast<uint32_t>(mutated.size()))] =
          bytes[random.below(static_cast<uint32_t>(bytes.size()))];
    }
    const std::string code = code_of(mutated);
    ASSERT_TRUE(code.empty() || code == "usage" || code == "data") << mutated;
  }
}

}  // namespace
}  // namespace coppice
