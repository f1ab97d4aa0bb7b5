// The next row of each of some series, as a net reads it, from what is kept of the rows before; and the states that it
// moves, fetched and put back.  Written after `streaming/rows.py`, whose bits it has: this file is compiled without fused
// multiplication and addition.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

constexpr double LEAST_SPREAD = 0.02, MOST = 4.0;
constexpr int64_t FIRST_ROWS = 10;

}  // namespace

extern "C" {

struct RowsJob {
    // Sizes, as `streaming/shape.py` names them.
    int64_t channels, numbers, words, targets, futures, calendar, season, flags, since, lookback, whole, width, shown, every;
    int64_t named, inputs, parts, layers, hidden;
    const int64_t *number_places, *word_places;
    const double *fast_share, *slow_share;  // of a value in a running mean, by how many came before it
    int64_t fast_shares, slow_shares;
    const float* logarithms;  // log(1 + k)
    int64_t logarithms_known;
    // Of each series.
    int64_t *count, *unseen, *last, *when;
    const double *centre, *scale;
    double *filled, *fast, *slow, *spread, *recent;
    float *history, *raw_ring, *output, *state[2];
    const float* name;
    // Of this call.
    int64_t n;
    const int64_t *slots, *times, *calendar_rows;
    const float *raw, *calendar_table;
    float *row, *x, *before[2];
    const float* after[2];
    int64_t* due;
};

}

namespace {

double moved(double mean, double value, const double* share, int64_t shares, int64_t before) {
    return mean + (value - mean) * share[std::min(before, shares - 1)];
}

// Causal features of one row, codes of words, and the targets' spreads; where the next column lies.
float* causal(const RowsJob& j, int64_t slot, int64_t count, const double* filled, float* to) {
    double *fast = j.fast + slot * j.numbers, *slow = j.slow + slot * j.numbers, *spread = j.spread + slot * j.numbers;
    double* ring = j.recent + slot * j.season * j.numbers;
    const double* last = ring + (count + j.season - 1) % j.season * j.numbers;
    double* place = ring + count % j.season * j.numbers;  // where the value of a season ago lies, and the newest will
    for (int64_t k = 0; k < j.numbers; ++k) {
        const double value = filled[j.number_places[k]];
        fast[k] = moved(fast[k], value, j.fast_share, j.fast_shares, count);
        slow[k] = moved(slow[k], value, j.slow_share, j.slow_shares, count);
        spread[k] = moved(spread[k], std::fabs(value - slow[k]), j.slow_share, j.slow_shares, count + FIRST_ROWS);
        const double unit = std::max(spread[k], LEAST_SPREAD);
        to[k] = static_cast<float>((count < 1 ? 0.0 : value - last[k]) / unit);
        to[j.numbers + k] = static_cast<float>((value - fast[k]) / unit);
        to[2 * j.numbers + k] = static_cast<float>((value - slow[k]) / unit);
    }
    to += 3 * j.numbers;
    if (j.season > 1)
        for (int64_t k = 0; k < j.targets; ++k) {
            const double change = count < j.season ? 0.0 : filled[j.number_places[k]] - place[k];
            *to++ = static_cast<float>(change / std::max(spread[k], LEAST_SPREAD));
        }
    for (int64_t k = j.targets; k < j.numbers; ++k)
        *to++ = static_cast<float>(std::min(std::max(filled[j.number_places[k]], -MOST), MOST));
    for (int64_t k = 0; k < j.words; ++k) *to++ = static_cast<float>(filled[j.word_places[k]]);
    for (int64_t k = 0; k < j.targets; ++k) *to++ = static_cast<float>(std::max(spread[k], LEAST_SPREAD));
    for (int64_t k = 0; k < j.numbers; ++k) place[k] = filled[j.number_places[k]];
    return to;
}

// One row of the table, and what moves on with it.
void make_row(const RowsJob& j, int64_t i, float* row) {
    const int64_t slot = j.slots[i], count = j.count[slot];
    const float* raw = j.raw + i * j.channels;
    double* filled = j.filled + slot * j.channels;
    int64_t* unseen = j.unseen + slot * j.channels;
    float *seen = row + j.width - j.calendar - j.futures - j.flags, *since = seen + j.channels, *known = seen + j.flags;
    for (int64_t c = 0; c < j.channels; ++c) {
        const double scaled = (static_cast<double>(raw[c]) - j.centre[slot * j.channels + c]) / j.scale[slot * j.channels + c];
        const bool observed = std::isfinite(scaled);
        if (observed) filled[c] = scaled;
        row[c] = static_cast<float>(filled[c]);
        seen[c] = observed ? 1.0f : 0.0f;
        if (j.since) since[c] = j.logarithms[unseen[c]];
        unseen[c] = observed ? 1 : unseen[c] + 1;
    }
    if (j.season) causal(j, slot, count, filled, row + j.channels);
    for (int64_t k = 0; k < j.futures; ++k) *known++ = row[j.channels - j.futures + k];
    std::memcpy(known, j.calendar_table + j.calendar_rows[i] * j.calendar, j.calendar * sizeof(float));
    const int64_t kept = j.whole ? j.width : j.targets;
    std::memcpy(j.history + (slot * j.lookback + count % j.lookback) * kept, row, kept * sizeof(float));
    std::memcpy(j.raw_ring + (slot * j.shown + count % j.shown) * j.targets, raw, j.targets * sizeof(float));
    j.count[slot] = count + 1;
    j.last[slot] = j.when[slot * j.shown + count % j.shown] = j.times[i];
}

// What the encoder reads of one row: features, flags if it reads them, what is known, and what never changes.
void make_input(const RowsJob& j, int64_t i, const float* row) {
    float* x = j.x + i * j.inputs;
    const int64_t known = j.futures + j.calendar, features = j.width - j.channels - j.flags - known;
    const float* from = row + j.channels;
    const auto put = [&](const float* part, int64_t size) {
        std::memcpy(x, part, size * sizeof(float));
        x += size;
    };
    put(from, features);
    if (j.since) put(from + features, j.flags);
    put(row + j.width - known, known);
    put(j.name + j.slots[i] * j.named, j.named);
}

}  // namespace

extern "C" {

// Rows, inputs and states of `n` different series; how many have come to a row that is settled, listed in `due`.  Nothing is
// done, and -1 returned, where the table of logarithms is too short.
int64_t rows_advance(const RowsJob* job) {
    const RowsJob& j = *job;
    for (int64_t i = 0; j.since && i < j.n; ++i)
        for (int64_t c = 0; c < j.channels; ++c)
            if (j.unseen[j.slots[i] * j.channels + c] >= j.logarithms_known) return -1;
    int64_t due = 0;
    for (int64_t i = 0; i < j.n; ++i) {
        make_row(j, i, j.row);
        if (j.parts) make_input(j, i, j.row);
        const int64_t slot = j.slots[i];
        if (j.count[slot] % j.every == 0) j.due[due++] = slot;
        for (int64_t p = 0; p < j.parts; ++p)
            for (int64_t l = 0; l < j.layers; ++l)
                std::memcpy(j.before[p] + (l * j.n + i) * j.hidden, j.state[p] + (slot * j.layers + l) * j.hidden,
                            j.hidden * sizeof(float));
    }
    return due;
}

// States after the step, back to their series, and the top layer's as what is read out.
void rows_keep(const RowsJob* job) {
    const RowsJob& j = *job;
    for (int64_t i = 0; i < j.n; ++i) {
        const int64_t slot = j.slots[i];
        for (int64_t p = 0; p < j.parts; ++p)
            for (int64_t l = 0; l < j.layers; ++l)
                std::memcpy(j.state[p] + (slot * j.layers + l) * j.hidden, j.after[p] + (l * j.n + i) * j.hidden,
                            j.hidden * sizeof(float));
        std::memcpy(j.output + slot * j.hidden, j.state[0] + (slot * j.layers + j.layers - 1) * j.hidden,
                    j.hidden * sizeof(float));
    }
}
}
