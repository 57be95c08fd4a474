// SPDX-License-Identifier: Apache-2.0
//
// The C interface of libcoppice_runtime: the only place where exceptions become codes and messages.
#include "runtime/coppice_runtime.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/model/model.h"
#include "coppice/rank/beam_search.h"

struct coppice_model {
  coppice::Model model;
};

struct coppice_state {
  coppice::Vectorizer::State vectorizer;
  coppice::SearchState search;
  coppice::Tagger::State tagger;
  coppice::PredictOptions options;
  std::string name;
};

namespace coppice {
namespace {

int report(coppice_error* error, int code, std::string_view message) noexcept {
  if (error == nullptr) return code;
  error->code = code;
  const size_t size = std::min(message.size(), sizeof error->message - 1);
  if (size > 0) std::memcpy(error->message, message.data(), size);
  error->message[size] = '\0';
  return code;
}

/// Runs `work`, and tells what it throws by code and message.
template <class Work>
int guarded(coppice_error* error, Work&& work) noexcept {
  try {
    std::forward<Work>(work)();
    return report(error, COPPICE_OK, {});
  } catch (const Error& caught) {
    try {
      return report(error, exit_code(caught.code()), caught.message());
    } catch (...) {  // no memory for the whole message
      return report(error, exit_code(caught.code()), caught.what());
    }
  } catch (const std::bad_alloc&) {
    return report(error, COPPICE_MEMORY, "out of memory");
  } catch (const std::exception& caught) {
    return report(error, COPPICE_INTERNAL, caught.what());
  } catch (...) {
    return report(error, COPPICE_INTERNAL, "unknown failure");
  }
}

void expect(bool holds, const char* what) {
  if (!holds) throw Error(ErrorCode::usage, what);
}

/// The runtime has nothing to give a model but a text.
coppice_model* open_file(const ModelFile& file) {
  Model model = Model::load(file);
  const bool takes_texts = model.vectorizer() != nullptr || !model.has_ranker();
  if (!takes_texts || model.n_dense() > 0) {
    throw Error(ErrorCode::unsupported,
                model.n_dense() > 0 ? "this model takes dense features beside its texts"
                                    : "this model takes features, no texts",
                file.where(), "The whole library, libcoppice, answers from it");
  }
  return new coppice_model{std::move(model)};
}

/// What the caller's struct, perhaps of an earlier version, says.
void read_options(const coppice_options* given, PredictOptions& options) {
  coppice_options known = COPPICE_DEFAULT_OPTIONS;
  if (given != nullptr) {
    expect(given->size >= sizeof(size_t), "the options' size is 0, expected sizeof(coppice_options)");
    std::memcpy(&known, given, std::min(given->size, sizeof known));
  }
  options.beam = known.beam;
  options.threshold = known.threshold;
}

/// The best labels of a text, until the state is used again.
std::span<const ScoredLabel> best_labels(const Model& model, std::string_view text, coppice_state& state) {
  const Ranker& ranker = model.ranker();
  return predict(ranker, model.vectorizer()->transform(text, state.vectorizer), state.options, state.search);
}

/// Where a caller wants a name.
struct NamePlace {
  char* name;
  size_t capacity;
  size_t* name_bytes;  ///< or null
};

/// As much of a name as there is room for, and a NUL.
void write_name(std::string_view whole, const NamePlace& place) {
  if (place.name_bytes != nullptr) *place.name_bytes = whole.size();
  if (place.capacity == 0) return;
  const size_t size = std::min(whole.size(), place.capacity - 1);
  if (size > 0) std::memcpy(place.name, whole.data(), size);
  place.name[size] = '\0';
}

/// The name of that number; `what_if_none` is told where there is none.
int write_name_of(std::span<const std::string> names, uint32_t number, const char* what_if_none, const NamePlace& place,
                  coppice_error* error) noexcept {
  if (place.name_bytes != nullptr) *place.name_bytes = 0;
  return guarded(error, [&] {
    expect(place.name != nullptr || place.capacity == 0, "name is NULL");
    expect(number < names.size(), what_if_none);
    write_name(names[number], place);
  });
}

/// None where there is no model, or no tagger.
std::span<const std::string> slot_names(const coppice_model* model) {
  if (model == nullptr || model->model.tagger() == nullptr) return {};
  return model->model.tagger()->slot_names();
}

/// None where there is no model.
std::span<const std::string> domain_names(const coppice_model* model) {
  if (model == nullptr) return {};
  return model->model.domains().names();
}

}  // namespace
}  // namespace coppice

using namespace coppice;

int coppice_open(const char* path, coppice_model** model, coppice_error* error) {
  if (model != nullptr) *model = nullptr;
  return guarded(error, [&] {
    expect(path != nullptr && model != nullptr, "coppice_open: path or model is NULL");
    *model = open_file(ModelFile::map(path));
  });
}

int coppice_open_memory(const void* bytes, size_t size, coppice_model** model, coppice_error* error) {
  if (model != nullptr) *model = nullptr;
  return guarded(error, [&] {
    expect(bytes != nullptr && model != nullptr, "coppice_open_memory: bytes or model is NULL");
    expect(reinterpret_cast<uintptr_t>(bytes) % kSectionAlignmentBytes == 0,
           "coppice_open_memory: bytes do not begin at a multiple of 64");
    *model = open_file(ModelFile({static_cast<const std::byte*>(bytes), size}, nullptr, "model in memory"));
  });
}

void coppice_close(coppice_model* model) {
  delete model;
}

int coppice_create_state(coppice_state** state, coppice_error* error) {
  if (state != nullptr) *state = nullptr;
  return guarded(error, [&] {
    expect(state != nullptr, "coppice_create_state: state is NULL");
    *state = new coppice_state;
  });
}

void coppice_free_state(coppice_state* state) {
  delete state;
}

int coppice_predict(const coppice_model* model, coppice_state* state, const char* text, size_t text_bytes,
                    const coppice_options* options, coppice_answer* answers, size_t capacity, size_t* count,
                    coppice_error* error) {
  if (count != nullptr) *count = 0;
  return guarded(error, [&] {
    expect(model != nullptr && state != nullptr && count != nullptr, "coppice_predict: model, state or count is NULL");
    expect(text != nullptr || text_bytes == 0, "coppice_predict: text is NULL");
    expect(answers != nullptr && capacity > 0, "coppice_predict: no room for answers");
    read_options(options, state->options);
    state->options.top_k = static_cast<uint32_t>(std::min<size_t>(capacity, UINT32_MAX));
    for (const ScoredLabel& best : best_labels(model->model, {text, text_bytes}, *state)) {
      answers[(*count)++] = {best.label, best.score};
    }
  });
}

uint32_t coppice_label_count(const coppice_model* model) {
  return model == nullptr ? 0 : model->model.n_labels();
}

int coppice_label_name(const coppice_model* model, coppice_state* state, uint32_t label, char* name, size_t capacity,
                       size_t* name_bytes, coppice_error* error) {
  if (name_bytes != nullptr) *name_bytes = 0;
  return guarded(error, [&] {
    expect(model != nullptr && state != nullptr, "coppice_label_name: model or state is NULL");
    expect(name != nullptr || capacity == 0, "coppice_label_name: name is NULL");
    expect(label < model->model.n_labels(), "coppice_label_name: the model has no such label");
    const LabelNames& names = model->model.label_names();
    char digits[16];
    std::string_view whole;
    if (names.size() > 0) {
      whole = names.name(label, state->name);
    } else {
      whole = {digits, static_cast<size_t>(std::to_chars(digits, digits + sizeof digits, label).ptr - digits)};
    }
    write_name(whole, {name, capacity, name_bytes});
  });
}

int coppice_understand(const coppice_model* model, coppice_state* state, const char* text, size_t text_bytes,
                       coppice_answer* intent, coppice_slot* slots, size_t capacity, size_t* count,
                       coppice_error* error) {
  if (count != nullptr) *count = 0;
  if (intent != nullptr) *intent = {COPPICE_NO_LABEL, 0};
  return guarded(error, [&] {
    expect(model != nullptr && state != nullptr && intent != nullptr && count != nullptr,
           "coppice_understand: model, state, intent or count is NULL");
    expect(text != nullptr || text_bytes == 0, "coppice_understand: text is NULL");
    expect(slots != nullptr || capacity == 0, "coppice_understand: slots is NULL");
    const std::string_view utterance(text == nullptr ? "" : text, text_bytes);
    std::span<const ScoredLabel> best;
    if (model->model.has_ranker()) {
      read_options(nullptr, state->options);
      state->options.top_k = 1;
      best = best_labels(model->model, utterance, *state);
    }
    std::span<const Slot> found;
    if (const Tagger* const tagger = model->model.tagger()) found = tagger->tag(utterance, state->tagger);
    // From here on nothing fails: what is given back is all or nothing.
    if (!best.empty()) *intent = {best[0].label, best[0].score};
    for (const Slot& slot : found.first(std::min(found.size(), capacity))) {
      slots[(*count)++] = {slot.type, slot.begin, slot.end};
    }
    *count = found.size();
  });
}

uint32_t coppice_slot_count(const coppice_model* model) {
  return static_cast<uint32_t>(slot_names(model).size());
}

int coppice_slot_name(const coppice_model* model, uint32_t slot, char* name, size_t capacity, size_t* name_bytes,
                      coppice_error* error) {
  return write_name_of(slot_names(model), slot, "coppice_slot_name: model is NULL, or has no such slot",
                       {name, capacity, name_bytes}, error);
}

uint32_t coppice_domain_count(const coppice_model* model) {
  return static_cast<uint32_t>(domain_names(model).size());
}

uint32_t coppice_label_domain(const coppice_model* model, uint32_t label) {
  return model == nullptr ? COPPICE_NO_DOMAIN : model->model.domains().of(label).value_or(COPPICE_NO_DOMAIN);
}

int coppice_domain_name(const coppice_model* model, uint32_t domain, char* name, size_t capacity, size_t* name_bytes,
                        coppice_error* error) {
  return write_name_of(domain_names(model), domain, "coppice_domain_name: model is NULL, or has no such domain",
                       {name, capacity, name_bytes}, error);
}

const char* coppice_version(void) {
  return COPPICE_VERSION;
}
