// The verb quantise: what each word length costs, and the network in the chosen one.
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/atomic_file.h"
#include "core/report/html.h"

#include "apps/common/cli/context.h"
#include "apps/fenet/data/recordings.h"
#include "apps/fenet/hardware/quantise_sweep.h"
#include "apps/fenet/run/run_access.h"
#include "apps/fenet/verbs/verbs.h"

#include <cmath>
#include <filesystem>

namespace thimble::fenet {

using text::cat;

namespace {

namespace fs = std::filesystem;

double tolerance_of(const app::Context& context) {
  double value = 0;
  if (!text::parse(context.flag("--tolerance"), value) || value < 0 || value > 1)
    throw Error(ErrorKind::usage, "the tolerance must be a share from 0 to 1", {"", 0, 0, "--tolerance"},
                "--tolerance 0.02 allows 2 %");
  return value;
}

/// Counts warnings in place of showing each: coarse formats make features constant, hundreds of times.
class CountedWarnings {
 public:
  CountedWarnings() {
    former_ = log::set_sink([this](log::Level level, std::string_view) { count_ += level == log::Level::warning; });
  }
  ~CountedWarnings() { log::set_sink(std::move(former_)); }
  CountedWarnings(const CountedWarnings&) = delete;
  CountedWarnings& operator=(const CountedWarnings&) = delete;
  std::int64_t count() const { return count_; }

 private:
  log::Sink former_;
  std::int64_t count_ = 0;
};

std::vector<QuantisedScore> swept(const app::Context& context, const HardwareSubject& subject,
                                  const std::vector<Day>& days) {
  report::ProgressOptions options;
  options.mode = context.progress();
  options.unicode = report::utf8_locale();
  report::Progress progress(options);
  std::int64_t formats = 0, done = 0;
  for (const std::int64_t wl : subject.settings.quant.word_lengths) formats += std::max<std::int64_t>(wl - 2, 0);
  const std::int64_t all = formats * static_cast<std::int64_t>(days.size());
  progress.begin("judging", static_cast<double>(all));
  std::int64_t constant = 0;
  std::vector<QuantisedScore> scores;
  {
    const CountedWarnings warnings;
    scores = quantise_sweep(subject, days, [&] {
      ++done;
      progress.update(static_cast<double>(done),
                      {{report::Part::counter, "format", cat(done, "/", all), "", cat(done, "/", all)}});
    });
    constant = warnings.count();
  }
  progress.end();
  if (constant > 0)
    log::note(constant, " times a coarse format left channels with fewer features than the reduction keeps");
  return scores;
}

/// The network in the format of the settings; the best of several draws if it is rounded at random.
QuantisedNetwork chosen_network(app::Context& context, const HardwareSubject& subject) {
  if (subject.settings.quant.rounding != "stochastic") return subject.quantised();
  const Recordings recordings = load_recordings(subject.settings);
  const std::vector<Day>& days = recordings.dev.empty() ? recordings.train : recordings.dev;
  const Protocol protocol = rounded_protocol(quantised_protocol(subject), subject.settings.quant);
  const auto score = [&](const QuantisedNetwork& network) {
    double sum = 0, count = 0;
    for (const Day& day : days)
      for (const Session& session : day.sessions) {
        const auto metrics =
            judge(quantised_extract(network, *session.segments), session.segments->channels(), session.labels, protocol)
                .metrics;
        sum += metrics.at("pearsonr2-xy-normed");
        count += 1;
      }
    return sum / count;
  };
  BestDraw best = best_draw(subject.name, subject.architecture, subject.weights, subject.settings.quant,
                            static_cast<std::uint64_t>(subject.settings.seed), score);
  context.result().metric("draw", static_cast<double>(best.draw));
  context.result().metric("draw_score", best.score);
  context.result().metric("nearest_score", best.nearest);
  context.result().line(cat("best of ", best.scores.size(), " stochastic roundings: ", text::fixed(best.score, 4),
                            best.draw < 0 ? ", rounding to the nearest" : cat(", draw ", best.draw),
                            "; to the nearest ", text::fixed(best.nearest, 4)));
  return std::move(best.network);
}

std::string sentence_of(const std::optional<FormatChoice>& choice, double tolerance) {
  if (!choice) return cat("no format stays within ", text::fixed(100 * tolerance, 1), " % of the unquantised score");
  return cat("shortest format within ", text::fixed(100 * tolerance, 1), " %: ", choice->word_length, " bits, ",
             choice->fraction, " of them fraction: R2 ", text::fixed(choice->quantised, 4), " against ",
             text::fixed(choice->unquantised, 4));
}

void write_page(const HardwareSubject& subject, const std::vector<QuantisedScore>& scores, const std::string& sentence,
                double seconds, const fs::path& folder) {
  report::Report page;
  page.app = "thimble-fenet";
  page.name = "quantisation of " + subject.name;
  page.sentence = sentence;
  page.seconds = seconds;
  page.results = {sweep_table(scores)};
  report::FigureGroup group;
  group.heading = "Formats";
  group.text = {
      "Filters and activations are rounded to every format; reduction and decoder are fitted again behind them. Too "
      "few "
      "fraction bits lose the small filters, too few bits in front of the point saturate the late levels."};
  group.figures = sweep_figures(scores);
  page.figures = {std::move(group)};
  page.next = {{"export", cat("thimble-fenet export ", (folder / "qfe_net.h5").string())}};
  report::write_report(page, folder);
}

int run_quantise(app::Context& context) {
  const double tolerance = tolerance_of(context);
  const HardwareSubject subject = open_hardware_subject(context);
  use_threads(subject.settings);
  const std::vector<Day> days = subject_days(subject.settings);
  const fs::path folder = context.flags().out.value_or("quantisation");
  if (context.flags().dry_run) {
    context.result().line(cat("would judge ", subject.settings.quant.word_lengths.size(), " word lengths on ",
                              days.size(), " days and write ", folder.string()));
    return 0;
  }
  const std::vector<QuantisedScore> scores = swept(context, subject, days);
  const QuantisedNetwork network = chosen_network(context, subject);
  fs::create_directories(folder);
  io::atomic_replace(folder / "quantisation.csv", sweep_csv(scores));
  io::atomic_replace(folder / "qfe_net.h5", quantised_bytes(network));
  const auto choice = shortest_format(scores, tolerance);
  const std::string sentence = sentence_of(choice, tolerance);
  write_page(subject, scores, sentence, context.seconds(), folder);
  app::Result& result = context.result();
  result.print(report::plain_text(sweep_table(scores), report::utf8_locale()));
  result.line(sentence);
  if (choice) {
    result.metric("word_length", static_cast<double>(choice->word_length));
    result.metric("fraction", static_cast<double>(choice->fraction));
  }
  for (const QuantisedScore& s : scores)
    if (std::isfinite(s.quantised))
      result.metric(cat("eval/quantized/", s.day, " wl=", s.word_length, " fl=", s.fraction, "/R²"), s.quantised);
  for (const char* file : {"quantisation.csv", "qfe_net.h5", "report.html"})
    result.file(fs::path(file).stem().string(), (folder / file).string());
  result.line(cat("report: ", (folder / "report.html").string()));
  result.line(cat("next: thimble-fenet export ", (folder / "qfe_net.h5").string()));
  return 0;
}

}  // namespace

app::Verb quantise_verb() {
  app::Verb v;
  v.name = "quantise";
  v.group = "Hardware";
  v.summary = "what every word length and fraction costs, day by day; the network in the chosen format";
  v.run = run_quantise;
  v.operands = app::plain_operands("RUN|FILE|PRESET [key=value ...]", 1, 1);
  v.operands.overrides = true;
  v.flags = {{"--tolerance", "SHARE", "loss of R2 that the recommended format may cost", "0.02", {}, 0}};
  v.examples = {"thimble-fenet quantise latest", "thimble-fenet quantise weights.h5 quant.word_lengths='[8,9,10]'",
                "thimble-fenet quantise latest quant.word_length=6 quant.fraction=3 quant.rounding=stochastic"};
  v.more =
      "Writes quantisation.csv, report.html and qfe_net.h5 (the words in quant.word_length and quant.fraction) to "
      "--out. "
      "With quant.rounding=stochastic the best of quant.draws roundings on the dev days is kept, or that to the "
      "nearest "
      "if none is better; the sweep itself rounds to the nearest.";
  return v;
}

}  // namespace thimble::fenet
