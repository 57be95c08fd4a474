// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/request_head.h"

#include "coppice/core/error.h"
#include "coppice/http/characters.h"

namespace coppice {

std::string header_lines(const HttpHeaders& headers) {
  std::string lines;
  for (const auto& [name, value] : headers.all()) {
    if (!is_token(name)) throw Error(ErrorCode::usage, "got " + shown_bytes(name) + ", expected the name of a header");
    if (!is_header_value(value)) {  // which is not shown: it may be a key
      throw Error(ErrorCode::usage, "the value of the header '" + name + "' has a line break or a control character");
    }
    for (const char* const ours : {"Content-Length", "Transfer-Encoding"}) {
      if (equal_without_case(name, ours)) {
        throw Error(ErrorCode::usage, "the header '" + name + "' is not for users to set: it follows from the body");
      }
    }
    lines.append(name).append(": ").append(value).append("\r\n");
  }
  return lines;
}

std::string request_head(const HttpRequest& request, const Url& url, const std::string& user_agent) {
  if (!is_token(request.method)) {
    throw Error(ErrorCode::usage, "got " + shown_bytes(request.method) + ", expected a method such as GET");
  }
  std::string head = request.method + ' ' + url.target + " HTTP/1.1\r\n";
  const auto add_missing = [&](const char* name, const std::string& value) {
    if (!request.headers.find(name)) head.append(name).append(": ").append(value).append("\r\n");
  };
  add_missing("Host", url.authority());
  add_missing("Accept", "*/*");
  add_missing("User-Agent", user_agent);
  const bool has_meaning = request.method != "GET" && request.method != "HEAD" && request.method != "DELETE";
  if (!request.body.empty() || has_meaning) {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return head + header_lines(request.headers) + "\r\n";
}

}  // namespace coppice
