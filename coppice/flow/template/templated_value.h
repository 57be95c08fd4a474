// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/core/error.h"
#include "coppice/flow/template/template.h"
#include "coppice/flow/workflow/yaml.h"

namespace coppice {

/// A JSON value whose texts may be templates: what stands under `with` in a workflow.
///
/// Threads: const methods from any.
class TemplatedValue {
 public:
  TemplatedValue() = default;
  /// The value at `pointer` of a document. A text that is no template is a fault, as `Template::parse` throws it, and
  /// is left as it is; the rest is read. What stands at and below the pointers `late` (into the value) is left as it is
  /// by `evaluate`.
  TemplatedValue(const YamlDocument& document, const std::string& pointer, const std::vector<std::string>& late = {});

  /// Texts that could not be read.
  struct Unread {
    std::string pointer;
    Error error;
  };
  const std::vector<Unread>& unread() const noexcept { return unread_; }

  /// All templates replaced by what they come to; one that is a single {{ expression }} keeps its type.
  nlohmann::json evaluate(const TemplateScope& scope) const;

  /// From now on a number or a truth value that a template comes to stands as text where `schema`, of the whole value,
  /// takes texts alone.
  void write_texts_by(const nlohmann::json& schema);

  /// Can what it comes to be of a type that is not seen now?
  bool has_single_expressions() const noexcept;

  /// The late ones at and below `pointer`.
  nlohmann::json evaluate_late(const std::string& pointer, const TemplateScope& scope) const;

  enum class Which { early, late };
  std::vector<TemplateReference> references(Which which) const;

  /// A text that is no plain one.
  struct Leaf {
    nlohmann::json::json_pointer pointer;
    std::string pointer_text;
    Template text;
    bool is_late;
    bool is_text;  ///< a number or a truth value that it comes to stands as text

    nlohmann::json evaluate(const TemplateScope& scope) const;
  };
  const std::vector<Leaf>& leaves() const noexcept { return leaves_; }

  /// As written.
  const nlohmann::json& written() const noexcept { return written_; }

  /// Of the text at that pointer, or null where it is plain.
  const Template* find(const std::string& pointer) const noexcept;

 private:
  void collect(const YamlDocument& document, const std::string& from, const std::string& pointer);
  bool is_late(const std::string& pointer) const noexcept;

  std::vector<std::string> late_;
  nlohmann::json written_;
  std::vector<Leaf> leaves_;
  std::vector<Unread> unread_;
};

}  // namespace coppice
