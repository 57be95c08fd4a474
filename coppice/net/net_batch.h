// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/net/net_examples.h"
#include "coppice/net/network.h"

namespace coppice {

/// Some rows, as a network of that task takes them: the arguments of its `forward`.
std::vector<torch::Tensor> make_inputs(const NetExamples& examples, std::span<const uint32_t> rows, NetTask task);

/// The same with labels and weights. Labels become targets: for cross entropy their shares of a row, which sum to 1;
/// else relevances as they are.
NetBatch make_batch(const NetExamples& examples, std::span<const uint32_t> rows, NetAim aim);

/// The same at another place.
void move_batch(NetBatch& batch, torch::Device device);

}  // namespace coppice
