// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/json/regular_expression.h"

#include <bitset>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/json/code_points.h"
#include "coppice/flow/json/regular_expression_nodes.h"

namespace coppice {

using regular::CharacterSet;
using regular::Node;
using regular::NodeKind;

namespace {

constexpr size_t kMostInstructions = 20'000;
/// Before the first character and after the last one: no character of Unicode.
constexpr uint32_t kNothing = UINT32_MAX;

enum class Operation : uint8_t { character, set, begin, end, word_edge, no_word_edge, split, jump, match };

struct Instruction {
  Operation operation;
  uint32_t operand = 0;  ///< the character, the number of the set, or where to go
  uint32_t other = 0;    ///< of a split: where else
};

struct FastSet {
  CharacterSet set;
  std::bitset<128> ascii;

  explicit FastSet(CharacterSet of) : set(std::move(of)) {
    for (uint32_t c = 0; c < ascii.size(); ++c) ascii[c] = set.contains(c);
  }
  bool contains(uint32_t character) const noexcept {
    return character < ascii.size() ? ascii[character] : character != kNothing && set.contains(character);
  }
};

}  // namespace

struct RegularExpression::Program {
  std::vector<Instruction> instructions;
  std::vector<FastSet> sets;

  explicit Program(const Node& node) {
    append(node);
    add(Operation::match);
  }

  uint32_t add(Operation operation, uint32_t operand = 0, uint32_t other = 0) {
    if (instructions.size() >= kMostInstructions) {
      throw Error(ErrorCode::usage, "the regular expression is longer than " + std::to_string(kMostInstructions) +
                                        " steps with its repeats written out");
    }
    instructions.push_back({operation, operand, other});
    return static_cast<uint32_t>(instructions.size() - 1);
  }
  uint32_t next() const { return static_cast<uint32_t>(instructions.size()); }

  void append(const Node& node) {
    switch (node.kind) {
      case NodeKind::empty:
        break;
      case NodeKind::character:
        add(Operation::character, node.character);
        break;
      case NodeKind::set:
        add(Operation::set, static_cast<uint32_t>(sets.size()));
        sets.emplace_back(node.set);
        break;
      case NodeKind::begin:
        add(Operation::begin);
        break;
      case NodeKind::end:
        add(Operation::end);
        break;
      case NodeKind::word_edge:
        add(Operation::word_edge);
        break;
      case NodeKind::no_word_edge:
        add(Operation::no_word_edge);
        break;
      case NodeKind::sequence:
        for (const Node& child : node.children) append(child);
        break;
      case NodeKind::choice:
        append_choice(node);
        break;
      case NodeKind::repeat:
        append_repeat(node);
        break;
    }
  }

  void append_choice(const Node& node) {
    std::vector<uint32_t> jumps;
    for (size_t i = 0; i + 1 < node.children.size(); ++i) {
      const uint32_t split = add(Operation::split, next() + 1);
      append(node.children[i]);
      jumps.push_back(add(Operation::jump));
      instructions[split].other = next();
    }
    append(node.children.back());
    for (const uint32_t jump : jumps) instructions[jump].operand = next();
  }

  void append_repeat(const Node& node) {
    const Node& child = node.children[0];
    for (uint32_t i = 0; i < node.least; ++i) {
      const uint32_t before = next();
      append(child);
      if (next() == before) return;  // nothing, however often
    }
    if (node.most == regular::kNoMost) {
      const uint32_t split = add(Operation::split, next() + 1);
      append(child);
      add(Operation::jump, split);
      instructions[split].other = next();
      return;
    }
    std::vector<uint32_t> splits;
    for (uint32_t i = node.least; i < node.most; ++i) {
      splits.push_back(add(Operation::split, next() + 1));
      append(child);
    }
    for (const uint32_t split : splits) instructions[split].other = next();
  }
};

namespace {

bool is_word(uint32_t character) {
  return character != kNothing && regular::word_characters().contains(character);
}

/// The places in the program where a match may stand, each once.
class Threads {
 public:
  explicit Threads(size_t n_instructions) : seen_at_(n_instructions, 0) {}

  void clear() {
    places_.clear();
    ++round_;
  }
  const std::vector<uint32_t>& places() const { return places_; }

  /// Adds a place, and follows it through what takes no character, between the characters `before` and `after`.
  void add(const std::vector<Instruction>& program, uint32_t place, uint32_t before, uint32_t after) {
    pending_.push_back(place);
    while (!pending_.empty()) {
      const uint32_t at = pending_.back();
      pending_.pop_back();
      if (std::exchange(seen_at_[at], round_) == round_) continue;
      const Instruction& instruction = program[at];
      switch (instruction.operation) {
        case Operation::split:
          pending_.insert(pending_.end(), {instruction.other, instruction.operand});
          break;
        case Operation::jump:
          pending_.push_back(instruction.operand);
          break;
        case Operation::begin:
          follow(at, before == kNothing);
          break;
        case Operation::end:
          follow(at, after == kNothing);
          break;
        case Operation::word_edge:
          follow(at, is_word(before) != is_word(after));
          break;
        case Operation::no_word_edge:
          follow(at, is_word(before) == is_word(after));
          break;
        default:
          places_.push_back(at);
      }
    }
  }

 private:
  void follow(uint32_t at, bool holds) {
    if (holds) pending_.push_back(at + 1);
  }

  std::vector<uint32_t> places_, pending_;
  std::vector<uint64_t> seen_at_;
  uint64_t round_ = 1;
};

}  // namespace

RegularExpression::RegularExpression(std::string_view pattern)
    : program_(std::make_unique<const Program>(regular::parse(pattern))) {}
RegularExpression::RegularExpression(RegularExpression&&) noexcept = default;
RegularExpression& RegularExpression::operator=(RegularExpression&&) noexcept = default;
RegularExpression::~RegularExpression() = default;

bool RegularExpression::matches_in(std::string_view text) const {
  const std::vector<Instruction>& program = program_->instructions;
  const bool is_anchored = program[0].operation == Operation::begin;
  Threads now(program.size()), next(program.size());
  uint32_t before = kNothing;
  for (;;) {
    const CodePoint character = text.empty() ? CodePoint{kNothing, 0, true} : first_code_point(text);
    if (!is_anchored || before == kNothing) now.add(program, 0, before, character.value);
    if (is_anchored && now.places().empty()) return false;
    next.clear();
    text.remove_prefix(character.n_bytes);
    const uint32_t after = text.empty() ? kNothing : first_code_point(text).value;
    for (const uint32_t place : now.places()) {
      const Instruction& instruction = program[place];
      if (instruction.operation == Operation::match) return true;
      const bool fits = instruction.operation == Operation::character
                            ? instruction.operand == character.value
                            : program_->sets[instruction.operand].contains(character.value);
      if (fits && character.value != kNothing) next.add(program, place + 1, character.value, after);
    }
    if (character.value == kNothing) return false;
    std::swap(now, next);
    before = character.value;
  }
}

}  // namespace coppice
