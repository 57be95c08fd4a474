# SPDX-License-Identifier: Apache-2.0
# What of coppice/ a prediction from text needs. What they hold beside that (training, verification), the linker drops.

# Run for every word, feature or weight of a query.
set(COPPICE_RUNTIME_KERNELS
  math/key_index.cpp
  data/tokenizer_ascii.cpp data/tokenizer.cpp data/unicode.cpp data/unicode_tables.cpp data/vectorizer.cpp
  data/vectorizer_analysis.cpp data/vectorizer_table.cpp
  rank/beam_search.cpp rank/chunk_scorer.cpp)

# Run once a query or when a model is opened.
set(COPPICE_RUNTIME_REST
  core/error.cpp core/json_text.cpp core/mapped_file.cpp core/options.cpp core/quantity.cpp
  math/key_hash.cpp math/level_hash.cpp math/packed_numbers.cpp math/pilot_hash.cpp
  data/feature_names.cpp data/label_index.cpp data/label_names.cpp data/packed_names.cpp data/passages.cpp data/row.cpp data/utf8.cpp
  data/vectorizer_options.cpp
  index/label_tree.cpp
  rank/beam_walk.cpp rank/chunk.cpp rank/level_weights.cpp rank/packed_chunk.cpp rank/post_processor.cpp rank/ranker.cpp
  tag/gazetteer.cpp tag/tag_feature_index.cpp tag/tag_features.cpp tag/tagger.cpp tag/viterbi.cpp tag/words.cpp
  model/domain_sections.cpp model/format.cpp model/format_hash.cpp model/json_section.cpp model/key_index_sections.cpp
  model/label_name_sections.cpp model/packed_name_sections.cpp model/passage_sections.cpp model/model.cpp
  model/ranker_sections.cpp model/tagger_sections.cpp model/validate.cpp model/vectorizer_sections.cpp)

# In place of libraries.
set(COPPICE_RUNTIME_OWN coppice_runtime.cpp simd_targets.cpp substitutes.cpp xxhash.cpp)
