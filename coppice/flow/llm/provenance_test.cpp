// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/provenance.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "coppice/http/message.h"

namespace coppice {
namespace {

TEST(ProvenanceTest, WhoHasAnsweredIsKnownByTheAnswer) {
  HttpResponse response(200, {{"Content-Type", "application/json"}});
  EXPECT_EQ(provenance_of(response), Provenance::measured);
  response.is_replayed = true;
  EXPECT_EQ(provenance_of(response), Provenance::replayed);
  response.headers.set("X-Stand-In", "1");
  EXPECT_EQ(provenance_of(response), Provenance::simulated) << "what was simulated is not better for a recording";
  EXPECT_EQ(provenance_of(HttpResponse()), Provenance::unrecorded);
}

TEST(ProvenanceTest, OfSeveralTheWeakestCounts) {
  EXPECT_EQ(std::max(Provenance::measured, Provenance::none), Provenance::measured);
  EXPECT_EQ(std::max(Provenance::measured, Provenance::replayed), Provenance::replayed);
  EXPECT_EQ(std::max(Provenance::simulated, Provenance::unrecorded), Provenance::simulated);
}

TEST(ProvenanceTest, NamesAreReadAgain) {
  for (const Provenance one :
       {Provenance::none, Provenance::measured, Provenance::unrecorded, Provenance::replayed, Provenance::simulated}) {
    EXPECT_EQ(provenance_named(name(one)), one);
  }
  EXPECT_EQ(provenance_named(""), Provenance::unrecorded);
  EXPECT_STREQ(title(Provenance::none), "no model answered");
}

}  // namespace
}  // namespace coppice
