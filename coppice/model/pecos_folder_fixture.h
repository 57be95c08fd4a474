// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice {

/// A sparse matrix by columns, as scipy.sparse.csc_matrix holds it.
struct CscFixture {
  uint32_t n_rows = 0;
  std::vector<std::vector<std::pair<uint32_t, float>>> columns;
};

/// The bytes of numbers, little-endian.
template <class T>
std::string raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// An array in NumPy's format, version 1.0.
inline std::string npy_text(const std::string& type, const std::string& shape, const std::string& items) {
  std::string header = "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  const std::string magic("\x93NUMPY\x01\x00", 8);
  return magic + raw(std::vector<uint16_t>{static_cast<uint16_t>(header.size())}) + header + items;
}

/// A zip archive of members that are stored, not compressed.
inline std::string zip_text(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string zip;
  std::string directory;
  for (const auto& [name, bytes] : members) {
    const auto crc = static_cast<uint32_t>(
        crc32(0, reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<uInt>(bytes.size())));
    const auto size = static_cast<uint32_t>(bytes.size());
    const std::string common = raw(std::vector<uint16_t>{20, 0, 0, 0, 0x21}) +
                               raw(std::vector<uint32_t>{crc, size, size}) +
                               raw(std::vector<uint16_t>{static_cast<uint16_t>(name.size()), 0});
    directory += raw(std::vector<uint32_t>{0x02014B50}) + raw(std::vector<uint16_t>{20}) + common +
                 raw(std::vector<uint16_t>{0, 0, 0}) +
                 raw(std::vector<uint32_t>{0, static_cast<uint32_t>(zip.size())}) + name;
    zip += raw(std::vector<uint32_t>{0x04034B50}) + common + name + bytes;
  }
  const auto count = static_cast<uint16_t>(members.size());
  const auto start = static_cast<uint32_t>(zip.size());
  return zip + directory + raw(std::vector<uint32_t>{0x06054B50}) + raw(std::vector<uint16_t>{0, 0, count, count}) +
         raw(std::vector<uint32_t>{static_cast<uint32_t>(directory.size()), start}) + raw(std::vector<uint16_t>{0});
}

/// What scipy.sparse.save_npz writes for a CSC matrix, not compressed.
inline std::string npz_text(const CscFixture& matrix) {
  std::vector<int32_t> indptr{0};
  std::vector<int32_t> indices;
  std::vector<float> data;
  for (const auto& column : matrix.columns) {
    for (const auto& [row, value] : column) {
      indices.push_back(static_cast<int32_t>(row));
      data.push_back(value);
    }
    indptr.push_back(static_cast<int32_t>(indices.size()));
  }
  const auto vector_shape = [](size_t n) { return "(" + std::to_string(n) + ",)"; };
  return zip_text(
      {{"indices.npy", npy_text("<i4", vector_shape(indices.size()), raw(indices))},
       {"indptr.npy", npy_text("<i4", vector_shape(indptr.size()), raw(indptr))},
       {"format.npy", npy_text("|S3", "()", "csc")},
       {"shape.npy",
        npy_text("<i8", "(2,)", raw(std::vector<int64_t>{matrix.n_rows, static_cast<int64_t>(matrix.columns.size())}))},
       {"data.npy", npy_text("<f4", vector_shape(data.size()), raw(data))}});
}

/// A scratch folder in which tests write what PECOS would have written, byte by byte.
class PecosFolder {
 public:
  PecosFolder() {
    static int count = 0;
    root_ = std::filesystem::temp_directory_path() /
            ("coppice-pecos-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directories(root_);
  }
  ~PecosFolder() { std::filesystem::remove_all(root_); }
  PecosFolder(const PecosFolder&) = delete;
  PecosFolder& operator=(const PecosFolder&) = delete;

  std::string operator/(std::string_view name) const { return (root_ / name).string(); }

  void write(std::string_view name, std::string_view text) const {
    std::filesystem::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name, std::ios::binary) << text;
  }

  /// Two levels, 4 features and a bias of value 2, labels 1 and 3 in the first cluster, 0 and 2 in the second.
  void write_ranker(const std::string& post_processor = "l3-hinge") const {
    write("model/param.json", R"({"__meta__": {"class_fullname": "pecos.xmc.xlinear.model###XLinearModel"}})");
    write("model/ranker/param.json",
          R"({"model": "HierarchicalMLModel", "depth": 2, "nr_features": 4, "nr_codes": 2, "nr_labels": 4})");
    write_level("model/ranker/0.model", R"("nr_labels": 2, "nr_codes": 1)", post_processor);
    write("model/ranker/0.model/C.npz", npz_text({2, {{{0, 1}, {1, 1}}}}));
    write("model/ranker/0.model/W.npz", npz_text({5, {{{0, 0.5F}, {4, 0.25F}}, {{1, -1.0F}, {2, 0.75F}}}}));
    write_level("model/ranker/1.model", R"("nr_labels": 4, "nr_codes": 2)", post_processor);
    write("model/ranker/1.model/C.npz", npz_text({4, {{{1, 1}, {3, 1}}, {{0, 1}, {2, 1}}}}));
    write("model/ranker/1.model/W.npz",
          npz_text(
              {5,
               {{{0, 1.0F}, {3, 0.0F}}, {{1, 0.5F}, {2, -0.5F}}, {{4, -0.125F}}, {{2, 1.5F}, {3, 0.25F}, {4, 0.5F}}}}));
  }

  void write_level(const std::string& folder, const std::string& counts, const std::string& post_processor) const {
    write(folder + "/param.json", R"({"model": "MLModel", "nr_features": 4, "bias": 2.0, )" + counts +
                                      R"(, "pred_kwargs": {"only_topk": 20, "post_processor": ")" + post_processor +
                                      R"("}})");
  }

  /// Words "window", "manager", "Fenêtre,"; and "window manager".
  void write_tfidf() const {
    write("tfidf/config.json", R"({"type": "tfidf", "kwargs": {"ngram_range": [1, 2]}})");
    write("tfidf/meta.json", R"({"kwargs": {"norm_p": 2, "num_base_vect": 1}, "type": "tfidf"})");
    write("tfidf/0.base/tokenizer/config.json", R"({"token_type": 10})");
    write("tfidf/0.base/tokenizer/vocab.txt", "3\n2\twindow\n0\tFen\xC3\xAAtre,\n1\tmanager\n");
    write("tfidf/0.base/vectorizer/config.json",
          R"({"type": "tfidf", "kwargs": {"add_one_idf": false, "binary": false, "keep_frequent_feature": true,
              "max_df_cnt": -1, "max_df_ratio": 1.0, "max_feature": 0, "max_length": -1, "min_df_cnt": 0,
              "min_df_ratio": 0.0, "ngram_range": [1, 2], "norm_p": "l2", "smooth_idf": true, "sublinear_tf": false,
              "use_idf": true}})");
    write("tfidf/0.base/vectorizer/tfidf-model.txt",
          "4\n3\t3.000000\t2\t2 1\n0\t0.500000\t1\t2\n2\t2.000000\t1\t0\n1\t1.250000\t1\t1\n");
  }

 private:
  std::filesystem::path root_;
};

}  // namespace coppice
