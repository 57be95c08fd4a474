// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "coppice/http/message.h"
#include "coppice/http/url.h"

namespace coppice {

/// Request line and headers, to the empty line. Host, Accept and User-Agent are added where the request has none,
/// Content-Length always. Throws `ErrorCode::usage` for a method or header that would break out of its line, and for
/// headers that say how long the message is.
std::string request_head(const HttpRequest& request, const Url& url, const std::string& user_agent);

/// The lines of headers, each checked as above; of an answer, too.
std::string header_lines(const HttpHeaders& headers);

}  // namespace coppice
