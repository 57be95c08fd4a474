// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "coppice/flow/template/template_nodes.h"

namespace coppice::templates {

void run(const Body& body, Evaluation& evaluation) {
  for (const auto& statement : body) {
    const Evaluation::At at(evaluation, statement->place);
    evaluation.charge();
    statement->run(evaluation);
  }
}

void Text::run(Evaluation& evaluation) const {
  evaluation.expect_room(evaluation.out.size(), text.size());
  evaluation.out += text;
}

void Print::run(Evaluation& evaluation) const {
  const Evaluation::Mark before = evaluation.mark();
  evaluation.append(evaluation.value(*expression), evaluation.out);
  evaluation.release(before);
}

void If::run(Evaluation& evaluation) const {
  for (const Branch& branch : branches) {
    if (!branch.condition || evaluation.is_true(*branch.condition)) return templates::run(branch.body, evaluation);
  }
}

void Set::run(Evaluation& evaluation) const {
  evaluation.set(slot, evaluation.value(*expression));
}

/// A list: of an object its keys, in order; those alone that the filter lets pass.
Value For::items(Evaluation& evaluation) const {
  const Value value = evaluation.value(*iterable);
  if (!value.is_list() && !value.is_object()) {
    evaluation.fail("got " + std::string(kind_name(value)) + ", expected a list or an object to loop over",
                    value.is_text() ? "'| split' cuts a text into its words, '| list' into its characters" : "");
  }
  if (value.is_list() && !filter) return value;
  Value::List chosen;
  const auto offer = [&](const Value& item) {
    evaluation.charge();
    if (filter) assign(evaluation, item);
    if (!filter || evaluation.is_true(*filter)) chosen.push_back(item);
  };
  if (value.is_object()) {
    for (const auto& [key, member] : value.object()) offer(evaluation.keep(nlohmann::json(key)));
  } else {
    for (size_t i = 0; i < value.size(); ++i) offer(value.at(i));
  }
  return evaluation.keep(std::move(chosen));
}

void For::assign(Evaluation& evaluation, const Value& item) const {
  if (targets.size() == 1) return evaluation.set(targets[0], item);
  if (!item.is_list() || item.size() != targets.size()) {
    const std::string got = item.is_list() ? std::to_string(item.size()) + " items" : std::string(kind_name(item));
    evaluation.fail("got " + got + ", expected a list of " + std::to_string(targets.size()) + " for so many names",
                    "'| items' makes pairs of an object's keys and values");
  }
  for (size_t i = 0; i < targets.size(); ++i) evaluation.set(targets[i], item.at(i));
}

void For::run(Evaluation& evaluation) const {
  const Evaluation::Mark before = evaluation.mark();
  const Value list = items(evaluation);
  evaluation.loops.push_back({0, list.size()});
  for (size_t i = 0; i < list.size(); ++i) {
    const Evaluation::Mark before_pass = evaluation.mark();
    evaluation.charge(1 + own_slots.size());
    evaluation.loops.back().index = i;
    assign(evaluation, list.at(i));
    for (const uint32_t slot : own_slots) evaluation.set(slot, {});
    templates::run(body, evaluation);
    evaluation.release(before_pass);
  }
  evaluation.loops.pop_back();
  if (list.size() == 0) {
    for (const uint32_t slot : otherwise_slots) evaluation.set(slot, {});
    templates::run(otherwise, evaluation);
  }
  evaluation.release(before);
}

}  // namespace coppice::templates
