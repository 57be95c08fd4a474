// SPDX-License-Identifier: Apache-2.0
// An outside program: includes the front door only, and links what the installed package says.
#include <coppice/coppice.h>

#include <iostream>
#include <vector>

int main() {
  coppice::ThreadPool pool(2);
  coppice::CsrBuilder builder(3);
  builder.add(2, 1.0F);
  builder.end_row();
  const coppice::Csr transposed = coppice::transpose(builder.build(), pool);

  coppice::MetricsBuilder judge({}, {4, 2, 1}, 7);
  const std::vector<uint32_t> ranking{2, 0}, truth{2};
  const std::vector<float> relevance{1.0F};
  judge.add(ranking, {truth, relevance});
  std::cout << coppice::to_table(judge.build());

  try {
    coppice::MappedFile missing("/no/such/model.coppice");
    return 1;
  } catch (const coppice::Error& error) {
    std::cout << error.message() << '\n';
  }
  return transposed.n_rows() == 3 && judge.build().bins[0].at[0].precision == 100 ? 0 : 1;
}
