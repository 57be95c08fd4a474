// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "coppice/http/cassette_mode.h"
#include "coppice/http/sender.h"

namespace coppice {

/// A sender that writes down what another one sent and got, in a file of JSON lines, and answers from it later.
///
/// A request is known by its method, its URL and its body (JSON without regard to the order of keys); the same request
/// recorded twice is answered in the order of the recording, and by the last answer from then on. Headers of requests
/// are not written at all, of answers those alone that decide something, and of a URL's query no value that its name
/// calls a key; what a server repeats of the keys that it was given is cut out (what is found: `Secrets`). Pieces of a
/// stream come back as they came. What failed without an answer is recorded as a failure. What is recorded now is not
/// replayed before the file is opened again. Throws `ErrorCode::io` and `data` for its file, and `ErrorCode::data`
/// naming the request that is not in it.
class Cassette : public HttpSender {
 public:
  /// `to` may be null in replay; it outlives the cassette.
  Cassette(const std::string& path, CassetteMode mode, HttpSender* to);
  ~Cassette() override;

  Awaitable<HttpResponse> send(HttpCall call) override;

 private:
  class Tape;
  std::shared_ptr<Tape> tape_;  ///< calls under way hold it, too
};

}  // namespace coppice
