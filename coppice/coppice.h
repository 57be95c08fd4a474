// SPDX-License-Identifier: Apache-2.0
#pragma once

// The front door of libcoppice: the public headers in the order in which the data travels. What is not reached from
// here, or from flow.h (workflows), is not installed.

// core: things that know no mathematics
#include "coppice/core/error.h"        // the one exception, with place and hint, and its exit codes
#include "coppice/core/job.h"          // the threads of long work, and who hears of it
#include "coppice/core/mapped_file.h"  // a file in memory without reading it
#include "coppice/core/options.h"      // options described once, for the command line, JSON and documents
#include "coppice/core/output_file.h"  // a file that appears whole or not at all
#include "coppice/core/parallel.h"     // a fixed crew of threads; results do not depend on their number
#include "coppice/core/progress.h"     // how far the work is, and how to stop it
#include "coppice/core/quantity.h"     // counts and sizes as people read and write them
#include "coppice/core/random.h"       // small seeded random streams

// math: arrays and sparse rows
#include "coppice/math/array.h"  // a span and what keeps its storage alive
#include "coppice/math/csr.h"    // sparse matrices by rows

// data: text -> features, names
#include "coppice/data/domains_json.h"    // the domains that labels belong to, from a file of theirs
#include "coppice/data/example_writer.h"  // rows back to a file
#include "coppice/data/examples.h"        // rows as read: texts, features, labels, weights
#include "coppice/data/label_domains.h"   // label numbers -> domains
#include "coppice/data/label_index.h"     // names -> label numbers, while reading
#include "coppice/data/label_names.h"     // label numbers -> names, and back
#include "coppice/data/npz.h"             // matrices of SciPy and NumPy
#include "coppice/data/passage_reader.h"  // passages to search, long ones in parts
#include "coppice/data/passages.h"        // label numbers -> the texts they stand for
#include "coppice/data/read_options.h"    // formats, and what was repaired on the way
#include "coppice/data/reader.h"          // opens any of the formats, block by block
#include "coppice/data/vectorizer.h"      // text -> sparse features: n-grams, tf-idf, hashing

// index: labels -> tree
#include "coppice/index/indexer.h"          // balanced clustering, level by level
#include "coppice/index/label_embedding.h"  // a vector for each label
#include "coppice/index/label_tree.h"       // the tree itself
#include "coppice/index/tree_export.h"      // as JSON, as a drawing
#include "coppice/index/tree_import.h"      // a tree of the user's own
#include "coppice/index/word_vectors.h"     // label features from word vectors

// rank: train level by level, match and rank
#include "coppice/rank/batch_prediction.h"  // many queries at once
#include "coppice/rank/beam_search.h"       // one query
#include "coppice/rank/bm25.h"              // weights without training
#include "coppice/rank/bounding_ranker.h"   // a ranker of given weights
#include "coppice/rank/ensemble.h"          // several models, one answer
#include "coppice/rank/explain.h"           // why a label was ranked where it was
#include "coppice/rank/label_filter.h"      // only these labels, not those
#include "coppice/rank/label_scorer.h"      // the scores of given labels, without a search
#include "coppice/rank/matcher.h"           // where to look: beam search, or a matcher of the user's own
#include "coppice/rank/metrics.h"           // P, R, nDCG, PSP, MRR, coverage, F1; by label frequency
#include "coppice/rank/ranker_training.h"   // the weights of all levels

// tag: the slots of a text
#include "coppice/tag/bio.h"              // files of tags
#include "coppice/tag/gazetteer.h"        // lists of phrases that tell slots
#include "coppice/tag/slot_metrics.h"     // precision, recall, F1 of slots
#include "coppice/tag/tagger.h"           // text -> slots
#include "coppice/tag/tagger_training.h"  // the weights of a tagger

// model: one file
#include "coppice/model/answer.h"         // text in, named scores out
#include "coppice/model/compress.h"       // the same in few bits
#include "coppice/model/import_pecos.h"   // a PECOS model folder becomes a Model
#include "coppice/model/inspect.h"        // what is in a model file
#include "coppice/model/model.h"          // load, save, verify
#include "coppice/model/retrieve.h"       // text in, passages out
#include "coppice/model/understanding.h"  // text in, domain, intent and slots out

// train: read -> vectorize -> index -> rank -> save
#include "coppice/train/annotation.h"       // a model's answers become labels to train on
#include "coppice/train/compress_search.h"  // the smallest model within a budget of loss
#include "coppice/train/compress_size.h"    // the model with as many weights as a file has room for
#include "coppice/train/estimate.h"         // what a training will cost, before it is paid for
#include "coppice/train/evaluate.h"         // a model judged on a file
#include "coppice/train/memory_limit.h"     // and a refusal when it is too much
#include "coppice/train/passage_index.h"    // passages become a Model, without training
#include "coppice/train/pipeline.h"         // a training set becomes a Model
#include "coppice/train/refit.h"            // prune a model, fit what stays
#include "coppice/train/tagger_model.h"     // a tagger joins a model
#include "coppice/train/training_set.h"     // files become a training set
#include "coppice/train/validation.h"       // held-out figures that a model keeps

// dist: many workers train together
#include "coppice/dist/checkpoint.h"          // where a training by gradients leaves its state
#include "coppice/dist/connect.h"             // workers of several processes find one another
#include "coppice/dist/hybrid.h"              // compressed gradients inside groups, block momentum between them
#include "coppice/dist/in_process.h"          // workers that are threads
#include "coppice/dist/launcher.h"            // starts workers on this machine
#include "coppice/dist/link_check.h"          // how fast they talk
#include "coppice/dist/network_model.h"       // what training takes on a network, before it is there
#include "coppice/dist/surviving_training.h"  // training that goes on when workers are lost
#include "coppice/dist/tree_over_ranks.h"     // one ranker trained by all of them
#include "coppice/dist/tree_over_ranks_predictions.h"  // rows predicted by all of them
