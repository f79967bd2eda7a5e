// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "data/data.h"
#include "exec/session.h"
#include "formats/format.h"

namespace decant::cli {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Rows [0, n) of each input.
std::vector<Tensor> first_rows(const std::vector<Tensor>& inputs, std::int64_t n) {
  std::vector<Tensor> out;
  for (const Tensor& t : inputs) {
    Shape shape = t.shape();
    const std::size_t row = shape[0] == 0 ? 0 : t.blob().size() / static_cast<std::size_t>(shape[0]);
    shape[0] = std::min(shape[0], n);
    out.emplace_back(t.dtype(), shape, t.blob().slice(0, row * static_cast<std::size_t>(shape[0])));
  }
  return out;
}

std::vector<Tensor> zeros(const Signature& signature, std::int64_t rows) {
  std::vector<Tensor> out;
  for (const Input& i : signature.inputs) {
    Shape shape;
    for (const Dim& d : i.type.shape) shape.push_back(d.known() ? d.value : rows);
    Tensor t(i.type.dtype, shape);
    if (i.type.dtype != DType::string) std::fill_n(const_cast<std::byte*>(t.blob().bytes.data()), t.blob().size(), std::byte{0});
    out.push_back(std::move(t));
  }
  return out;
}

struct Times {
  double first = 0, median = 0, p99 = 0, best = 0;
};

/// Runs until a second has gone by, at least five times.
Times times_of(const Session& session, const std::vector<Tensor>& inputs, const std::vector<std::string>& outputs) {
  Times out;
  std::vector<double> all;
  const double begin = now();
  while (all.size() < 5 || (now() - begin < 1.0 && all.size() < 200'000)) {
    const double t = now();
    session.run(inputs, outputs);
    all.push_back(now() - t);
  }
  out.first = all[0];
  std::sort(all.begin(), all.end());
  out.best = all[0];
  out.median = all[all.size() / 2];
  out.p99 = all[std::min(all.size() - 1, all.size() * 99 / 100)];
  return out;
}

std::uint64_t status_kib(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::stoull(line.substr(key.size() + 1));
  }
  return 0;
}

}  // namespace

int bench(const BenchOptions& options) {
  const double t0 = now();
  const Source source = Source::open(options.model, options.memory);
  const auto model = std::make_shared<const Model>(read_model(source, options.part));
  const double load = now() - t0;
  const std::uint64_t load_kib = status_kib("VmHWM:");
  const std::vector<Tensor> batch = options.input.empty() ? zeros(model->signature, 1000) : read_inputs(options.input, model->signature);
  const std::int64_t rows = batch.empty() || batch[0].rank() == 0 ? 0 : batch[0].dim(0);
  SessionOptions how;
  how.threads = options.threads;
  const Session session(model, how);
  const Times one = times_of(session, first_rows(batch, 1), options.outputs);
  const Times many = times_of(session, batch, options.outputs);
  if (options.json) {
    const auto json = [](const Times& t) { return nlohmann::ordered_json{{"first", t.first}, {"median", t.median}, {"p99", t.p99}, {"best", t.best}}; };
    const nlohmann::ordered_json out = {{"model", options.model}, {"load", load}, {"load_kib", load_kib}, {"peak_kib", status_kib("VmHWM:")}, {"threads", options.threads},
                                        {"rows", rows}, {"one_row", json(one)}, {"batch", json(many)}};
    std::printf("%s\n", out.dump(1).c_str());
    return kDone;
  }
  std::printf("%s: opened in %.2f ms, %s resident\n", options.model.c_str(), load * 1e3, human_bytes(load_kib * 1024).c_str());
  std::printf("%10s %12s %12s %12s %12s\n", "rows", "first", "median", "p99", "best");
  for (const auto& [n, t] : {std::pair{std::int64_t{1}, one}, std::pair{rows, many}}) {
    std::printf("%10lld %9.1f us %9.1f us %9.1f us %9.1f us\n", static_cast<long long>(n), t.first * 1e6, t.median * 1e6, t.p99 * 1e6, t.best * 1e6);
  }
  std::printf("peak memory %s\n", human_bytes(status_kib("VmHWM:") * 1024).c_str());
  return kDone;
}

}  // namespace decant::cli
