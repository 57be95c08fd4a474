// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "coppice/core/options.h"
#include "coppice/data/input_stream.h"
#include "coppice/math/csr.h"

namespace coppice {

enum class WordVectorFormat { detect, text, binary };

struct WordVectorOptions {
  WordVectorFormat format = WordVectorFormat::detect;
};

void describe(OptionTable& table, WordVectorOptions& options);

/// The names of the labels 0..n_labels-1.
struct LabelNameList {
  uint32_t n_labels = 0;
  std::function<std::string(uint32_t label)> name_of;
};

/// Vectors of labels, made from vectors of words.
struct LabelVectors {
  Csr features;          ///< L x dimensions; an empty row where no word of the name has a vector
  uint32_t n_found = 0;  ///< labels with a vector
  uint64_t n_words = 0;  ///< vectors in the file
};

/// Reads a file of word vectors in the word2vec format, text or binary (compressed too), and gives each label one.
///
/// A label whose whole name is in the file ("new_york" for "New York"; as written, or in lower case) has that vector;
/// another one the mean of its name's words that are in the file. Names split at what is no letter or digit; letters
/// beyond ASCII are taken as they are. Only vectors that a name needs are kept, so the file may be larger than memory.
/// Text files may lack the header line "words dimensions" (GloVe). A word that occurs twice counts once, the first.
/// Whether a file is text or binary is told by its bytes, not by a header that may be wrong.
/// Throws `ErrorCode::data` with the line and column, or the word, at fault: a row of another length, a value that is
/// no finite number, a file that ends early; also when no label gets a vector; `ErrorCode::io`.
/// Source: Mikolov et al., word2vec, 2013 (distance.c documents the binary format by reading it).
LabelVectors read_label_vectors(InputStream stream, const LabelNameList& names, const WordVectorOptions& options = {});

/// Dense vectors as a sparse matrix; zeros are left out. Shapes: cells n x n_columns, row-major.
Csr sparse_rows(std::span<const float> cells, uint32_t n_columns);

}  // namespace coppice
