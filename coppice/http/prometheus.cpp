// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/prometheus.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "coppice/core/error.h"
#include "coppice/http/characters.h"

namespace coppice {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ErrorCode::usage, what);
}

bool is_label_name(std::string_view name) noexcept {
  const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '_'; };
  return !name.empty() && !is_digit(name[0]) && std::all_of(name.begin(), name.end(), fits);
}

bool is_metric_name(std::string_view name) noexcept {
  const auto fits = [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == ':'; };
  return !name.empty() && !is_digit(name[0]) && std::all_of(name.begin(), name.end(), fits);
}

/// Of a help text the quote stands for itself.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c == '\n' ? 'n' : c;
  }
  return result;
}

std::string number_text(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

/// `a="1",b="2"`, in the order of the names.
std::string label_text(MetricLabels labels) {
  std::sort(labels.begin(), labels.end());
  std::string text, last;
  for (const auto& [name, value] : labels) {
    if (!is_label_name(name)) refuse("got " + shown_bytes(name) + ", expected the name of a label");
    if (name == last) refuse("the label '" + name + "' is there twice");
    text += (text.empty() ? "" : ",") + name + "=\"" + escaped(value, "\\\n\"") + '"';
    last = name;
  }
  return text;
}

std::string sample(const std::string& name, const std::string& labels, const std::string& value) {
  return labels.empty() ? name + ' ' + value + '\n' : name + '{' + labels + "} " + value + '\n';
}

}  // namespace

void Counter::add(double amount) noexcept {
  if (amount > 0) value_.fetch_add(amount, std::memory_order_relaxed);
}

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double value) noexcept {
  if (std::isnan(value)) return;
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<uint64_t> Histogram::counts() const {
  std::vector<uint64_t> result;
  for (const auto& count : counts_) result.push_back(count.load(std::memory_order_relaxed));
  return result;
}

enum class PrometheusMetrics::Kind : uint8_t { counter, gauge, histogram };

/// All of one name, by their labels.
struct PrometheusMetrics::Family {
  Kind kind;
  std::string help;
  std::vector<double> bounds;
  std::map<std::string, Counter> counters;
  std::map<std::string, Gauge> gauges;
  std::map<std::string, std::unique_ptr<Histogram>> histograms;
};

PrometheusMetrics::PrometheusMetrics() = default;
PrometheusMetrics::~PrometheusMetrics() = default;

PrometheusMetrics::Family& PrometheusMetrics::family(const std::string& name, const std::string& help, Kind kind) {
  if (!is_metric_name(name)) refuse("got " + shown_bytes(name) + ", expected the name of a metric");
  auto& family = families_[name];
  if (family == nullptr) family = std::make_unique<Family>(Family{kind, help, {}, {}, {}, {}});
  if (family->kind != kind) refuse("the metric '" + name + "' is of another kind already");
  return *family;
}

Counter& PrometheusMetrics::counter(const std::string& name, const std::string& help, const MetricLabels& labels) {
  const std::string key = label_text(labels);
  const std::scoped_lock lock(mutex_);
  return family(name, help, Kind::counter).counters[key];
}

Gauge& PrometheusMetrics::gauge(const std::string& name, const std::string& help, const MetricLabels& labels) {
  const std::string key = label_text(labels);
  const std::scoped_lock lock(mutex_);
  return family(name, help, Kind::gauge).gauges[key];
}

Histogram& PrometheusMetrics::histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                              const MetricLabels& labels) {
  const std::string key = label_text(labels);
  for (const auto& [label, value] : labels) {
    if (label == "le") refuse("the label 'le' of the histogram '" + name + "' is its bounds' own");
  }
  std::vector<double> finite = bounds;
  if (!finite.empty() && finite.back() == std::numeric_limits<double>::infinity()) finite.pop_back();
  const auto rises = [](double a, double b) { return !(a < b); };
  const bool is_finite = std::all_of(finite.begin(), finite.end(), [](double bound) { return std::isfinite(bound); });
  if (!is_finite || std::adjacent_find(finite.begin(), finite.end(), rises) != finite.end()) {
    refuse("the bounds of the histogram '" + name + "' do not rise");
  }
  const std::scoped_lock lock(mutex_);
  Family& all = family(name, help, Kind::histogram);
  if (all.histograms.empty()) all.bounds = std::move(finite);
  auto& one = all.histograms[key];
  if (one == nullptr) one = std::make_unique<Histogram>(all.bounds);
  return *one;
}

namespace {

std::string histogram_text(const std::string& name, const std::string& labels, const Histogram& histogram) {
  std::string text;
  const std::string before = labels.empty() ? "le=\"" : labels + ",le=\"";
  const std::vector<uint64_t> counts = histogram.counts();
  uint64_t up_to = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    up_to += counts[i];
    const std::string bound = i < histogram.bounds().size() ? number_text(histogram.bounds()[i]) : "+Inf";
    text += sample(name + "_bucket", before + bound + '"', std::to_string(up_to));
  }
  text += sample(name + "_sum", labels, number_text(histogram.sum()));
  return text + sample(name + "_count", labels, std::to_string(up_to));
}

}  // namespace

std::string PrometheusMetrics::text() const {
  const std::scoped_lock lock(mutex_);
  std::string text;
  for (const auto& [name, family] : families_) {
    const char* const kind = family->kind == Kind::counter ? "counter"
                             : family->kind == Kind::gauge ? "gauge"
                                                           : "histogram";
    text += "# HELP " + name + ' ' + escaped(family->help, "\\\n") + '\n';
    text += "# TYPE " + name + ' ' + kind + '\n';
    for (const auto& [labels, one] : family->counters) text += sample(name, labels, number_text(one.value()));
    for (const auto& [labels, one] : family->gauges) text += sample(name, labels, number_text(one.value()));
    for (const auto& [labels, one] : family->histograms) text += histogram_text(name, labels, *one);
  }
  return text;
}

}  // namespace coppice
