// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/resume_point.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/gather.h"

namespace coppice {
namespace {

uint64_t hash_of(std::span<const float> values) {
  return XXH3_64bits(values.data(), values.size_bytes());
}

/// A state as others hear of it.
struct StateNote {
  uint64_t is_there = 0, steps = 0, next_minibatch = 0;
  uint64_t parameters_hash = 0, velocity_hash = 0;
  uint64_t part_begin = 0, part_size = 0;
};
struct EndNote {
  uint64_t is_there = 0, steps = 0, parameters_hash = 0;
};
struct Note {
  uint64_t worker = 0;
  StateNote start, next;
  EndNote end;
  uint64_t dealt_to = 0;
};

StateNote note_of(const std::optional<HybridState>& state) {
  if (!state) return {};
  return {1,
          state->report.steps,
          state->next_minibatch,
          hash_of(state->parameters),
          hash_of(state->velocity),
          state->part_begin,
          state->model.size()};
}

void expect_shape(const std::optional<HybridState>& state, const ResumeShape& shape) {
  if (!state) return;
  const auto expect = [](size_t got, size_t expected, const char* what) {
    if (got == expected) return;
    throw Error(ErrorCode::data, "a training to go on with has " + std::to_string(got) + " " + what + ", expected " +
                                     std::to_string(expected));
  };
  expect(state->parameters.size(), shape.n_parameters, "parameters");
  expect(state->velocity.size(), shape.n_velocity, "elements of momentum");
  expect(state->residual.size(), shape.n_parameters, "elements of a residual");
  expect(state->delta.size(), state->model.size(), "elements of block momentum");
  check(state->part_begin <= shape.n_parameters && state->model.size() <= shape.n_parameters - state->part_begin,
        "block momentum is of parameters that are there");
}

/// Of all workers, what they have for the beginning of one block.
class Assembly {
 public:
  Assembly(Transport& all, const WorkerGroups& groups, HybridProgress own, const ResumeShape& shape)
      : all_(all), groups_(groups), own_(std::move(own)), shape_(shape) {
    expect_shape(own_.start, shape);
    expect_shape(own_.next, shape);
    Note note{own_.worker, note_of(own_.start), note_of(own_.next), {}, own_.dealing ? own_.dealing->n_workers : 0};
    if (own_.end) note.end = {1, own_.end->steps, hash_of(own_.end->parameters)};
    notes_ = gather_values(all_, note);
  }

  ResumePoint agree() {
    ResumePoint point;
    choose_step();
    point.is_new = donor_ == all_.size();
    if (point.is_new) return point;
    expect_same_parameters();
    take_own_state(point);
    keep_ends(point);
    give_parameters(point.state);
    give_velocity(point);
    gather_block_momentum(point);
    return point;
  }

 private:
  /// The last step that all have a state of who have any; `chosen_` by rank: the state, or none of one who joins.
  void choose_step() {
    uint64_t step = 0, least_next = ~uint64_t{0};
    bool all_have_next = true;
    for (const Note& note : notes_) {
      if (note.start.is_there == 0) continue;
      step = std::max(step, note.start.steps);
      all_have_next = all_have_next && note.next.is_there != 0;
      least_next = std::min(least_next, note.next.steps);
    }
    if (all_have_next && least_next != ~uint64_t{0}) step = std::max(step, least_next);
    donor_ = all_.size();
    for (uint32_t rank = 0; rank < all_.size(); ++rank) {
      const Note& note = notes_[rank];
      const bool has_start = note.start.is_there != 0 && note.start.steps == step;
      const bool has_next = note.next.is_there != 0 && note.next.steps == step;
      chosen_.push_back(has_start ? &note.start : has_next ? &note.next : nullptr);
      if (chosen_.back() == nullptr && note.start.is_there != 0) {
        throw Error(ErrorCode::data, "worker " + std::to_string(note.worker) + " is at step " +
                                         std::to_string(note.start.steps) + ", others are at step " +
                                         std::to_string(step));
      }
      if (chosen_.back() != nullptr && donor_ == all_.size()) donor_ = rank;
    }
  }

  bool joins(uint32_t rank) const noexcept { return chosen_[rank] == nullptr; }

  void expect_same_parameters() const {
    const StateNote& first = *chosen_[donor_];
    for (uint32_t rank = 0; rank < all_.size(); ++rank) {
      if (joins(rank)) continue;
      const StateNote& note = *chosen_[rank];
      if (note.parameters_hash == first.parameters_hash && note.next_minibatch == first.next_minibatch) continue;
      throw Error(ErrorCode::data, "worker " + std::to_string(notes_[rank].worker) + " has another model than worker " +
                                       std::to_string(notes_[donor_].worker) + " at step " +
                                       std::to_string(first.steps));
    }
  }

  void take_own_state(ResumePoint& point) {
    if (joins(all_.rank())) {
      point.state.parameters.resize(shape_.n_parameters);
      point.state.residual.resize(shape_.n_parameters);
      point.state.velocity.resize(shape_.n_velocity);
      point.state.report.steps = chosen_[donor_]->steps;
      point.state.next_minibatch = chosen_[donor_]->next_minibatch;
    } else {
      const bool is_start = chosen_[all_.rank()] == &notes_[all_.rank()].start;
      point.state = std::move(is_start ? *own_.start : *own_.next);
    }
  }

  /// Whether all that are left of a group have come to the end of the block that is to be trained.
  bool has_ended(const std::vector<uint32_t>& group) const {
    const EndNote& first = notes_[group[0]].end;
    return std::all_of(group.begin(), group.end(), [&](uint32_t rank) {
      const Note& note = notes_[rank];
      return chosen_[rank] == &note.start && note.end.is_there != 0 && note.end.steps == first.steps &&
             note.end.parameters_hash == first.parameters_hash;
    });
  }

  void keep_ends(ResumePoint& point) {
    // Who joins has no minibatches of a block that is under way.
    const bool all_are_at_start = std::all_of(notes_.begin(), notes_.end(), [&](const Note& note) {
      return chosen_[&note - notes_.data()] == &note.start && note.dealt_to > 0;
    });
    if (!all_are_at_start) return;
    if (!std::any_of(groups_.groups().begin(), groups_.groups().end(), [&](const auto& g) { return has_ended(g); })) {
      return;
    }
    point.dealing = own_.dealing;
    if (has_ended(groups_.members())) point.end = std::move(own_.end);
  }

  /// Those who join get them from the donor, and its learner's own state.
  void give_parameters(HybridState& state) {
    bool one_joins = false;
    for (uint32_t rank = 0; rank < all_.size(); ++rank) one_joins = one_joins || joins(rank);
    if (!one_joins) return;
    all_.broadcast(std::as_writable_bytes(std::span(state.parameters)), donor_);
    std::vector<float> given;
    if (all_.rank() == donor_) given = state.learner;
    const auto all = all_.all_gather(std::as_bytes(std::span(given)));
    if (!joins(all_.rank())) return;
    const auto* theirs = reinterpret_cast<const float*>(all[donor_].data());
    state.learner.assign(theirs, theirs + all[donor_].size() / sizeof(float));
  }

  /// The rank of a member that has trained, or none.
  std::optional<uint32_t> first_trained(const std::vector<uint32_t>& group) const {
    const auto found = std::find_if(group.begin(), group.end(), [&](uint32_t rank) { return !joins(rank); });
    return found == group.end() ? std::nullopt : std::optional<uint32_t>(*found);
  }

  /// Members of a group have one velocity: where they do not, that of the first one who has trained.
  void give_velocity(ResumePoint& point) {
    if (shape_.n_velocity == 0) return;
    const auto differ = [&](const std::vector<uint32_t>& group) {
      return std::any_of(group.begin(), group.end(), [&](uint32_t rank) {
        return joins(rank) || joins(group[0]) || chosen_[rank]->velocity_hash != chosen_[group[0]]->velocity_hash;
      });
    };
    if (!std::any_of(groups_.groups().begin(), groups_.groups().end(), differ)) return;
    std::span<const float> given;
    for (const auto& group : groups_.groups()) {
      if (differ(group) && first_trained(group) == all_.rank()) given = point.state.velocity;
    }
    const auto all = all_.all_gather(std::as_bytes(given));
    for (const auto& group : groups_.groups()) {
      if (!differ(group)) continue;
      const std::optional<uint32_t> first = first_trained(group);
      if (!first) {
        point.losses.push_back("the momentum of the group of worker " + std::to_string(notes_[group[0]].worker) +
                               " begins at 0: none of those who had it is there");
      } else if (&group == &groups_.members()) {
        check(all[*first].size() == shape_.n_velocity * sizeof(float), "the momentum of all parameters");
        std::memcpy(point.state.velocity.data(), all[*first].data(), all[*first].size());
      }
    }
  }

  /// Each part from the first worker who has it.
  void gather_block_momentum(ResumePoint& point) {
    std::map<uint64_t, uint32_t> holders;  // by the beginning of the part
    for (uint32_t rank = 0; rank < all_.size(); ++rank) {
      if (!joins(rank) && chosen_[rank]->part_size > 0) holders.emplace(chosen_[rank]->part_begin, rank);
    }
    if (holders.empty()) return;
    std::vector<float> own;
    const auto found = holders.find(point.state.part_begin);
    if (!joins(all_.rank()) && found != holders.end() && found->second == all_.rank()) {
      own = point.state.model;
      own.insert(own.end(), point.state.delta.begin(), point.state.delta.end());
    }
    const auto all = all_.all_gather(std::as_bytes(std::span(own)));
    // Where nobody has it, momentum begins anew.
    point.model = point.state.parameters;
    point.delta.assign(shape_.n_parameters, 0.0F);
    uint64_t covered_to = 0;
    const auto note_gap = [&](uint64_t to) {
      if (covered_to < to) {
        point.losses.push_back("the block momentum of parameters " + std::to_string(covered_to) + " to " +
                               std::to_string(to - 1) + " begins at 0: none of those who had it is there");
      }
    };
    for (const auto& [begin, rank] : holders) {
      const size_t bytes = chosen_[rank]->part_size * sizeof(float);
      check(all[rank].size() == 2 * bytes && begin + chosen_[rank]->part_size <= shape_.n_parameters,
            "the block momentum of the part that was named");
      std::memcpy(point.model.data() + begin, all[rank].data(), bytes);
      std::memcpy(point.delta.data() + begin, all[rank].data() + bytes, bytes);
      note_gap(begin);
      covered_to = std::max(covered_to, begin + chosen_[rank]->part_size);
    }
    note_gap(shape_.n_parameters);
  }

  Transport& all_;
  const WorkerGroups& groups_;
  HybridProgress own_;
  ResumeShape shape_;
  std::vector<Note> notes_;               ///< by rank
  std::vector<const StateNote*> chosen_;  ///< by rank
  uint32_t donor_ = 0;                    ///< the first one who has trained
};

}  // namespace

ResumePoint agree_on_resume_point(Transport& all, const WorkerGroups& groups, HybridProgress own,
                                  const ResumeShape& shape) {
  return Assembly(all, groups, std::move(own), shape).agree();
}

}  // namespace coppice
