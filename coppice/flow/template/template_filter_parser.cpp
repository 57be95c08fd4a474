// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "coppice/core/options.h"
#include "coppice/flow/template/template_parser.h"

namespace coppice::templates {
namespace {

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names, const std::string& otherwise) {
  const std::string nearest = name.size() > 64 ? std::string() : nearest_name(name, names);
  return nearest.empty() ? otherwise : "did you mean '" + nearest + "'?";
}

bool looks_at_absence(const Test& test) {
  return test.name == "defined" || test.name == "undefined";
}

}  // namespace

ExpressionPtr Parser::parse_filters(ExpressionPtr expression) {
  for (;;) {
    if (skip_symbol("|")) {
      expression = parse_filter(std::move(expression));
    } else if (skip_name("is")) {
      expression = parse_test(std::move(expression));
    } else {
      return expression;
    }
  }
}

Arguments Parser::parse_arguments(std::string name, const Place& place) {
  Arguments arguments{std::move(name), place, {}, {}};
  if (!skip_symbol("(")) return arguments;
  bool is_first = true;
  while (!skip_symbol(")")) {
    if (!std::exchange(is_first, false)) expect_symbol(",");
    if (skip_symbol(")")) break;
    if (current().kind == TokenKind::name && following().is_symbol("=")) {
      std::string parameter = take().text;
      take();
      arguments.by_name.emplace_back(std::move(parameter), parse_conditional());
    } else {
      if (!arguments.by_name.empty()) fail("got an argument without a name after one with a name");
      arguments.by_position.push_back(parse_conditional());
    }
  }
  return arguments;
}

const Filter& Parser::filter_named(const std::string& name, const Place& place) const {
  const Filter* const filter = find_filter(name);
  if (!filter) {
    fail_at(place, "unknown filter '" + name + "'", did_you_mean(name, filter_names(), ""));
  }
  return *filter;
}

const Test& Parser::test_named(const std::string& name, const Place& place) const {
  const Test* const test = find_test(name);
  if (test) return *test;
  std::string all;
  for (const std::string& each : test_names()) all += (all.empty() ? "there is: " : ", ") + each;
  fail_at(place, "unknown test '" + name + "'", did_you_mean(name, test_names(), all));
}

ExpressionPtr Parser::parse_filter(ExpressionPtr input) {
  const Place place = current().place;
  std::string name = expect_name("the name of a filter");
  Arguments arguments = parse_arguments(std::move(name), place);
  const std::string& called = arguments.name;
  if (called == "default" || called == "d") return default_filter(std::move(input), std::move(arguments));
  if (called == "map") return map_filter(std::move(input), std::move(arguments));
  if (called == "select" || called == "reject" || called == "selectattr" || called == "rejectattr") {
    return select_filter(std::move(input), std::move(arguments));
  }
  const Filter& filter = filter_named(called, place);
  return plain_filter(filter, std::move(input), std::move(arguments));
}

std::vector<ExpressionPtr> Parser::bound(const std::vector<std::string>& parameters, size_t n_required,
                                         Arguments arguments) const {
  const auto quoted = [&] { return "'" + arguments.name + "'"; };
  if (arguments.by_position.size() > parameters.size()) {
    fail_at(arguments.place, quoted() + " got " + std::to_string(arguments.by_position.size()) +
                                 " arguments, expected at most " + std::to_string(parameters.size()));
  }
  std::vector<ExpressionPtr> values = std::move(arguments.by_position);
  values.resize(parameters.size());
  for (auto& [name, value] : arguments.by_name) {
    const auto found = std::find(parameters.begin(), parameters.end(), name);
    if (found == parameters.end()) {
      fail_at(value->place, quoted() + " has no argument '" + name + "'", did_you_mean(name, parameters, ""));
    }
    ExpressionPtr& place_of = values[static_cast<size_t>(found - parameters.begin())];
    if (place_of) fail_at(value->place, quoted() + " got the argument '" + name + "' twice");
    place_of = std::move(value);
  }
  for (size_t i = 0; i < n_required; ++i) {
    if (!values[i]) fail_at(arguments.place, quoted() + " needs the argument '" + parameters[i] + "'");
  }
  return values;
}

ExpressionPtr Parser::plain_filter(const Filter& filter, ExpressionPtr input, Arguments arguments) {
  auto applied = node<FilterNode>(arguments.place);
  applied->filter = &filter;
  deepen(*applied, *input);
  applied->input = std::move(input);
  applied->arguments = bound(filter.parameters, filter.n_required, std::move(arguments));
  for (const ExpressionPtr& argument : applied->arguments) {
    if (argument) deepen(*applied, *argument);
  }
  return applied;
}

ExpressionPtr Parser::default_filter(ExpressionPtr input, Arguments arguments) {
  auto applied = node<DefaultNode>(arguments.place);
  may_be_absent(*input);
  deepen(*applied, *input);
  applied->input = std::move(input);
  std::vector<ExpressionPtr> values = bound({"default_value", "boolean"}, 0, std::move(arguments));
  for (const ExpressionPtr& value : values) {
    if (value) deepen(*applied, *value);
  }
  applied->otherwise = std::move(values[0]);
  applied->for_false = std::move(values[1]);
  return applied;
}

/// The first argument, which must be a text written out: what it names is looked up now.
std::string Parser::take_text(Arguments& arguments, std::string_view what) const {
  const auto* const constant =
      arguments.by_position.empty() ? nullptr : dynamic_cast<const Constant*>(arguments.by_position[0].get());
  if (!constant || !constant->value.is_string()) {
    fail_at(arguments.place, "'" + arguments.name + "' needs " + std::string(what) + " in quotes");
  }
  std::string text = constant->value.get<std::string>();
  arguments.by_position.erase(arguments.by_position.begin());
  return text;
}

ExpressionPtr Parser::map_filter(ExpressionPtr input, Arguments arguments) {
  auto applied = node<MapNode>(arguments.place);
  deepen(*applied, *input);
  applied->input = std::move(input);
  const auto by_attribute = [](const auto& each) { return each.first == "attribute"; };
  if (std::any_of(arguments.by_name.begin(), arguments.by_name.end(), by_attribute)) {
    if (!arguments.by_position.empty()) fail_at(arguments.place, "'map' takes an attribute or a filter, got both");
    std::vector<ExpressionPtr> values = bound({"attribute", "default"}, 1, std::move(arguments));
    applied->attribute = std::move(values[0]);
    applied->otherwise = std::move(values[1]);
  } else {
    const std::string name = take_text(arguments, "attribute=..., or the name of a filter");
    const Filter& filter = filter_named(name, arguments.place);
    applied->filter = &filter;
    arguments.name = name;
    applied->arguments = bound(filter.parameters, filter.n_required, std::move(arguments));
  }
  for (const ExpressionPtr& argument : applied->arguments) {
    if (argument) deepen(*applied, *argument);
  }
  for (const ExpressionPtr* part : {&applied->attribute, &applied->otherwise}) {
    if (*part) deepen(*applied, **part);
  }
  return applied;
}

ExpressionPtr Parser::select_filter(ExpressionPtr input, Arguments arguments) {
  auto applied = node<SelectNode>(arguments.place);
  applied->name = arguments.name;
  applied->wanted = arguments.name.starts_with("select");
  deepen(*applied, *input);
  applied->input = std::move(input);
  if (!arguments.by_name.empty()) {
    fail_at(arguments.place, "'" + arguments.name + "' has no argument '" + arguments.by_name[0].first + "'",
            "selectattr(\"name\") looks at a member of each item");
  }
  if (arguments.name.ends_with("attr")) {
    if (arguments.by_position.empty()) fail_at(arguments.place, "'" + arguments.name + "' needs the name of a member");
    applied->attribute = std::move(arguments.by_position[0]);
    arguments.by_position.erase(arguments.by_position.begin());
    deepen(*applied, *applied->attribute);
  }
  if (arguments.by_position.empty()) return applied;
  applied->test = &test_named(take_text(arguments, "the name of a test"), arguments.place);
  if (arguments.by_position.size() != applied->test->n_arguments) {
    fail_at(arguments.place, "the test '" + std::string(applied->test->name) + "' got " +
                                 std::to_string(arguments.by_position.size()) + " arguments, expected " +
                                 std::to_string(applied->test->n_arguments));
  }
  if (!arguments.by_position.empty()) {
    applied->argument = std::move(arguments.by_position[0]);
    deepen(*applied, *applied->argument);
  }
  return applied;
}

ExpressionPtr Parser::parse_test(ExpressionPtr input) {
  auto test = node<TestNode>(current().place);
  test->is_negated = skip_name("not");
  const Place place = current().place;
  const std::string name = expect_name("a test: defined, none, string, number");
  test->test = &test_named(name, place);
  if (looks_at_absence(*test->test)) may_be_absent(*input);
  deepen(*test, *input);
  test->input = std::move(input);
  if (test->test->n_arguments == 0) {
    if (skip_symbol("(")) expect_symbol(")");
    return test;
  }
  // As in Jinja, an argument without parentheses is one value: a is divisibleby 3 and b
  if (current().is_symbol("(")) {
    std::vector<ExpressionPtr> values = bound({"value"}, 1, parse_arguments(name, place));
    test->argument = std::move(values[0]);
  } else {
    test->argument = parse_postfix(parse_primary());
  }
  deepen(*test, *test->argument);
  return test;
}

}  // namespace coppice::templates
