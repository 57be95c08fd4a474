// SPDX-License-Identifier: Apache-2.0
//
// Which checkpoint workers go on from, when each of them sees only its own files.
#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include <xxhash.h>

#include "coppice/core/error.h"
#include "coppice/dist/alike.h"
#include "coppice/dist/checkpoint.h"
#include "coppice/dist/gather.h"

namespace coppice {
namespace {

constexpr const char* kBeginAnew =
    "to begin anew, remove the checkpoints or name another folder, and leave --resume out";

/// Facts without those that may be others when training goes on.
std::string lasting(const std::string& facts) {
  std::string kept;
  for (size_t at = 0; at < facts.size();) {
    const size_t end = std::min(facts.find('\n', at), facts.size() - 1) + 1;
    const std::string line = facts.substr(at, end - at);
    if (!line.starts_with("group_size ")) kept += line;
    at = end;
  }
  return kept;
}

std::string group_size_in(const std::string& facts) {
  const std::string name = "\ngroup_size ";
  const std::string text = "\n" + facts;
  const size_t at = text.find(name);
  if (at == std::string::npos) return "";
  const size_t begin = at + name.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

/// Where a training was. All workers have the same model there; a training that went on from an earlier point, with
/// other workers, has another one at the same step.
struct Point {
  uint64_t step = 0, model = 0;  ///< the latter by its hash
  auto operator<=>(const Point&) const = default;
};

/// One line of what a worker says of its files: "step model worker worker ..", "!reason", "=what differs".
struct Offer {
  std::map<Point, std::vector<uint32_t>> whole;  ///< who took part
  std::vector<std::string> broken;
  std::string refusal;     ///< why the newest whole one is of another training
  std::string group_size;  ///< of the newest whole one
};

Offer offer_of(const CheckpointFolder& folder, const std::string& facts) {
  Offer offer;
  for (const uint64_t step : folder.steps()) {
    try {
      const TrainingCheckpoint checkpoint = read_checkpoint(folder.path_of(step));
      if (checkpoint.state.report.steps != step) {
        throw Error(ErrorCode::data, "this is the checkpoint of another step", folder.path_of(step));
      }
      const auto [theirs, ours] = first_difference(lasting(checkpoint.facts), lasting(facts));
      if (theirs != ours && offer.refusal.empty()) {
        offer.refusal =
            "the checkpoint " + folder.path_of(step) + " has '" + theirs + "', this training has '" + ours + "'";
      }
      if (offer.whole.empty()) offer.group_size = group_size_in(checkpoint.facts);
      const std::vector<float>& model = checkpoint.state.parameters;
      offer.whole.emplace(Point{step, XXH3_64bits(model.data(), sizeof(float) * model.size())}, checkpoint.workers);
    } catch (const Error& error) {
      offer.broken.push_back(error.message());
    }
  }
  return offer;
}

std::string text_of(const Offer& offer) {
  std::string text = "g" + offer.group_size + "\n";
  if (!offer.refusal.empty()) text += "=" + offer.refusal + "\n";
  for (std::string reason : offer.broken) {
    std::replace(reason.begin(), reason.end(), '\n', ' ');
    text += "!" + reason + "\n";
  }
  for (const auto& [point, workers] : offer.whole) {
    text += std::to_string(point.step) + " " + std::to_string(point.model);
    for (const uint32_t worker : workers) text += " " + std::to_string(worker);
    text += "\n";
  }
  return text;
}

Offer offer_in(const std::string& text) {
  Offer offer;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end == std::string::npos ? text.size() : end + 1;
    if (line.empty()) continue;
    if (line[0] == 'g') offer.group_size = line.substr(1);
    if (line[0] == '=') offer.refusal = line.substr(1);
    if (line[0] == '!') offer.broken.push_back(line.substr(1));
    if (line[0] < '0' || line[0] > '9') continue;
    std::istringstream numbers(line);
    Point point;
    numbers >> point.step >> point.model;
    std::vector<uint32_t>& workers = offer.whole[point];
    for (uint32_t other = 0; numbers >> other;) workers.push_back(other);
  }
  return offer;
}

/// What all workers have to offer, by their numbers.
using Offers = std::map<uint32_t, Offer>;

/// Those of the point's workers who are here and have no whole file of it. Whoever wrote its file after it had noticed
/// that a worker was dead does not name it any more.
std::vector<uint32_t> missing_at(const Point& point, const Offers& offers) {
  std::vector<uint32_t> missing;
  for (const auto& [worker, offer] : offers) {
    if (offer.whole.contains(point)) continue;
    const bool all_name_it = std::all_of(offers.begin(), offers.end(), [&, number = worker](const auto& other) {
      const auto found = other.second.whole.find(point);
      return found == other.second.whole.end() ||
             std::find(found->second.begin(), found->second.end(), number) != found->second.end();
    });
    if (all_name_it) missing.push_back(worker);
  }
  return missing;
}

/// Of the same step.
bool has_other_model(const Point& point, const Offers& offers) {
  return std::any_of(offers.begin(), offers.end(), [&](const auto& offer) {
    const auto& whole = offer.second.whole;
    return std::any_of(whole.begin(), whole.end(), [&](const auto& other) {
      return other.first.step == point.step && other.first.model != point.model;
    });
  });
}

std::string listed(const std::vector<uint32_t>& numbers) {
  std::string text;
  for (const uint32_t number : numbers) text += (text.empty() ? "" : ", ") + std::to_string(number);
  return text;
}

/// The newest step that is whole on all; why newer ones are not goes to `notes`. Where there is none, a disk was lost,
/// say: the one that the fewest lack, who join the others.
std::optional<Point> choose(const Offers& offers, std::vector<std::string>& notes) {
  std::set<Point, std::greater<>> points;
  for (const auto& [worker, offer] : offers) {
    for (const auto& [point, workers] : offer.whole) points.insert(point);
    for (const std::string& reason : offer.broken) {
      notes.push_back("worker " + std::to_string(worker) + " leaves a checkpoint out: " + reason);
    }
  }
  std::optional<Point> best;
  size_t fewest = offers.size() + 1;
  for (const Point& point : points) {
    const std::vector<uint32_t> missing = missing_at(point, offers);
    if (missing.empty()) return point;
    if (missing.size() < fewest) best = point, fewest = missing.size();
    notes.push_back("the checkpoint of step " + std::to_string(point.step) + " is left out: worker " + listed(missing) +
                    " has none that is whole" + (has_other_model(point, offers) ? ", or of another model" : ""));
  }
  if (best) {
    notes.push_back("no checkpoint is whole on all workers: the one that the fewest lack is taken, of step " +
                    std::to_string(best->step));
  }
  return best;
}

/// What going on with other workers or groups than before loses.
void note_losses(const Point& point, const Offers& offers, const std::string& facts, std::vector<std::string>& notes) {
  std::vector<uint32_t> before;
  std::string group_size;
  for (const auto& [worker, offer] : offers) {
    const auto found = offer.whole.find(point);
    if (found == offer.whole.end()) continue;
    before = found->second, group_size = offer.group_size;
    break;
  }
  const auto was_there = [&](uint32_t worker) {
    return std::find(before.begin(), before.end(), worker) != before.end();
  };
  std::vector<uint32_t> gone, bereft, come;
  for (const uint32_t worker : before) {
    if (!offers.contains(worker)) gone.push_back(worker);
  }
  for (const auto& [worker, offer] : offers) {
    if (!offer.whole.contains(point)) (was_there(worker) ? bereft : come).push_back(worker);
  }
  if (!gone.empty()) {
    notes.push_back("worker " + listed(gone) +
                    " of the checkpoint is not here: what it had not sent of its gradients "
                    "(residual), and the momentum of a group that is gone as a whole, are lost; block momentum is that "
                    "of the groups that are left");
  }
  if (!bereft.empty()) {
    notes.push_back("worker " + listed(bereft) +
                    " has no file of that checkpoint: it takes the model from the others; what it had not sent of its "
                    "gradients (residual) is lost");
  }
  if (!come.empty()) notes.push_back("worker " + listed(come) + " is new: it begins without a residual");
  if (group_size != group_size_in(facts)) {
    notes.push_back("group_size was " + group_size + " and is " + group_size_in(facts) +
                    ": members of a group take the momentum of its first one");
  }
}

}  // namespace

AgreedCheckpoint agree_on_checkpoint(Transport& all, const CheckpointFolder& folder, uint32_t worker,
                                     const std::string& facts) {
  const std::vector<uint32_t> workers = gather_values(all, worker);
  const std::vector<std::string> texts = gather_texts(all, text_of(offer_of(folder, facts)));
  Offers offers;
  for (size_t rank = 0; rank < texts.size(); ++rank) offers.emplace(workers[rank], offer_in(texts[rank]));
  bool nobody_has_any = true;
  for (const auto& [other, offer] : offers) {
    if (!offer.refusal.empty()) {
      throw Error(ErrorCode::usage, "worker " + std::to_string(other) + ": " + offer.refusal, {}, kBeginAnew);
    }
    nobody_has_any = nobody_has_any && offer.whole.empty() && offer.broken.empty();
  }
  AgreedCheckpoint agreed;
  if (nobody_has_any) return agreed;
  const std::optional<Point> point = choose(offers, agreed.notes);
  if (!point) {
    std::string why;
    for (const std::string& note : agreed.notes) why += (why.empty() ? "" : "; ") + note;
    throw Error(ErrorCode::data, "no checkpoint is whole on any worker: " + why, {}, kBeginAnew);
  }
  note_losses(*point, offers, facts, agreed.notes);
  if (!offers.at(worker).whole.contains(*point)) return agreed;
  TrainingCheckpoint own = read_checkpoint(folder.path_of(point->step));
  agreed.state = std::move(own.state);
  for (const uint32_t other : own.workers) agreed.n_workers = std::max<size_t>(agreed.n_workers, other + 1);
  return agreed;
}

}  // namespace coppice
