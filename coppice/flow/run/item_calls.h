// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coppice/flow/kinds/calling_kind.h"
#include "coppice/flow/run/run_context.h"

namespace coppice {

/// The calls of one step, or of one item of it: numbered, within budgets, in the journal.
class ItemCalls : public StepCalls, private CallRecorder {
 public:
  /// `waiting` ends waits for a turn; both it and `input` outlive this.
  ItemCalls(RunContext& run, const StepSpec& step, const StepInput& input, Cancellation& waiting);

  const Workflow& workflow() const override { return run_.workflow; }
  const StepSpec& step() const override { return step_; }
  HttpSender& sender() override { return sender_; }
  Cancellation& cancellation() override { return run_.cancellation; }
  std::chrono::steady_clock::time_point deadline() const override { return deadline_; }
  const std::string& folder() const override { return run_.settings.folder; }
  CallRecorder& recorder() override { return *this; }

  Awaitable<ChatAnswer> chat(ChatRequest request) override;
  Awaitable<EmbeddingAnswer> embed(EmbeddingRequest request) override;
  Awaitable<ImageAnswer> image(ImageRequest request) override;
  Awaitable<nlohmann::json> act(Effect effect, const nlohmann::json& what,
                                std::function<Awaitable<nlohmann::json>(const std::string& key)> work) override;
  Awaitable<nlohmann::json> apart(std::function<nlohmann::json()> work) override;
  std::optional<nlohmann::json> approval() override;
  void note(nlohmann::json about) override;
  void remark(const std::string& text) override;

  /// An error of the step that names its timeout, where that is what ended it; else the same.
  std::exception_ptr with_timeout(std::exception_ptr failure) const;

  // What the calls so far came to.
  Usage usage() const noexcept { return usage_; }
  Money cost() const noexcept { return cost_; }
  size_t calls() const noexcept { return calls_; }
  const std::vector<std::string>& remarks() const noexcept { return remarks_; }
  bool took_cheaper() const noexcept { return took_cheaper_; }  ///< a model in place of the one that was named

 private:
  /// Notices who answers what the kind itself sends.
  class WitnessingSender : public HttpSender {
   public:
    explicit WitnessingSender(HttpSender& to) : to_(to) {}
    Awaitable<HttpResponse> send(HttpCall call) override;
    /// Of the answers since it was asked last.
    Provenance take() { return std::exchange(seen_, Provenance::none); }

   private:
    HttpSender& to_;
    Provenance seen_ = Provenance::none;
  };

  std::optional<std::string> recorded(uint32_t call, const std::string& request_hash) override;
  Awaitable<void> intend(const CallIntent& intent) override;
  Awaitable<void> settle(const CallIntent& intent, const CallOutcome& outcome) override;

  /// Asks `ask` of one model after the other, each cheaper than the last, while there is too little money.
  template <class Answer>
  Awaitable<Answer> with_model(std::string name, std::function<Awaitable<Answer>(const ModelSpec&, LlmCall)> ask);
  [[noreturn]] void throw_short(const std::vector<BudgetScope>& budgets, const std::string& scope,
                                const CallIntent& intent, Money wanted) const;
  Money set_aside_for(const CallIntent& intent) const;
  void tell_overrun(const CallIntent& intent, const CallOutcome& outcome);
  std::string passed_budgets() const;
  void expect_known(uint32_t call) const;
  nlohmann::json made_up_output() const;

  RunContext& run_;
  const StepSpec& step_;
  const nlohmann::json& with_;
  int64_t item_;
  Cancellation& waiting_;
  std::chrono::steady_clock::time_point deadline_;
  WitnessingSender sender_;
  uint32_t next_call_ = 1;
  size_t calls_ = 0;
  bool took_cheaper_ = false;
  std::vector<std::string> remarks_;
  Usage usage_;
  Money cost_;
};

}  // namespace coppice
