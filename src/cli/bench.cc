// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <ctime>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "data/data.h"
#include "exec/session.h"
#include "formats/format.h"
#include "io/sink.h"

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

/// Processor time of all threads: on a machine that others use, it says more than the clock.
double processor_time() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

struct Times {
  double first = 0, median = 0, p99 = 0, best = 0, processor = 0;  // processor: the least of one run; 0 where a run is too short to tell
};

/// Runs until so many seconds have gone by, at least five times.
Times times_of(const Session& session, const std::vector<Tensor>& inputs, const std::vector<std::string>& outputs, double seconds) {
  Times out;
  std::vector<double> all;
  std::vector<Tensor> answers;
  const double begin = now();
  while (all.size() < 5 || (now() - begin < seconds && all.size() < 200'000)) {
    const double spent = all.empty() || all[0] > 1e-4 ? processor_time() : 0, t = now();
    session.run_into(inputs, answers, outputs);
    all.push_back(now() - t);
    if (spent > 0 && all[0] > 1e-4 && all.size() > 1) out.processor = std::min(out.processor > 0 ? out.processor : 1e9, processor_time() - spent);
  }
  out.first = all[0];
  std::sort(all.begin(), all.end());
  out.best = all[0];
  out.median = all[all.size() / 2];
  out.p99 = all[std::min(all.size() - 1, all.size() * 99 / 100)];
  return out;
}

/// What one kind of operator takes in one run of the batch.
struct OperatorTime {
  std::string op;
  std::size_t steps = 0;
  double seconds = 0;
};

std::vector<OperatorTime> profile(const Session& session, const std::vector<Tensor>& inputs, const std::vector<std::string>& outputs, double seconds) {
  std::vector<StepTime> steps, best;
  std::vector<Tensor> answers;
  const double begin = now();
  // Of each step the best of several runs: other work on the machine only ever adds.
  for (int run = 0; run < 3 || (now() - begin < seconds && run < 1000); ++run) {
    for (StepTime& step : steps) step.seconds = 0;
    session.run_into(inputs, answers, outputs, &steps);
    if (best.size() != steps.size()) best = steps;
    for (std::size_t i = 0; i < steps.size(); ++i) best[i].seconds = std::min(best[i].seconds, steps[i].seconds);
  }
  std::vector<OperatorTime> out;
  for (const StepTime& step : best) {
    auto at = std::ranges::find(out, step.op, &OperatorTime::op);
    if (at == out.end()) at = out.insert(out.end(), {step.op, 0, 0});
    ++at->steps;
    at->seconds += step.seconds;
  }
  std::ranges::sort(out, std::greater(), &OperatorTime::seconds);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

/// A bar for each operator, as SVG.
std::string bars(const std::string& title, const std::vector<OperatorTime>& times) {
  constexpr int kRow = 22, kLeft = 190, kWidth = 460, kTop = 40;
  double total = 0, most = 0;
  for (const OperatorTime& t : times) total += t.seconds, most = std::max(most, t.seconds);
  const int height = kTop + kRow * static_cast<int>(times.size()) + 12;
  std::string out = format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n", kLeft + kWidth + 170, height);
  out += format("<text x=\"10\" y=\"22\" font-size=\"14\">{}: {:.3f} ms a run</text>\n", escaped(printable(title)), total * 1e3);
  int y = kTop;
  for (const OperatorTime& t : times) {
    const double width = most > 0 ? t.seconds / most * kWidth : 0;
    out += format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{} x {}</text><rect x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"{}\" fill=\"#4878a8\"/>", kLeft - 8, y + 14, escaped(printable(t.op, 24)), t.steps, kLeft, y + 2, width, kRow - 6);
    out += format("<text x=\"{:.1f}\" y=\"{}\">{:.3f} ms, {:.1f} %</text>\n", kLeft + width + 6, y + 14, t.seconds * 1e3, total > 0 ? t.seconds / total * 100 : 0.0);
    y += kRow;
  }
  return out + "</svg>\n";
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
  Part part = options.part;
  part.outputs = options.outputs;
  const auto model = std::make_shared<const Model>(read_model(source, part));
  const double load = now() - t0;
  const std::uint64_t load_kib = status_kib("VmHWM:");
  const std::vector<Tensor> batch = options.input.empty() ? zeros(model->signature, 1000) : read_inputs(options.input, model->signature);
  const std::int64_t rows = batch.empty() || batch[0].rank() == 0 ? 0 : batch[0].dim(0);
  SessionOptions how;
  how.threads = options.threads;
  how.memory = options.memory;
  // A network that takes one shape only has no single row.
  const bool has_rows = rows > 1 && std::ranges::all_of(model->signature.inputs, [](const Input& i) { return !i.type.has_rank || (!i.type.shape.empty() && !i.type.shape[0].known()); });
  const std::vector<Tensor> single = has_rows ? first_rows(batch, 1) : batch;
  std::vector<Shape> shapes;
  for (const Tensor& t : single) shapes.push_back(t.shape());
  const double planned = now();
  const Session session(model, how);
  session.make_ready(shapes, options.outputs);
  const double ready = now() - planned, begun = now();
  std::vector<Tensor> answers;
  session.run_into(single, answers, options.outputs);
  const double first = now() - begun;
  const Times one = times_of(session, single, options.outputs, options.seconds);
  const Times many = has_rows ? times_of(session, batch, options.outputs, options.seconds) : one;
  std::vector<OperatorTime> operators;
  if (options.profile || !options.plot.empty()) operators = profile(session, batch, options.outputs, options.seconds);
  if (!options.plot.empty()) {
    Sink sink(options.plot);
    sink.write(bars(options.model, operators));
    sink.commit();
  }
  if (options.json) {
    const auto json = [](const Times& t) { return nlohmann::ordered_json{{"first", t.first}, {"median", t.median}, {"p99", t.p99}, {"best", t.best}, {"processor", t.processor}}; };
    nlohmann::ordered_json out = {{"model", options.model}, {"load", load}, {"ready", ready}, {"first", first}, {"load_kib", load_kib}, {"peak_kib", status_kib("VmHWM:")}, {"threads", options.threads},
                                        {"rows", rows}, {"one_row", json(one)}, {"batch", json(many)}};
    for (const OperatorTime& t : operators) out["profile"].push_back({{"op", t.op}, {"steps", t.steps}, {"seconds", t.seconds}});
    std::printf("%s\n", out.dump(1).c_str());
    return kDone;
  }
  std::printf("%s: opened in %.2f ms, %s resident\n", options.model.c_str(), load * 1e3, human_bytes(load_kib * 1024).c_str());
  std::printf("ready in %.2f ms more, first run %.2f ms\n", ready * 1e3, first * 1e3);
  std::printf("%10s %12s %12s %12s %12s\n", "rows", "first", "median", "p99", "best");
  std::vector<std::pair<std::int64_t, Times>> lines{{has_rows ? 1 : rows, one}};
  if (has_rows) lines.emplace_back(rows, many);
  for (const auto& [n, t] : lines) {
    std::printf("%10lld %9.1f us %9.1f us %9.1f us %9.1f us\n", static_cast<long long>(n), t.first * 1e6, t.median * 1e6, t.p99 * 1e6, t.best * 1e6);
  }
  if (options.profile) {
    double total = 0;
    for (const OperatorTime& t : operators) total += t.seconds;
    std::printf("%-28s %6s %12s %8s\n", "operator", "steps", "time", "share");
    for (const OperatorTime& t : operators) std::printf("%-28s %6zu %9.1f us %6.1f %%\n", printable(t.op, 28).c_str(), t.steps, t.seconds * 1e6, total > 0 ? t.seconds / total * 100 : 0.0);
  }
  std::printf("peak memory %s\n", human_bytes(status_kib("VmHWM:") * 1024).c_str());
  return kDone;
}

}  // namespace decant::cli
