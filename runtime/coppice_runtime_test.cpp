// SPDX-License-Identifier: Apache-2.0
//
// The C interface itself, linked with the whole library, so that sanitizers see it, too. How the runtime is linked and
// what it answers on other machines: tests/runtime.
#include "runtime/coppice_runtime.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "coppice/model/answer.h"
#include "coppice/model/compress.h"
#include "coppice/model/sample_model.h"
#include "coppice/model/understanding.h"

namespace coppice {
namespace {

/// An image at a multiple of 64, in a block of just its size.
class Block {
 public:
  explicit Block(const std::string& image)
      : bytes_(static_cast<char*>(::operator new (image.size(), std::align_val_t{64}))), size_(image.size()) {
    std::memcpy(bytes_, image.data(), image.size());
  }
  ~Block() { ::operator delete (bytes_, std::align_val_t{64}); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  const void* bytes() const { return bytes_; }
  size_t size() const { return size_; }
  char& operator[](size_t i) { return bytes_[i]; }

 private:
  char* bytes_;
  size_t size_;
};

struct Close {
  void operator()(coppice_model* model) const { coppice_close(model); }
  void operator()(coppice_state* state) const { coppice_free_state(state); }
};
using OpenModel = std::unique_ptr<coppice_model, Close>;
using State = std::unique_ptr<coppice_state, Close>;

OpenModel opened(const Block& block, coppice_error& error) {
  coppice_model* model = nullptr;
  coppice_open_memory(block.bytes(), block.size(), &model, &error);
  return OpenModel(model);
}

State new_state() {
  coppice_state* state = nullptr;
  EXPECT_EQ(coppice_create_state(&state, nullptr), COPPICE_OK);
  return State(state);
}

constexpr char kText[] = "window manager for the X11 window";

TEST(Runtime, AnswersAsTheLibraryDoes) {
  const Model whole(sample_parts());
  coppice_error error;
  const Block block(sample_image(whole));
  const OpenModel model = opened(block, error);
  ASSERT_NE(model, nullptr) << error.message;
  const State state = new_state();
  coppice_answer answers[10];
  size_t count = 0;
  ASSERT_EQ(coppice_predict(model.get(), state.get(), kText, std::strlen(kText), nullptr, answers, 10, &count, &error),
            COPPICE_OK);
  const std::vector<NamedScore> expected = predict_text(whole, kText);
  ASSERT_EQ(count, expected.size());
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(answers[i].label, expected[i].label);
    EXPECT_EQ(answers[i].score, expected[i].score);
    char name[64];
    ASSERT_EQ(coppice_label_name(model.get(), state.get(), answers[i].label, name, sizeof name, nullptr, &error),
              COPPICE_OK);
    EXPECT_EQ(name, expected[i].name);
  }
}

TEST(Runtime, TellsThatANameWasCut) {
  const Model whole(sample_parts());
  coppice_error error;
  const Block block(sample_image(whole));
  const OpenModel model = opened(block, error);
  const State state = new_state();
  char name[3];
  size_t size = 0;
  ASSERT_EQ(coppice_label_name(model.get(), state.get(), 0, name, sizeof name, &size, &error), COPPICE_OK);
  EXPECT_EQ(size, whole.label_names().name(0).size());
  EXPECT_EQ(name, whole.label_names().name(0).substr(0, 2));
}

TEST(Runtime, RefusesWhatMakesNoSense) {
  coppice_error error;
  const Block block(sample_image(Model(sample_parts())));
  const OpenModel model = opened(block, error);
  const State state = new_state();
  coppice_answer answer;
  size_t count = 7;
  coppice_options options = COPPICE_DEFAULT_OPTIONS;
  options.beam = 0;
  EXPECT_EQ(coppice_predict(model.get(), state.get(), "a", 1, &options, &answer, 1, &count, &error), COPPICE_USAGE);
  EXPECT_EQ(count, 0u);
  EXPECT_NE(std::strstr(error.message, "beam"), nullptr);
  EXPECT_EQ(coppice_predict(nullptr, state.get(), "a", 1, nullptr, &answer, 1, &count, nullptr), COPPICE_USAGE);
  EXPECT_EQ(coppice_predict(model.get(), state.get(), "a", 1, nullptr, nullptr, 0, &count, nullptr), COPPICE_USAGE);
  EXPECT_EQ(coppice_label_name(model.get(), state.get(), 1u << 31, nullptr, 0, nullptr, &error), COPPICE_USAGE);
  EXPECT_EQ(coppice_open(nullptr, nullptr, &error), COPPICE_USAGE);
  EXPECT_EQ(coppice_label_count(nullptr), 0u);
  coppice_close(nullptr);
  coppice_free_state(nullptr);
}

TEST(Runtime, FindsTheSlotsThatTheLibraryFinds) {
  const Model whole(tagger_sample_parts());
  coppice_error error;
  const Block block(sample_image(whole));
  const OpenModel model = opened(block, error);
  ASSERT_NE(model, nullptr) << error.message;
  const State state = new_state();
  EXPECT_EQ(coppice_slot_count(model.get()), 2u);
  size_t n_found = 0;
  for (const std::string text : {"play some abba songs", "weather in new york", "", "abba new york abba"}) {
    coppice_answer intent;
    coppice_slot slots[8];
    size_t count = 0;
    ASSERT_EQ(coppice_understand(model.get(), state.get(), text.data(), text.size(), &intent, slots, 8, &count, &error),
              COPPICE_OK);
    EXPECT_EQ(intent.label, COPPICE_NO_LABEL);
    const Understanding expected = understand(whole, text);
    ASSERT_EQ(count, expected.slots.size());
    n_found += count;
    for (size_t i = 0; i < count; ++i) {
      char name[64];
      ASSERT_EQ(coppice_slot_name(model.get(), slots[i].slot, name, sizeof name, nullptr, &error), COPPICE_OK);
      EXPECT_EQ(name, expected.slots[i].name);
      EXPECT_EQ(slots[i].begin, expected.slots[i].begin);
      EXPECT_EQ(slots[i].end, expected.slots[i].end);
    }
  }
  EXPECT_GT(n_found, 0u);
}

TEST(Runtime, SaysOfWhichKindAModelIs) {
  coppice_error error;
  const Block ranks(sample_image(Model(sample_parts()))), tags(sample_image(Model(tagger_sample_parts())));
  const OpenModel ranker = opened(ranks, error), tagger = opened(tags, error);
  const State state = new_state();
  coppice_answer answer;
  size_t count = 0;
  EXPECT_EQ(coppice_understand(ranker.get(), state.get(), "a", 1, &answer, nullptr, 0, &count, &error), COPPICE_OK);
  EXPECT_LT(answer.label, coppice_label_count(ranker.get()));
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(coppice_predict(tagger.get(), state.get(), "a", 1, nullptr, &answer, 1, &count, &error), COPPICE_USAGE);
  EXPECT_EQ(coppice_slot_count(ranker.get()), 0u);
  EXPECT_EQ(coppice_slot_name(tagger.get(), 2, nullptr, 0, nullptr, &error), COPPICE_USAGE);
}

TEST(Runtime, NamesTheDomainsThatTheLibraryKnows) {
  const Model whole(assistant_sample_parts());
  coppice_error error;
  const Block block(sample_image(whole));
  const OpenModel model = opened(block, error);
  ASSERT_NE(model, nullptr) << error.message;
  ASSERT_EQ(coppice_domain_count(model.get()), whole.domains().names().size());
  for (uint32_t label = 0; label < whole.n_labels() + 2; ++label) {
    const uint32_t domain = coppice_label_domain(model.get(), label);
    EXPECT_EQ(domain, whole.domains().of(label).value_or(COPPICE_NO_DOMAIN));
    char name[64];
    size_t size = 0;
    const int code = coppice_domain_name(model.get(), domain, name, sizeof name, &size, &error);
    EXPECT_EQ(code, domain == COPPICE_NO_DOMAIN ? COPPICE_USAGE : COPPICE_OK);
    if (code != COPPICE_OK) continue;
    EXPECT_EQ(name, whole.domains().names()[domain]);
    EXPECT_EQ(size, std::strlen(name));
  }
}

TEST(Runtime, AModelWithoutDomainsHasNone) {
  coppice_error error;
  const Block block(sample_image(Model(sample_parts())));
  const OpenModel model = opened(block, error);
  EXPECT_EQ(coppice_domain_count(model.get()), 0u);
  EXPECT_EQ(coppice_domain_count(nullptr), 0u);
  EXPECT_EQ(coppice_label_domain(model.get(), 0), COPPICE_NO_DOMAIN);
  EXPECT_EQ(coppice_label_domain(nullptr, 0), COPPICE_NO_DOMAIN);
  EXPECT_EQ(coppice_domain_name(model.get(), 0, nullptr, 0, nullptr, &error), COPPICE_USAGE);
  EXPECT_EQ(coppice_domain_name(nullptr, 0, nullptr, 0, nullptr, &error), COPPICE_USAGE);
  EXPECT_EQ(coppice_domain_name(model.get(), 0, nullptr, 5, nullptr, &error), COPPICE_USAGE);
  EXPECT_NE(std::strstr(error.message, "name is NULL"), nullptr);
}

TEST(Runtime, RefusesAModelThatTakesNoTexts) {
  coppice_error error;
  const Block block(sample_image(Model(deep_sample_parts())));
  EXPECT_EQ(opened(block, error), nullptr);
  EXPECT_EQ(error.code, COPPICE_UNSUPPORTED);
}

TEST(Runtime, TakesOptionsOfAnEarlierVersion) {
  coppice_error error;
  const Block block(sample_image(Model(sample_parts())));
  const OpenModel model = opened(block, error);
  const State state = new_state();
  coppice_answer answers[4];
  size_t count = 0;
  coppice_options options = COPPICE_DEFAULT_OPTIONS;
  options.size = offsetof(coppice_options, threshold);  // did not know this field
  options.threshold = 1e30F;
  ASSERT_EQ(coppice_predict(model.get(), state.get(), kText, std::strlen(kText), &options, answers, 4, &count, &error),
            COPPICE_OK);
  EXPECT_GT(count, 0u);
  options.size = sizeof options;
  ASSERT_EQ(coppice_predict(model.get(), state.get(), kText, std::strlen(kText), &options, answers, 4, &count, &error),
            COPPICE_OK);
  EXPECT_EQ(count, 0u);
}

/// The sample as trained, and an assistant in few bits: packed chunks, perfect hashes, packed names, domains, slots.
std::vector<std::string> sample_images() {
  ThreadPool pool(1);
  return {sample_image(Model(sample_parts())), sample_image(compress(Model(assistant_sample_parts()), {}, pool))};
}

class AnyBytes : public ::testing::TestWithParam<size_t> {};

INSTANTIATE_TEST_SUITE_P(OfEachKind, AnyBytes, ::testing::Range<size_t>(0, 2));

TEST_P(AnyBytes, OfAPayloadAreSurvived) {
  const std::string image = sample_images()[GetParam()];
  const State state = new_state();
  for (size_t at = FileHeader::kHeaderBytes; at < image.size(); at += 37) {
    Block block(image);
    block[at] = static_cast<char>(block[at] ^ 0x85);
    coppice_error error;
    const OpenModel model = opened(block, error);  // a flip in the directory is seen, one behind it mostly not
    if (model == nullptr) continue;
    coppice_answer answers[10];
    size_t count = 0;
    EXPECT_EQ(
        coppice_predict(model.get(), state.get(), kText, std::strlen(kText), nullptr, answers, 10, &count, &error),
        COPPICE_OK);
    for (size_t i = 0; i < count; ++i) {
      char name[64];
      EXPECT_EQ(coppice_label_name(model.get(), state.get(), answers[i].label, name, sizeof name, nullptr, &error),
                COPPICE_OK);
    }
    if (GetParam() == 0) continue;
    coppice_answer best;
    coppice_slot slots[8];
    size_t n_slots = 0;
    EXPECT_EQ(
        coppice_understand(model.get(), state.get(), kText, std::strlen(kText), &best, slots, 8, &n_slots, &error),
        COPPICE_OK);
  }
}

}  // namespace
}  // namespace coppice
