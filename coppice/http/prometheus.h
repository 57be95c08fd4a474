// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

/// Only ever grows. Threads: from any.
class Counter {
 public:
  /// A negative number, or none, is passed over.
  void add(double amount = 1) noexcept;
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Threads: from any.
class Gauge {
 public:
  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(double amount) noexcept { value_.fetch_add(amount, std::memory_order_relaxed); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

/// Counts values by size. Threads: from any; what is read while others observe may lack a part of what they do.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds);
  /// What is no number is passed over.
  void observe(double value) noexcept;

  const std::vector<double>& bounds() const noexcept { return bounds_; }
  /// Of the values up to each bound and above the one before it; in the end of those above all bounds.
  std::vector<uint64_t> counts() const;
  double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

/// The figures of a program, as Prometheus reads them.
///
/// What is asked for is there from then on, at zero: ask for it at the start, so that the first rise is seen. The same
/// name and labels give the same object, which lives as long as the registry.
/// Throws `ErrorCode::usage` for names that Prometheus does not allow, and for a name that is of another kind already.
/// Threads: from any. Source: Prometheus, text exposition format 0.0.4.
class PrometheusMetrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics();
  PrometheusMetrics(const PrometheusMetrics&) = delete;
  PrometheusMetrics& operator=(const PrometheusMetrics&) = delete;

  Counter& counter(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  /// `bounds` rise; a last one of infinity goes without saying. Those of the first call count for all labels.
  Histogram& histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                       const MetricLabels& labels = {});

  /// By name, then by labels. Serve it as `kContentType`.
  std::string text() const;
  static constexpr const char* kContentType = "text/plain; version=0.0.4; charset=utf-8";

 private:
  enum class Kind : uint8_t;
  struct Family;

  Family& family(const std::string& name, const std::string& help, Kind kind);

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>> families_;
};

}  // namespace coppice
