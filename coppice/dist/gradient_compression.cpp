// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/gradient_compression.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/finite_gradient.h"
#include "coppice/dist/gradient_kernel.h"

namespace coppice {
namespace {

/// Elements that a threshold is found by: so many at least, and so many above it.
constexpr size_t kLeastSample = size_t{1} << 16;
constexpr double kWantedInSample = 64;

[[noreturn]] void refuse_gradient(uint64_t step, std::span<const float> gradient, std::span<const float> residual) {
  const std::string where = "step " + std::to_string(step) + ": the gradient of ";
  for (size_t i = 0; i < gradient.size(); ++i) {
    if (std::isfinite(gradient[i])) continue;
    throw NotFinite(where + "parameter " + std::to_string(i) + " is no finite number");
  }
  const auto bad = std::find_if(residual.begin(), residual.end(), [](float x) { return !std::isfinite(x); });
  const std::string which =
      bad == residual.end() ? "a parameter" : "parameter " + std::to_string(bad - residual.begin());
  throw NotFinite(where + which + " and what was not sent of it before are too large for single precision");
}

}  // namespace

void describe(OptionTable& table, GradientCompressionOptions& options) {
  table.add("threshold", options.threshold, 0, 1e30,
            "Gradient threshold compression: an element is sent once what has gathered of it passes this, as plus or "
            "minus this. Unit: gradients summed over a worker's minibatch, before the learning rate (the tau of the "
            "papers; 8 in Ladkat et al. 2019). 0: every element is sent as it is, which is synchronous SGD.");
  describe_density(table, options);
}

void describe_density(OptionTable& table, GradientCompressionOptions& options) {
  table.add("density", options.density, 0, 0.5,
            "The share of elements that is to be sent in a step; the threshold is found by itself and follows. 0: the "
            "threshold is used as it is; by --tau auto, 1 %.");
  table.add("residual_clip", options.residual_clip, 0, 1e6,
            "What was not sent yet is cut to so many thresholds after each step (DL4J: residual clipping). 0: it is "
            "not, and nothing is lost.");
}

GradientCompressor::GradientCompressor(size_t n_parameters, const GradientCompressionOptions& options)
    : options_(options), threshold_(options.threshold) {
  if (n_parameters >= kMostElements) {
    throw Error(ErrorCode::unsupported, std::to_string(n_parameters) + " parameters, expected fewer than 2^31");
  }
  residual_.resize(n_parameters);
}

double GradientCompressor::density() const noexcept {
  return static_cast<double>(n_sent_) / static_cast<double>(std::max<size_t>(residual_.size(), 1));
}

void GradientCompressor::restore(std::vector<float> residual) {
  if (residual.size() != residual_.size()) {
    throw Error(ErrorCode::data, "a residual of " + std::to_string(residual.size()) + " elements, expected " +
                                     std::to_string(residual_.size()));
  }
  residual_ = std::move(residual);
}

/// The size that the wanted share of the elements is above, as a sample of them says: other ones in each step.
float GradientCompressor::threshold_for(std::span<const float> gradient, uint64_t step) {
  const auto wanted = static_cast<size_t>(kWantedInSample / options_.density);
  const size_t stride = std::max<size_t>(1, gradient.size() / std::max(kLeastSample, wanted));
  sizes_.clear();
  for (size_t i = step % stride; i < gradient.size(); i += stride) {
    const float size = std::abs(residual_[i] + gradient[i]);
    if (size > 0) sizes_.push_back(size);
  }
  if (sizes_.empty()) return std::numeric_limits<float>::min();
  const double n_looked_at = static_cast<double>(gradient.size()) / static_cast<double>(stride);
  const auto n_above = std::max<size_t>(1, static_cast<size_t>(options_.density * n_looked_at));
  // Where hardly any is not zero: all that are of some size.
  const size_t rank = n_above < sizes_.size() ? sizes_.size() - 1 - n_above : sizes_.size() / 2;
  const auto quantile = sizes_.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(sizes_.begin(), quantile, sizes_.end());
  // What equals a threshold is not sent: where nothing is above, it must be.
  const bool has_above = std::any_of(quantile, sizes_.end(), [&](float size) { return size > *quantile; });
  return has_above ? *quantile : std::nextafter(*quantile, 0.0F);
}

void GradientCompressor::compress(std::span<const float> gradient, uint64_t step, std::vector<std::byte>& message) {
  check(gradient.size() == residual_.size(), "a gradient for each parameter");
  if (options_.density > 0) threshold_ = threshold_for(gradient, step);
  const float threshold = threshold_;
  if (!(threshold > 0)) {
    n_sent_ = gradient.size();
    for (size_t i = 0; i < gradient.size(); ++i) residual_[i] += gradient[i];
    if (!std::all_of(residual_.begin(), residual_.end(), [](float x) { return std::isfinite(x); })) {
      refuse_gradient(step, gradient, residual_);
    }
    write_message(residual_, step, message);
    return std::fill(residual_.begin(), residual_.end(), 0.0F);
  }
  const float most =
      options_.residual_clip > 0 ? options_.residual_clip * threshold : std::numeric_limits<float>::infinity();
  words_.resize(gradient.size() + 16);
  n_sent_ = take_above(gradient, residual_, {threshold, most}, 0, words_.data());
  if (n_sent_ == kNotFinite) refuse_gradient(step, gradient, residual_);
  write_message({words_.data(), n_sent_}, static_cast<uint32_t>(gradient.size()), threshold, step, message);
}

}  // namespace coppice
