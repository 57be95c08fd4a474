// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/study_keep.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/output_file.h"

namespace coppice {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const std::string& facts, const StudyTraining& training) {
  Json curve = Json::array();
  for (const StudyRun::Point& point : training.run.curve) curve.push_back({point.share, point.error});
  const VirtualReport& report = training.report;
  return {{"facts", facts},
          {"seed", training.run.seed},
          {"error", training.run.error},
          {"diverged", training.run.diverged},
          {"curve", std::move(curve)},
          {"steps", report.steps},
          {"compute_seconds", report.compute_seconds},
          {"encode_seconds", report.encode_seconds},
          {"decode_seconds", report.decode_seconds},
          {"density", report.density},
          {"message_bytes", report.message_bytes}};
}

StudyTraining from_json(const Json& json) {
  StudyTraining training;
  training.run.seed = json.at("seed").get<uint64_t>();
  training.run.error = json.at("error").get<double>();
  training.run.diverged = json.at("diverged").get<bool>();
  for (const Json& point : json.at("curve")) {
    training.run.curve.push_back({point.at(0).get<double>(), point.at(1).get<double>()});
  }
  if (training.run.curve.empty()) throw Error(ErrorCode::data, "a curve without points");
  VirtualReport& report = training.report;
  report.steps = json.at("steps").get<uint64_t>();
  report.compute_seconds = json.at("compute_seconds").get<double>();
  report.encode_seconds = json.at("encode_seconds").get<double>();
  report.decode_seconds = json.at("decode_seconds").get<double>();
  report.density = json.at("density").get<double>();
  report.message_bytes = json.at("message_bytes").get<double>();
  return training;
}

}  // namespace

KeptTrainings::KeptTrainings(std::string folder) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) throw_io_error("make the folder for trainings", folder_, error.value());
}

std::string KeptTrainings::path_of(const std::string& facts) const {
  const std::string name = fmt::format("{:016x}.json", XXH3_64bits(facts.data(), facts.size()));
  return (std::filesystem::path(folder_) / name).string();
}

std::optional<StudyTraining> KeptTrainings::find(const std::string& facts) const {
  if (folder_.empty()) return std::nullopt;
  const std::string path = path_of(facts);
  std::ifstream file(path);
  if (!file) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  try {
    const Json json = Json::parse(text);
    if (json.at("facts").get<std::string>() != facts) return std::nullopt;
    return from_json(json);
  } catch (const std::exception&) {
    throw Error(ErrorCode::data, "this is no training of a study, or is damaged", path, "remove it");
  }
}

void KeptTrainings::keep(const std::string& facts, const StudyTraining& training) const {
  if (folder_.empty()) return;
  OutputFile file(path_of(facts));
  file.write(to_json(facts, training).dump(1) + "\n");
  file.commit();
}

}  // namespace coppice
