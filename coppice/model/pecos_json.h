// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"

namespace coppice {

/// The bytes of a file. Throws `ErrorCode::io`.
std::string read_whole_file(const std::string& path);

/// A JSON object in a file, whose errors name the file and the key.
class PecosJson {
 public:
  explicit PecosJson(const std::string& path);

  bool has(const char* key) const { return object_.contains(key); }

  /// Throws `ErrorCode::data` if the key is missing.
  const nlohmann::json& at(const char* key) const;

  PecosJson object(const char* key) const;

  /// Throws `ErrorCode::data` if the key is missing or its value is of another type.
  template <class T>
  T get(const char* key) const {
    try {
      return at(key).get<T>();
    } catch (const nlohmann::json::exception&) {
      fail(std::string("the value of \"") + key + "\" has the wrong type: " + json_value_text(at(key)));
    }
  }

  [[noreturn]] void fail(const std::string& what) const;

 private:
  PecosJson(nlohmann::json object, std::string path) : object_(std::move(object)), path_(std::move(path)) {}

  nlohmann::json object_;
  std::string path_;
};

}  // namespace coppice
