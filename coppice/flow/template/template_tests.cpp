// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <string>

#include "coppice/flow/template/template_filters.h"

namespace coppice::templates {
namespace {

using nlohmann::json;

bool is_divisible(Evaluation& evaluation, const Value& value, const Value& by, bool leaves_one) {
  static const json kZero = 0, kOne = 1;
  const Value rest = calculate(evaluation, Arithmetic::modulo, value, by);
  return evaluation.equal(rest, leaves_one ? kOne : kZero);
}

const json& two() {
  static const json kTwo = 2;
  return kTwo;
}

template <Comparison comparison>
bool holds(Evaluation& evaluation, const Value& value, const Value& other) {
  return compare(evaluation, comparison, value, other);
}

bool has_items(const Value& value) {
  return value.is_list() || value.is_object() || value.is_text();
}

using E = Evaluation;
using V = Value;

/// Several names of one test stand together, the one that people should write first.
const std::vector<Test>& tests() {
  static const std::vector<Test> kTests{
      {"defined", 0, [](E&, const V& v, const V&) { return !v.is_undefined(); }},
      {"undefined", 0, [](E&, const V& v, const V&) { return v.is_undefined(); }},
      {"none", 0, [](E&, const V& v, const V&) { return v.is_none(); }},
      {"string", 0, [](E&, const V& v, const V&) { return v.is_text(); }},
      {"number", 0, [](E&, const V& v, const V&) { return v.is_number(); }},
      {"integer", 0, [](E&, const V& v, const V&) { return v.is_integer(); }},
      {"float", 0, [](E&, const V& v, const V&) { return v.is_number() && !v.is_integer(); }},
      {"boolean", 0, [](E&, const V& v, const V&) { return v.is_boolean(); }},
      {"true", 0, [](E&, const V& v, const V&) { return v.is_boolean() && v.is_true(); }},
      {"false", 0, [](E&, const V& v, const V&) { return v.is_boolean() && !v.is_true(); }},
      {"mapping", 0, [](E&, const V& v, const V&) { return v.is_object(); }},
      {"sequence", 0, [](E&, const V& v, const V&) { return has_items(v); }},
      {"iterable", 0, [](E&, const V& v, const V&) { return has_items(v); }},
      {"odd", 0, [](E& e, const V& v, const V&) { return is_divisible(e, v, two(), true); }},
      {"even", 0, [](E& e, const V& v, const V&) { return is_divisible(e, v, two(), false); }},
      {"divisibleby", 1, [](E& e, const V& v, const V& by) { return is_divisible(e, v, by, false); }},
      {"eq", 1, holds<Comparison::equal>},
      {"equalto", 1, holds<Comparison::equal>},
      {"==", 1, holds<Comparison::equal>},
      {"ne", 1, holds<Comparison::not_equal>},
      {"!=", 1, holds<Comparison::not_equal>},
      {"lt", 1, holds<Comparison::less>},
      {"lessthan", 1, holds<Comparison::less>},
      {"<", 1, holds<Comparison::less>},
      {"le", 1, holds<Comparison::less_equal>},
      {"<=", 1, holds<Comparison::less_equal>},
      {"gt", 1, holds<Comparison::greater>},
      {"greaterthan", 1, holds<Comparison::greater>},
      {">", 1, holds<Comparison::greater>},
      {"ge", 1, holds<Comparison::greater_equal>},
      {">=", 1, holds<Comparison::greater_equal>},
      {"in", 1, holds<Comparison::in>}};
  return kTests;
}

}  // namespace

const Test* find_test(std::string_view name) {
  for (const Test& test : tests()) {
    if (test.name == name) return &test;
  }
  return nullptr;
}

std::vector<std::string> test_names() {
  std::vector<std::string> names;
  for (const Test& test : tests()) {
    if (test.name[0] >= 'a' && test.name != "equalto" && test.name != "lessthan" && test.name != "greaterthan") {
      names.emplace_back(test.name);
    }
  }
  return names;
}

}  // namespace coppice::templates
