// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/flow/template/template_evaluation.h"
#include "coppice/flow/template/template_lexer.h"
#include "coppice/flow/template/template_nodes.h"
#include "coppice/flow/template/template_parser.h"

namespace coppice {

struct Template::Parsed : templates::ParsedTemplate {
  explicit Parsed(templates::ParsedTemplate&& parsed) : templates::ParsedTemplate(std::move(parsed)) {}

  /// The expression that is all there is of it; null where there is more.
  const templates::Expression* only_expression() const {
    if (expression) return expression.get();
    const auto* const print = body.size() == 1 ? dynamic_cast<const templates::Print*>(body[0].get()) : nullptr;
    return print ? print->expression.get() : nullptr;
  }

  std::string render(templates::Evaluation& evaluation) const {
    evaluation.out.reserve(text_bytes + 32 * body.size());
    if (expression) {
      const templates::Evaluation::At at(evaluation, expression->place);
      evaluation.append(evaluation.value(*expression), evaluation.out);
    } else {
      templates::run(body, evaluation);
    }
    return std::move(evaluation.out);
  }
};

Template::Template(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}

Template Template::parse(std::string_view text, const TextPlace& place) {
  templates::Parser parser(templates::template_tokens(text, place), place.file);
  return Template(std::make_shared<const Parsed>(parser.parse_template()));
}

Template Template::parse_expression(std::string_view text, const TextPlace& place) {
  templates::Parser parser(templates::expression_tokens(text, place), place.file);
  return Template(std::make_shared<const Parsed>(parser.parse_expression_alone()));
}

std::string Template::render(const TemplateScope& scope, const TemplateLimits& limits) const {
  templates::Evaluation evaluation(scope, limits, parsed_->file, parsed_->n_slots);
  return parsed_->render(evaluation);
}

nlohmann::json Template::evaluate(const TemplateScope& scope, const TemplateLimits& limits) const {
  templates::Evaluation evaluation(scope, limits, parsed_->file, parsed_->n_slots);
  if (const templates::Expression* const expression = parsed_->only_expression()) {
    const templates::Evaluation::At at(evaluation, expression->place);
    return evaluation.json_of(evaluation.value(*expression));
  }
  return parsed_->render(evaluation);
}

bool Template::is_true(const TemplateScope& scope, const TemplateLimits& limits) const {
  templates::Evaluation evaluation(scope, limits, parsed_->file, parsed_->n_slots);
  if (const templates::Expression* const expression = parsed_->only_expression()) {
    const templates::Evaluation::At at(evaluation, expression->place);
    return evaluation.is_true(*expression);
  }
  return !parsed_->render(evaluation).empty();
}

std::vector<TemplateReference> Template::references() const {
  return parsed_->references;
}

std::optional<TemplateReference> Template::single_reference() const {
  const auto* const path = dynamic_cast<const templates::Path*>(parsed_->only_expression());
  if (path == nullptr || path->base || !path->reference) return std::nullopt;
  return parsed_->references.at(*path->reference);
}

bool Template::is_single_expression() const noexcept {
  return parsed_->only_expression() != nullptr;
}

bool Template::is_plain_text() const noexcept {
  if (parsed_->expression) return false;
  for (const auto& statement : parsed_->body) {
    if (!dynamic_cast<const templates::Text*>(statement.get())) return false;
  }
  return true;
}

std::optional<std::string> Template::outline(std::string_view stand_in) const {
  if (parsed_->expression) return std::string(stand_in);
  std::string outline;
  for (const auto& statement : parsed_->body) {
    if (const auto* const text = dynamic_cast<const templates::Text*>(statement.get())) {
      outline += text->text;
    } else if (dynamic_cast<const templates::Print*>(statement.get())) {
      outline += stand_in;
    } else {
      return std::nullopt;
    }
  }
  return outline;
}

Template::Typed Template::type(const TypeScope& scope) const {
  templates::Typing typing(scope, parsed_->n_slots);
  Typed typed;
  if (const templates::Expression* const expression = parsed_->only_expression()) {
    typed.type = typing.type_of(*expression);
    typed.tested = typing.tested();
  } else {
    templates::infer(parsed_->body, typing);
    typed.type = StaticType::of(schema::kString);
  }
  typed.faults = typing.take_faults();
  return typed;
}

}  // namespace coppice
