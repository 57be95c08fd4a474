// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>

#include <cmath>
#include <numeric>
#include <set>
#include <sstream>

#include "coppice/core/error.h"
#include "coppice/net/net_batch.h"
#include "coppice/net/net_fixture.h"
#include "coppice/net/row_deal.h"
#include "coppice/net/torch_learner.h"

namespace coppice {
namespace {

std::vector<uint32_t> first_rows(uint32_t n) {
  std::vector<uint32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

NetworkShape shape_of(NetTask task, Architecture architecture = Architecture::feed_forward) {
  NetworkShape shape;
  shape.task = task;
  shape.options.architecture = architecture;
  shape.options.hidden = {6, 5};
  shape.options.embedding = 4;
  shape.options.context = 1;
  shape.n_inputs = task == NetTask::speech ? 9 : 8;
  shape.n_outputs = 3;
  return shape;
}

NetExamples examples_of(NetTask task, size_t n_rows) {
  return task == NetTask::speech ? small_speech(n_rows) : small_text_set(n_rows).rows.examples;
}

struct Case {
  NetworkShape shape;
  NetLoss loss;
};

class EachNetwork : public testing::TestWithParam<Case> {};

/// The derivative of each parameter by the difference of two losses.
TEST_P(EachNetwork, GradientsAreWhatDifferencesSay) {
  const Case& one = GetParam();
  const NetExamples examples = examples_of(one.shape.task, 12);
  const auto network = make_network(one.shape, 5);
  TorchLearner learner(*network, examples, {one.shape.task, one.loss}, {12, 1});
  std::vector<float> gradient(learner.parameters().size());
  const BatchResult result = learner.compute_gradient(0, gradient);
  EXPECT_EQ(result.samples, 12U);
  std::vector<float> scratch(gradient.size());
  size_t n_alike = 0, n_compared = 0;
  for (size_t i = 0; i < gradient.size(); i += 5, ++n_compared) {
    const float kept = learner.parameters()[i];
    learner.parameters()[i] = kept + 0.002F;
    const double more = learner.compute_gradient(0, scratch).loss;
    learner.parameters()[i] = kept - 0.002F;
    const double less = learner.compute_gradient(0, scratch).loss;
    learner.parameters()[i] = kept;
    n_alike += std::abs((more - less) / 0.004 - gradient[i]) < 0.02 + 0.02 * std::abs(gradient[i]);
  }
  EXPECT_GE(n_alike, n_compared * 95 / 100);  // a rectified unit may turn between the two
}

TEST_P(EachNetwork, StepsAgainstTheGradientMakeTheLossSmall) {
  const Case& one = GetParam();
  const NetExamples examples = examples_of(one.shape.task, 60);
  const auto network = make_network(one.shape, 5);
  TorchLearner learner(*network, examples, {one.shape.task, one.loss}, {60, 1});
  std::vector<float> gradient(learner.parameters().size());
  const double before = learner.compute_gradient(0, gradient).loss;
  double after = before;
  for (uint64_t step = 0; step < 150; ++step) {
    for (size_t i = 0; i < gradient.size(); ++i) learner.parameters()[i] -= 0.2F / 60 * gradient[i];
    after = learner.compute_gradient(step + 1, gradient).loss;
  }
  EXPECT_LT(after, 0.7 * before);
}

TEST_P(EachNetwork, ARowScoresTheSameAloneAndAmongOthers) {
  const Case& one = GetParam();
  const NetExamples examples = examples_of(one.shape.task, 9);
  const auto network = make_network(one.shape, 5);
  const std::vector<uint32_t> all = first_rows(9);
  const torch::Tensor together = network->scores(make_inputs(examples, all, one.shape.task), {});
  for (uint32_t row = 0; row < 9; ++row) {
    const torch::Tensor alone =
        network->scores(make_inputs(examples, std::span(all).subspan(row, 1), one.shape.task), {});
    EXPECT_TRUE(torch::allclose(alone[0], together[row], 1e-4, 1e-5));
  }
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  constexpr const char* kLosses[] = {"CrossEntropy", "Logistic", "Squared"};
  const bool lstm = info.param.shape.options.architecture == Architecture::lstm;
  return std::string(name(info.param.shape.task)) + (lstm ? "Lstm" : "") + kLosses[int(info.param.loss)];
}

INSTANTIATE_TEST_SUITE_P(Networks, EachNetwork,
                         testing::Values(Case{shape_of(NetTask::text), NetLoss::cross_entropy},
                                         Case{shape_of(NetTask::text), NetLoss::logistic},
                                         Case{shape_of(NetTask::features), NetLoss::squared},
                                         Case{shape_of(NetTask::speech), NetLoss::cross_entropy},
                                         Case{shape_of(NetTask::speech, Architecture::lstm), NetLoss::cross_entropy}),
                         name_of);

TEST(Network, TheSeedAloneDecidesTheFirstParameters) {
  const NetworkShape shape = shape_of(NetTask::text);
  const auto values = [&](uint64_t seed) { return parameter_values(*make_network(shape, seed)); };
  EXPECT_EQ(values(1), values(1));
  EXPECT_NE(values(1), values(2));
}

TEST(Network, DropoutLeavesTheSameUnitsOutForTheSameMinibatch) {
  NetworkShape shape = shape_of(NetTask::text);
  shape.options.dropout = 0.5;
  const NetExamples examples = examples_of(NetTask::text, 20);
  const auto network = make_network(shape, 5);
  TorchLearner learner(*network, examples, {NetTask::text, NetLoss::cross_entropy}, {20, 1});
  std::vector<float> one(learner.parameters().size()), again(one.size()), other(one.size());
  learner.compute_gradient(3, one);
  learner.compute_gradient(4, other);
  learner.compute_gradient(3, again);
  EXPECT_EQ(one, again);
  EXPECT_NE(one, other);
}

TEST(Network, WeightsCountRowsSoOften) {
  NetExamples examples = examples_of(NetTask::text, 4);
  const auto network = make_network(shape_of(NetTask::text), 5);
  const NetAim aim{NetTask::text, NetLoss::cross_entropy};
  const std::vector<uint32_t> thrice{0, 0, 0, 1}, once{0, 1};
  const auto loss = [&](std::span<const uint32_t> rows) {
    const NetBatch batch = make_batch(examples, rows, aim);
    return summed_loss(aim.loss, network->scores(batch.inputs, {}), batch).item<double>();
  };
  const double expected = loss(thrice);
  examples.weights = {3, 1, 1, 1};
  EXPECT_NEAR(loss(once), expected, 1e-5);
}

TEST(Network, SoftLabelsShareARow) {
  NetExamples examples = examples_of(NetTask::text, 1);
  CsrBuilder labels(3);
  labels.add(0, 0.2F);
  labels.add(2, 0.6F);
  labels.end_row();
  examples.labels = labels.build();
  const NetBatch batch = make_batch(examples, first_rows(1), {NetTask::text, NetLoss::cross_entropy});
  EXPECT_TRUE(torch::allclose(batch.targets, torch::tensor({{0.25F, 0.0F, 0.75F}})));
}

std::string module_bytes(const char* forward, bool has_parameters = true) {
  torch::jit::Module module("own");
  if (has_parameters) {
    module.register_parameter("weight", torch::full({3, 8}, 0.1F, torch::requires_grad()), false);
    module.register_buffer("seen", torch::zeros({1}));
  }
  module.define(forward);
  std::ostringstream stream;
  module.save(stream);
  return stream.str();
}

TEST(Module, AModuleOfTheUsersIsTrained) {
  const std::string bytes = module_bytes("def forward(self, x):\n  return torch.matmul(x, self.weight.t())\n");
  const auto network = load_module(bytes, 3, "own.pt");
  const NetExamples examples = examples_of(NetTask::features, 60);
  TorchLearner learner(*network, examples, {NetTask::features, NetLoss::cross_entropy}, {60, 1});
  ASSERT_EQ(learner.parameters().size(), 24U);
  EXPECT_EQ(buffer_values(*network), std::vector<float>{0});
  std::vector<float> gradient(24);
  const double before = learner.compute_gradient(0, gradient).loss;
  for (size_t i = 0; i < 24; ++i) learner.parameters()[i] -= 0.01F * gradient[i];
  EXPECT_LT(learner.compute_gradient(0, gradient).loss, before);
}

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.message();
  }
  return {};
}

TEST(Module, OthersAreRefusedWithWhatIsWrong) {
  using testing::HasSubstr;
  EXPECT_THAT(message_of([] { load_module("no module", 3, "own.pt"); }),
              HasSubstr("own.pt: this is no TorchScript module"));
  const std::string untrained = module_bytes("def forward(self, x):\n  return x\n", false);
  EXPECT_THAT(message_of([&] { load_module(untrained, 3, "own.pt"); }), HasSubstr("no parameters"));
  const auto wide = load_module(module_bytes("def forward(self, x):\n  return x * self.weight[0]\n"), 3, "own.pt");
  const auto inputs = make_inputs(examples_of(NetTask::features, 2), first_rows(2), NetTask::features);
  EXPECT_THAT(message_of([&] { wide->scores(inputs, {}); }), HasSubstr("[2, 8], expected 2 rows of 3 scores"));
  const auto one_row = load_module(
      module_bytes("def forward(self, x):\n  return torch.matmul(x, self.weight.t()).sum(0, True)\n"), 3, "own.pt");
  EXPECT_THAT(message_of([&] { one_row->scores(inputs, {}); }), HasSubstr("[1, 3], expected 2 rows of 3 scores"));
  const auto detached = load_module(
      module_bytes("def forward(self, x):\n  return torch.matmul(x, self.weight.t()).detach()\n"), 3, "own.pt");
  EXPECT_THAT(message_of([&] { detached->scores(inputs, at::make_generator<at::CPUGeneratorImpl>(1)); }),
              HasSubstr("does not depend on its parameters"));
  const auto doubles = load_module(
      module_bytes("def forward(self, x):\n  return torch.matmul(x, self.weight.t()).double()\n"), 3, "own.pt");
  EXPECT_EQ(doubles->scores(inputs, {}).dtype(), torch::kFloat32);
  const auto failing = load_module(module_bytes("def forward(self, x):\n  return torch.matmul(x, x)\n"), 3, "own.pt");
  EXPECT_THAT(message_of([&] { failing->scores(inputs, {}); }), HasSubstr("forward failed"));
}

TEST(RowDeal, AnEpochHasEachRowOnce) {
  RowDeal deal(24, 2, 3);
  for (const uint64_t epoch : {0, 1, 5}) {
    std::multiset<uint32_t> seen;
    for (uint64_t number = 12 * epoch; number < 12 * (epoch + 1); ++number) {
      for (const uint32_t row : deal.rows(number)) seen.insert(row);
    }
    EXPECT_THAT(seen, testing::ElementsAreArray(first_rows(24))) << epoch;
  }
}

TEST(RowDeal, TheSameRowsComeWheneverTheyAreAskedFor) {
  RowDeal once(10, 3, 3), again(10, 3, 3);
  const auto copy = [](std::span<const uint32_t> rows) { return std::vector<uint32_t>(rows.begin(), rows.end()); };
  for (uint64_t number = 0; number < 9; ++number) (void)once.rows(number);
  EXPECT_EQ(copy(once.rows(5)), copy(again.rows(5)));
  EXPECT_NE(copy(once.rows(0)), copy(once.rows(10)));
  EXPECT_EQ(once.minibatches(2), 7U);
}

}  // namespace
}  // namespace coppice
