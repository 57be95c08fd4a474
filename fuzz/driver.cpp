// SPDX-License-Identifier: Apache-2.0
//
// Runs a fuzz target where the compiler has no libFuzzer, so that the tests run every target everywhere:
//
//   fuzz_NAME [-runs=N] [-seconds=S] [-seed=N] [-crash=PATH] [FILE or FOLDER]...
//
// gives the target each file, then N mutations of them. The same arguments give the same inputs; after S seconds of
// processor time it stops early, which a build with sanitizers may need. Inputs run in a child process: when it dies of
// one, or takes too long or too much memory over it, the input is written to PATH and the exit status is 1. PATH as the
// only FILE, with -runs=0, runs that input again.
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fuzz/mutation.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" __attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t most,
                                                                unsigned int seed);

namespace coppice::fuzz {
namespace {

constexpr size_t kMostBytes = size_t{1} << 16;
constexpr int kMostSecondsPerInput = 20;
constexpr long kMostResidentKb = 3L << 20;
constexpr int kTooMuchMemory = 77;

struct Arguments {
  uint64_t runs = 10'000;
  double seconds = 3;
  uint64_t seed = 1;
  std::string crash_path = "crash";
  std::vector<std::string> paths;
};

Arguments parse(int count, char** values) {
  Arguments arguments;
  for (int i = 1; i < count; ++i) {
    const std::string_view text = values[i];
    const std::string value(text.substr(std::min(text.find('=') + 1, text.size())));
    if (text.starts_with("-runs=")) {
      arguments.runs = std::stoull(value);
    } else if (text.starts_with("-seconds=")) {
      arguments.seconds = std::stod(value);
    } else if (text.starts_with("-seed=")) {
      arguments.seed = std::stoull(value);
    } else if (text.starts_with("-crash=")) {
      arguments.crash_path = value;
    } else if (text.starts_with("-")) {
      throw std::invalid_argument("unknown argument " + std::string(text));
    } else {
      arguments.paths.emplace_back(text);
    }
  }
  return arguments;
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot open " + path.string());
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The files, and those in the folders in the order of their names. A folder that does not exist has none.
std::vector<Bytes> read_corpus(const std::vector<std::string>& paths) {
  std::vector<std::filesystem::path> files;
  for (const std::string& path : paths) {
    if (std::filesystem::is_directory(path)) {
      const size_t first = files.size();
      for (const auto& entry : std::filesystem::directory_iterator(path)) files.push_back(entry.path());
      std::sort(files.begin() + static_cast<std::ptrdiff_t>(first), files.end());
    } else {
      files.emplace_back(path);
    }
  }
  std::vector<Bytes> corpus;
  for (const auto& file : files) corpus.push_back(read_file(file));
  return corpus;
}

/// Memory that parent and child share: the input in work, for the parent to find when the child died of it.
class InputInWork {
 public:
  explicit InputInWork(size_t most_bytes)
      : memory_(
            ::mmap(nullptr, sizeof(Header) + most_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::runtime_error("no shared memory");
  }

  void set(const Bytes& input) {
    header()->size = input.size();
    ++header()->number;
    if (!input.empty()) std::memcpy(header() + 1, input.data(), input.size());
  }
  std::string_view bytes() const { return {reinterpret_cast<const char*>(header() + 1), header()->size}; }
  uint64_t number() const { return header()->number; }

 private:
  struct Header {
    uint64_t size;
    uint64_t number;
  };
  Header* header() const { return static_cast<Header*>(memory_); }

  void* memory_;
};

/// A block of exactly the input's size, so that the address sanitizer sees a read past its end.
void run_one(const Bytes& input, InputInWork& in_work) {
  in_work.set(input);
  const itimerval limit{{}, {kMostSecondsPerInput, 0}};
  ::setitimer(ITIMER_PROF, &limit, nullptr);
  const Bytes exact(input.begin(), input.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  if (usage.ru_maxrss > kMostResidentKb) ::_exit(kTooMuchMemory);
}

/// What LLVMFuzzerMutate, which takes no context, draws from.
Mutator*& mutator_in_use() {
  static Mutator* mutator = nullptr;
  return mutator;
}

Bytes mutation_of(const std::vector<Bytes>& corpus, Mutator& mutator) {
  Bytes input;
  if (!corpus.empty()) input = corpus[mutator.below(corpus.size())];
  if (LLVMFuzzerCustomMutator == nullptr) {
    mutator.mutate(input, kMostBytes);
    return input;
  }
  const size_t size = std::min(input.size(), kMostBytes);
  input.resize(kMostBytes);
  input.resize(LLVMFuzzerCustomMutator(input.data(), size, kMostBytes, mutator.below(UINT32_MAX)));
  return input;
}

void run_all(const Arguments& arguments, const std::vector<Bytes>& corpus, InputInWork& in_work) {
  const auto seconds = [] { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  run_one({}, in_work);
  for (const Bytes& input : corpus) run_one(input, in_work);
  Mutator mutator(arguments.seed, corpus);
  mutator_in_use() = &mutator;
  uint64_t run = 0;
  for (; run < arguments.runs && seconds() < arguments.seconds; ++run) {
    mutator.restart(arguments.seed, run);
    run_one(mutation_of(corpus, mutator), in_work);
  }
  std::printf("%zu inputs of the corpus, %llu mutations, %.2f s\n", corpus.size(), static_cast<unsigned long long>(run),
              seconds());
}

std::string reason(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    return signal == SIGPROF ? "took longer than " + std::to_string(kMostSecondsPerInput) + " s"
                             : "ended the target by signal " + std::to_string(signal);
  }
  if (WEXITSTATUS(status) == kTooMuchMemory) return "took more than 3 GiB of memory";
  return "ended the target with status " + std::to_string(WEXITSTATUS(status));
}

int report(int status, const InputInWork& in_work, const std::string& crash_path) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
  const std::string_view bytes = in_work.bytes();
  std::ofstream(crash_path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  std::fprintf(stderr, "input %llu (%zu bytes) %s; it is in %s\n", static_cast<unsigned long long>(in_work.number()),
               bytes.size(), reason(status).c_str(), std::filesystem::absolute(crash_path).c_str());
  return 1;
}

int drive(int count, char** values) {
  const Arguments arguments = parse(count, values);
  const std::vector<Bytes> corpus = read_corpus(arguments.paths);
  size_t most_bytes = kMostBytes;
  for (const Bytes& input : corpus) most_bytes = std::max(most_bytes, input.size());
  InputInWork in_work(most_bytes);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    run_all(arguments, corpus, in_work);
    std::exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return report(status, in_work, arguments.crash_path);
}

}  // namespace
}  // namespace coppice::fuzz

/// For custom mutators, as libFuzzer has it.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t most) {
  coppice::fuzz::Bytes input(data, data + size);
  coppice::fuzz::mutator_in_use()->mutate(input, most);
  if (!input.empty()) std::memcpy(data, input.data(), input.size());
  return input.size();
}

int main(int count, char** values) {
  try {
    return coppice::fuzz::drive(count, values);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
