// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/hybrid_facts.h"

#include "coppice/core/error.h"

namespace coppice {

std::string hybrid_facts(const HybridOptions& options, uint32_t minibatch, size_t n_parameters) {
  HybridOptions copy = options;
  OptionTable table;
  describe(table, copy);
  std::string facts;
  for (const Option& option : table.options()) facts += option.name + " " + option.default_text + "\n";
  facts += "minibatch " + std::to_string(minibatch) + "\n";
  facts += "parameters " + std::to_string(n_parameters) + "\n";
  return facts;
}

void expect_full_groups(const HybridOptions& options, uint32_t n_workers) {
  if (options.group_size == 0 || n_workers % options.group_size == 0) return;
  throw Error(ErrorCode::usage,
              std::to_string(n_workers) + " workers do not fill groups of " + std::to_string(options.group_size));
}

void expect_overlap_possible(const HybridOptions& options, KeepsProgress keeps_progress) {
  if (options.overlap.minibatches == 0 || options.group_size == 0) return;
  if (options.overlap.minibatches > options.block_minibatches) {
    throw Error(ErrorCode::usage,
                "block_overlap is " + std::to_string(options.overlap.minibatches) + ", block is " +
                    std::to_string(options.block_minibatches),
                {}, "the exchange of a block ends before that of the next one begins");
  }
  if (keeps_progress == KeepsProgress::no) return;
  throw Error(ErrorCode::usage, "with block_overlap there is no model of all workers before the end of the training",
              {}, "block_overlap 0 for checkpoints, and for going on without workers that are lost");
}

}  // namespace coppice
